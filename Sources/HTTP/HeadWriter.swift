/// Writes a head into memory of the caller's. Running out of room is remembered and checked once, at the end.
public struct HeadWriter {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    /// Bytes written.
    public private(set) var count = 0
    /// Something did not fit.
    public private(set) var overflowed = false

    /// Writes into memory of the caller's.
    @inline(__always)
    public init(_ buffer: UnsafeMutableRawBufferPointer) {
        base = buffer.baseAddress!
        capacity = buffer.count
    }

    /// Raw bytes.
    @inlinable
    public mutating func append(_ bytes: UnsafeRawPointer, _ length: Int) { put(bytes, length) }

    /// A literal.
    @inlinable
    public mutating func append(_ literal: StaticString) { put(literal.utf8Start, literal.utf8CodeUnitCount) }

    /// A decimal number.
    public mutating func append(decimal value: UInt64) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var rest = value
            var at = 20
            repeat {
                at -= 1
                digits[at] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
                rest /= 10
            } while rest > 0
            put(digits.baseAddress! + at, 20 - at)
        }
    }

    /// A hexadecimal number, as chunk sizes are written.
    public mutating func append(hexadecimal value: UInt64) {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { digits in
            var rest = value
            var at = 16
            repeat {
                at -= 1
                let digit = UInt8(truncatingIfNeeded: rest & 15)
                digits[at] = digit < 10 ? digit &+ 0x30 : digit &+ 0x57
                rest >>= 4
            } while rest > 0
            put(digits.baseAddress! + at, 16 - at)
        }
    }

    @usableFromInline
    mutating func put(_ bytes: UnsafeRawPointer, _ length: Int) {
        guard count + length <= capacity else {
            overflowed = true
            return
        }
        (base + count).copyMemory(from: bytes, byteCount: length)
        count += length
    }
}
