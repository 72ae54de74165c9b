import Glibc
import IPC
import Linux
import XCTest

@testable import TLS

/// Handshakes that wait for signatures: many at once, in any order, given up, or left without one.
final class WaitingTests: XCTestCase {
    /// A server that waits for its signature.
    private func waiting(_ signing: Signing, _ name: String = "p256") throws -> Ends {
        let ends = try Ends(nil, server: server(signing.identity(name)), client: client(signing.authority))
        XCTAssertEqual(ends.client.handshake(), .wantsRead)
        XCTAssertEqual(ends.server.handshake(), .wantsSignature)
        return ends
    }

    func testSignaturesMayComeInAnyOrder() throws {
        let signing = try Signing()
        let all = try (0..<40).map { try waiting(signing, $0.isMultiple(of: 2) ? "p256" : "rsa") }
        for ends in all.shuffled() {
            signing.sign(ends.server)
            XCTAssertNil(ends.server.signatureRequest)
        }
        for ends in all.shuffled() { ends.connect() }
    }

    func testAConnectionMayBeFreedWhileItWaits() throws {
        let signing = try Signing()
        for _ in 0..<200 {
            let ends = try waiting(signing)
            // Closed first, as a loop does: nothing may be written to what the number stands for next.
            close(ends.serverFD)
            let (other, end) = socketPair()
            XCTAssertEqual(other == ends.serverFD || end == ends.serverFD, true, "the number is given anew")
            _ = ends
            close(other)
            close(end)
        }
        // The stacks have come back: as many as before can wait again.
        let all = try (0..<40).map { _ in try waiting(signing) }
        for ends in all { signing.sign(ends.server) }
        for ends in all { ends.connect() }
    }

    func testWithoutASignatureTheHandshakeFails() throws {
        let signing = try Signing()
        let ends = try waiting(signing)
        XCTAssertTrue(ends.server.sign(with: nil))
        XCTAssertEqual(ends.server.handshake(), .failed)
        XCTAssertTrue(ends.server.failure.contains("no signature"), ends.server.failure)
        XCTAssertEqual(ends.client.handshake(), .failed, "it is told")
        XCTAssertEqual(ends.server.handshake(), .failed, "and stays so")
    }

    func testAWrongSignatureIsNoticedByTheClient() throws {
        let signing = try Signing()
        for wrong in [[UInt8](repeating: 1, count: 70), [0]] {
            let ends = try waiting(signing)
            XCTAssertTrue(ends.server.sign(with: wrong))
            _ = ends.server.handshake()
            XCTAssertEqual(ends.shakeHands().client, .failed)
        }
        // Longer than any of this key can be.
        let ends = try waiting(signing)
        XCTAssertTrue(ends.server.sign(with: .init(repeating: 1, count: 1000)))
        XCTAssertEqual(ends.server.handshake(), .failed)
        let huge = try waiting(signing)
        XCTAssertFalse(huge.server.sign(with: .init(repeating: 1, count: 2000)))
        XCTAssertEqual(huge.server.handshake(), .wantsSignature)
    }

    func testNobodySignsWhatNobodyAskedFor() throws {
        let signing = try Signing()
        let ends = try Ends(signing, server: server(signing.identity("p256")), client: client(signing.authority))
        XCTAssertFalse(ends.server.sign(with: [1]))
        ends.connect()
        XCTAssertFalse(ends.server.sign(with: [1]))
        XCTAssertNil(ends.server.signatureRequest)
    }

    func testMoreThanMayWaitWaitForTheirTurn() throws {
        let signing = try Signing()
        var all: [Ends] = []
        var later: [Ends] = []
        // The tests' thread was started for 64.
        for _ in 0..<70 {
            let ends = try Ends(nil, server: server(signing.identity("p256")), client: client(signing.authority))
            XCTAssertEqual(ends.client.handshake(), .wantsRead)
            switch ends.server.handshake() {
            case .wantsSignature: all.append(ends)
            case .wantsTurn: later.append(ends)
            default: XCTFail("neither")
            }
        }
        XCTAssertEqual(all.count, 64)
        XCTAssertEqual(later.count, 6)
        XCTAssertEqual(later[0].server.handshake(), .wantsTurn, "as long as nobody has gone on")
        for ends in all { signing.sign(ends.server) }
        for ends in all { ends.connect() }
        for ends in later {
            XCTAssertEqual(ends.server.handshake(), .wantsSignature)
            signing.sign(ends.server)
            ends.connect()
        }
        // A connection that is up holds none: as many again.
        try waiting(signing).connectLater(signing)
    }

    func testBothSidesWaitForTheirOwnKeys() throws {
        let signing = try Signing()
        let identity = try signing.identity("client", .client)
        let ends = try Ends(
            signing,
            server: server(signing.identity("rsa")) {
                $0.clientCertificates = .required
                $0.clientAuthorities = try signing.authority.bytes("ca.crt")
            }, client: client(signing.authority) { $0.identity = identity })
        ends.connect()
        XCTAssertEqual(Set(signing.requests.map(\.key)).count, 2)
    }
}

extension Ends {
    fileprivate func connectLater(_ signing: Signing) {
        signing.sign(server)
        connect()
    }
}
