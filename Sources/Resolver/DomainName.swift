/// A name as DNS compares names: its labels in the form of the wire, in lower case.
///
/// The wire's form and not text, because a label of a message may hold any byte, a dot included, and two different names
/// must never look alike.
struct DomainName: Hashable, CustomStringConvertible {
    /// The longest name on the wire, in bytes, its closing zero included (RFC 1035, 2.3.4).
    static let longestWire = 255
    /// The longest label, in bytes.
    static let longestLabel = 63

    /// Each label behind its length; the closing zero is left out, so that names can be joined.
    let labels: [UInt8]

    /// From labels that a reader of messages has checked.
    init(checkedLabels labels: [UInt8]) { self.labels = labels }

    /// Reads text without a closing dot. Labels hold letters, digits, hyphens (not at an end) and underscores, and have
    /// 1 to 63 bytes (RFC 1123, 2.1; underscores because hosts are called so all the same).
    init?(_ text: some Collection<UInt8>) {
        guard !text.isEmpty, text.count <= Self.longestWire - 2 else { return nil }
        var labels: [UInt8] = []
        labels.reserveCapacity(text.count + 1)
        for label in text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...Self.longestLabel).contains(label.count) else { return nil }
            guard label.first != UInt8(ascii: "-") else { return nil }
            labels.append(UInt8(label.count))
            for byte in label {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    labels.append(byte)
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): labels.append(byte | 0x20)
                default: return nil
                }
            }
            guard labels.last != UInt8(ascii: "-") else { return nil }
        }
        self.labels = labels
    }

    /// This name within another; nil when the whole is too long.
    func within(_ suffix: DomainName) -> DomainName? {
        let whole = labels + suffix.labels
        return whole.count < Self.longestWire ? DomainName(checkedLabels: whole) : nil
    }

    /// The number of labels.
    var depth: Int {
        var count = 0
        var at = 0
        while at < labels.count {
            at += 1 + Int(labels[at])
            count += 1
        }
        return count
    }

    /// Text for logs.
    var description: String {
        var text: [UInt8] = []
        var at = 0
        while at < labels.count {
            let end = min(labels.count, at + 1 + Int(labels[at]))
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            text.append(contentsOf: labels[(at + 1)..<end])
            at = end
        }
        return text.isEmpty ? "." : String(decoding: text, as: UTF8.self)
    }
}

/// A name as somebody asks for it.
struct HostName: Hashable {
    let domain: DomainName
    /// A closing dot: the name is whole, and no suffix is tried.
    let isAbsolute: Bool

    /// Beyond the rules of ``DomainName``: the last label is not a number, because such a name is a misspelt address
    /// that another reader could take for one.
    init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        isAbsolute = bytes.last == UInt8(ascii: ".")
        if isAbsolute { bytes.removeLast() }
        let last = bytes.lastIndex(of: UInt8(ascii: ".")).map { bytes[($0 + 1)...] } ?? bytes
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        guard !last.allSatisfy(isDigit), let domain = DomainName(bytes) else { return nil }
        self.domain = domain
    }
}
