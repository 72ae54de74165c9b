import Linux

/// A socket as the kernel's tables in /proc/PID/net describe it.
struct SocketFacts: Equatable {
    /// `tcp`, `udp`, `unix seqpacket`, `raw`, `netlink`, `packet`.
    var kind: String
    /// Both ends and the state, in words.
    var words: String
    var isListening = false
}

/// The kernel's tables of sockets, by inode.
struct SocketTable {
    private(set) var sockets: [UInt64: SocketFacts] = [:]

    init() {}

    /// The tables of the network namespace that a process is in.
    init(pid: Int32) {
        for (file, kind) in [
            ("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"), ("raw", "raw"), ("raw6", "raw"),
            ("icmp", "ping"), ("icmp6", "ping"),
        ] {
            read(internet: Self.table(pid, file), kind)
        }
        read(local: Self.table(pid, "unix"))
        read(inodes: Self.table(pid, "netlink"), kind: "netlink", column: 9)
        read(inodes: Self.table(pid, "packet"), kind: "packet", column: 8)
    }

    private static func table(_ pid: Int32, _ name: String) -> String {
        Files.text("/proc/\(pid)/net/\(name)", limit: 8 << 20) ?? ""
    }

    /// Lines such as `0: 0100007F:1F90 00000000:0000 0A ... inode`.
    mutating func read(internet text: String, _ kind: String) {
        for line in text.split(separator: "\n").dropFirst() {
            let words = line.split(whereSeparator: isBlank)
            guard words.count > 9, let inode = UInt64(words[9]), let local = Self.endpoint(words[1]),
                let peer = Self.endpoint(words[2])
            else { continue }
            let state = kind == "tcp" ? Self.state(words[3]) : ""
            let isListening = state == "LISTEN"
            let peerWords = peer.port == 0 ? "" : " to \(peer)"
            sockets[inode] = SocketFacts(
                kind: kind, words: "\(kind) \(local)\(peerWords)\(state.isEmpty ? "" : " \(state)")",
                isListening: isListening)
        }
    }

    /// Lines such as `0000: 00000003 00000000 00000000 0005 03 31337 /run/socket`.
    mutating func read(local text: String) {
        for line in text.split(separator: "\n").dropFirst() {
            let words = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
            guard words.count >= 7, let inode = UInt64(words[6]) else { continue }
            let type = ["0001": "stream", "0002": "datagram", "0005": "seqpacket"][String(words[4])] ?? "\(words[4])"
            // __SO_ACCEPTCON
            let isListening = (UInt32(words[3], radix: 16) ?? 0) & 0x10000 != 0
            let name = words.count > 7 ? " \(words[7])" : ", without a name"
            sockets[inode] = SocketFacts(
                kind: "unix \(type)", words: "unix \(type)\(name)\(isListening ? " LISTEN" : "")",
                isListening: isListening)
        }
    }

    private mutating func read(inodes text: String, kind: String, column: Int) {
        for line in text.split(separator: "\n").dropFirst() {
            let words = line.split(whereSeparator: isBlank)
            guard words.count > column, let inode = UInt64(words[column]) else { continue }
            sockets[inode] = SocketFacts(kind: kind, words: kind)
        }
    }

    /// An address of these tables: words of 32 bits in the host's order, then the port.
    static func endpoint(_ text: Substring) -> Endpoint? {
        let halves = text.split(separator: ":")
        guard halves.count == 2, let port = UInt16(halves[1], radix: 16) else { return nil }
        var words: [UInt32] = []
        var rest = halves[0]
        while rest.count >= 8 {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            words.append(word.byteSwapped)
            rest = rest.dropFirst(8)
        }
        switch words.count {
        case 1: return Endpoint(Address(v4: words[0]), port)
        case 4:
            return Endpoint(
                Address(
                    high: UInt64(words[0]) << 32 | UInt64(words[1]), low: UInt64(words[2]) << 32 | UInt64(words[3])),
                port)
        default: return nil
        }
    }

    private static func state(_ code: Substring) -> String {
        let names = [
            "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
            "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
        ]
        guard let number = Int(code, radix: 16), names.indices.contains(number - 1) else { return "\(code)" }
        return names[number - 1]
    }
}
