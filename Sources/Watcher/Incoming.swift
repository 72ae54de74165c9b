import Glibc

/// Bytes of an answer as they come in: a list's page is read when it is whole, a watch's lines one by one.
struct Incoming: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>?
    private var capacity = 0
    /// Where the unread bytes begin and end.
    private var start = 0
    private var end = 0
    /// Up to here no line end was found.
    private var searched = 0

    deinit { free(base) }

    var count: Int { end - start }

    /// False: there is no memory for them.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let from = bytes.baseAddress, bytes.count > 0 else { return true }
        if end + bytes.count > capacity {
            moveToFront()
            guard end + bytes.count <= capacity || grow(to: end + bytes.count) else { return false }
        }
        // Sound: `grow` has made room for `end + bytes.count` bytes.
        memcpy(base! + end, from, bytes.count)
        end += bytes.count
        return true
    }

    /// Calls `body` with everything that is unread.
    func withAll<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        body(UnsafeRawBufferPointer(start: base.map { $0 + start }, count: count))
    }

    /// Calls `body` with the next whole line, without its end, and drops it. Nil: there is none yet.
    mutating func withNextLine<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R? {
        guard let base, let found = memchr(base + searched, 0x0A, end - searched) else {
            searched = end
            return nil
        }
        let length = found.assumingMemoryBound(to: UInt8.self) - base - start
        let line = UnsafeRawBufferPointer(start: base + start, count: length)
        start += length + 1
        searched = start
        return body(line)
    }

    /// Forgets everything, and gives back memory beyond what a quiet watch needs.
    mutating func clear() {
        start = 0
        end = 0
        searched = 0
        if capacity > 65_536 {
            free(base)
            base = nil
            capacity = 0
        }
    }

    private mutating func moveToFront() {
        guard start > 0, let base else { return }
        memmove(base, base + start, count)
        end -= start
        searched -= start
        start = 0
    }

    private mutating func grow(to size: Int) -> Bool {
        let wanted = max(size, capacity * 2, 16_384)
        guard let moved = realloc(base, wanted) else { return false }
        base = moved.assumingMemoryBound(to: UInt8.self)
        capacity = wanted
        return true
    }
}
