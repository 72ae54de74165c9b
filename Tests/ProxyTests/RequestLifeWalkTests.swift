import IPC
import TestSupport
import XCTest

@testable import Proxy

/// Long random walks: whatever the order of events, a request ends exactly once and starts nothing afterwards.
final class RequestLifeWalkTests: XCTestCase {
    /// What a request has done so far, counted from outside.
    private struct Tally {
        var ends = 0
        var relays = 0
        var freshPrefiller = 0
        var freshDecoder = 0
        var isDisaggregated = false
        var hasVerdict = false
        var holdsConnection = false
    }

    func testRandomWalksEndOnceAndRetryEachLegAtMostOnce() {
        var generator = SeededGenerator(seed: 1)
        var life = RequestLife()
        var tally = Tally()
        var finished = 0
        for step in 0..<100_000 {
            let before = life.phase
            let event = pick(&generator, in: before)
            let action = life.handle(event)
            note(action, event, before, &tally, "step \(step): \(before) \(event)")
            if life.phase == .finished {
                if before != .finished && before != .idle { XCTAssertEqual(tally.ends, 1, "step \(step)") }
                // Linger a little: late events must do nothing.
                if Int.random(in: 0..<8, using: &generator) == 0 {
                    finished += 1
                    life = RequestLife()
                    tally = Tally()
                }
            } else {
                XCTAssertEqual(tally.ends, 0, "step \(step)")
            }
        }
        XCTAssertGreaterThan(finished, 1000)
    }

    /// Mostly what can happen in a phase, so that walks get far; sometimes anything.
    private func pick(_ generator: inout SeededGenerator, in phase: RequestLife.Phase) -> RequestLife.Event {
        if Int.random(in: 0..<4, using: &generator) == 0 { return everyEvent.randomElement(using: &generator)! }
        switch phase {
        case .idle: return .begin(disaggregated: Bool.random(using: &generator))
        case .reachingPrefiller, .reachingDecoder: return .connected
        case .prefilling, .decoding:
            return Bool.random(using: &generator) ? .answered(success: true) : .lost(stale: true)
        case .collectingHandoff: return .handoff(.usable)
        case .relaying: return .completed
        case .finished: return everyEvent.randomElement(using: &generator)!
        }
    }

    private func note(
        _ action: RequestLife.Action, _ event: RequestLife.Event, _ before: RequestLife.Phase, _ tally: inout Tally,
        _ label: String
    ) {
        if before == .finished {
            // Nothing more, but for a client that leaves before it has taken the last of its answer.
            XCTAssertEqual(action, event == .clientGone ? .cancel : .none, label)
            return
        }
        if before == .idle, case .begin(let disaggregated) = event { tally.isDisaggregated = disaggregated }
        if before == .collectingHandoff, case .handoff = event { tally.hasVerdict = true }
        switch action {
        case .none: break
        case .acquire(let purpose, let fresh):
            tally.holdsConnection = false
            if purpose == .prefiller {
                XCTAssertTrue(tally.isDisaggregated && !tally.hasVerdict, label)
                tally.freshPrefiller += fresh ? 1 : 0
            } else {
                XCTAssertTrue(!tally.isDisaggregated || tally.hasVerdict, label)
                tally.freshDecoder += fresh ? 1 : 0
            }
            XCTAssertLessThanOrEqual(tally.freshPrefiller, 1, label)
            XCTAssertLessThanOrEqual(tally.freshDecoder, 1, label)
        case .sendLeg(let purpose):
            XCTAssertFalse(tally.holdsConnection, label)
            tally.holdsConnection = true
            XCTAssertEqual(purpose == .prefiller, tally.isDisaggregated && !tally.hasVerdict, label)
        case .collectHandoff: XCTAssertTrue(tally.isDisaggregated && tally.holdsConnection, label)
        case .relay:
            XCTAssertTrue(tally.holdsConnection, label)
            tally.relays += 1
            XCTAssertEqual(tally.relays, 1, label)
        case .fail:
            // Once an answer is on its way, an error of our own would be a second one.
            XCTAssertEqual(tally.relays, 0, label)
            tally.ends += 1
        case .cut, .finish:
            XCTAssertEqual(tally.relays, 1, label)
            tally.ends += 1
        case .cancel:
            XCTAssertEqual(event, .clientGone, label)
            tally.ends += 1
        }
        XCTAssertLessThanOrEqual(tally.ends, 1, label)
    }

    func testEveryFailureCanComeAbout() {
        var seen: Set<Failure> = []
        for way in waysIn {
            for event in everyEvent {
                var life = life(after: way.events)
                if case .fail(let failure) = life.handle(event) { seen.insert(failure) }
            }
        }
        XCTAssertEqual(seen, Set(Failure.allCases))
    }
}
