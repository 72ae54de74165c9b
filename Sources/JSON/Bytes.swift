/// The bytes that JSON's grammar names.
///
/// Computed rather than stored: a stored global would cost a once-check per use in a debug build.
enum Bytes {
    @inline(__always) static var quote: UInt8 { 0x22 }
    @inline(__always) static var plus: UInt8 { 0x2B }
    @inline(__always) static var comma: UInt8 { 0x2C }
    @inline(__always) static var minus: UInt8 { 0x2D }
    @inline(__always) static var dot: UInt8 { 0x2E }
    @inline(__always) static var zero: UInt8 { 0x30 }
    @inline(__always) static var nine: UInt8 { 0x39 }
    @inline(__always) static var colon: UInt8 { 0x3A }
    @inline(__always) static var openBracket: UInt8 { 0x5B }
    @inline(__always) static var backslash: UInt8 { 0x5C }
    @inline(__always) static var closeBracket: UInt8 { 0x5D }
    @inline(__always) static var lowerF: UInt8 { 0x66 }
    @inline(__always) static var lowerN: UInt8 { 0x6E }
    @inline(__always) static var lowerT: UInt8 { 0x74 }
    @inline(__always) static var lowerU: UInt8 { 0x75 }
    @inline(__always) static var openBrace: UInt8 { 0x7B }
    @inline(__always) static var closeBrace: UInt8 { 0x7D }
}

/// An address inside the text being scanned.
typealias Address = UnsafePointer<UInt8>

/// Eight bytes at `address`, the first of them lowest. The caller has made sure that they are inside the text.
@inline(__always)
func word(at address: Address) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(address).loadUnaligned(as: UInt64.self))
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool {
    byte &- Bytes.zero <= 9
}
