/// The buffer of the last large body, kept for the next one for a moment: fresh memory from the kernel is zeroed page by
/// page, which costs more than reading the body into it.
struct SpareBody {
    /// Smaller bodies come from the heap's own reserves; larger ones are not worth holding on to.
    private static let sizes = 256 << 10...32 << 20
    /// Milliseconds that an unused buffer is kept.
    private static let patience: Int64 = 1000

    private var buffer = Buffer()
    private var since: Int64 = 0

    /// A buffer of at least `capacity` bytes: the spare one if it fits well, else a new one.
    mutating func take(_ capacity: Int) -> Buffer {
        guard buffer.capacity >= capacity, buffer.capacity / 4 <= capacity else { return Buffer(capacity: capacity) }
        defer { buffer = Buffer() }
        return buffer
    }

    /// Takes over a buffer that is no longer needed.
    mutating func give(_ other: inout Buffer, now: Int64) {
        guard Self.sizes.contains(other.capacity), buffer.capacity == 0 else {
            other.free()
            return
        }
        other.clear()
        buffer = other
        other = Buffer()
        since = now
    }

    /// Milliseconds until the spare buffer must go; -1 = there is none.
    func wait(now: Int64) -> Int32 {
        buffer.capacity == 0 ? -1 : Int32(clamping: max(1, since + Self.patience - now))
    }

    mutating func expire(now: Int64) {
        if buffer.capacity > 0 && now - since >= Self.patience { buffer.free() }
    }
}
