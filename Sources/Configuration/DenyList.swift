/// One entry of `--deny`: addresses, and optionally one port, that are never dialled.
public struct DeniedTarget: Sendable, Hashable, CustomStringConvertible {
    /// The network: all bits after the prefix are zero.
    public let network: IPAddress
    /// How many of the 128 bits count. An IPv4 prefix is counted from the start of the v4-mapped form: `/8` is 104.
    public let prefixLength: Int
    /// The port, or 0 for every port.
    public let port: UInt16

    /// An entry of its parts. Bits of `network` after the prefix are cleared.
    public init(network: IPAddress, prefixLength: Int, port: UInt16) {
        self.network = network.masked(to: prefixLength)
        self.prefixLength = prefixLength
        self.port = port
    }

    /// The 16 bytes of the network, in network order.
    public var bytes: [UInt8] { network.bytes }

    /// Whether the entry speaks of this address and port.
    public func covers(_ address: IPAddress, port other: UInt16) -> Bool {
        address.masked(to: prefixLength) == network && (port == 0 || port == other)
    }

    /// The entry as `--deny` takes it.
    public var description: String {
        // `::ffff:0:0/90` and the like have a v4-mapped network but do not fit an IPv4 prefix; `::/0` is no IPv4 either.
        let asV4 = network.isV4 && prefixLength >= 96
        let length = asV4 ? prefixLength - 96 : prefixLength
        let prefix = length == (asV4 ? 32 : 128) ? "" : "/\(length)"
        if port == 0 { return "\(network)\(prefix)" }
        return asV4 ? "\(network)\(prefix):\(port)" : "[\(network)]\(prefix):\(port)"
    }

    /// Parses `ADDRESS[/PREFIX][:PORT]`; an IPv6 address with a port stands in brackets: `[2001:db8::]/32:443`.
    init(parsing text: String) throws(Unacceptable) {
        var rest = text[...]
        var port: UInt16 = 0
        var bracketed = false
        let addressText: Substring
        if rest.hasPrefix("[") {
            guard let close = rest.firstIndex(of: "]") else { throw Unacceptable("has no ']' after '['") }
            addressText = rest[rest.index(after: rest.startIndex)..<close]
            rest = rest[rest.index(after: close)...]
            bracketed = true
        } else if let slash = rest.firstIndex(of: "/") {
            addressText = rest[..<slash]
            rest = rest[slash...]
        } else if rest.filter({ $0 == ":" }).count == 1, let colon = rest.firstIndex(of: ":") {
            addressText = rest[..<colon]
            rest = rest[colon...]
        } else {
            addressText = rest
            rest = ""
        }
        guard let address = IPAddress(String(addressText)) else {
            throw Unacceptable("does not start with an IPv4 or IPv6 address (names are not accepted)")
        }
        // Written as IPv4, or as IPv6 (where `::ffff:10.0.0.1` keeps IPv6's way of counting the prefix).
        let writtenAsV4 = !addressText.contains(":")
        if bracketed && writtenAsV4 { throw Unacceptable("has brackets around an IPv4 address") }
        if let colon = rest.firstIndex(of: ":") {
            if !writtenAsV4 && !bracketed {
                throw Unacceptable("names a port without brackets around the IPv6 address; write [ADDRESS]/PREFIX:PORT")
            }
            guard let number = wholeNumber(rest[rest.index(after: colon)...]), (1...65535).contains(number) else {
                throw Unacceptable("has a port that is not a number from 1 to 65535")
            }
            port = UInt16(number)
            rest = rest[..<colon]
        }
        let width = writtenAsV4 ? 32 : 128
        var length = width
        if rest.hasPrefix("/") {
            guard let number = wholeNumber(rest.dropFirst()), number <= width else {
                throw Unacceptable("has a prefix length that is not a number from 0 to \(width)")
            }
            length = number
        } else if !rest.isEmpty {
            throw Unacceptable("has something after the address that is neither /PREFIX nor :PORT")
        }
        let prefixLength = length + (128 - width)
        self.init(network: address, prefixLength: prefixLength, port: port)
        if network != address {
            throw Unacceptable("has bits set after its prefix; write \(self) to deny the whole network")
        }
    }
}

/// More entries than this would be a mistake of whoever writes them, and the list travels in one message.
let maximumDeniedTargets = 256

/// Parses the comma-separated list of `--deny`, dropping repetitions.
func parseDenyList(_ text: String) throws(Unacceptable) -> [DeniedTarget] {
    var targets: [DeniedTarget] = []
    if text.isEmpty { return targets }
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let entry = String(part)
        if entry.isEmpty { throw Unacceptable("has an empty entry") }
        let target: DeniedTarget
        do {
            target = try DeniedTarget(parsing: entry)
        } catch {
            throw Unacceptable("has the entry \(quoted(entry)), which \(error.reason)")
        }
        if !targets.contains(target) { targets.append(target) }
    }
    if targets.count > maximumDeniedTargets {
        throw Unacceptable("has \(targets.count) entries, and \(maximumDeniedTargets) are the most")
    }
    return targets
}
