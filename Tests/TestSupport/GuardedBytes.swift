import Glibc

/// Bytes that end where readable memory ends: a parser that reads one byte too far dies on the spot.
public final class GuardedBytes {
    private let mapping: UnsafeMutableRawPointer
    private let size: Int
    /// The bytes, as long as this lives.
    public let bytes: UnsafeRawBufferPointer

    /// Copies the bytes to where they are guarded.
    public init(_ content: [UInt8]) {
        let page = Int(getpagesize())
        let readable = max((content.count + page - 1) / page, 1) * page
        size = readable + page
        guard let mapping = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapping != MAP_FAILED
        else { preconditionFailure("mmap of \(size) bytes failed") }
        self.mapping = mapping
        precondition(mprotect(mapping + readable, page, PROT_NONE) == 0)
        let start = mapping + (readable - content.count)
        if !content.isEmpty { start.copyMemory(from: content, byteCount: content.count) }
        bytes = UnsafeRawBufferPointer(start: start, count: content.count)
    }

    deinit { munmap(mapping, size) }
}
