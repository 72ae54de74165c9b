import IPC
import XCTest

@testable import KVAgent

/// A transfer's life, in every state and with everything that can happen there, against the whole table spelled out.
final class FetchTests: XCTestCase {
    private typealias Answer = (state: Fetch.State, action: Fetch.Action)

    /// How each state is reached.
    private static let ways: [(state: Fetch.State, events: [Fetch.Event])] = [
        (.connecting, []), (.announcing, [.welcomed]), (.reading, [.welcomed, .accepted]),
        (.summing, [.welcomed, .accepted, .allRead]), (.comparing, [.welcomed, .accepted, .allRead, .sumKnown]),
        (.leaving, [.welcomed, .accepted, .allRead, .sumMatches]), (.abandoning(.timedOut), [.deadline]),
        (.draining(.cancelled), [.welcomed, .accepted, .cancelled]),
        (.closing, [.welcomed, .accepted, .allRead, .sumMatches, .lingered]), (.over, [.gone]),
    ]

    private func reached(_ events: [Fetch.Event]) -> Fetch {
        var fetch = Fetch()
        for event in events { _ = fetch.handle(event) }
        return fetch
    }

    /// What an event leads to where nothing else is said: in each running state.
    private static func usual(_ event: Fetch.Event, in state: Fetch.State) -> Answer {
        func abandoned(_ outcome: KVOutcome) -> Answer { (.abandoning(outcome), .abandon) }
        switch event {
        case .lost, .readFailed: return abandoned(.peerLost)
        case .deadline: return abandoned(.timedOut)
        case .cancelled: return abandoned(.cancelled)
        case .revoked: return abandoned(.notInPool)
        case .stopped: return abandoned(.agentLost)
        case .gone: return (.over, .report(.peerLost))
        case .nonsense, .welcomed, .incompatible, .accepted, .refusedRange, .refusedBusy, .peerSumMatches,
            .peerSumDiffers:
            return abandoned(.peerBrokeProtocol)
        case .allRead, .sumMatches, .sumDiffers, .sumKnown, .lingered, .drained: return (state, .none)
        }
    }

    /// What leads on, and the other exceptions.
    private static func special(_ event: Fetch.Event, in state: Fetch.State) -> Answer? {
        switch (state, event) {
        case (.connecting, .welcomed): return (.announcing, .announce)
        case (.connecting, .incompatible): return (.abandoning(.incompatible), .abandon)
        case (.connecting, .refusedRange), (.announcing, .refusedRange): return (.abandoning(.refusedRange), .abandon)
        case (.connecting, .refusedBusy), (.announcing, .refusedBusy): return (.abandoning(.refusedBusy), .abandon)
        case (.connecting, .lost): return (.abandoning(.unreachable), .abandon)
        case (.connecting, .gone): return (.over, .report(.unreachable))
        case (.announcing, .accepted): return (.reading, .read)
        case (.reading, .allRead): return (.summing, .sum)
        case (.reading, .deadline): return (.draining(.timedOut), .drain)
        case (.reading, .cancelled): return (.draining(.cancelled), .drain)
        case (.reading, .revoked): return (.draining(.notInPool), .drain)
        case (.reading, .stopped): return (.draining(.agentLost), .drain)
        case (.summing, .sumMatches), (.comparing, .peerSumMatches): return (.leaving, .conclude(.done))
        case (.summing, .sumDiffers), (.comparing, .peerSumDiffers): return (.leaving, .conclude(.checksumMismatch))
        case (.summing, .sumKnown): return (.comparing, .askChecksum)
        default: return nil
        }
    }

    private static func expected(_ event: Fetch.Event, in state: Fetch.State) -> Answer {
        switch state {
        case .leaving:
            let ends: [Fetch.Event] = [.lost, .lingered, .deadline, .nonsense, .cancelled, .revoked]
            if event == .gone { return (.over, .forget) }
            return ends.contains(event) ? (.closing, .close) : (.leaving, .none)
        case .draining(let outcome):
            let ends: [Fetch.Event] = [.drained, .lingered, .deadline, .lost, .readFailed, .nonsense]
            if event == .gone { return (.over, .report(outcome)) }
            return ends.contains(event) ? (.abandoning(outcome), .abandon) : (state, .none)
        case .abandoning(let outcome): return event == .gone ? (.over, .report(outcome)) : (state, .none)
        case .closing: return event == .gone ? (.over, .forget) : (state, .none)
        case .over: return (.over, .none)
        case .connecting, .announcing, .reading, .summing, .comparing:
            return special(event, in: state) ?? usual(event, in: state)
        }
    }

    func testEveryPairHasTheAnswerOfTheTable() {
        var pairs = 0
        for (state, events) in Self.ways {
            XCTAssertEqual(reached(events).state, state)
            for event in Fetch.Event.allCases {
                pairs += 1
                var fetch = reached(events)
                let action = fetch.handle(event)
                let wanted = Self.expected(event, in: state)
                XCTAssertEqual(fetch.state, wanted.state, "\(state) \(event)")
                XCTAssertEqual(action, wanted.action, "\(state) \(event)")
            }
        }
        XCTAssertEqual(pairs, 10 * Fetch.Event.allCases.count)
    }

    func testWhateverHappensTheResultIsToldOnceAndNothingFollowsTheEnd() {
        var state: UInt64 = 7
        for _ in 0..<20_000 {
            var fetch = Fetch()
            var told = 0
            var closed = 0
            for step in 0..<24 {
                state = state &* 6_364_136_223_846_793_005 &+ 1
                let events = Fetch.Event.allCases
                // At the end everything lets go.
                let event = step >= 22 ? .gone : events[Int(state >> 33) % events.count]
                switch fetch.handle(event) {
                case .report, .conclude: told += 1
                case .abandon, .close: closed += 1
                case .none, .announce, .read, .drain, .sum, .askChecksum, .forget: break
                }
            }
            XCTAssertEqual(told, 1)
            XCTAssertLessThanOrEqual(closed, 1)
            XCTAssertEqual(fetch.state, .over)
        }
    }

    /// Reads that are on their way may still write: nobody is told that a range is free before they have ended.
    func testARangeIsNotGivenBackWhileReadsMayBeOnTheirWay() {
        for (state, events) in Self.ways where state == .reading || state == .draining(.cancelled) {
            for event in Fetch.Event.allCases {
                var fetch = reached(events)
                switch fetch.handle(event) {
                case .report: XCTAssertEqual(event, .gone)
                case .conclude: XCTFail("\(event)")
                default: break
                }
            }
        }
    }

    func testPiecesCoverTheRangeOnce() {
        for length in [1, FetchJob.piece - 1, FetchJob.piece, FetchJob.piece + 1, 5 * FetchJob.piece + 3] {
            var order = KVTransfer()
            order.length = length
            let job = FetchJob(order, peer: 1, begunAt: 0, deadline: 0)
            var covered: UInt64 = 0
            while let (offset, count) = job.nextPiece() {
                XCTAssertEqual(offset, covered)
                XCTAssertEqual(job.length(ofPiece: UInt32(offset / FetchJob.piece)), count)
                covered += count
            }
            XCTAssertEqual(covered, length)
            XCTAssertEqual(job.length(ofPiece: UInt32((length + FetchJob.piece - 1) / FetchJob.piece)), 0)
            XCTAssertEqual(job.length(ofPiece: .max), 0)
        }
    }
}
