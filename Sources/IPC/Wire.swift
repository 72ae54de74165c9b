/// Writes the fields of one message into a fixed buffer. Running out of room is remembered, never a crash: the frame is
/// then refused as a whole.
public struct WireWriter {
    private var buffer: UnsafeMutableRawBufferPointer
    /// Bytes written so far.
    public private(set) var count = 0
    /// A field did not fit.
    public private(set) var overflowed = false

    /// Writes into memory of the caller's.
    public init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    /// Numbers travel in little-endian order.
    public mutating func write<T: FixedWidthInteger>(_ value: T) {
        let size = MemoryLayout<T>.size
        guard count + size <= buffer.count else {
            overflowed = true
            return
        }
        buffer.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
        count += size
    }

    /// One byte, 0 or 1.
    public mutating func write(_ value: Bool) { write(UInt8(value ? 1 : 0)) }

    /// A length of two bytes, then the text.
    public mutating func write(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Int(UInt16.max), count + 2 + bytes.count <= buffer.count else {
            overflowed = true
            return
        }
        write(UInt16(bytes.count))
        for byte in bytes { write(byte) }
    }
}

/// Reads the fields of one message. A missing byte, a Boolean that is neither 0 nor 1, or bytes left over make the whole
/// message invalid.
public struct WireReader {
    private let buffer: UnsafeRawBufferPointer
    private var position = 0
    private var failed = false

    /// Reads from memory of the caller's.
    public init(_ buffer: UnsafeRawBufferPointer) { self.buffer = buffer }

    /// Everything was there and nothing is left over.
    public var isComplete: Bool { !failed && position == buffer.count }

    /// 0 when the message is too short; `isComplete` then tells.
    public mutating func read<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
        let size = MemoryLayout<T>.size
        guard !failed, position + size <= buffer.count else {
            failed = true
            return 0
        }
        defer { position += size }
        return T(littleEndian: buffer.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    /// The fields are there and mean nothing.
    mutating func invalidate() { failed = true }

    /// Anything but 0 and 1 is invalid.
    public mutating func readBool() -> Bool {
        let value = read(UInt8.self)
        if value > 1 { failed = true }
        return value == 1
    }

    /// How many elements of a list follow; more than `most` are invalid, not cut, so that no message has two spellings.
    public mutating func readCount<T: FixedWidthInteger>(_ type: T.Type, most: Int) -> Int {
        let count = Int(read(type))
        guard count <= most else {
            failed = true
            return 0
        }
        return count
    }

    /// Text that must be UTF-8 and at most `limit` bytes.
    public mutating func readText(limit: Int) -> String {
        let count = Int(read(UInt16.self))
        guard !failed, count <= limit, position + count <= buffer.count else {
            failed = true
            return ""
        }
        defer { position += count }
        guard let text = String(validating: buffer[position..<position + count], as: UTF8.self) else {
            failed = true
            return ""
        }
        return text
    }

    /// A value of an enumeration; an unknown one is invalid.
    public mutating func read<E: RawRepresentable>(case type: E.Type, fallback: E) -> E
    where E.RawValue == UInt8 {
        if let value = E(rawValue: read(UInt8.self)) { return value }
        failed = true
        return fallback
    }
}
