/// An IP address as 16 bytes; IPv4 is kept in its mapped form, so that each address has exactly one spelling.
public struct Address: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// The first eight bytes, most significant first.
    public var high: UInt64
    /// The last eight bytes.
    public var low: UInt64

    /// From its two halves.
    @inline(__always)
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// From an IPv4 address as a number.
    @inline(__always)
    public init(v4: UInt32) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4)) }

    /// From 16 bytes in network order.
    public init(bytes: UnsafeRawBufferPointer) {
        self.init(
            high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// 127.0.0.1
    public static let loopback4 = Address(v4: 0x7F00_0001)
    /// ::1
    public static let loopback6 = Address(high: 0, low: 1)
    /// ::
    public static let any = Address(high: 0, low: 0)
    /// 0.0.0.0
    public static let any4 = Address(v4: 0)

    /// Is it an IPv4 address?
    public var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }
    /// The IPv4 number, when it is one.
    public var v4: UInt32 { UInt32(truncatingIfNeeded: low) }

    /// Calls `body` with the 16 bytes in network order.
    public func withBytes<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
        var words = (high.bigEndian, low.bigEndian)
        return withUnsafeBytes(of: &words) { body($0.baseAddress!.assumingMemoryBound(to: UInt8.self)) }
    }

    /// The usual text; IPv6 in the form of RFC 5952.
    public var description: String {
        if isV4 {
            return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
        }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * UInt64($0 % 4))) }
        var best = (start: 0, length: 0)
        var start = 0
        while start < 8 {
            var end = start
            while end < 8 && groups[end] == 0 { end += 1 }
            if end - start > best.length { best = (start, end - start) }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.length < 2 { return text(0..<8) }
        return text(0..<best.start) + "::" + text(best.start + best.length..<8)
    }
}

/// An address and a port: what is checked is what is dialled.
public struct Endpoint: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// Where.
    public var address: Address
    /// TCP port, 1 to 65535.
    public var port: UInt16

    /// From its parts.
    public init(_ address: Address, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `1.2.3.4:80` or `[::1]:80`.
    public var description: String { address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)" }
}
