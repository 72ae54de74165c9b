import Glibc

/// An IP address as 16 bytes; IPv4 in its v4-mapped form, so that both families compare and mask alike.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// The first 8 bytes, as a big-endian number.
    public let high: UInt64
    /// The last 8 bytes, as a big-endian number.
    public let low: UInt64

    /// An address from the two halves of its 16 bytes.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses an IP literal, strictly: no names, brackets, zone ids, ports, nor the short, octal and hexadecimal
    /// spellings of IPv4 (`127.1`, `0x7f000001`, `0177.0.0.1`), which different programs read as different addresses.
    public init?(_ text: String) {
        // A C string ends at NUL: what follows one would not be looked at.
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        let isV4 = bytes.withUnsafeMutableBytes { buffer -> Bool in
            var address = in_addr()
            guard inet_pton(AF_INET, text, &address) == 1 else { return false }
            buffer[10] = 0xff
            buffer[11] = 0xff
            // `s_addr` is in network order in memory already.
            buffer.storeBytes(of: address.s_addr, toByteOffset: 12, as: UInt32.self)
            return true
        }
        if !isV4 {
            // Sound: `inet_pton` writes exactly 16 bytes for AF_INET6, and the array has 16.
            let isV6 = bytes.withUnsafeMutableBytes { inet_pton(AF_INET6, text, $0.baseAddress) == 1 }
            guard isV6 else { return nil }
        }
        self.init(bytes: bytes)
    }

    private init(bytes: [UInt8]) {
        high = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The 16 bytes in network order.
    public var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    }

    /// Whether this is an IPv4 address, that is one of `::ffff:0:0/96`.
    public var isV4: Bool { high == 0 && low >> 32 == 0xffff }

    /// `0.0.0.0` or `::`.
    public var isUnspecified: Bool { high == 0 && (low == 0 || low == 0xffff_0000_0000) }

    /// `127.0.0.0/8` or `::1`.
    public var isLoopback: Bool {
        isV4 ? (low >> 24) & 0xff == 127 : high == 0 && low == 1
    }

    /// `224.0.0.0/4` or `ff00::/8`.
    public var isMulticast: Bool {
        isV4 ? (low >> 28) & 0xf == 0xe : high >> 56 == 0xff
    }

    /// The address with all bits after the first `length` (0 to 128) cleared.
    public func masked(to length: Int) -> IPAddress {
        IPAddress(
            high: high & Self.mask(length),
            low: low & Self.mask(length - 64)
        )
    }

    private static func mask(_ bits: Int) -> UInt64 {
        // `<<` with an Int shifts everything out at 64, and so gives 0 for a mask of no bits.
        bits <= 0 ? 0 : UInt64.max << max(64 - bits, 0)
    }

    /// The canonical spelling (RFC 5952 for IPv6, dotted quad for IPv4).
    public var description: String {
        var source = isV4 ? Array(bytes[12...]) : bytes
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // Sound: the source has 4 or 16 bytes as its family says, and the size of `text` is passed along.
        _ = source.withUnsafeMutableBytes { address in
            text.withUnsafeMutableBufferPointer { buffer in
                inet_ntop(
                    isV4 ? AF_INET : AF_INET6, address.baseAddress, buffer.baseAddress, socklen_t(buffer.count))
            }
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
