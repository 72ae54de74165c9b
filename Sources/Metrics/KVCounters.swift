import IPC

/// What is counted about transfers of KV blocks.
extension Counter {
    /// Words of transfers by outcome, and three more.
    static let kvWords = KVOutcome.allCases.count + 3

    /// Transfers that this side asked for, by what became of them.
    public static func transfers(_ outcome: KVOutcome) -> Counter { Counter(kvBegin + Int(outcome.rawValue)) }
    /// Bytes of transfers that were done.
    public static let transferBytes = Counter(kvBegin + KVOutcome.allCases.count)
    /// Transfers that peers asked us for and said were done.
    public static let transfersServed = Counter(kvBegin + KVOutcome.allCases.count + 1)
    /// Peers that were turned away or cut off.
    public static let transferPeersRefused = Counter(kvBegin + KVOutcome.allCases.count + 2)

    /// What the supervisor counts itself, because whom it is about can't any more.
    static let supervisorWords: Set<Int> = [transfers(.agentLost).index]
    /// The words that a KV agent is believed in.
    static let kvAgentWords = Set(kvBegin..<kvBegin + kvWords).subtracting(supervisorWords)
}

extension Exposition {
    /// The rows about transfers.
    static func transfers(_ totals: [UInt64]) -> String {
        var text = "# HELP sidecar_kv_transfers_total Transfers of KV blocks that this side asked for, by result.\n"
        text += "# TYPE sidecar_kv_transfers_total counter\n"
        for outcome in KVOutcome.allCases {
            let count = Int64(bitPattern: totals[Counter.transfers(outcome).index])
            text += "sidecar_kv_transfers_total{result=\"\(outcome.name)\"} \(count)\n"
        }
        for (name, help, counter) in [
            ("sidecar_kv_transfer_bytes_total", "Bytes of transfers that were done.", Counter.transferBytes),
            (
                "sidecar_kv_transfers_served_total", "Transfers that peers read from here and said were done.",
                .transfersServed
            ),
            (
                "sidecar_kv_peers_refused_total", "Peers of the KV agent that were turned away or cut off.",
                .transferPeersRefused
            ),
        ] {
            text += "# HELP \(name) \(help)\n# TYPE \(name) counter\n"
            text += "\(name) \(Int64(bitPattern: totals[counter.index]))\n"
        }
        return text
    }
}
