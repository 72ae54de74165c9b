import IPC
import XCTest

@testable import Proxy

/// The request's life against a table that was written from the meaning of its phases and events. What the table doesn't
/// list changes nothing and asks for nothing.
final class RequestLifeTableTests: XCTestCase {
    typealias Row = (
        phase: RequestLife.Phase, event: RequestLife.Event, action: RequestLife.Action, next: RequestLife.Phase
    )

    /// Rows that hold whatever was retried before.
    private static let table: [Row] = [
        (.idle, .begin(disaggregated: true), .acquire(.prefiller, fresh: false), .reachingPrefiller),
        (.idle, .begin(disaggregated: false), .acquire(.decoder, fresh: false), .reachingDecoder),
        (.idle, .clientGone, .cancel, .finished),

        (.reachingPrefiller, .connected, .sendLeg(.prefiller), .prefilling),
        (.reachingPrefiller, .refused(.forbiddenAddress), .fail(.prefillerForbidden), .finished),
        (.reachingPrefiller, .refused(.notInPool), .fail(.prefillerNotAllowed), .finished),
        (.reachingPrefiller, .refused(.portNotAllowed), .fail(.prefillerNotAllowed), .finished),
        (.reachingPrefiller, .refused(.allowlistMissing), .fail(.allowlistUnusable), .finished),
        (.reachingPrefiller, .refused(.allowlistStale), .fail(.allowlistUnusable), .finished),
        (.reachingPrefiller, .refused(.connectionRefused), .fail(.prefillerUnreachable), .finished),
        (.reachingPrefiller, .refused(.timedOut), .fail(.prefillerUnreachable), .finished),
        (.reachingPrefiller, .refused(.unreachable), .fail(.prefillerUnreachable), .finished),
        (.reachingPrefiller, .refused(.nameNotFound), .fail(.prefillerUnreachable), .finished),
        (.reachingPrefiller, .refused(.nameTimedOut), .fail(.prefillerUnreachable), .finished),
        (.reachingPrefiller, .refused(.tooMany), .fail(.noResources), .finished),
        (.reachingPrefiller, .refused(.noResources), .fail(.noResources), .finished),
        (.reachingPrefiller, .refused(.dialerLost), .fail(.noResources), .finished),
        (.reachingPrefiller, .deadlinePassed, .fail(.prefillerUnreachable), .finished),
        // TLS that fails is never tried again, whatever came before, and never done without.
        (.reachingPrefiller, .tlsFailed, .fail(.prefillerTLS), .finished),
        (.prefilling, .tlsFailed, .fail(.prefillerTLS), .finished),
        (.collectingHandoff, .tlsFailed, .fail(.prefillerTLS), .finished),
        (.reachingDecoder, .tlsFailed, .fail(.decoderTLS), .finished),
        (.decoding, .tlsFailed, .fail(.decoderTLS), .finished),
        (.relaying, .tlsFailed, .cut, .finished),
        (.reachingPrefiller, .clientGone, .cancel, .finished),
        (.reachingPrefiller, .drainDeadline, .fail(.draining), .finished),

        (.prefilling, .answered(success: true), .collectHandoff, .collectingHandoff),
        (.prefilling, .answered(success: false), .relay, .relaying),
        (.prefilling, .lost(stale: false), .fail(.prefillerBroken), .finished),
        (.prefilling, .deadlinePassed, .fail(.prefillTimeout), .finished),
        (.prefilling, .clientGone, .cancel, .finished),
        (.prefilling, .drainDeadline, .fail(.draining), .finished),
        (.prefilling, .revoked, .fail(.prefillerNotAllowed), .finished),

        (.collectingHandoff, .handoff(.usable), .acquire(.decoder, fresh: false), .reachingDecoder),
        (.collectingHandoff, .handoff(.decodeWithout), .acquire(.decoder, fresh: false), .reachingDecoder),
        (.collectingHandoff, .handoff(.missing), .fail(.missingHandoff), .finished),
        (.collectingHandoff, .handoff(.invalid), .fail(.invalidHandoff), .finished),
        (.collectingHandoff, .answerTooLarge, .fail(.prefillAnswerTooLarge), .finished),
        // A part of the answer was here: whatever the connection was before, it has not gone stale.
        (.collectingHandoff, .lost(stale: true), .fail(.prefillerBroken), .finished),
        (.collectingHandoff, .lost(stale: false), .fail(.prefillerBroken), .finished),
        (.collectingHandoff, .deadlinePassed, .fail(.prefillTimeout), .finished),
        (.collectingHandoff, .clientGone, .cancel, .finished),
        (.collectingHandoff, .drainDeadline, .fail(.draining), .finished),
        (.collectingHandoff, .revoked, .fail(.prefillerNotAllowed), .finished),

        (.reachingDecoder, .connected, .sendLeg(.decoder), .decoding),
        (.reachingDecoder, .refused(.connectionRefused), .fail(.decoderRefused), .finished),
        (.reachingDecoder, .refused(.forbiddenAddress), .fail(.decoderUnreachable), .finished),
        (.reachingDecoder, .refused(.timedOut), .fail(.decoderUnreachable), .finished),
        (.reachingDecoder, .refused(.unreachable), .fail(.decoderUnreachable), .finished),
        // Decoders have no names to look up; if one had, it would be as good as unreachable.
        (.reachingDecoder, .refused(.nameNotFound), .fail(.decoderUnreachable), .finished),
        (.reachingDecoder, .refused(.nameTimedOut), .fail(.decoderUnreachable), .finished),
        // Nor is it in any allowlist.
        (.reachingDecoder, .refused(.notInPool), .fail(.decoderUnreachable), .finished),
        (.reachingDecoder, .refused(.portNotAllowed), .fail(.decoderUnreachable), .finished),
        (.reachingDecoder, .refused(.allowlistMissing), .fail(.decoderUnreachable), .finished),
        (.reachingDecoder, .refused(.allowlistStale), .fail(.decoderUnreachable), .finished),
        (.reachingDecoder, .refused(.tooMany), .fail(.noResources), .finished),
        (.reachingDecoder, .refused(.noResources), .fail(.noResources), .finished),
        (.reachingDecoder, .refused(.dialerLost), .fail(.noResources), .finished),
        (.reachingDecoder, .deadlinePassed, .fail(.handoffExpired), .finished),
        (.reachingDecoder, .clientGone, .cancel, .finished),
        (.reachingDecoder, .drainDeadline, .fail(.draining), .finished),

        // The decoder's refusals are answers like any other.
        (.decoding, .answered(success: true), .relay, .relaying),
        (.decoding, .answered(success: false), .relay, .relaying),
        (.decoding, .lost(stale: false), .fail(.decoderBroken), .finished),
        (.decoding, .deadlinePassed, .fail(.handoffExpired), .finished),
        (.decoding, .clientGone, .cancel, .finished),
        (.decoding, .drainDeadline, .fail(.draining), .finished),

        (.relaying, .completed, .finish, .finished),
        (.relaying, .lost(stale: true), .cut, .finished),
        (.relaying, .lost(stale: false), .cut, .finished),
        (.relaying, .drainDeadline, .cut, .finished),
        // What is relayed may be a prefiller's refusal.
        (.relaying, .revoked, .cut, .finished),
        (.relaying, .deadlinePassed, .cut, .finished),
        (.relaying, .clientGone, .cancel, .finished),

        // An error of ours may still be on its way to a client that leaves.
        (.finished, .clientGone, .cancel, .finished),
    ]

    /// Rows for a pooled connection that had gone stale, which depend on whether this leg was sent again before.
    private static func staleRow(_ phase: RequestLife.Phase, wasRetried: Bool) -> Row? {
        switch phase {
        case .prefilling:
            wasRetried
                ? (phase, .lost(stale: true), .fail(.prefillerBroken), .finished)
                : (phase, .lost(stale: true), .acquire(.prefiller, fresh: true), .reachingPrefiller)
        case .decoding:
            wasRetried
                ? (phase, .lost(stale: true), .fail(.decoderBroken), .finished)
                : (phase, .lost(stale: true), .acquire(.decoder, fresh: true), .reachingDecoder)
        default: nil
        }
    }

    /// Whether the leg of the phase was sent again on this way in.
    private func legWasRetried(_ way: (name: String, phase: RequestLife.Phase, events: [RequestLife.Event])) -> Bool {
        switch way.phase {
        case .prefilling: way.events.contains(.lost(stale: true))
        case .decoding: way.events.suffix(2).first == .lost(stale: true)
        default: false
        }
    }

    func testTheWaysInLeadIntoEveryPhase() {
        for way in waysIn { XCTAssertEqual(life(after: way.events).phase, way.phase, way.name) }
        XCTAssertEqual(Set(waysIn.map(\.phase)), Set(RequestLife.Phase.allCases))
    }

    func testTheTableHasNoTwoRowsForOnePair() {
        for (i, row) in Self.table.enumerated() {
            XCTAssertFalse(
                Self.table[(i + 1)...].contains { $0.phase == row.phase && $0.event == row.event },
                "\(row.phase) \(row.event)")
        }
    }

    func testEveryPairOfPhaseAndEventDoesWhatTheTableSays() {
        var used: Set<Int> = []
        for way in waysIn {
            for event in everyEvent {
                var life = life(after: way.events)
                let before = life
                let action = life.handle(event)
                var row = Self.staleRow(way.phase, wasRetried: legWasRetried(way))
                if row?.event != event { row = nil }
                if let index = Self.table.firstIndex(where: { $0.phase == way.phase && $0.event == event }) {
                    used.insert(index)
                    row = Self.table[index]
                }
                let label = "\(way.name), \(event)"
                XCTAssertEqual(action, row?.action ?? .none, label)
                XCTAssertEqual(life.phase, row?.next ?? way.phase, label)
                if row == nil { XCTAssertEqual(life, before, label) }
            }
        }
        XCTAssertEqual(used.count, Self.table.count, "rows that nothing reached")
    }

    func testARetryOfTheFirstLegTakesNothingFromTheSecond() {
        var life = life(after: [.begin(disaggregated: true), .connected, .lost(stale: true), .connected])
        XCTAssertEqual(life.retries, 1)
        _ = life.handle(.answered(success: true))
        _ = life.handle(.handoff(.usable))
        _ = life.handle(.connected)
        XCTAssertEqual(life.handle(.lost(stale: true)), .acquire(.decoder, fresh: true))
        XCTAssertEqual(life.handle(.connected), .sendLeg(.decoder))
        XCTAssertEqual(life.handle(.lost(stale: true)), .fail(.decoderBroken))
    }
}
