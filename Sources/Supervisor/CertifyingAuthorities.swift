import Glibc
import IPC

/// Those who vouch for clients and for upstreams. Only a proxy can read their certificates, so a proxy judges them.
extension Supervisor {
    /// New authorities are put to the proxies, which can read them; until one has, new proxies begin with the old ones.
    func readAgain(_ use: CertificateUse, _ held: Authorities) {
        do throws(CertificateFiles.Mistake) {
            var next = held
            next.candidate = try CertificateFiles.authorities(held.file)
            next.number = certificates.number()
            if held.candidate >= 0 { close(held.candidate) }
            certificates.authorities[use] = next
            for proxy in component(.proxy)?.processes ?? [] where proxy.readyAt > 0 {
                proxy.send(.certificates(use, key: next.number), descriptor: next.candidate)
            }
        } catch {
            status.certificateReloadsRefused += 1
            log.write(.error, "authorities can't be read again; those in force stay: \(error.text)")
        }
    }

    func settle(_ use: CertificateUse, _ held: Authorities, _ failure: String) {
        var settled = held
        settled.candidate = -1
        if failure.isEmpty {
            close(held.proven)
            settled.proven = held.candidate
            status.certificateReloadsTaken += 1
            log.write(.info, "certificates of authorities were read again", [("file", held.file)])
        } else {
            close(held.candidate)
            status.certificateReloadsRefused += 1
            log.write(
                .error, "certificates of authorities can't be used; those in force stay",
                [("file", held.file), ("reason", failure)])
        }
        certificates.authorities[use] = settled
        publish()
    }
}
