import CSigner
import Glibc
import Linux

/// Reading what comes as a descriptor, without leaving a second copy of a key in memory.
enum KeyFile {
    /// Bytes that are read of a key or a chain; more are refused.
    static let longest = 256 << 10

    /// Calls `body` with the contents of a file and overwrites them afterwards. The descriptor's own position plays no
    /// part: other processes may share it. Nil when it can't be read or is too long.
    static func withContents<R>(of fd: Int32, _ body: (UnsafeRawBufferPointer) -> R) -> R? {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: longest, alignment: 16)
        var count = 0
        defer {
            cs_wipe(bytes.baseAddress, count)
            bytes.deallocate()
        }
        while count < longest {
            let n = pread(fd, bytes.baseAddress! + count, longest - count, off_t(count))
            if n < 0 && errno == EINTR { continue }
            guard n >= 0 else { return nil }
            if n == 0 { return body(UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
            count += n
        }
        return nil
    }
}
