import XCTest

@testable import Proxy

/// Which clients are still owed something: what a drain waits for, and what counts as cut when it doesn't.
final class OwedTests: XCTestCase {
    private func isOwed(_ phase: Client.Phase, pending: String) -> Bool {
        var client = Client()
        client.phase = phase
        withBytes(pending) { _ = client.pending.append($0) }
        defer { client.pending.free() }
        return client.isOwed
    }

    func testARequestUnderWayIsOwedItsAnswer() {
        for phase in [Client.Phase.body, .serving, .tunnel] { XCTAssertTrue(isOwed(phase, pending: ""), "\(phase)") }
    }

    func testAnAnswerIsOwedUntilItIsOut() {
        for phase in [Client.Phase.idle, .closing] {
            XCTAssertTrue(isOwed(phase, pending: "x"), "\(phase)")
            XCTAssertFalse(isOwed(phase, pending: ""), "\(phase)")
        }
    }

    func testNobodyElseIsOwedAnything() {
        for phase in [Client.Phase.free, .handshake, .head, .lingering] {
            XCTAssertFalse(isOwed(phase, pending: ""), "\(phase)")
        }
    }
}
