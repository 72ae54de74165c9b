import IPC
import Linux
import XCTest

@testable import TLS

/// Handshakes between our own two sides, with every key, suite and version.
final class HandshakeTests: XCTestCase {
    func testEverySuiteIsSpoken() throws {
        let signing = try Signing()
        for suite in TLSCipherSuite.allCases {
            let kinds: [String]
            switch suite {
            case .aes128ECDSA, .aes256ECDSA, .chacha20ECDSA: kinds = ["p256", "p384", "ed25519"]
            case .aes128RSA, .aes256RSA, .chacha20RSA: kinds = ["rsa"]
            case .aes128, .aes256, .chacha20: kinds = ["p256", "p384", "rsa", "ed25519"]
            }
            for kind in kinds {
                let ends = try Ends(
                    signing,
                    server: server(signing.identity(kind)) {
                        $0.suites = [suite]
                        $0.versions = suite.version...suite.version
                    }, client: client(signing.authority))
                let before = signing.requests.count
                ends.connect()
                XCTAssertEqual(signing.requests.count, before + 1, "one signature for each handshake")
                for connection in [ends.client, ends.server] {
                    XCTAssertEqual(connection.cipherSuite, suite.rawValue)
                    XCTAssertEqual(connection.version, suite.version)
                    XCTAssertFalse(connection.isResumed)
                }
                exchange(ends)
            }
        }
    }

    /// Bytes both ways, in pieces of awkward sizes, and a clean end.
    private func exchange(_ ends: Ends) {
        for size in [1, 16_384, 16_385, 50_000] {
            let message = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            for (from, to) in [(ends.client, ends.server), (ends.server, ends.client)] {
                var sent = 0
                var received: [UInt8] = []
                while received.count < size {
                    if sent < size, case .done(let count) = write(Array(message[sent...]), from) {
                        XCTAssertGreaterThan(count, 0)
                        sent += count
                    }
                    while true {
                        let (outcome, bytes) = read(to, most: 7000)
                        guard case .done = outcome else {
                            XCTAssertEqual(outcome, .wantsRead)
                            break
                        }
                        received += bytes
                    }
                    XCTAssertTrue(to.isDrained, "nothing is left once a read wants more")
                }
                XCTAssertEqual(received, message)
            }
        }
        XCTAssertEqual(ends.server.shutdown(), .done(0))
        XCTAssertEqual(read(ends.client).outcome, .closed(cleanly: true))
    }

    func testAClientShowsItsCertificateInBothVersions() throws {
        let signing = try Signing()
        let identity = try signing.identity("client", .client)
        for version in TLSVersion.allCases {
            let ends = try Ends(
                signing,
                server: server(signing.identity("rsa")) {
                    $0.versions = version...version
                    $0.clientCertificates = .required
                    $0.clientAuthorities = try signing.authority.bytes("ca.crt")
                    $0.allowedClients = [.dns("other"), .uri("spiffe://cluster.local/ns/llm/sa/gateway")]
                }, client: client(signing.authority) { $0.identity = identity })
            ends.connect()
            // TLS 1.2 lets a client sign the hash of the transcript; TLS 1.3 has a form of its own.
            let request = try XCTUnwrap(signing.requests.last { $0.key == identity.key })
            XCTAssertEqual(request.isDigest, version == .v12)
        }
    }

    func testAnEd25519CertificateOfOursIsForVersion13() throws {
        let signing = try Signing()
        let identity = try signing.identity("ed25519", .client)
        for version in TLSVersion.allCases {
            let ends = try Ends(
                signing,
                server: server(signing.identity("p256")) {
                    $0.versions = version...version
                    $0.clientCertificates = .required
                    $0.clientAuthorities = try signing.authority.bytes("ca.crt")
                }, client: client(signing.authority) { $0.identity = identity })
            if version == .v13 {
                ends.connect()
                continue
            }
            XCTAssertEqual(ends.shakeHands().client, .failed)
            for word in ["Ed25519", "TLS 1.3", "--upstream-cert-path"] {
                XCTAssertTrue(ends.client.failure.contains(word), ends.client.failure)
            }
        }
    }

    func testAnAddressIsCheckedAsAnAddress() throws {
        let signing = try Signing()
        let context = try server(signing.identity("p256"))
        let good = try Ends(
            signing, server: context, client: client(signing.authority), host: .address(.loopback4))
        good.connect()
        let bad = try Ends(
            signing, server: context, client: client(signing.authority), host: .address(Address(v4: 0x7F00_0002)))
        XCTAssertEqual(bad.shakeHands().client, .failed)
        XCTAssertTrue(bad.client.failure.contains("IP address mismatch"), bad.client.failure)
    }

    func testTheServerNameOfTheSettingsReplacesWhatWasCalled() throws {
        let signing = try Signing()
        let context = try server(signing.identity("p256"))
        let ends = try Ends(
            signing, server: context,
            client: client(signing.authority) { $0.serverName = "engine.example" },
            host: .address(Address(v4: 0x0A00_0001)))
        ends.connect()
        let other = try Ends(
            signing, server: context, client: client(signing.authority) { $0.serverName = "elsewhere.example" })
        XCTAssertEqual(other.shakeHands().client, .failed)
    }

    func testAClientThatKnowsNoneOfOurProtocolsIsRefused() throws {
        let signing = try Signing()
        let context = try server(signing.identity("p256"))
        let ends = try Ends(
            signing, server: context, client: client(signing.authority) { $0.protocols = ["h2"] })
        XCTAssertEqual(ends.shakeHands().server, .failed)
        let silent = try Ends(
            signing, server: context, client: client(signing.authority) { $0.protocols = [] })
        silent.connect()
    }

    func testVersionsThatDontMeetFail() throws {
        let signing = try Signing()
        let ends = try Ends(
            signing, server: server(signing.identity("p256")) { $0.versions = .v13 ... .v13 },
            client: client(signing.authority) { $0.versions = .v12 ... .v12 })
        XCTAssertEqual(ends.shakeHands().server, .failed)
    }
}
