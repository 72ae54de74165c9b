@testable import IPC

/// Messages to and from the signer.
extension Samples {
    static var signerSettings: [ChildSettings] {
        var signer = SignerSettings()
        signer.logLevel = 4
        return [.signer(SignerSettings()), .signer(signer)]
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
        return all
    }

    static var signerReports: [FromChild] {
        let certificates = ["", String(repeating: "p", count: FromChild.longestCertificate)]
        return KeyVerdict.allCases.map { .keyJudged(key: .max, verdict: $0, ends: .min) }
            + numbers.map { .keyJudged(key: $0, verdict: .good, ends: .max) }
            + certificates.map { .certificateMade(key: 3, certificate: $0) }
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
