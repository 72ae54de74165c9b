import CLinux
import Glibc

/// The memory that blocks are moved into and out of. It came sealed: whoever else has it can change what is in it, and
/// nobody its size, so that no access of ours can fail.
struct Region {
    let base: UnsafeMutableRawPointer
    let size: Int

    /// Maps a region; the descriptor stays the caller's. Nil: it isn't sealed against growing, shrinking and losing its
    /// seals, or has another size than was said.
    init?(fd: Int32, size: UInt64) {
        guard size > 0, let size = Int(exactly: size), cl_segment_size(fd) == Int64(size),
            let base = cl_map(fd, size, 1)
        else { return nil }
        self.base = base
        self.size = size
    }

    /// Is the range there, whole?
    func holds(offset: UInt64, length: UInt64) -> Bool { Self.range(offset, length, isInside: UInt64(size)) }

    /// Whether a range is inside something of a size; written so that nothing can overflow.
    static func range(_ offset: UInt64, _ length: UInt64, isInside size: UInt64) -> Bool {
        length > 0 && offset <= size && length <= size - offset
    }
}
