/// Where a string ended: the address after its closing quote, or that of the fault.
struct StringEnd {
    var address: Address
    var fault: BodyFault
}

/// A word with bit 7 of a byte set where that byte needs a look: quote, backslash, control character, non-ASCII.
///
/// The lowest set bit is exact. Bits above it may be wrong (a subtraction borrows from the next byte, but only out of
/// a byte that is itself a hit), so only "none" and "the first" may be asked of the result.
@inline(__always)
func specialBytes(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = (word ^ (ones &* 0x22)) &- ones
    let backslashes = (word ^ (ones &* 0x5C)) &- ones
    let controls = word &- (ones &* 0x20)
    return (quotes | backslashes | controls | word) & (ones &* 0x80)
}

/// Finds the end of a string whose first content byte is at `start`, checking characters, escapes and UTF-8.
func endOfString(_ start: Address, _ end: Address) -> StringEnd {
    var p = start
    while true {
        p = firstSpecial(p, end)
        guard p < end else { return StringEnd(address: end, fault: .syntax) }
        let byte = p.pointee
        if byte == Bytes.quote {
            return StringEnd(address: p + 1, fault: .none)
        }
        if byte >= 0x80 {
            guard let next = endOfNonASCII(p, end) else { return faultyUTF8(p, end) }
            p = next
        } else if byte == Bytes.backslash {
            // Escapes come in groups (`\"\n`), so the word loop is only re-entered after the last of them.
            repeat {
                guard let next = endOfEscape(p, end) else { return StringEnd(address: p, fault: .syntax) }
                p = next
            } while p < end && p.pointee == Bytes.backslash
        } else {
            return StringEnd(address: p, fault: .syntax)
        }
    }
}

/// The first byte from `start` on that ordinary ASCII text does not contain, or `end`.
@inline(__always)
private func firstSpecial(_ start: Address, _ end: Address) -> Address {
    var p = start
    while end - p >= 8 {
        let first = specialBytes(word(at: p))
        if first != 0 {
            return p + first.trailingZeroBitCount >> 3
        }
        p += 8
        // A string longer than a word is probably much longer: from here on four words share one branch.
        while end - p >= 32 {
            let a = specialBytes(word(at: p))
            let b = specialBytes(word(at: p + 8))
            let c = specialBytes(word(at: p + 16))
            let d = specialBytes(word(at: p + 24))
            if a | b | c | d != 0 {
                if a != 0 { return p + a.trailingZeroBitCount >> 3 }
                if b != 0 { return p + (8 + b.trailingZeroBitCount >> 3) }
                if c != 0 { return p + (16 + c.trailingZeroBitCount >> 3) }
                return p + (24 + d.trailingZeroBitCount >> 3)
            }
            p += 32
        }
    }
    while p < end {
        let byte = p.pointee
        if byte == Bytes.quote || byte == Bytes.backslash || byte < 0x20 || byte >= 0x80 {
            return p
        }
        p += 1
    }
    return end
}

/// The address after the escape at `p` (a backslash), nil when it is not one of RFC 8259's.
///
/// `\ud800` without its partner is let through: Python's json reads it, and the bytes are passed on as they are.
@inline(__always)
private func endOfEscape(_ p: Address, _ end: Address) -> Address? {
    guard end - p >= 2 else { return nil }
    switch p[1] {
    case Bytes.quote, Bytes.backslash, 0x2F, 0x62, Bytes.lowerF, Bytes.lowerN, 0x72, Bytes.lowerT:
        return p + 2
    case Bytes.lowerU:
        guard end - p >= 6 else { return nil }
        guard isHexDigit(p[2]) && isHexDigit(p[3]) && isHexDigit(p[4]) && isHexDigit(p[5]) else { return nil }
        return p + 6
    default:
        return nil
    }
}

@inline(__always)
private func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20) &- 0x61 < 6
}

/// The address after a run of non-ASCII characters beginning at `p`, nil when one of them is not UTF-8.
@inline(__always)
private func endOfNonASCII(_ start: Address, _ end: Address) -> Address? {
    var p = start
    // Two three-byte characters per step: the common case of CJK text.
    while end - p >= 8 {
        let pair = word(at: p)
        guard pair & 0xC0C0_F0C0_C0F0 == 0x8080_E080_80E0 else { break }
        guard isThreeByteCharacter(pair) && isThreeByteCharacter(pair >> 24) else { return nil }
        p += 6
    }
    while p < end && p.pointee >= 0x80 {
        guard let next = endOfCharacter(p, end) else { return nil }
        p = next
    }
    return p
}

/// Whether three bytes of the right shape (`E. 8.. 8..`) are neither overlong nor a surrogate.
///
/// Both are told by the low nibble of the first byte with bit 5 of the second: 0 is E0 80..9F, 27 is ED A0..BF.
@inline(__always)
private func isThreeByteCharacter(_ bytes: UInt64) -> Bool {
    let index = (bytes & 0x0F) << 1 | (bytes >> 13) & 1
    return index != 0 && index != 27
}

/// The address after the one non-ASCII character at `p`, nil when it is not UTF-8 (RFC 3629 section 4).
@inline(__always)
private func endOfCharacter(_ p: Address, _ end: Address) -> Address? {
    var bytes: UInt64 = 0
    if end - p >= 4 {
        bytes = UInt64(UInt32(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt32.self)))
    } else {
        // Missing bytes read as zero, which no test below takes for a continuation byte.
        var i = end - p
        while i > 0 {
            i -= 1
            bytes = bytes << 8 | UInt64(p[i])
        }
    }
    if bytes & 0xC0E0 == 0x80C0 {
        return bytes & 0x1E != 0 ? p + 2 : nil
    }
    if bytes & 0xC0_C0F0 == 0x80_80E0 {
        return isThreeByteCharacter(bytes) ? p + 3 : nil
    }
    if bytes & 0xC0C0_C0F8 == 0x8080_80F0 {
        // Bits 18...16 of the character with two more bits of the second byte: 1...16 is 10000...10FFFF.
        let index = (bytes & 0x07) << 2 | (bytes >> 12) & 3
        return index &- 1 < 16 ? p + 4 : nil
    }
    return nil
}

/// The exact place of a UTF-8 fault in a run of non-ASCII characters: off the hot path, so found a second time.
@inline(never)
private func faultyUTF8(_ start: Address, _ end: Address) -> StringEnd {
    var p = start
    while p < end, let next = endOfCharacter(p, end) {
        p = next
    }
    return StringEnd(address: p, fault: .invalidUTF8)
}
