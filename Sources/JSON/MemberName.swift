import Glibc

/// The bytes of a JSON string with its escapes resolved, one at a time, without memory for the result.
///
/// Only for strings that a cursor has read: it relies on their escapes being well formed. Surrogate pairs become one
/// character of four bytes; a lone surrogate becomes the three bytes that UTF-8 would give it if it allowed them.
struct UnescapedBytes {
    private var p: Address
    private let end: Address
    /// Bytes of a character still to be delivered, the next one lowest.
    private var pending: UInt32 = 0
    private var pendingCount = 0

    init?(_ raw: UnsafeRawBufferPointer) {
        guard let start = raw.baseAddress else { return nil }
        p = start.assumingMemoryBound(to: UInt8.self)
        end = p + raw.count
    }

    /// The next byte, nil after the last.
    mutating func next() -> UInt8? {
        if pendingCount > 0 {
            let byte = UInt8(truncatingIfNeeded: pending)
            pending >>= 8
            pendingCount -= 1
            return byte
        }
        guard p < end else { return nil }
        let byte = p.pointee
        guard byte == Bytes.backslash else {
            p += 1
            return byte
        }
        let letter = p[1]
        p += 2
        switch letter {
        case 0x62: return 0x08
        case Bytes.lowerF: return 0x0C
        case Bytes.lowerN: return 0x0A
        case 0x72: return 0x0D
        case Bytes.lowerT: return 0x09
        case Bytes.lowerU: return nextCharacter()
        default: return letter
        }
    }

    /// Reads the four digits of a `\u` (and those of the second half of a pair), delivers the first byte.
    private mutating func nextCharacter() -> UInt8 {
        var character = hexadecimal(p)
        p += 4
        if character & 0xFC00 == 0xD800, end - p >= 6, p[0] == Bytes.backslash, p[1] == Bytes.lowerU {
            let low = hexadecimal(p + 2)
            if low & 0xFC00 == 0xDC00 {
                character = 0x10000 + (character & 0x3FF) << 10 | low & 0x3FF
                p += 6
            }
        }
        if character < 0x80 {
            return UInt8(character)
        }
        if character < 0x800 {
            hold(character, 1)
            return UInt8(0xC0 | character >> 6)
        }
        if character < 0x10000 {
            hold(character, 2)
            return UInt8(0xE0 | character >> 12)
        }
        hold(character, 3)
        return UInt8(0xF0 | character >> 18)
    }

    /// Keeps the last `count` bytes of a character, its continuation bytes.
    private mutating func hold(_ character: UInt32, _ count: Int) {
        pendingCount = count
        pending = 0
        var rest = character
        for _ in 0..<count {
            pending = pending << 8 | 0x80 | rest & 0x3F
            rest >>= 6
        }
    }

    private func hexadecimal(_ digits: Address) -> UInt32 {
        var value: UInt32 = 0
        for i in 0..<4 {
            let byte = digits[i]
            value = value << 4 | UInt32(isDigit(byte) ? byte - Bytes.zero : (byte | 0x20) - 0x61 + 10)
        }
        return value
    }
}

/// A number that stands for a member's unescaped name (FNV-1a, 64 bits).
///
/// Names with equal numbers are taken for equal without another look. An accident is as likely as a guess of 64 bits;
/// whoever makes two names collide on purpose gets his own request refused. In return a check for duplicates costs no
/// more than reading each name once, however long the names are.
func nameHash(_ raw: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    guard var bytes = UnescapedBytes(raw) else { return hash }
    while let byte = bytes.next() {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return hash
}

/// A member's name with its escapes resolved, for comparisons. Valid as long as the text and the scratch memory.
struct PlainName {
    /// How much of an unescaped name is kept: more than the longest name that is looked for.
    static var scratchSize: Int { 64 }

    private let base: UnsafeRawPointer
    private let count: Int

    /// - Parameter scratch: `scratchSize` bytes for a name that has escapes. One that is longer is cut there, which
    ///   leaves it unequal to every name looked for, and its prefix true.
    init(_ raw: UnsafeRawBufferPointer, scratch: UnsafeMutablePointer<UInt8>) {
        guard let start = raw.baseAddress, raw.count > 0 else {
            base = UnsafeRawPointer(scratch)
            count = 0
            return
        }
        guard memchr(start, Int32(Bytes.backslash), raw.count) != nil, var bytes = UnescapedBytes(raw) else {
            base = start
            count = raw.count
            return
        }
        var length = 0
        while length < Self.scratchSize, let byte = bytes.next() {
            scratch[length] = byte
            length += 1
        }
        base = UnsafeRawPointer(scratch)
        count = length
    }

    /// The first byte, 0 for an empty name.
    var first: UInt8 {
        count > 0 ? base.load(as: UInt8.self) : 0
    }

    func equals(_ name: StaticString) -> Bool {
        count == name.utf8CodeUnitCount && memcmp(base, name.utf8Start, count) == 0
    }

    func begins(with prefix: StaticString) -> Bool {
        count >= prefix.utf8CodeUnitCount && memcmp(base, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
    }
}
