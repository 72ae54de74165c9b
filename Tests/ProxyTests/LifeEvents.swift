import IPC

@testable import Proxy

/// Every event there is, with every value that it can carry.
let everyEvent: [RequestLife.Event] =
    [
        .begin(disaggregated: false), .begin(disaggregated: true), .connected, .answered(success: true),
        .answered(success: false), .answerTooLarge, .completed, .lost(stale: true), .lost(stale: false),
        .tlsFailed, .deadlinePassed, .clientGone, .drainDeadline, .revoked,
    ] + DialRefusal.allCases.map { .refused($0) } + RequestLife.HandoffVerdict.allCases.map { .handoff($0) }

/// A way into each phase, with and without the retry of each leg.
let waysIn: [(name: String, phase: RequestLife.Phase, events: [RequestLife.Event])] = {
    let prefilled: [RequestLife.Event] = [
        .begin(disaggregated: true), .connected, .answered(success: true), .handoff(.usable),
    ]
    let retriedPrefill: [RequestLife.Event] = [
        .begin(disaggregated: true), .connected, .lost(stale: true), .connected, .answered(success: true),
        .handoff(.usable),
    ]
    let plain: [RequestLife.Event] = [.begin(disaggregated: false)]
    return [
        ("idle", .idle, []),
        ("reachingPrefiller", .reachingPrefiller, Array(prefilled[..<1])),
        ("reachingPrefiller, retried", .reachingPrefiller, Array(retriedPrefill[..<3])),
        ("prefilling", .prefilling, Array(prefilled[..<2])),
        ("prefilling, retried", .prefilling, Array(retriedPrefill[..<4])),
        ("collectingHandoff", .collectingHandoff, Array(prefilled[..<3])),
        ("collectingHandoff, retried", .collectingHandoff, Array(retriedPrefill[..<5])),
        ("reachingDecoder alone", .reachingDecoder, plain),
        ("reachingDecoder alone, retried", .reachingDecoder, plain + [.connected, .lost(stale: true)]),
        ("reachingDecoder after prefill", .reachingDecoder, prefilled),
        ("reachingDecoder after retried prefill", .reachingDecoder, retriedPrefill),
        ("reachingDecoder, both retried", .reachingDecoder, retriedPrefill + [.connected, .lost(stale: true)]),
        ("decoding alone", .decoding, plain + [.connected]),
        ("decoding alone, retried", .decoding, plain + [.connected, .lost(stale: true), .connected]),
        ("decoding after prefill", .decoding, prefilled + [.connected]),
        ("decoding after retried prefill", .decoding, retriedPrefill + [.connected]),
        ("decoding after prefill, retried", .decoding, prefilled + [.connected, .lost(stale: true), .connected]),
        ("decoding, both retried", .decoding, retriedPrefill + [.connected, .lost(stale: true), .connected]),
        ("relaying the decoder", .relaying, plain + [.connected, .answered(success: true)]),
        ("relaying the decoder's refusal", .relaying, prefilled + [.connected, .answered(success: false)]),
        ("relaying the prefiller's refusal", .relaying, Array(prefilled[..<2]) + [.answered(success: false)]),
        ("finished", .finished, plain + [.connected, .answered(success: true), .completed]),
        ("finished by failure", .finished, plain + [.refused(.connectionRefused)]),
        ("finished before it began", .finished, [.clientGone]),
    ]
}()

func life(after events: [RequestLife.Event]) -> RequestLife {
    var life = RequestLife()
    for event in events { _ = life.handle(event) }
    return life
}
