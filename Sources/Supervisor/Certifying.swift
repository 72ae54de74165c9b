import CLinux
import Configuration
import Glibc
import IPC
import Linux

/// One of our identities with what belongs to it: its machine, its folder, and the pairs whose keys a signer may hold.
struct Identity {
    let use: CertificateUse
    let purpose: KeyPurpose
    /// The setting that names the folder, and the folder.
    let setting: String
    let directory: String
    var machine: IdentityMachine
    /// By the signer's number of the key.
    var pairs: [UInt32: CertificatePair] = [:]
    /// What a proxy has shown, and new ones begin with; 0 = none yet.
    var proven: UInt32 = 0
    /// Numbers that are in force no more, with the time until handshakes may still run with them, in milliseconds.
    var retiring: [(key: UInt32, until: Int64)] = []
    /// When the end of the certificate was last warned of, in days before it.
    var warnedDays: Int64 = .max

    var files: [String] { ["\(directory)/tls.crt", "\(directory)/tls.key"] }
}

/// What the supervisor holds of certificates.
struct HeldCertificates {
    var identities: [Identity] = []
    var authorities: [CertificateUse: Authorities] = [:]
    var watch = CertificateWatch(files: [])
    var nextNumber: UInt32 = 1

    /// Keys that are kept for handshakes under way, at most, for each identity: a signer holds sixteen in all.
    static let mostRetiring = 5

    /// Every certificate that must be there is, with somebody to sign with its key.
    var isUsable: Bool { identities.allSatisfy(\.machine.isUsable) }

    /// What /proc calls the private keys that are open here.
    var keyFiles: [String] {
        identities.flatMap { $0.pairs.values }.filter { $0.key >= 0 }.compactMap {
            Files.link("/proc/self/fd/\($0.key)")
        }
    }

    var files: [String] { identities.flatMap(\.files) + authorities.values.map(\.file) }

    mutating func number() -> UInt32 {
        defer { nextNumber &+= 1 }
        return nextNumber
    }

    /// A reading of the clock, in seconds since 1970.
    static func clock() -> Int64 { Int64(time(nil)) }
}

/// Certificates and keys: from their folders to signer and proxies, at the start and whenever they change.
extension Supervisor {
    /// Reads what doesn't need a signer, and begins to watch. Not nil: the start ends.
    func beginCertificates() -> ExitCode? {
        let settings = configuration.settings
        if settings.secureProxy {
            certificates.identities.append(
                Identity(
                    use: .serving, purpose: .server, setting: "--cert-path", directory: trimmed(settings.certPath),
                    machine: IdentityMachine(mayMakeOwn: !settings.requireCertificate)))
        }
        if configuration.showsUpstreamsACertificate {
            certificates.identities.append(
                Identity(
                    use: .upstream, purpose: .client, setting: "--upstream-cert-path",
                    directory: trimmed(settings.upstreamCertPath), machine: IdentityMachine(mayMakeOwn: false)))
        }
        do throws(CertificateFiles.Mistake) {
            try beginAuthorities()
        } catch {
            log.write(.error, "not started, because those who vouch for others are not known: \(error.text)")
            return .configuration
        }
        certificates.watch = CertificateWatch(files: certificates.files)
        if certificates.watch.fd >= 0 {
            do throws(Errno) {
                try poll.add(certificates.watch.fd, CL_IN, token: UInt64(certificates.watch.fd))
                watched[certificates.watch.fd] = .certificates
            } catch {
                log.write(.warning, "changes of certificates are noticed late: \(error)")
            }
        }
        return nil
    }

    private func trimmed(_ directory: String) -> String {
        directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
    }

    // MARK: The signer

    /// A signer begins with nothing: it is given the keys of what is in force, or the first ones.
    func equipSigner(_ signer: ChildProcess) {
        signer.send(.settings(configuration.signer))
        giveKeys(to: signer)
    }

    /// It may lack the keys of what is in force.
    func giveKeys(to signer: ChildProcess) {
        for index in certificates.identities.indices { drive(index, .signerStarted, newest: signer) }
    }

    /// Carries out what an identity's machine decides. `newest`: the signer that has just begun.
    func drive(_ index: Int, _ event: IdentityMachine.Event, newest: ChildProcess? = nil) {
        for action in certificates.identities[index].machine.handle(event) { perform(action, index, newest) }
        publish()
    }

    private func perform(_ action: IdentityMachine.Action, _ index: Int, _ newest: ChildProcess?) {
        let identity = certificates.identities[index]
        let fields = { (reason: String) in [("directory", identity.directory), ("reason", reason)] }
        switch action {
        case .readFiles: readFiles(index)
        case .judge(let key): for signer in signers { give(key, of: index, to: signer) }
        case .giveAgain(let key): if let newest { give(key, of: index, to: newest) }
        case .forget(let key): drop(key, of: index)
        case .makeOwn(let reason):
            if !reason.isEmpty {
                log.write(
                    .warning,
                    "there is no usable certificate, and clients are shown one that signs itself and that nobody vouches"
                        + " for; put tls.crt and tls.key into \(identity.setting), or set --require-certificate",
                    fields(reason))
            }
            makeOwn(index, newest ?? signers.last)
        case .putInForce(let key):
            for proxy in component(.proxy)?.processes ?? [] { sendChain(identity, key, to: proxy) }
        case .announce(let isReload): announce(index, isReload: isReload)
        case .takeBack(let key, let reason):
            status.certificateReloadsRefused += 1
            log.write(.error, "new certificates can't be shown; those before are in force again", fields(reason))
            for proxy in component(.proxy)?.processes ?? [] { sendChain(identity, key, to: proxy) }
        case .retireOthers: retireOthers(of: index)
        case .keep(let reason):
            status.certificateReloadsRefused += 1
            log.write(.error, "new certificates can't be used; those in force stay", fields(reason))
        case .nothingToShow(let reason):
            log.write(
                .error,
                "there is no certificate to show: the signer can't use the one in force any more, and the folder has no"
                    + " other; not ready until \(identity.setting) has one",
                fields(reason))
        case .endStart(let reason):
            log.write(
                .error, "not started, because there is no usable certificate in \(identity.setting)", fields(reason))
            exitCode = .certificate
            perform(shutdown.handle(.essentialFailed))
        }
    }

    /// Signers that listen, the newest last.
    private var signers: [ChildProcess] {
        guard let component = component(.signer) else { return [] }
        return [component.current, component.replacement].compactMap { $0 }.filter { $0.phase != .stopping }
    }

    private func readFiles(_ index: Int) {
        // One that is still being judged has been overtaken.
        if let overtaken = certificates.identities[index].machine.candidate { drop(overtaken, of: index) }
        do throws(CertificateFiles.Mistake) {
            let identity = certificates.identities[index]
            let pair = try CertificateFiles.pair(in: identity.directory)
            if identity.machine.isUsable, let held = identity.machine.held,
                identity.pairs[held.key]?.origin == pair.origin
            {
                return drive(index, .pairUnchanged)
            }
            let key = certificates.number()
            certificates.identities[index].pairs[key] = pair
            drive(index, .pairRead(key: key))
        } catch {
            drive(index, .pairMissing(reason: error.text))
        }
    }

    private func give(_ key: UInt32, of index: Int, to signer: ChildProcess) {
        guard let pair = certificates.identities[index].pairs[key] else { return }
        signer.awaitedVerdicts.insert(key)
        signer.send(.certificate(key: key), descriptor: pair.chain)
        signer.send(
            .privateKey(key: key, purpose: certificates.identities[index].purpose), descriptor: pair.key)
    }

    private func makeOwn(_ index: Int, _ signer: ChildProcess?) {
        guard let signer else { return }
        let key = certificates.number()
        signer.awaitedCertificates.insert(key)
        signer.send(
            .makeCertificate(
                key: key, names: OwnNames.all.joined(separator: " "),
                lifetimeSeconds: UInt32(IdentityMachine.ownLifetime)))
    }

    /// The signer has looked at a pair, or could not make one.
    func keyJudged(_ key: UInt32, _ verdict: KeyVerdict, _ ends: Int64, by signer: ChildProcess) {
        if signer.awaitedCertificates.remove(key) != nil, verdict != .good {
            log.write(.error, "the signer could not make a certificate", [("reason", verdict.meaning)])
            if let index = certificates.identities.firstIndex(where: { $0.use == .serving }) {
                drive(index, .makingFailed)
            }
            return
        }
        // An answer to no question, or an end that no certificate can have (ASN.1 counts four digits of years).
        guard signer.awaitedVerdicts.remove(key) != nil, (0...253_402_300_799).contains(ends) else {
            punish(signer, .notAllowed("key-judged"))
            return
        }
        guard let index = certificates.identities.firstIndex(where: { $0.pairs[key] != nil }) else {
            // Overtaken while it was judged: nobody will ask for its signatures.
            signer.send(.forgetKey(key: key))
            return
        }
        if verdict != .good && certificates.identities[index].machine.candidate == key {
            certificates.identities[index].pairs[key] = nil
        }
        drive(index, .judged(key: key, verdict: verdict, ends: ends))
    }

    /// The signer has made a certificate of our own. Its key stays there.
    func certificateMade(_ key: UInt32, _ pem: String, by signer: ChildProcess) {
        guard signer.awaitedCertificates.remove(key) != nil else {
            punish(signer, .notAllowed("certificate-made"))
            return
        }
        guard let index = certificates.identities.firstIndex(where: { $0.use == .serving }) else { return }
        var pem = pem
        let chain = pem.withUTF8 { cl_sealed_create("certificates", $0.baseAddress, $0.count) }
        guard chain >= 0 else {
            log.write(.error, "there is no memory for a certificate: \(Errno(chain))")
            signer.send(.forgetKey(key: key))
            drive(index, .makingFailed)
            return
        }
        certificates.identities[index].pairs[key] = CertificatePair(chain: chain, key: -1)
        drive(index, .made(key: key, ends: HeldCertificates.clock() + IdentityMachine.ownLifetime))
        if certificates.identities[index].machine.held?.key != key { drop(key, of: index) }
    }

    // MARK: In force

    private func announce(_ index: Int, isReload: Bool) {
        let identity = certificates.identities[index]
        if isReload { status.certificateReloadsTaken += 1 }
        certificates.identities[index].warnedDays = .max
        guard let held = identity.machine.held else { return }
        log.write(
            .info, isReload ? "new certificates are in force" : "certificates are in force",
            [
                ("for", identity.use == .serving ? "clients" : "upstreams"),
                ("source", held.isOwn ? "self-signed" : identity.directory),
                ("days_left", "\(max(0, held.ends - HeldCertificates.clock()) / 86_400)"),
            ])
    }

    private func sendChain(_ identity: Identity, _ key: UInt32, to proxy: ChildProcess) {
        guard let pair = identity.pairs[key] else { return }
        proxy.send(.certificates(identity.use, key: key), descriptor: pair.chain)
    }

    /// A proxy has looked at certificates that it was given.
    func certificatesShown(_ use: CertificateUse, _ number: UInt32, _ failure: String, by proxy: ChildProcess) {
        // Draining ones show nothing to anybody new.
        guard place(of: proxy) != nil else { return }
        if let index = certificates.identities.firstIndex(where: { $0.use == use }) {
            // Others than what is in force have been overtaken.
            guard let held = certificates.identities[index].machine.held, held.key == number else { return }
            if failure.isEmpty {
                certificates.identities[index].proven = number
                drive(index, .shown(key: number))
            } else if held.isShown {
                replace(proxy, because: failure)
            } else {
                drive(index, .unshowable(key: number, reason: failure))
            }
        } else if let held = certificates.authorities[use], held.number == number, held.candidate >= 0 {
            settle(use, held, failure)
        }
    }

    /// It can't show what another one has shown: it lacks memory, or says what isn't so. Its handshakes fail once the key of
    /// what it shows is gone.
    private func replace(_ proxy: ChildProcess, because reason: String) {
        log.write(
            .error, "a proxy can't show the certificates in force and is replaced",
            [("reason", reason), ("child_pid", "\(proxy.pid)")])
        guard let component = component(.proxy) else { return }
        if component.current === proxy && component.machine.isReady {
            handle(.restartRequested, component)
        } else {
            proxy.kill(because: "it could not show the certificates in force")
        }
    }

    /// Everything that a new proxy needs to speak TLS: what another one has shown already, where there is such.
    func sendCertificates(to proxy: ChildProcess) {
        for (use, held) in certificates.authorities { proxy.send(.certificates(use, key: 0), descriptor: held.proven) }
        for identity in certificates.identities {
            let isThere = identity.pairs[identity.proven] != nil
            sendChain(identity, isThere ? identity.proven : identity.machine.held?.key ?? 0, to: proxy)
        }
    }

    /// A proxy is ready: what is newer than what it began with.
    func updateCertificates(of proxy: ChildProcess) {
        for (use, held) in certificates.authorities where held.candidate >= 0 {
            proxy.send(.certificates(use, key: held.number), descriptor: held.candidate)
        }
        for identity in certificates.identities {
            guard let held = identity.machine.held, held.key != identity.proven else { continue }
            sendChain(identity, held.key, to: proxy)
        }
    }

    /// Handshakes may still run with the keys before, for as long as a handshake may take.
    private func retireOthers(of index: Int) {
        let identity = certificates.identities[index]
        let patience = Int64(configuration.settings.tlsHandshakeTimeoutMilliseconds) + 5000
        for key in identity.pairs.keys.sorted()
        where key != identity.machine.held?.key && key != identity.machine.candidate
            && !identity.retiring.contains(where: { $0.key == key })
        {
            certificates.identities[index].retiring.append((key, now + patience))
        }
        while certificates.identities[index].retiring.count > HeldCertificates.mostRetiring {
            drop(certificates.identities[index].retiring.removeFirst().key, of: index)
        }
    }

    private func drop(_ key: UInt32, of index: Int) {
        certificates.identities[index].pairs[key] = nil
        for signer in signers { signer.send(.forgetKey(key: key)) }
    }

    // MARK: Changes

    /// When files are to be looked at, in milliseconds; 0 = nothing has happened.
    var certificatesDueAt: Int64 { certificates.watch.dueAt }

    func checkCertificates() {
        if certificates.watch.dueAt > 0 && now >= certificates.watch.dueAt { takeUp(certificates.watch.changes()) }
    }

    /// With each heartbeat: what the kernel has not told of, and what time brings.
    func reviewCertificates() {
        guard !certificates.identities.isEmpty || !certificates.authorities.isEmpty, shutdown.phase == .running else {
            return
        }
        if certificates.watch.dueAt == 0 { takeUp(certificates.watch.changes()) }
        reviewAuthorities()
        let seconds = HeldCertificates.clock()
        for index in certificates.identities.indices {
            while let first = certificates.identities[index].retiring.first, first.until <= now {
                certificates.identities[index].retiring.removeFirst()
                if certificates.identities[index].machine.held?.key != first.key { drop(first.key, of: index) }
            }
            drive(index, .clock(seconds))
            warnOfEnd(index, seconds)
        }
    }

    private func warnOfEnd(_ index: Int, _ seconds: Int64) {
        let identity = certificates.identities[index]
        guard let held = identity.machine.held, !held.isOwn, held.ends > 0 else { return }
        let left = held.ends - seconds
        // Whole days, and below zero once it has ended.
        let days = left >= 0 ? left / 86_400 : -1 - (-left - 1) / 86_400
        guard days < 7, days < identity.warnedDays else { return }
        certificates.identities[index].warnedDays = days
        log.write(
            .warning, left > 0 ? "a certificate ends soon" : "a certificate has ended",
            [("directory", identity.directory), ("days_left", "\(max(0, days))")])
    }

    /// HUP: everything is read again, whether it looks changed or not.
    func reloadCertificates() { takeUp(Set(certificates.files)) }

    private func takeUp(_ changed: Set<String>) {
        guard !changed.isEmpty, shutdown.phase == .running else { return }
        for index in certificates.identities.indices
        where certificates.identities[index].files.contains(where: changed.contains) {
            drive(index, .filesChanged)
        }
        readAuthoritiesAgain { changed.contains($0.file) }
    }
}
