import CSigner
import Glibc
import IPC
import XCTest

@testable import Signer
@testable import TLS

/// Pairs of certificate and key, as the signer judges them, and what it signs.
final class KeyTests: XCTestCase {
    func testOnlyAPairThatBelongsTogetherIsTaken() throws {
        let signing = try Signing()
        let authority = signing.authority
        func verdict(_ chain: [UInt8], _ key: [UInt8]) -> KeyVerdict {
            signing.add(99, .server, chain: chain, key: key).verdict
        }
        let good = try authority.bytes("p256.crt")
        let key = try authority.bytes("p256.key")
        XCTAssertEqual(verdict(good, key), .good)
        XCTAssertEqual(verdict(good + (try authority.bytes("ca.crt")), key), .good)
        for other in ["p384.key", "rsa.key", "ed25519.key", "client.key"] {
            XCTAssertEqual(verdict(good, try authority.bytes(other)), .mismatch, other)
        }
        XCTAssertEqual(verdict(try authority.bytes("expired.crt"), try authority.bytes("expired.key")), .expired)
        XCTAssertEqual(verdict(good, try authority.bytes("encrypted.key")), .keyEncrypted)
        XCTAssertEqual(verdict(good, try authority.bytes("weak.key")), .keyUnsupported)
        XCTAssertEqual(verdict(good, []), .keyUnreadable)
        XCTAssertEqual(verdict(good, Array(key.dropLast(40))), .keyUnreadable)
        XCTAssertEqual(verdict(good, good), .keyUnreadable)
        XCTAssertEqual(verdict([], key), .certificateUnreadable)
        XCTAssertEqual(verdict(key, key), .certificateUnreadable)
        XCTAssertEqual(verdict(Array(good.dropLast(40)), key), .certificateUnreadable)
        let cut = good + Array(try authority.bytes("ca.crt").dropLast(40))
        XCTAssertEqual(verdict(cut, key), .certificateUnreadable, "a chain that breaks off")
    }

    /// What the proxy's OpenSSL would not show is refused here, where the old pair stays in force and the log says why; and
    /// what is good here, the proxy can show.
    func testWhatTheProxyWouldRefuseIsRefused() throws {
        let signing = try Signing()
        let authority = signing.authority
        func judged(_ chain: [String], key: String = "p256", _ expected: KeyVerdict, line: UInt = #line) throws {
            let bytes = try chain.flatMap { try authority.bytes("\($0).crt") }
            let verdict = try signing.add(99, .server, chain: bytes, key: authority.bytes("\(key).key")).verdict
            XCTAssertEqual(verdict, expected, "\(chain)", line: line)
            let isShown = (try? server(TLSIdentity(chain: bytes, key: 99))) != nil
            XCTAssertEqual(isShown, expected == .good, "\(chain) and OpenSSL", line: line)
        }
        try judged(["p256", "ca"], .good)
        try judged(["sha1"], key: "sha1", .certificateSignatureWeak)
        try judged(["md5"], key: "md5", .certificateSignatureWeak)
        try judged(["p256", "sha1"], .certificateSignatureWeak)
        try judged(["p256", "ca", "sha1"], .certificateSignatureWeak)
        try judged(["p256", "sha1-root"], .good)
        try judged(["sha1-root"], key: "sha1-root", .good)
        try judged(["p256", "rsa1024"], .certificateKeyWeak)
        try judged(["p256", "p192"], .certificateKeyWeak)
        try judged(["p256", "p224"], .good)
        try judged(["p256", "p224", "rsa1024"], .certificateKeyWeak)
    }

    func testAChainIsBounded() throws {
        let signing = try Signing()
        let leaf = try signing.authority.bytes("p256.crt")
        let ca = try signing.authority.bytes("ca.crt")
        func verdict(_ others: Int) throws -> KeyVerdict {
            let chain = leaf + [[UInt8]](repeating: ca, count: others).flatMap { $0 }
            return try signing.add(99, .server, chain: chain, key: signing.authority.bytes("p256.key")).verdict
        }
        XCTAssertEqual(try verdict(9), .good)
        XCTAssertEqual(try verdict(10), .chainTooLong)
        XCTAssertEqual(try verdict(300), .chainTooLong)
    }

    func testEveryVerdictSaysSomethingOfItsOwn() {
        let meanings = KeyVerdict.allCases.map(\.meaning)
        XCTAssertEqual(Set(meanings).count, meanings.count)
        // What is wrong, and what is to be done.
        for verdict in [KeyVerdict.certificateKeyWeak, .certificateSignatureWeak, .chainTooLong] {
            XCTAssertTrue(verdict.meaning.contains("tls.crt"), verdict.meaning)
            XCTAssertTrue(verdict.meaning.contains("; leave") || verdict.meaning.contains("; have"), verdict.meaning)
        }
    }

    func testAKeyThatWasRefusedChangesNothing() throws {
        let signing = try Signing()
        let identity = try signing.identity("p256")
        let refused = try signing.add(
            identity.key, .server, chain: identity.chain, key: signing.authority.bytes("p384.key"))
        XCTAssertEqual(refused.verdict, .mismatch)
        try Ends(signing, server: server(identity), client: client(signing.authority)).connect()
        signing.keys.forget(identity.key)
        XCTAssertEqual(signing.keys.count, 0)
        let gone = signing.keys.answer(7, keyExchange(identity.key))
        XCTAssertEqual(gone, .refused(id: 7, reason: .unknownKey))
    }

    func testTheEndOfACertificateIsTold() throws {
        let signing = try Signing()
        let identity = try signing.identity("p256")
        let judged = try signing.add(
            5, .server, chain: identity.chain, key: signing.authority.bytes("p256.key"))
        XCTAssertGreaterThan(judged.ends, Int64(time(nil)) + 29 * 86_400)
        XCTAssertLessThan(judged.ends, Int64(time(nil)) + 31 * 86_400)
    }

    func testNoMoreKeysThanThereIsRoomFor() throws {
        let keys = Keys()
        for number in 1...UInt32(Keys.most) {
            XCTAssertNotNil(keys.make(number, names: ["a"], now: Int64(time(nil)), lifetime: 60))
        }
        XCTAssertNil(keys.make(1000, names: ["a"], now: Int64(time(nil)), lifetime: 60))
        XCTAssertNotNil(
            keys.make(1, names: ["a"], now: Int64(time(nil)), lifetime: 60), "in place of one that is there")
        XCTAssertEqual(keys.count, Keys.most)
    }

    func testACertificateOfOurOwnIsGoodForItsNames() throws {
        let signing = try Signing()
        let names = ["localhost", "127.0.0.1", "fd00::7", "decode-0.decode.llm.svc"]
        let made = try XCTUnwrap(signing.keys.make(44, names: names, now: Int64(time(nil)), lifetime: 3600))
        XCTAssertFalse(made.contains("PRIVATE"))
        let context = try server(TLSIdentity(chain: Array(made.utf8), key: 44))
        let trusting = try client(signing.authority) { $0.authorities = Array(made.utf8) }
        let hosts: [TLSHost] = [
            .name("localhost"), .address(.loopback4), .address(.init(high: 0xFD00_0000_0000_0000, low: 7)),
            .name("decode-0.decode.llm.svc"),
        ]
        for host in hosts {
            try Ends(signing, server: context, client: trusting, host: host).connect()
        }
        let wrong = try Ends(signing, server: context, client: trusting, host: .name("elsewhere"))
        XCTAssertEqual(wrong.shakeHands().client, .failed)
        let suspicious = try Ends(signing, server: context, client: client(signing.authority), host: .name("localhost"))
        XCTAssertEqual(suspicious.shakeHands().client, .failed)
    }

    // MARK: What is signed

    private func keyExchange(
        _ key: UInt32, algorithm: UInt16 = 0x0403, curve: UInt8 = 29, point: Int = 32
    ) -> SignRequest {
        let content =
            [UInt8](repeating: 7, count: 64) + [3, 0, curve, UInt8(point)] + [UInt8](repeating: 9, count: point)
        return SignRequest(key: key, algorithm: algorithm, isDigest: false, content: content)
    }

    private func verify(_ key: UInt32, role: String, hash: Int = 32, algorithm: UInt16 = 0x0403) -> SignRequest {
        let content =
            [UInt8](repeating: 0x20, count: 64) + Array("TLS 1.3, \(role) CertificateVerify".utf8) + [0]
            + [UInt8](repeating: 1, count: hash)
        return SignRequest(key: key, algorithm: algorithm, isDigest: false, content: content)
    }

    private func refusal(_ signing: Signing, _ request: SignRequest) -> SignRefusal? {
        if case .refused(_, let reason) = signing.keys.answer(1, request) { return reason }
        return nil
    }

    func testAServersKeySignsHandshakesOfServersAndNothingElse() throws {
        let signing = try Signing()
        let key = try signing.identity("p256").key
        XCTAssertNil(refusal(signing, keyExchange(key)))
        XCTAssertNil(refusal(signing, keyExchange(key, curve: 23, point: 65)))
        XCTAssertNil(refusal(signing, verify(key, role: "server")))
        XCTAssertNil(refusal(signing, verify(key, role: "server", hash: 48)))
        var bad: [SignRequest] = [
            verify(key, role: "client"), verify(key, role: "server", hash: 31), verify(key, role: "server", hash: 64),
            keyExchange(key, curve: 29, point: 33), keyExchange(key, curve: 22, point: 32),
        ]
        for count in [0, 1, 32, 48, 64, 67, 68, 100, 320] {
            bad.append(
                SignRequest(key: key, algorithm: 0x0403, isDigest: false, content: .init(repeating: 3, count: count)))
            bad.append(
                SignRequest(key: key, algorithm: 0x0403, isDigest: true, content: .init(repeating: 3, count: count)))
        }
        // A certificate and a token, as somebody would have them signed who wants to be us elsewhere.
        bad.append(
            SignRequest(
                key: key, algorithm: 0x0403, isDigest: false,
                content: [0x30, 0x82, 1, 0] + .init(repeating: 5, count: 256)))
        bad.append(
            SignRequest(
                key: key, algorithm: 0x0403, isDigest: false,
                content: Array("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0".utf8)))
        for request in bad {
            XCTAssertEqual(refusal(signing, request), .notAHandshake, "\(request.content.count) bytes")
        }
        // Every handshake with one byte more or less is none.
        for request in [keyExchange(key), verify(key, role: "server")] {
            var longer = request
            longer.content.append(0)
            var shorter = request
            shorter.content.removeLast()
            XCTAssertEqual(refusal(signing, longer), .notAHandshake)
            XCTAssertEqual(refusal(signing, shorter), .notAHandshake)
        }
    }

    func testAClientsKeySignsNothingForServers() throws {
        let signing = try Signing()
        let key = try signing.identity("client", .client).key
        XCTAssertNil(refusal(signing, verify(key, role: "client")))
        XCTAssertNil(
            refusal(
                signing,
                SignRequest(key: key, algorithm: 0x0403, isDigest: true, content: .init(repeating: 1, count: 32))))
        XCTAssertEqual(refusal(signing, verify(key, role: "server")), .notAHandshake)
        XCTAssertEqual(refusal(signing, keyExchange(key)), .notAHandshake)
    }

    /// A client's digest of TLS 1.2 can be any hash. Where 1.2 isn't spoken nobody needs it, nor a server's key exchange.
    func testNothingOfTLS12IsSignedWhereItIsNotSpoken() throws {
        let signing = try Signing()
        let client = try signing.identity("client", .client).key
        let server = try signing.identity("p256").key
        let digest = SignRequest(
            key: client, algorithm: 0x0403, isDigest: true, content: .init(repeating: 1, count: 32))
        XCTAssertNil(refusal(signing, digest))
        signing.keys.speaksTLS12 = false
        XCTAssertEqual(refusal(signing, digest), .notAHandshake)
        XCTAssertEqual(refusal(signing, keyExchange(server)), .notAHandshake)
        XCTAssertNil(refusal(signing, verify(client, role: "client")))
        XCTAssertNil(refusal(signing, verify(server, role: "server")))
    }

    func testAnAlgorithmMustFitTheKey() throws {
        let signing = try Signing()
        let all: [UInt16] = [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0807]
        let fitting: [String: [UInt16]] = [
            "p256": [0x0403, 0x0503, 0x0603], "p384": [0x0403, 0x0503, 0x0603],
            "rsa": [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601], "ed25519": [0x0807],
        ]
        for (name, algorithms) in fitting {
            let key = try signing.identity(name).key
            for algorithm in all + [0, 0x0201, 0x0203, 0x0809, 0xFFFF] {
                let reason = refusal(signing, verify(key, role: "server", algorithm: algorithm))
                XCTAssertEqual(reason, algorithms.contains(algorithm) ? nil : .unsuited, "\(name) \(algorithm)")
            }
        }
        // A digest of another length than its algorithm's.
        let client = try signing.identity("client", .client).key
        let short = SignRequest(key: client, algorithm: 0x0503, isDigest: true, content: .init(repeating: 1, count: 32))
        XCTAssertEqual(refusal(signing, short), .unsuited)
    }
}
