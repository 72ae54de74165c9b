import Glibc
import IPC
import Linux
import Metrics
import XCTest

@testable import Proxy

/// The end of a drain on one loop.
final class DrainTests: XCTestCase {
    private func loop(_ shared: Shared) throws -> Loop {
        try Loop(index: 0, settings: ProxySettings(), shared: shared, stripe: Stripe.detached())
    }

    /// Puts a client of this phase into the loop's table; returns the other end of its connection.
    private func connect(to loop: Loop, _ phase: Client.Phase, pending: String = "") -> Int32 {
        var ends: [Int32] = [-1, -1]
        XCTAssertEqual(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends), 0)
        let client = loop.clients + Int(ends[0])
        client.initialize(to: Client())
        client.pointee.fd = ends[0]
        client.pointee.phase = phase
        withBytes(pending) { _ = client.pointee.pending.append($0) }
        loop.openClients += 1
        return ends[1]
    }

    func testWhatWasCutIsCountedBeforeTheLoopSaysThatItIsDone() throws {
        let cases: [(Client.Phase, String, Int)] = [
            (.body, "", 1), (.tunnel, "", 1), (.idle, "x", 1), (.closing, "x", 1), (.idle, "", 0), (.lingering, "", 0),
        ]
        for (phase, pending, cut) in cases {
            let shared = Shared(limit: 1)
            let loop = try loop(shared)
            let others = [connect(to: loop, .idle), connect(to: loop, phase, pending: pending)]
            defer { for fd in others { close(fd) } }
            loop.draining = true
            var known: [Int] = []
            loop.onDrained = { known.append(shared.cut) }
            loop.cutWhatIsLeft()
            XCTAssertEqual(known, [cut], "\(phase), '\(pending)'")
        }
    }
}
