import CLinux

/// The id that ties both legs, the answer and the log lines of a request together.
enum RequestID {
    /// Longest id that is taken from a client.
    static let longest = 128

    /// Letters, digits, dot, underscore and hyphen: nothing that could mean something in a log, a header or a path.
    static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        guard !text.isEmpty, text.count <= longest else { return false }
        for byte in text {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                continue
            default: return false
            }
        }
        return true
    }
}

/// Ids of our own. Random bits are asked for in batches: asking the kernel for each would cost a small request a fiftieth
/// of its time.
struct RequestIDs {
    /// As many as getrandom(2) gives at once and in any case: 256 bytes.
    private static let batch = 16

    private var drawn: [(UInt64, UInt64)] = []

    /// 122 random bits in the form of a version 4 UUID; neither time nor host can be read from it.
    mutating func next() -> Buffer {
        if drawn.isEmpty { draw() }
        var id = Buffer(capacity: 36)
        var bits = drawn.removeLast()
        withUnsafeMutableBytes(of: &bits) { bytes in
            bytes[6] = bytes[6] & 0x0F | 0x40
            bytes[8] = bytes[8] & 0x3F | 0x80
            withUnsafeTemporaryAllocation(byteCount: 36, alignment: 1) { text in
                var at = 0
                for i in 0..<16 {
                    if i == 4 || i == 6 || i == 8 || i == 10 {
                        text[at] = UInt8(ascii: "-")
                        at += 1
                    }
                    for nibble in [bytes[i] >> 4, bytes[i] & 15] {
                        text[at] = nibble < 10 ? nibble + 0x30 : nibble + 0x57
                        at += 1
                    }
                }
                _ = id.append(UnsafeRawBufferPointer(text))
            }
        }
        return id
    }

    private mutating func draw() {
        drawn = Array(repeating: (0, 0), count: Self.batch)
        drawn.withUnsafeMutableBytes { _ = cl_random($0.baseAddress!, $0.count) }
    }
}
