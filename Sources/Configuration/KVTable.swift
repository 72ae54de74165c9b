/// Settings of the KV agent: where it listens, whom it calls, how much memory it moves blocks in.
extension SettingsTable {
    static let kv = [
        Setting(
            name: "kv-agent", kind: .boolean(\.kvAgent),
            help: "Start the KV agent, which moves KV blocks to and from other agents over UCX. UCX proves nobody's"
                + " identity and encrypts nothing: let a NetworkPolicy keep its ports to the pool."),
        Setting(
            name: "kv-address", kind: .bindAddress(\.kvAddress),
            help: "Address that other agents connect to. With one, data uses the interface that has it, and no other.",
            defaultText: "every interface, IPv4"),
        Setting(name: "kv-port", kind: .port(\.kvPort), help: "Port that other agents connect to."),
        Setting(
            name: "kv-peer-ports", kind: .optionalPorts(\.kvPeerPorts),
            help: "Ports that other agents listen on. Landlock lets the agent connect to these and to --kv-data-ports"
                + " only (ABI 4 and later).",
            defaultText: "that of --kv-port"),
        Setting(
            name: "kv-data-ports", kind: .ports(\.kvDataPorts),
            help: "Ports for data connections, the same for all agents; each network interface takes one."),
        Setting(
            name: "kv-region-bytes", kind: .bytes(\.kvRegionBytes, 4096...1 << 40),
            help:
                "Memory that blocks are moved into and out of. It counts towards the pod's memory as far as it is used."
        ),
        Setting(
            name: "kv-max-transfers", kind: .number(\.kvMaximumTransfers, 1...64),
            help: "Transfers at once, in each direction."),
        Setting(
            name: "kv-transfer-timeout", kind: .duration(\.kvTransferTimeoutMilliseconds, 1...3_600_000),
            help: "Time for a transfer; then it has failed."),
    ]
}

/// Ports from one to another.
public struct PortRange: Sendable, Hashable, CustomStringConvertible {
    /// The first, never 0.
    public let first: UInt16
    /// The last, not below the first.
    public let last: UInt16

    /// From its ends.
    init(_ first: UInt16, _ last: UInt16) {
        self.first = first
        self.last = last
    }

    /// As settings take it: `7801-7832`, or one port.
    public var description: String { first == last ? "\(first)" : "\(first)-\(last)" }

    /// How many.
    var count: Int { Int(last) - Int(first) + 1 }

    func contains(_ port: UInt16) -> Bool { (first...last).contains(port) }

    func overlaps(_ other: PortRange) -> Bool { first <= other.last && other.first <= last }

    /// The most ports of a range: each is a rule of Landlock's.
    static let most = 1024

    init(parsing text: String) throws(Unacceptable) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard ends.count <= 2, let low = ends.first, let high = ends.last else {
            throw Unacceptable("is no range of ports")
        }
        first = UInt16(try numberValue(low, in: 1...65535))
        last = UInt16(try numberValue(high, in: 1...65535))
        guard first <= last else { throw Unacceptable("ends before it begins") }
        guard count <= Self.most else {
            throw Unacceptable("has \(count) ports, and \(Self.most) are the most")
        }
    }
}

extension Kind {
    static func ports(_ field: Field<PortRange>) -> Kind {
        Kind(
            placeholder: "PORT-PORT", accepted: "a range of ports such as 7801-7832, or one port",
            acceptedInHelp: "a range such as 7801-7832, or one port",
            store: { text, settings throws(Unacceptable) in
                settings[keyPath: field] = try PortRange(parsing: text)
            },
            show: { $0[keyPath: field].description })
    }

    static func optionalPorts(_ field: Field<PortRange?>) -> Kind {
        Kind(
            placeholder: "PORT-PORT", accepted: "a range of ports such as 7801-7832, or one port",
            acceptedInHelp: "a range such as 7801-7832, or one port",
            store: { text, settings throws(Unacceptable) in
                settings[keyPath: field] = text.isEmpty ? nil : try PortRange(parsing: text)
            },
            show: { $0[keyPath: field]?.description ?? "" })
    }
}

extension Settings {
    /// Where other agents listen.
    public var kvCalledPorts: PortRange { kvPeerPorts ?? PortRange(kvPort, kvPort) }
}

extension Resolution {
    /// Fewer data ports than interfaces would be a start that fails somewhere else and later.
    private static let fewestDataPorts = 4

    mutating func checkKV() {
        guard isKnown("kv-agent") else { return }
        guard settings.kvAgent else {
            for name in SettingsTable.kv.map(\.name) where name != "kv-agent" && isGiven(name) && isKnown(name) {
                note("\(written(name)) has no effect without --kv-agent")
            }
            return
        }
        if isKnown("kv-data-ports"), settings.kvDataPorts.count < Self.fewestDataPorts {
            complain(
                "\(written("kv-data-ports")): is too few; every network interface takes one; accepted:"
                    + " \(Self.fewestDataPorts) or more")
        }
        if isKnown("kv-data-ports", "kv-port"), settings.kvDataPorts.contains(settings.kvPort) {
            complain("\(written("kv-port")): is one of \(written("kv-data-ports")); choose another")
        }
        if isKnown("kv-region-bytes"), settings.kvRegionBytes % 4096 != 0 {
            complain("\(written("kv-region-bytes")): is no whole number of pages; accepted: a multiple of 4KiB")
        }
        let others: [(name: String, port: UInt16)] = [
            ("port", settings.port), ("admin-port", settings.adminPort), ("vllm-port", settings.decoderPort),
        ]
        let ranges = [
            ("kv-port", PortRange(settings.kvPort, settings.kvPort)), ("kv-data-ports", settings.kvDataPorts),
            ("kv-peer-ports", settings.kvCalledPorts),
        ]
        for (name, range) in ranges where isKnown(name, "kv-port") {
            // By default the peers' port is our own, of which is told already.
            if name == "kv-peer-ports" && !isGiven(name) { continue }
            for other in others where isKnown(other.name) && other.port != 0 && range.contains(other.port) {
                complain(
                    "\(written(name)): takes in \(written(other.name)), which is not for KV blocks; choose another")
            }
        }
    }
}
