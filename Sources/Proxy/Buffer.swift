import Glibc

/// Bytes on the heap with one owner, as a trivial value: connections live in preallocated slots, and nothing on the hot
/// path is reference-counted. Whoever owns the slot frees it.
struct Buffer {
    private(set) var base: UnsafeMutableRawPointer?
    private(set) var count = 0
    private(set) var capacity = 0

    init() { base = nil }

    /// Room for `capacity` bytes.
    init(capacity: Int) {
        base = malloc(max(1, capacity))
        self.capacity = base == nil ? 0 : capacity
    }

    var isEmpty: Bool { count == 0 }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// The room behind what is there.
    var spare: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base.map { $0 + count }, count: capacity - count)
    }

    /// Bytes were written into `spare`.
    mutating func grewBy(_ n: Int) { count += n }

    /// Makes room for `extra` more bytes, doubling; false when memory is out.
    mutating func reserve(_ extra: Int) -> Bool {
        if count + extra <= capacity { return true }
        let wanted = max(count + extra, capacity * 2, 512)
        guard let moved = realloc(base, wanted) else { return false }
        base = moved
        capacity = wanted
        return true
    }

    /// Copies bytes to the end; false when memory is out.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard reserve(bytes.count) else { return false }
        if bytes.count > 0 {
            memcpy(base! + count, bytes.baseAddress!, bytes.count)
            count += bytes.count
        }
        return true
    }

    /// Drops the first `n` bytes.
    mutating func consume(_ n: Int) {
        if n >= count {
            free()
        } else if n > 0 {
            memmove(base!, base! + n, count - n)
            count -= n
        }
    }

    /// Forgets what is in it and keeps the memory.
    mutating func clear() { count = 0 }

    mutating func free() {
        if base != nil { Glibc.free(base) }
        base = nil
        count = 0
        capacity = 0
    }
}
