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
    /// Numbers that were in force, the latest last. A handshake may still run with the one before.
    var history: [UInt32] = []

    var files: [String] { ["\(directory)/tls.crt", "\(directory)/tls.key"] }
}

/// What the supervisor holds of certificates.
struct HeldCertificates {
    var identities: [Identity] = []
    /// Authorities by use, as sealed memory files, and the files they come from.
    var authorities: [CertificateUse: Int32] = [:]
    var authorityFiles: [CertificateUse: String] = [:]
    var watch = CertificateWatch(files: [])
    var nextKey: UInt32 = 1
    /// Keys that a signer has been asked to make. Nothing else that it says it has made is taken.
    var asked: Set<UInt32> = []
    /// When a certificate from files was last warned of, in days before its end.
    var warnedDays: Int64 = .max

    /// What /proc calls the private keys that are open here.
    var keyFiles: [String] {
        identities.flatMap { $0.pairs.values }.filter { $0.key >= 0 }.compactMap {
            Files.link("/proc/self/fd/\($0.key)")
        }
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
        if settings.secureProxy && settings.clientCertificates != .off {
            certificates.authorityFiles[.clientAuthorities] = settings.clientCAPath
        }
        if configuration.tls.needsUpstreamAuthorities {
            guard let path = upstreamAuthoritiesPath() else {
                log.write(
                    .error,
                    "upstreams can't be verified: this system has no file of certificates it trusts; name one with"
                        + " --ca-cert-path")
                return .configuration
            }
            certificates.authorityFiles[.upstreamAuthorities] = path
        }
        for (use, path) in certificates.authorityFiles {
            do throws(CertificateFiles.Mistake) {
                certificates.authorities[use] = try CertificateFiles.authorities(path)
            } catch {
                log.write(.error, "\(use == .clientAuthorities ? "--client-ca-path" : "--ca-cert-path"): \(error.text)")
                return .configuration
            }
        }
        certificates.watch = CertificateWatch(
            files: certificates.identities.flatMap(\.files) + certificates.authorityFiles.values)
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

    private func upstreamAuthoritiesPath() -> String? {
        let named = configuration.settings.caCertPath
        if !named.isEmpty { return named }
        return CertificateFiles.systemAuthorities.first { access($0, R_OK) == 0 }
    }

    // MARK: The signer

    /// A signer begins with nothing: it is given the keys of what is in force, or the first ones.
    func equipSigner(_ signer: ChildProcess) {
        signer.send(.settings(configuration.signer))
        for index in certificates.identities.indices { drive(index, .signerStarted, newest: signer) }
    }

    /// Carries out what an identity's machine decides. `newest`: the signer that has just begun.
    private func drive(_ index: Int, _ event: IdentityMachine.Event, newest: ChildProcess? = nil) {
        let identity = certificates.identities[index]
        switch certificates.identities[index].machine.handle(event) {
        case .none: break
        case .readFiles: readFiles(index)
        case .judge(let key): for signer in signers { give(key, of: index, to: signer) }
        case .giveAgain(let key): if let newest { give(key, of: index, to: newest) }
        case .makeOwn(let reason):
            if !reason.isEmpty {
                log.write(
                    .warning,
                    "there is no usable certificate, and clients are shown one that signs itself and that nobody vouches"
                        + " for; put tls.crt and tls.key into \(identity.setting), or set --require-certificate",
                    [("directory", identity.directory), ("reason", reason)])
            }
            makeOwn(newest ?? signers.last)
        case .putInForce(let key, let isReload): putInForce(key, of: index, isReload: isReload)
        case .keep(let reason):
            status.certificateReloadsRefused += 1
            log.write(
                .error, "new certificates can't be used; those in force stay",
                [("directory", identity.directory), ("reason", reason)])
        case .endStart(let reason):
            log.write(
                .error, "not started, because there is no usable certificate in \(identity.setting)",
                [("directory", identity.directory), ("reason", reason)])
            exitCode = .certificate
            perform(shutdown.handle(.essentialFailed))
        }
        publish()
    }

    /// Signers that listen, the newest last.
    private var signers: [ChildProcess] {
        guard let component = component(.signer) else { return [] }
        return [component.current, component.replacement].compactMap { $0 }.filter { $0.phase != .stopping }
    }

    private func readFiles(_ index: Int) {
        // One that is still being judged has been overtaken.
        if let overtaken = certificates.identities[index].machine.candidate {
            certificates.identities[index].pairs[overtaken] = nil
        }
        do throws(CertificateFiles.Mistake) {
            let pair = try CertificateFiles.pair(in: certificates.identities[index].directory)
            let key = takeKeyNumber()
            certificates.identities[index].pairs[key] = pair
            drive(index, .pairRead(key: key))
        } catch {
            drive(index, .pairMissing(reason: error.text))
        }
    }

    private func takeKeyNumber() -> UInt32 {
        defer { certificates.nextKey &+= 1 }
        return certificates.nextKey
    }

    private func give(_ key: UInt32, of index: Int, to signer: ChildProcess) {
        guard let pair = certificates.identities[index].pairs[key] else { return }
        signer.send(.certificate(key: key), descriptor: pair.chain)
        signer.send(
            .privateKey(key: key, purpose: certificates.identities[index].purpose), descriptor: pair.key)
    }

    private func makeOwn(_ signer: ChildProcess?) {
        let key = takeKeyNumber()
        certificates.asked = [key]
        let message = ToChild.makeCertificate(
            key: key, names: Self.ownNames().joined(separator: " "),
            lifetimeSeconds: UInt32(IdentityMachine.ownLifetime))
        signer?.send(message)
    }

    /// What clients may call us by: for a certificate that we sign ourselves.
    private static func ownNames() -> [String] {
        var names = ["localhost", "127.0.0.1", "::1"]
        var host = [CChar](repeating: 0, count: 256)
        if gethostname(&host, host.count - 1) == 0 {
            let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { names.append(name) }
        }
        var bytes = [UInt8](repeating: 0, count: 16 * 32)
        let count = cl_own_addresses(&bytes, 32)
        for i in 0..<max(0, Int(count)) {
            names.append(bytes[(i * 16)..<(i * 16 + 16)].withUnsafeBytes { Address(bytes: $0) }.description)
        }
        var unique: [String] = []
        var length = 0
        for name in names where !unique.contains(name) && length + name.utf8.count < ToChild.longestNames {
            unique.append(name)
            length += name.utf8.count + 1
        }
        return unique
    }

    /// The signer has looked at a pair.
    func keyJudged(_ key: UInt32, _ verdict: KeyVerdict, _ ends: Int64) {
        for index in certificates.identities.indices {
            let identity = certificates.identities[index]
            guard identity.pairs[key] != nil else { continue }
            if verdict != .good && identity.machine.held?.key != key { certificates.identities[index].pairs[key] = nil }
            drive(index, .judged(key: key, verdict: verdict, ends: ends))
            return
        }
        if verdict == .good {
            // Overtaken while it was judged: nobody will ask for its signatures.
            for signer in signers { signer.send(.forgetKey(key: key)) }
        } else if certificates.asked.remove(key) != nil {
            log.write(.error, "the signer could not make a certificate", [("reason", verdict.meaning)])
        }
    }

    /// The signer has made a certificate of our own. Its key stays there.
    func certificateMade(_ key: UInt32, _ pem: String, by signer: ChildProcess) {
        guard certificates.asked.remove(key) != nil else {
            punish(signer, .notAllowed("certificate-made"))
            return
        }
        guard let index = certificates.identities.firstIndex(where: { $0.use == .serving }) else { return }
        var pem = pem
        let chain = pem.withUTF8 { cl_sealed_create("certificates", $0.baseAddress, $0.count) }
        guard chain >= 0 else {
            log.write(.error, "there is no memory for a certificate: \(Errno(chain))")
            return
        }
        certificates.identities[index].pairs[key] = CertificatePair(chain: chain, key: -1)
        drive(index, .made(key: key, ends: HeldCertificates.clock() + IdentityMachine.ownLifetime))
    }

    // MARK: In force

    private func putInForce(_ key: UInt32, of index: Int, isReload: Bool) {
        certificates.identities[index].history.append(key)
        let identity = certificates.identities[index]
        if isReload { status.certificateReloadsTaken += 1 }
        for proxy in component(.proxy)?.processes ?? [] { sendChain(identity, to: proxy) }
        if let held = identity.machine.held {
            certificates.warnedDays = .max
            log.write(
                .info, isReload ? "new certificates are in force" : "certificates are in force",
                [
                    ("for", identity.use == .serving ? "clients" : "upstreams"),
                    ("source", held.isOwn ? "self-signed" : identity.directory),
                    ("days_left", "\(max(0, held.ends - HeldCertificates.clock()) / 86_400)"),
                ])
        }
        while certificates.identities[index].history.count > 2 {
            let old = certificates.identities[index].history.removeFirst()
            certificates.identities[index].pairs[old] = nil
            for signer in signers { signer.send(.forgetKey(key: old)) }
        }
    }

    private func sendChain(_ identity: Identity, to proxy: ChildProcess) {
        guard let held = identity.machine.held, let pair = identity.pairs[held.key] else { return }
        proxy.send(.certificates(identity.use, key: held.key), descriptor: pair.chain)
    }

    /// Everything that a new proxy needs to speak TLS.
    func sendCertificates(to proxy: ChildProcess) {
        for (use, fd) in certificates.authorities { proxy.send(.certificates(use, key: 0), descriptor: fd) }
        for identity in certificates.identities { sendChain(identity, to: proxy) }
    }

    // MARK: Changes

    /// When files are to be looked at, in milliseconds; 0 = nothing has happened.
    var certificatesDueAt: Int64 { certificates.watch.dueAt }

    func checkCertificates() {
        if certificates.watch.dueAt > 0 && now >= certificates.watch.dueAt { takeUp(certificates.watch.changes()) }
    }

    /// With each heartbeat: what the kernel has not told of, and what time brings.
    func reviewCertificates() {
        guard !certificates.identities.isEmpty || !certificates.authorities.isEmpty else { return }
        if certificates.watch.dueAt == 0 { takeUp(certificates.watch.changes()) }
        let seconds = HeldCertificates.clock()
        for index in certificates.identities.indices {
            drive(index, .clock(seconds))
            warnOfEnd(certificates.identities[index], seconds)
        }
    }

    private func warnOfEnd(_ identity: Identity, _ seconds: Int64) {
        guard let held = identity.machine.held, !held.isOwn, held.ends > 0 else { return }
        let days = (held.ends - seconds) / 86_400
        guard days < 7, days < certificates.warnedDays else { return }
        certificates.warnedDays = days
        log.write(
            .warning, held.ends > seconds ? "a certificate ends soon" : "a certificate has ended",
            [("directory", identity.directory), ("days_left", "\(max(0, days))")])
    }

    /// HUP: everything is read again, whether it looks changed or not.
    func reloadCertificates() {
        takeUp(Set(certificates.identities.flatMap(\.files) + certificates.authorityFiles.values))
    }

    private func takeUp(_ changed: Set<String>) {
        guard !changed.isEmpty, shutdown.phase == .running else { return }
        for index in certificates.identities.indices
        where certificates.identities[index].files.contains(where: changed.contains) {
            drive(index, .filesChanged)
        }
        for (use, path) in certificates.authorityFiles where changed.contains(path) {
            do throws(CertificateFiles.Mistake) {
                let fd = try CertificateFiles.authorities(path)
                if let old = certificates.authorities.updateValue(fd, forKey: use) { close(old) }
                for proxy in component(.proxy)?.processes ?? [] {
                    proxy.send(.certificates(use, key: 0), descriptor: fd)
                }
                log.write(.info, "certificates of authorities were read again", [("file", path)])
            } catch {
                status.certificateReloadsRefused += 1
                log.write(.error, "authorities can't be read again; those in force stay: \(error.text)")
            }
        }
    }
}
