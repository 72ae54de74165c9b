import XCTest

@testable import Watcher

/// Every state with every event, and every short sequence of events.
final class ReflectorTableTests: XCTestCase {
    static let failures: [Failure] = [
        .connection("reset"), .untrusted("unknown issuer"), .unprepared("no token"), .expired, .unreadable("no JSON"),
        .refused(.init(status: 401)), .refused(.init(status: 403)), .refused(.init(status: 404)),
        .refused(.init(status: 429, retryAfter: 2_000)), .refused(.init(status: 500)), .refused(.init(status: 503)),
        .refused(.init(status: 504, retryAfter: 1_000, isVersionTooLarge: true)),
    ]
    static let events: [Reflector.Event] =
        [
            .start, .stop, .page(version: "5", more: "next"), .page(version: "5", more: ""),
            .page(version: "", more: ""), .opened, .progress(version: "6"), .progress(version: ""), .ended, .due,
        ] + failures.map { .failed($0) }

    /// What must be so after any step for the machine never to wait for something that nobody will bring.
    private func check(_ before: Reflector, _ event: Reflector.Event, _ after: Reflector, _ actions: [Reflector.Action])
    {
        let words = "\(before.state) \(event) → \(after.state) \(actions)"
        var asks = 0
        var pauses = 0
        for action in actions {
            switch action {
            case .list, .watch: asks += 1
            case .pause(let milliseconds):
                pauses += 1
                XCTAssertGreaterThanOrEqual(milliseconds, 0, words)
                XCTAssertLessThanOrEqual(milliseconds, 30_000, words)
            case .cancel, .adopt: break
            }
        }
        let isSame = before.state == after.state
        switch after.state {
        case .idle: XCTAssertEqual(asks + pauses, 0, words)
        case .listing:
            XCTAssertEqual(pauses, 0, words)
            XCTAssertTrue(asks == 1 || isSame && actions.isEmpty, words)
        case .opening:
            XCTAssertEqual(pauses, 0, words)
            XCTAssertTrue(asks == 1 || isSame && actions.isEmpty, words)
        case .watching:
            // A request is under way only if it was before.
            switch before.state {
            case .opening, .watching: break
            case .idle, .listing, .pausing: XCTFail(words)
            }
            XCTAssertTrue(actions.isEmpty, words)
        case .pausing: XCTAssertTrue(pauses == 1 && asks == 0 || isSame && actions.isEmpty, words)
        }
        // A list takes effect with its last page, and with nothing else.
        if actions.contains(.adopt) {
            XCTAssertEqual(before.state, .listing, words)
            XCTAssertEqual(event, .page(version: "5", more: ""), words)
        }
        // What is under way is given up before anything else is asked for, unless it has come to its end.
        if case .failed = event, !actions.isEmpty { XCTAssertEqual(actions.first, .cancel, words) }
        if event == .start || event == .stop { XCTAssertEqual(actions.first, .cancel, words) }
    }

    func testNoSequenceOfEventsHangsOrAdoptsAnythingButACompleteList() {
        var frontier = [Reflector()]
        var seen: Set<String> = []
        for depth in 0..<6 {
            var next: [Reflector] = []
            for machine in frontier {
                for event in Self.events {
                    for now in [Int64(depth) * 400, Int64(depth) * 400 + 250_000] {
                        var copy = machine
                        let actions = copy.handle(event, now: now, random: 0.5)
                        check(machine, event, copy, actions)
                        if seen.insert("\(copy)").inserted && seen.count < 60_000 { next.append(copy) }
                    }
                }
            }
            frontier = next
        }
        XCTAssertGreaterThan(seen.count, 300)
    }

    func testFromEveryStateAStartListsAndAStopRests() {
        for machine in Self.oneOfEachState() {
            var started = machine
            XCTAssertEqual(started.handle(.start, now: 0, random: 0), [.cancel, .list(continuing: "")])
            XCTAssertEqual(started.state, .listing)
            var stopped = machine
            XCTAssertEqual(stopped.handle(.stop, now: 0, random: 0), [.cancel])
            XCTAssertEqual(stopped.state, .idle)
        }
    }

    func testAPauseEndsInARequestFromEveryFailure() {
        for failure in Self.failures {
            for machine in Self.oneOfEachState() where machine.state != .idle {
                var copy = machine
                _ = copy.handle(.failed(failure), now: 0, random: 0.5)
                guard case .pausing = copy.state else { continue }
                let actions = copy.handle(.due, now: 1_000, random: 0.5)
                XCTAssertEqual(actions.count, 1, "\(failure)")
                switch actions.first {
                case .list(continuing: ""), .watch: break
                default: XCTFail("\(failure): \(actions)")
                }
            }
        }
    }

    static func oneOfEachState() -> [Reflector] {
        var machine = Reflector()
        var all = [machine]
        for event: Reflector.Event in [
            .start, .page(version: "5", more: ""), .opened, .failed(.connection("reset")),
        ] {
            _ = machine.handle(event, now: 0, random: 0)
            all.append(machine)
        }
        return all
    }
}
