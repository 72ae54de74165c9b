@testable import IPC

/// Messages to and from the signer.
extension Samples {
    static var signerSettings: [ChildSettings] {
        var signer = SignerSettings()
        signer.logLevel = 4
        var modern = SignerSettings()
        modern.speaksTLS12 = false
        return [.signer(SignerSettings()), .signer(signer), .signer(modern)]
    }

    static var signerOrders: [ToChild] {
        var all: [ToChild] = [.signerClient]
        for number in numbers {
            all += [
                .signer(loop: UInt16(truncatingIfNeeded: number)), .certificate(key: number), .forgetKey(key: number),
            ]
            for purpose in KeyPurpose.allCases { all.append(.privateKey(key: number, purpose: purpose)) }
            for names in ["", "a 127.0.0.1", String(repeating: "n", count: ToChild.longestNames)] {
                all.append(.makeCertificate(key: number, names: names, lifetimeSeconds: ~number))
            }
        }
        for use in CertificateUse.allCases { all += numbers.map { .certificates(use, key: $0) } }
        return all
    }

    static var largestTLS: ProxyTLSSettings {
        var tls = ProxyTLSSettings()
        tls.serves = true
        tls.prefiller.isOn = true
        tls.prefiller.serverName = String(repeating: "p", count: 253)
        tls.decoder.isOn = true
        tls.decoder.verifies = false
        tls.decoder.serverName = String(repeating: "d", count: 253)
        tls.decoderHost = String(repeating: "h", count: 64)
        tls.hasUpstreamIdentity = true
        tls.minimumVersion = .max
        tls.suites = TLSCipherSuite.allCases.map(\.rawValue)
        tls.handshakeTimeout = .max
        tls.clientCertificates = .required
        tls.allowedClients = Array(
            repeating: String(repeating: "n", count: ProxyTLSSettings.longestName), count: ProxyTLSSettings.mostNames)
        return tls
    }

    /// TLS settings that differ in one field each, so that two that change places are noticed.
    static var tlsSamples: [ProxySettings] {
        let changes: [(inout ProxyTLSSettings) -> Void] = [
            { $0.serves = true }, { $0.prefiller.isOn = true }, { $0.prefiller.verifies = false },
            { $0.prefiller.serverName = "a" }, { $0.decoder.isOn = true }, { $0.decoder.verifies = false },
            { $0.decoder.serverName = "a" }, { $0.decoderHost = "a" }, { $0.hasUpstreamIdentity = true },
            { $0.minimumVersion = 0x0304 }, { $0.suites = ["a"] }, { $0.handshakeTimeout = 1 },
            { $0.clientCertificates = .optional }, { $0.allowedClients = ["a", "b"] },
        ]
        return changes.map { change in
            var settings = ProxySettings()
            change(&settings.tls)
            return settings
        }
    }

    static var signerReports: [FromChild] {
        let certificates = ["", String(repeating: "p", count: FromChild.longestCertificate)]
        return KeyVerdict.allCases.map { .keyJudged(key: .max, verdict: $0, ends: .min) }
            + numbers.map { .keyJudged(key: $0, verdict: .good, ends: .max) }
            + certificates.map { .certificateMade(key: 3, certificate: $0) }
            + CertificateUse.allCases.map { .certificatesJudged($0, key: .max, failure: "") }
            + [.certificatesJudged(.serving, key: 0, failure: String(repeating: "f", count: FromChild.longestFailure))]
    }

    static var toSigner: [ToSigner] {
        numbers.flatMap { number in
            [0, 1, SignRequest.longestContent].map { count in
                let request = SignRequest(
                    key: ~number, algorithm: UInt16(truncatingIfNeeded: number), isDigest: count == 1,
                    content: [UInt8](repeating: 0xA7, count: count))
                return .sign(id: number, request)
            }
        }
    }

    static var fromSigner: [FromSigner] {
        [0, 1, FromSigner.longestSignature].map { .signed(id: .max, signature: [UInt8](repeating: 0x5C, count: $0)) }
            + SignRefusal.allCases.map { .refused(id: 9, reason: $0) }
    }

    static func number(_ message: ToSigner) -> Int {
        switch message {
        case .sign: 0
        }
    }
    static let toSignerCases = 1

    static func number(_ message: FromSigner) -> Int {
        switch message {
        case .signed: 0
        case .refused: 1
        }
    }
    static let fromSignerCases = 2
}
