import XCTest

@testable import Supervisor

/// The supervisor's own end: every pair of phase and event against a table.
final class ShutdownTests: XCTestCase {
    /// Pairs that do something; all others change nothing.
    private static let table: [(Shutdown.Phase, Shutdown.Event, Shutdown.Action, Shutdown.Phase)] = [
        (.running, .terminate, .beginPreDrain, .preDrain),
        (.running, .essentialFailed, .stopProcesses, .stopping),
        (.preDrain, .preDrainOver, .beginDrain, .draining),
        (.preDrain, .terminate, .killProcesses, .stopping),
        (.preDrain, .essentialFailed, .stopProcesses, .stopping),
        (.draining, .drained, .stopProcesses, .stopping),
        (.draining, .terminate, .killProcesses, .stopping),
        (.draining, .drainOverdue, .killProcesses, .stopping),
        (.draining, .essentialFailed, .stopProcesses, .stopping),
        (.stopping, .terminate, .killProcesses, .stopping),
        (.stopping, .stopOverdue, .killProcesses, .stopping),
        (.stopping, .processesGone, .exit, .over),
    ]

    private static let ways: [Shutdown.Phase: [Shutdown.Event]] = [
        .running: [], .preDrain: [.terminate], .draining: [.terminate, .preDrainOver],
        .stopping: [.terminate, .preDrainOver, .drained],
        .over: [.terminate, .preDrainOver, .drained, .processesGone],
    ]

    func testEveryPairDoesWhatTheTableSays() {
        for phase in Shutdown.Phase.allCases {
            for event in Shutdown.Event.allCases {
                var shutdown = Shutdown()
                for step in Self.ways[phase] ?? [] { _ = shutdown.handle(step) }
                XCTAssertEqual(shutdown.phase, phase)
                let row = Self.table.first { $0.0 == phase && $0.1 == event }
                XCTAssertEqual(shutdown.handle(event), row?.2 ?? .none, "\(phase), \(event)")
                XCTAssertEqual(shutdown.phase, row?.3 ?? phase, "\(phase), \(event)")
            }
        }
    }

    func testThePhasesOnlyGoForward() {
        for phase in Shutdown.Phase.allCases {
            for event in Shutdown.Event.allCases {
                var shutdown = Shutdown()
                for step in Self.ways[phase] ?? [] { _ = shutdown.handle(step) }
                _ = shutdown.handle(event)
                XCTAssertGreaterThanOrEqual(shutdown.phase.rawValue, phase.rawValue, "\(phase), \(event)")
            }
        }
    }

    func testItEndsOnceAndOnlyWhenTheProcessesAreGone() {
        // Every sequence of six events.
        let events = Shutdown.Event.allCases
        var exits = 0
        func walk(_ shutdown: Shutdown, _ depth: Int) {
            if depth == 0 { return }
            for event in events {
                var next = shutdown
                let action = next.handle(event)
                if action == .exit {
                    exits += 1
                    XCTAssertEqual(event, .processesGone)
                    XCTAssertEqual(shutdown.phase, .stopping)
                }
                if shutdown.phase == .over {
                    XCTAssertEqual(action, .none)
                    XCTAssertEqual(next, shutdown)
                }
                walk(next, depth - 1)
            }
        }
        walk(Shutdown(), 6)
        XCTAssertGreaterThan(exits, 0)
    }

    func testFromEveryPhaseTheDeadlinesAloneLeadToTheEnd() {
        for phase in Shutdown.Phase.allCases where phase != .running {
            var shutdown = Shutdown()
            for step in Self.ways[phase] ?? [] { _ = shutdown.handle(step) }
            for event: Shutdown.Event in [.preDrainOver, .drainOverdue, .stopOverdue, .processesGone] {
                _ = shutdown.handle(event)
            }
            XCTAssertEqual(shutdown.phase, .over, "\(phase)")
        }
    }

    func testASecondOrderMeansNow() {
        var shutdown = Shutdown()
        XCTAssertEqual(shutdown.handle(.terminate), .beginPreDrain)
        XCTAssertEqual(shutdown.handle(.terminate), .killProcesses)
        XCTAssertEqual(shutdown.handle(.terminate), .killProcesses)
        XCTAssertEqual(shutdown.handle(.processesGone), .exit)
    }
}
