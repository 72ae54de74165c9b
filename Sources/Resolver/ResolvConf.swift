import Linux

/// What resolv.conf(5) says of servers, suffixes and patience. The environment's say in it (LOCALDOMAIN, RES_OPTIONS)
/// doesn't reach this process, and neither does the host's own domain: a suffix must stand in the file.
struct ResolvConf: Equatable {
    /// Servers that are asked, in order (MAXNS in resolv.conf(5)).
    static let mostServers = 3
    /// Suffixes that are tried; Kubernetes allows pods as many.
    static let mostSuffixes = 32
    /// The port of DNS.
    static let port: UInt16 = 53

    /// At least one.
    var servers: [Endpoint] = [Endpoint(.loopback4, port)]
    /// Suffixes in the order in which they are tried.
    var search: [DomainName] = []
    /// A name with so many dots is first tried as it is.
    var ndots = 1
    /// Seconds to wait for one server.
    var timeout = 5
    /// Rounds over all servers.
    var attempts = 2
    /// Lines that name a server which can't be used, for the log.
    var unusable: [String] = []
    /// The file names no server that can be used; the one of this host is taken instead.
    var namesNoServer = true

    /// Everything at its default.
    init() {}

    /// Reads the text of the file. A server may have its port behind a `#` (`127.0.0.1#5353`), as dnsmasq spells it.
    init(_ text: [UInt8]) {
        var found: [Endpoint] = []
        var conf = self
        HostText.forEachLine(of: text, comment: [UInt8(ascii: "#"), UInt8(ascii: ";")], inline: false) { fields in
            let values = fields.dropFirst()
            if fields[0].spells("nameserver"), let first = values.first {
                guard found.count < Self.mostServers else { return }
                if let server = Self.server(first) { found.append(server) } else { conf.unusable.append(first.text) }
            } else if fields[0].spells("search") || fields[0].spells("domain") {
                // The last of these lines holds, whichever of the two words it has.
                let most = fields[0].spells("search") ? Self.mostSuffixes : 1
                conf.search = values.prefix(most).compactMap(Self.suffix)
            } else if fields[0].spells("options") {
                for option in values { conf.apply(option) }
            }
        }
        if !found.isEmpty {
            conf.servers = found
            conf.namesNoServer = false
        }
        self = conf
    }

    private static func server(_ text: ArraySlice<UInt8>) -> Endpoint? {
        let parts = text.split(separator: UInt8(ascii: "#"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts[0].withUnsafeBytes(Address.parse) else { return nil }
        guard parts.count == 2 else { return Endpoint(address, port) }
        guard let port = number(parts[1]), (1...65_535).contains(port) else { return nil }
        return Endpoint(address, UInt16(port))
    }

    /// A suffix may have a closing dot; the root alone adds nothing and is left out.
    private static func suffix(_ text: ArraySlice<UInt8>) -> DomainName? {
        DomainName(text.last == UInt8(ascii: ".") ? text.dropLast() : text)
    }

    private mutating func apply(_ option: ArraySlice<UInt8>) {
        let parts = option.split(separator: UInt8(ascii: ":"), maxSplits: 1)
        guard parts.count == 2, let value = Self.number(parts[1]) else { return }
        // The bounds are those of resolv.conf(5), which also lower a larger value silently.
        if parts[0].spells("ndots") { ndots = min(value, 15) }
        if parts[0].spells("timeout") { timeout = min(max(value, 1), 30) }
        if parts[0].spells("attempts") { attempts = min(max(value, 1), 5) }
    }

    private static func number(_ text: ArraySlice<UInt8>) -> Int? {
        guard !text.isEmpty, text.count <= 9, text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
