extension Address {
    /// Reads an IP literal in its one strict spelling: four decimal numbers without leading zeros, or IPv6 without a
    /// zone. Odd spellings (octal, hexadecimal, short forms) are refused and not interpreted, because two readers
    /// that interpret them differently are how address filters are bypassed.
    public static func parse(_ text: UnsafeRawBufferPointer) -> Address? {
        if text.contains(UInt8(ascii: ":")) { return parseV6(text) }
        return parseV4(text).map(Address.init(v4:))
    }

    /// The same for a string.
    public static func parse(_ text: String) -> Address? {
        var copy = text
        return copy.withUTF8 { parse(UnsafeRawBufferPointer($0)) }
    }

    private static func parseV4(_ text: UnsafeRawBufferPointer) -> UInt32? {
        var value: UInt32 = 0
        var parts = 0
        var i = 0
        while true {
            let start = i
            var part: UInt32 = 0
            while i < text.count, text[i] >= 0x30, text[i] <= 0x39, i - start < 3 {
                part = part * 10 + UInt32(text[i] - 0x30)
                i += 1
            }
            guard i > start, part <= 255, i - start == 1 || text[start] != 0x30 else { return nil }
            value = value << 8 | part
            parts += 1
            if parts == 4 { return i == text.count ? value : nil }
            guard i < text.count, text[i] == UInt8(ascii: ".") else { return nil }
            i += 1
        }
    }

    private static func parseV6(_ text: UnsafeRawBufferPointer) -> Address? {
        var groups: (head: [UInt16], tail: [UInt16]) = ([], [])
        var compressed = false
        var i = 0
        func isColon(_ at: Int) -> Bool { at < text.count && text[at] == UInt8(ascii: ":") }
        if isColon(0) {
            guard isColon(1) else { return nil }
            compressed = true
            i = 2
        }
        while i < text.count {
            let start = i
            var value: UInt32 = 0
            while i < text.count, let digit = hexadecimal(text[i]), i - start < 4 {
                value = value << 4 | UInt32(digit)
                i += 1
            }
            if i < text.count, text[i] == UInt8(ascii: ".") {
                guard let v4 = parseV4(UnsafeRawBufferPointer(rebasing: text[start...])) else { return nil }
                append(UInt16(v4 >> 16))
                append(UInt16(v4 & 0xFFFF))
                i = text.count
                break
            }
            guard i > start else { return nil }
            append(UInt16(value))
            if i == text.count { break }
            guard isColon(i) else { return nil }
            i += 1
            if isColon(i) {
                guard !compressed else { return nil }
                compressed = true
                i += 1
            } else if i == text.count {
                return nil
            }
        }
        func append(_ group: UInt16) {
            if compressed { groups.tail.append(group) } else { groups.head.append(group) }
        }
        let count = groups.head.count + groups.tail.count
        guard compressed ? count <= 7 : count == 8 else { return nil }
        let all = groups.head + [UInt16](repeating: 0, count: 8 - count) + groups.tail
        let high = all[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        let low = all[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        return Address(high: high, low: low)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
