import CLinux
import Glibc
import IPC
import XCTest

@testable import Metrics

/// What a KV agent counts.
let kvCounters: [(String, Counter)] =
    KVOutcome.allCases.filter { $0 != .agentLost }.map { ("transfers \($0.name)", .transfers($0)) } + [
        ("transferBytes", .transferBytes), ("transfersServed", .transfersServed),
        ("transferPeersRefused", .transferPeersRefused),
    ]

/// What no process's segment is believed in.
let supervisorCounters: [(String, Counter)] = [("transfers agent_lost", .transfers(.agentLost))]

final class KVCounterTests: XCTestCase {
    func testAKVAgentIsBelievedInItsOwnCountsAndNobodyIsInItsLosses() {
        let fd = cl_segment_create("counters", Layout.size(stripes: 1))
        defer { close(fd) }
        guard let writer = SegmentWriter.map(fd: dup(fd), stripes: 1) else { return XCTFail("no segment") }
        for (_, counter) in kvCounters + supervisorCounters { writer.stripe(0).add(counter, 3) }
        for role in CountingRole.allCases {
            var totals = [UInt64](repeating: 0, count: Layout.words)
            SegmentReader(fd: fd, of: role)?.add(to: &totals, gauges: true)
            for (name, counter) in kvCounters {
                XCTAssertEqual(totals[counter.index], role == .kvAgent ? 3 : 0, "\(role) \(name)")
            }
            for (name, counter) in supervisorCounters { XCTAssertEqual(totals[counter.index], 0, "\(role) \(name)") }
        }
    }

    func testEveryOutcomeIsALine() {
        var totals = [UInt64](repeating: 0, count: Layout.words)
        for (number, outcome) in KVOutcome.allCases.enumerated() {
            totals[Counter.transfers(outcome).index] = UInt64(100 + number)
        }
        totals[Counter.transferBytes.index] = 7
        var text = ""
        Exposition.render(totals, into: &text)
        for (number, outcome) in KVOutcome.allCases.enumerated() {
            XCTAssertTrue(
                text.contains("sidecar_kv_transfers_total{result=\"\(outcome.name)\"} \(100 + number)\n"), outcome.name)
        }
        XCTAssertTrue(text.contains("sidecar_kv_transfer_bytes_total 7\n"))
    }
}
