import Linux

@testable import IPC

/// Messages to and from the KV agent.
extension Samples {
    static var kvAgentSettings: [ChildSettings] {
        // Every number different, so that two fields that change places are noticed.
        var different = KVAgentSettings()
        different.listen = Endpoint(.loopback4, 101)
        different.firstPeerPort = 102
        different.lastPeerPort = 103
        different.mostTransfers = 104
        different.patience = 105
        let reaches = dialerSettings.map { reach in
            var settings = KVAgentSettings()
            settings.listen = Endpoint(Address(high: .max, low: .max), .max)
            settings.patience = .max
            settings.reach = reach
            return settings
        }
        return ([KVAgentSettings(), different] + reaches).map { .kvAgent($0) }
    }

    static var kvTransfers: [KVTransfer] {
        var different = KVTransfer()
        different.id = 201
        different.peer = Endpoint(.loopback6, 202)
        different.remoteOffset = 203
        different.localOffset = 204
        different.length = 205
        different.blockSize = 206
        different.deadlineMilliseconds = 207
        different.request = "a request"
        var largest = KVTransfer()
        largest.id = .max
        largest.peer = Endpoint(Address(high: .max, low: .max), .max)
        largest.remoteOffset = .max
        largest.localOffset = .max
        largest.length = .max
        largest.blockSize = .max
        largest.check = .expect(.max)
        largest.deadlineMilliseconds = .max
        largest.request = String(repeating: "é", count: KVTransfer.longestRequest / 2)
        var expected = different
        expected.check = .expect(0)
        return [KVTransfer(), different, largest, expected]
    }

    static var kvOrders: [ToChild] {
        longNumbers.map { .kv(.region(size: $0)) } + kvTransfers.map { .kv(.transfer($0)) }
            + numbers.map { .kv(.cancel(id: $0)) }
    }

    static var kvReports: [FromChild] {
        KVOutcome.allCases.map { .transferEnded(KVResult(id: .max, outcome: $0)) }
            + longNumbers.map {
                .transferEnded(KVResult(id: 301, outcome: .done, bytes: $0, checksum: 302, microseconds: ~$0))
            }
    }
}
