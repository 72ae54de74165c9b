import Linux

/// The names of hosts(5). They go before DNS and take no suffix.
struct HostsFile {
    private var entries: [DomainName: [Address]] = [:]

    /// No names.
    init() {}

    /// Reads the text of the file: an address, then its names. What is no address or no name is passed over.
    init(_ text: [UInt8]) {
        var found: [DomainName: [Address]] = [:]
        HostText.forEachLine(of: text, comment: [UInt8(ascii: "#")], inline: true) { fields in
            guard let address = fields[0].withUnsafeBytes(Address.parse) else { return }
            for field in fields.dropFirst() {
                let isAbsolute = field.last == UInt8(ascii: ".")
                guard let name = DomainName(isAbsolute ? field.dropLast() : field) else { continue }
                // Lines add up, as they do for the C library.
                if found[name]?.contains(address) != true { found[name, default: []].append(address) }
            }
        }
        entries = found
    }

    /// The addresses of a name, or nil when the file doesn't hold it.
    func addresses(of name: DomainName) -> [Address]? { entries[name].map(Outcome.ordered) }
}
