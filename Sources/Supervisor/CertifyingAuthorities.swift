import Glibc
import IPC

/// The certificates of those who vouch for others.
struct Authorities {
    let file: String
    /// What a proxy has accepted, as a sealed memory file.
    var proven: Int32
    /// What it is being asked to accept, and by what number it answers.
    var candidate: Int32 = -1
    var number: UInt32 = 0
    /// Heartbeats until the file is read again, because it could not be used; 0 = it needn't be.
    var retryIn = 0
    /// Why it could not; told once.
    var lastReason = ""

    /// About a minute: descriptors or a permission may have been what was missing.
    static let patience = 12
}

/// Those who vouch for clients and for upstreams. Only a proxy can read their certificates, so a proxy judges them.
extension Supervisor {
    func beginAuthorities() throws(CertificateFiles.Mistake) {
        let settings = configuration.settings
        if settings.secureProxy && settings.clientCertificates != .off {
            try begin(.clientAuthorities, settings.clientCAPath)
        }
        if configuration.tls.needsUpstreamAuthorities { try begin(.upstreamAuthorities, upstreamAuthoritiesPath()) }
    }

    private func begin(_ use: CertificateUse, _ path: String) throws(CertificateFiles.Mistake) {
        certificates.authorities[use] = Authorities(file: path, proven: try CertificateFiles.authorities(path))
    }

    private func upstreamAuthoritiesPath() throws(CertificateFiles.Mistake) -> String {
        let named = configuration.settings.caCertPath
        if !named.isEmpty { return named }
        if let path = CertificateFiles.systemAuthorities.first(where: { access($0, R_OK) == 0 }) { return path }
        throw CertificateFiles.Mistake(
            text: "this system has no file of certificates that it trusts; name one with --ca-cert-path")
    }

    /// The files have changed, or somebody asked to read them again.
    func readAuthoritiesAgain(where isWanted: (Authorities) -> Bool) {
        for (use, held) in certificates.authorities where isWanted(held) {
            certificates.authorities[use]?.lastReason = ""
            readAgain(use)
        }
    }

    /// With each heartbeat: what could not be used may be usable now.
    func reviewAuthorities() {
        for (use, held) in certificates.authorities where held.retryIn > 0 {
            certificates.authorities[use]?.retryIn -= 1
            if held.retryIn == 1 { readAgain(use) }
        }
    }

    /// New authorities are put to the proxies, which can read them; until one has, new proxies begin with the old ones.
    private func readAgain(_ use: CertificateUse) {
        guard var next = certificates.authorities[use] else { return }
        next.retryIn = 0
        do throws(CertificateFiles.Mistake) {
            let read = try CertificateFiles.authorities(next.file)
            if next.candidate >= 0 { close(next.candidate) }
            next.candidate = read
            next.number = certificates.number()
            certificates.authorities[use] = next
            for proxy in component(.proxy)?.processes ?? [] where proxy.readyAt > 0 {
                proxy.send(.certificates(use, key: next.number), descriptor: next.candidate)
            }
        } catch {
            refuse(use, next, because: error.text)
        }
    }

    /// A proxy has judged what it was given.
    func settle(_ use: CertificateUse, _ held: Authorities, _ failure: String) {
        var settled = held
        settled.candidate = -1
        if failure.isEmpty {
            close(held.proven)
            settled.proven = held.candidate
            settled.lastReason = ""
            certificates.authorities[use] = settled
            status.certificateReloadsTaken += 1
            log.write(.info, "certificates of authorities were read again", [("file", held.file)])
        } else {
            close(held.candidate)
            refuse(use, settled, because: failure)
        }
        publish()
    }

    private func refuse(_ use: CertificateUse, _ held: Authorities, because reason: String) {
        var held = held
        held.retryIn = Authorities.patience
        let isNews = reason != held.lastReason
        held.lastReason = reason
        certificates.authorities[use] = held
        guard isNews else { return }
        status.certificateReloadsRefused += 1
        log.write(
            .error, "certificates of authorities can't be used; those in force stay",
            [("file", held.file), ("reason", reason)])
    }
}
