import CLinux
import Glibc
import XCTest

@testable import Metrics

/// Every counter with its own name, requests apart.
let namedCounters: [(String, Counter)] =
    [
        ("errorsNetwork", .errorsNetwork), ("errorsHTTP", .errorsHTTP), ("errorsTLS", .errorsTLS),
        ("errorsTimeout", .errorsTimeout), ("errorsHandoff", .errorsHandoff), ("errorsClient", .errorsClient),
        ("errorsLimit", .errorsLimit), ("retries", .retries), ("abortedPrefill", .abortedPrefill),
        ("abortedDecode", .abortedDecode), ("hostileStripped", .hostileStripped), ("hostileRefused", .hostileRefused),
        ("handoffAbsent", .handoffAbsent), ("handoffExpired", .handoffExpired), ("handoffInvalid", .handoffInvalid),
        ("streamsCut", .streamsCut), ("blockedMalformed", .blockedMalformed), ("dialsDecoder", .dialsDecoder),
        ("dialsPrefiller", .dialsPrefiller), ("dialsRefusedPolicy", .dialsRefusedPolicy), ("dialsFailed", .dialsFailed),
        ("upstreamReused", .upstreamReused), ("chunks", .chunks), ("blockedNotInPool", .blockedNotInPool),
        ("blockedPort", .blockedPort), ("blockedNoAllowlist", .blockedNoAllowlist),
        ("dialsRefusedNotInPool", .dialsRefusedNotInPool), ("dialsRefusedPort", .dialsRefusedPort),
        ("dialsRefusedNoAllowlist", .dialsRefusedNoAllowlist), ("dialerViolations", .dialerViolations),
        ("apiRequests", .apiRequests), ("apiFailures", .apiFailures), ("apiLists", .apiLists),
        ("apiEvents", .apiEvents), ("apiSnapshots", .apiSnapshots), ("revoked", .revoked),
        ("dialsRevoked", .dialsRevoked),
    ] + tlsCounters + kvCounters

let tlsCounters: [(String, Counter)] = [
    ("handshakes, clients", .tlsHandshakes(.client, resumed: false)),
    ("handshakes, clients again", .tlsHandshakes(.client, resumed: true)),
    ("handshakes, prefillers", .tlsHandshakes(.prefiller, resumed: false)),
    ("handshakes, prefillers again", .tlsHandshakes(.prefiller, resumed: true)),
    ("handshakes, decoder", .tlsHandshakes(.decoder, resumed: false)),
    ("handshakes, decoder again", .tlsHandshakes(.decoder, resumed: true)),
    ("failures, clients", .tlsFailures(.client)), ("failures, prefillers", .tlsFailures(.prefiller)),
    ("failures, decoder", .tlsFailures(.decoder)), ("unverified prefillers", .tlsUnverified(.prefiller)),
    ("unverified decoder", .tlsUnverified(.decoder)),
]

/// What ends with the process that counted it.
let namedGauges: [(String, Counter)] = [
    ("clientsOpen", .clientsOpen), ("decodersOpen", .decodersOpen), ("prefillersOpen", .prefillersOpen),
    ("inFlight", .inFlight), ("buffered", .buffered), ("decoderReachable", .decoderReachable),
]

/// One counter for each way a request can end.
var requestCounters: [(String, Counter)] {
    API.allCases.flatMap { api in
        Mode.allCases.flatMap { mode in
            Outcome.allCases.map { ("requests \(api) \(mode) \($0)", Counter.requests(api, mode, $0)) }
        }
    }
}

let histograms: [(String, Histogram)] = [
    ("duration disaggregated", .duration(.disaggregated)), ("duration decoderOnly", .duration(.decoderOnly)),
    ("firstByte disaggregated", .firstByte(.disaggregated)), ("firstByte decoderOnly", .firstByte(.decoderOnly)),
    ("prefill", .prefill),
]

/// A segment for this many stripes; the descriptor is the caller's.
func segment(stripes: Int) -> Int32 {
    let fd = cl_segment_create("test", Layout.size(stripes: stripes))
    precondition(fd >= 0)
    return fd
}

/// All counts of a segment.
func totals(_ reader: WholeReader, gauges: Bool = true) -> [UInt64] {
    var totals = [UInt64](repeating: 0, count: Layout.words)
    reader.add(to: &totals, gauges: gauges)
    return totals
}

/// How many descriptors this process has open.
func openDescriptors() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
}

/// A segment as readers for every role see it together: every word has exactly one role that is believed in it.
final class WholeReader {
    private let readers: [SegmentReader]

    init?(fd: Int32) {
        readers = CountingRole.allCases.compactMap { SegmentReader(fd: fd, of: $0) }
        guard readers.count == CountingRole.allCases.count else { return nil }
    }

    func add(to totals: inout [UInt64], gauges: Bool) {
        for reader in readers { reader.add(to: &totals, gauges: gauges) }
    }
}
