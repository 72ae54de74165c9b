import Glibc
import IPC
import Linux
import XCTest

@testable import TLS

/// Who is trusted, and for how long.
final class TrustTests: XCTestCase {
    func testCertificatesAreCheckedUnlessToldOtherwise() throws {
        let signing = try Signing()
        let stranger = try server(signing.identity("p256"))
        let others = try client(signing.authority) { $0.authorities = try signing.authority.bytes("other.crt") }
        let refused = try Ends(signing, server: stranger, client: others)
        XCTAssertEqual(refused.shakeHands().client, .failed)
        for word in ["unable to get local issuer certificate", "/CN=p256", "/CN=ca"] {
            XCTAssertTrue(refused.client.failure.contains(word), refused.client.failure)
        }
        XCTAssertTrue(refused.server.failure.contains("unknown ca"), refused.server.failure)

        let named = try Ends(
            signing, server: stranger, client: client(signing.authority), host: .name("elsewhere.example"))
        XCTAssertEqual(named.shakeHands().client, .failed)
        XCTAssertTrue(named.client.failure.contains("ostname mismatch"), named.client.failure)

        let careless = try client(signing.authority) {
            $0.verify = false
            $0.authorities = []
        }
        try Ends(signing, server: stranger, client: careless, host: .name("elsewhere.example")).connect()
    }

    func testAnExpiredCertificateIsRefused() throws {
        let signing = try Signing()
        // The signer wouldn't take it; a signature never comes to be asked for.
        let expired = TLSIdentity(chain: try signing.authority.bytes("expired.crt"), key: 77)
        let ends = try Ends(
            nil, server: server(expired) { $0.versions = .v12 ... .v12 }, client: client(signing.authority))
        XCTAssertEqual(ends.client.handshake(), .wantsRead)
        XCTAssertEqual(ends.server.handshake(), .wantsSignature)
    }

    func testClientsMustBearAnAllowedName() throws {
        let signing = try Signing()
        let good = try signing.identity("client", .client)
        let unnamed = try signing.identity("unnamed", .client)
        func ends(
            _ who: TLSIdentity?, _ how: TLSClientCertificates, _ version: TLSVersion,
            _ allowed: [TLSPeerName] = [.uri("spiffe://cluster.local/ns/llm/sa/gateway"), .dns("GATEWAY.example")]
        ) throws -> Ends {
            try Ends(
                signing,
                server: server(signing.identity("p256")) {
                    $0.versions = version...version
                    $0.clientCertificates = how
                    $0.clientAuthorities = try signing.authority.bytes("ca.crt")
                    $0.allowedClients = allowed
                }, client: client(signing.authority) { $0.identity = who })
        }
        for version in TLSVersion.allCases {
            try ends(good, .required, version).connect()
            try ends(good, .optional, version).connect()
            try ends(unnamed, .required, version, []).connect()
            try ends(unnamed, .required, version, [.dns("SOMEONE.else")]).connect()
            let nobody = try ends(nil, .optional, version)
            nobody.connect()
            for (who, how) in [(unnamed, TLSClientCertificates.required), (unnamed, .optional)] {
                let refused = try ends(who, how, version)
                XCTAssertEqual(refused.shakeHands().server, .failed)
                XCTAssertTrue(refused.server.failure.contains("names are not among"), refused.server.failure)
            }
            let bare = try ends(nil, .required, version)
            XCTAssertEqual(bare.shakeHands().server, .failed)
            XCTAssertTrue(bare.server.failure.contains("did not return a certificate"), bare.server.failure)
            // A name of one kind is none of the other.
            let kind = try ends(good, .required, version, [.dns("spiffe://cluster.local/ns/llm/sa/gateway")])
            XCTAssertEqual(kind.shakeHands().server, .failed)
            let prefix = try ends(good, .required, version, [.uri("spiffe://cluster.local/ns/llm/sa/gatewa")])
            XCTAssertEqual(prefix.shakeHands().server, .failed)
        }
    }

    func testSettingsThatMakeNoSenseAreRefused() throws {
        let signing = try Signing()
        let identity = try signing.identity("p256")
        func fails(_ body: () throws -> TLSContext, _ word: String, line: UInt = #line) {
            XCTAssertThrowsError(try body(), line: line) { error in
                XCTAssertTrue("\(error)".contains(word), "\(error)", line: line)
            }
        }
        fails({ try server(TLSIdentity(chain: [], key: 1)) }, "no certificate")
        fails({ try server(TLSIdentity(chain: identity.chain, key: 0)) }, "key")
        fails({ try server(TLSIdentity(chain: Array(identity.chain.dropLast(40)), key: 1)) }, "no certificate")
        fails({ try server(TLSIdentity(chain: identity.chain + identity.chain.dropLast(40), key: 1)) }, "malformed")
        fails({ try server(identity) { $0.clientCertificates = .required } }, "authority")
        fails({ try server(identity) { $0.protocols = [""] } }, "protocol")
        fails({ try client(signing.authority) { $0.authorities = [] } }, "authority")
        fails({ try client(signing.authority) { $0.authorities = Array("hello".utf8) } }, "authority")
        XCTAssertThrowsError(
            try TLSConnection(connecting: 0, client(signing.authority), to: .name(""))
        ) { XCTAssertTrue("\($0)".contains("no host")) }
        XCTAssertThrowsError(
            try TLSConnection(connecting: 0, client(signing.authority), to: .name("."))
        ) { XCTAssertTrue("\($0)".contains("no host")) }
    }

    // MARK: Resumption

    func testAClientComesBackWithoutASignature() throws {
        let signing = try Signing()
        let here = Endpoint(.loopback4, 443)
        for version in TLSVersion.allCases {
            let context = try server(signing.identity("p256")) { $0.versions = version...version }
            let calling = try client(signing.authority)
            var sessions = TLSSessions()
            let host = TLSHost.name("engine.example")
            for round in 0..<4 {
                let ends = try Ends(
                    signing, server: context, client: calling, session: sessions.session(for: here, host, calling))
                let before = signing.requests.count
                ends.connect()
                XCTAssertEqual(ends.client.isResumed, round > 0)
                XCTAssertEqual(ends.server.isResumed, round > 0)
                XCTAssertEqual(signing.requests.count - before, round > 0 ? 0 : 1)
                XCTAssertEqual(write([1], ends.server), .done(1))
                XCTAssertEqual(read(ends.client).bytes, [1])
                if let session = ends.client.takeSession() { sessions.store(session, for: here, host, calling) }
                XCTAssertNil(ends.client.takeSession())
                XCTAssertEqual(sessions.count, 1)
            }
            // Neither another host, nor another server, nor another context gets it.
            XCTAssertNil(sessions.session(for: here, .name("other.example"), calling))
            XCTAssertNil(sessions.session(for: Endpoint(.loopback4, 444), host, calling))
            XCTAssertNil(sessions.session(for: here, host, try client(signing.authority)))
            // After a change of certificates the server doesn't know its old tickets: a whole handshake, no error.
            let swapped = try server(signing.identity("p256")) { $0.versions = version...version }
            let ends = try Ends(
                signing, server: swapped, client: calling, session: sessions.session(for: here, host, calling))
            ends.connect()
            XCTAssertFalse(ends.client.isResumed)
            sessions.keep(only: [calling])
            XCTAssertEqual(sessions.count, 1)
            sessions.keep(only: [try client(signing.authority)])
            XCTAssertEqual(sessions.count, 0)
        }
    }

    func testNoSessionOutlivesTheCertificateThatItStandsFor() throws {
        let signing = try Signing()
        let ends = Int64(time(nil)) + 3
        var waited: [() throws -> Void] = []
        for name in ["brief", "briefclient"] { XCTAssertTrue(signing.authority.leaf(name, until: ends)) }
        let here = Endpoint(.loopback4, 443)
        let host = TLSHost.name("engine.example")
        for version in TLSVersion.allCases {
            // An upstream's, and a client's.
            let called = try server(signing.identity("brief")) { $0.versions = version...version }
            let calling = try client(signing.authority)
            let serving = try server(signing.identity("p256")) {
                $0.versions = version...version
                $0.clientCertificates = .required
                $0.clientAuthorities = try signing.authority.bytes("ca.crt")
            }
            let identity = try signing.identity("briefclient", .client)
            let coming = try client(signing.authority) { $0.identity = identity }
            var sessions = TLSSessions()
            func call(_ context: TLSContext, _ from: TLSContext) throws -> Ends {
                try Ends(signing, server: context, client: from, session: sessions.session(for: here, host, from))
            }
            for (context, from) in [(called, calling), (serving, coming)] {
                for round in 0..<2 {
                    let ends = try call(context, from)
                    ends.connect()
                    XCTAssertEqual(ends.server.isResumed, round > 0)
                    XCTAssertEqual(write([1], ends.server), .done(1))
                    XCTAssertEqual(read(ends.client).bytes, [1])
                    if let session = ends.client.takeSession() { sessions.store(session, for: here, host, from) }
                }
            }
            let kept = try XCTUnwrap(sessions.session(for: here, host, calling))
            waited.append { [sessions] in
                XCTAssertNil(sessions.session(for: here, host, calling), "it is not offered any more")
                // Taken before the end, and offered nevertheless.
                let late = try Ends(signing, server: called, client: calling, session: kept)
                XCTAssertEqual(late.shakeHands().client, .failed)
                XCTAssertTrue(late.client.failure.contains("expired"), late.client.failure)
                // The client's own session is its server's certificate's, which is good.
                let guest = try Ends(
                    signing, server: serving, client: coming, session: sessions.session(for: here, host, coming))
                XCTAssertEqual(guest.shakeHands().server, .failed)
                XCTAssertFalse(guest.server.isResumed)
                XCTAssertTrue(guest.server.failure.contains("expired"), guest.server.failure)
            }
        }
        while Int64(time(nil)) <= ends { usleep(50_000) }
        for check in waited { try check() }
    }

    func testTicketsCanBeSwitchedOff() throws {
        let signing = try Signing()
        for version in TLSVersion.allCases {
            let context = try server(signing.identity("p256")) {
                $0.tickets = false
                $0.versions = version...version
            }
            let ends = try Ends(signing, server: context, client: client(signing.authority))
            ends.connect()
            XCTAssertEqual(write([1], ends.server), .done(1))
            XCTAssertEqual(read(ends.client).bytes, [1])
            if let session = ends.client.takeSession() { XCTAssertFalse(session.isResumable) }
        }
    }

    func testSessionsAreBounded() throws {
        let signing = try Signing()
        let calling = try client(signing.authority)
        let context = try server(signing.identity("p256"))
        var sessions = TLSSessions(most: 3)
        for port in 1...5 {
            let ends = try Ends(signing, server: context, client: calling)
            ends.connect()
            _ = write([1], ends.server)
            _ = read(ends.client)
            let session = try XCTUnwrap(ends.client.takeSession())
            sessions.store(session, for: Endpoint(.loopback4, UInt16(port)), .name("a"), calling)
        }
        XCTAssertEqual(sessions.count, 3)
        XCTAssertNil(sessions.session(for: Endpoint(.loopback4, 2), .name("a"), calling))
        XCTAssertNotNil(sessions.session(for: Endpoint(.loopback4, 3), .name("a"), calling))
    }

    // MARK: Change

    func testConnectionsKeepTheContextThatTheyBeganWith() throws {
        let signing = try Signing()
        let calling = try client(signing.authority)
        var context: TLSContext? = try server(signing.identity("p256"))
        let before = try Ends(signing, server: XCTUnwrap(context), client: calling)
        XCTAssertEqual(before.client.handshake(), .wantsRead)
        XCTAssertEqual(before.server.handshake(), .wantsSignature)
        // Replaced in the middle of a handshake, and nobody else holds the old one.
        context = try server(signing.identity("rsa"))
        signing.sign(before.server)
        before.connect()
        let after = try Ends(signing, server: XCTUnwrap(context), client: calling)
        after.connect()
        XCTAssertEqual(write([1], before.server), .done(1))
        XCTAssertEqual(read(before.client).bytes, [1])
        XCTAssertEqual(signing.requests.map(\.algorithm), [0x0403, 0x0804])
    }
}
