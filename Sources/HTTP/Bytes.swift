/// Character classes and comparisons on raw bytes. Masks instead of tables: no lazily initialised global on the hot path.
@usableFromInline
enum Bytes {
    static let cr = UInt8(ascii: "\r")
    static let lf = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let colon = UInt8(ascii: ":")
    static let comma = UInt8(ascii: ",")

    /// RFC 9110 tchar: what methods and field names are made of.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        if byte < 64 { return (0x03FF_6CFA_0000_0000 as UInt64) >> UInt64(byte) & 1 == 1 }
        return byte < 128 && (0x57FF_FFFF_C7FF_FFFE as UInt64) >> UInt64(byte - 64) & 1 == 1
    }

    /// The value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte &- 0x30
        case 0x41...0x46: byte &- 0x37
        case 0x61...0x66: byte &- 0x57
        default: nil
        }
    }

    /// Is there a control character (below 0x20 other than TAB, or DEL)? Eight bytes at a time.
    @inline(__always)
    static func hasControl(_ base: UnsafeRawPointer, _ count: Int) -> Bool {
        var i = 0
        while i + 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            // High bit of a byte set where the byte is below 0x20, or is 0x7F.
            let below = (word &- 0x2020_2020_2020_2020) & ~word
            let del = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let isDel = (del &- 0x0101_0101_0101_0101) & ~del
            if (below | isDel) & 0x8080_8080_8080_8080 != 0 {
                for j in i..<i + 8 where isControl(base.load(fromByteOffset: j, as: UInt8.self)) { return true }
            }
            i += 8
        }
        while i < count {
            if isControl(base.load(fromByteOffset: i, as: UInt8.self)) { return true }
            i += 1
        }
        return false
    }

    @inline(__always)
    static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != tab || byte == 0x7F }

    /// Compares with a lower-case literal, ignoring the case of ASCII letters.
    @inline(__always)
    static func equal(_ base: UnsafeRawPointer, _ count: Int, _ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        let other = UnsafeRawPointer(literal.utf8Start)
        for i in 0..<count {
            let byte = base.load(fromByteOffset: i, as: UInt8.self)
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if folded != other.load(fromByteOffset: i, as: UInt8.self) { return false }
        }
        return true
    }
}
