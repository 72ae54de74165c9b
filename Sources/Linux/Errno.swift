import Glibc

/// An error number of the kernel, kept positive.
public struct Errno: Error, Equatable, Sendable, CustomStringConvertible {
    /// The number as errno.h gives it.
    public let number: Int32

    /// Accepts the negative results of the C layer as well.
    public init(_ number: Int32) { self.number = number < 0 ? -number : number }
    /// Accepts the negative results of the C layer as well.
    public init(_ number: Int) { self.init(Int32(truncatingIfNeeded: number)) }

    /// The system's text for it, such as "Permission denied".
    public var description: String { String(cString: strerror(number)) }

    /// Turns a negative result into a thrown error.
    public static func check(_ result: Int32) throws(Errno) -> Int32 {
        if result < 0 { throw Errno(result) }
        return result
    }
}
