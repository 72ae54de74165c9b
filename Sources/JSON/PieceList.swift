/// One run of bytes of an edited body: points into the client's body, into the handoff, or at a static literal.
public struct Piece {
    /// The first byte of the run.
    public var base: UnsafeRawPointer
    /// The length of the run in bytes, never 0 in a list.
    public var count: Int
}

/// Fixed-capacity list of pieces, allocated once per event loop and reused.
///
/// Whoever writes the pieces out turns them into an iovec array; the bytes are never copied together.
public struct PieceList: ~Copyable {
    private let storage: UnsafeMutablePointer<Piece>
    private let capacity: Int

    /// The number of pieces.
    public private(set) var count: Int
    /// The sum of the pieces' lengths in bytes: the Content-Length of the edited body.
    public private(set) var totalBytes: Int

    /// A list that holds at most `capacity` pieces (at least one).
    public init(capacity: Int = 512) {
        self.capacity = max(capacity, 1)
        storage = .allocate(capacity: self.capacity)
        count = 0
        totalBytes = 0
    }

    deinit {
        storage.deallocate()
    }

    /// The piece at `i`, in the order of appending.
    public subscript(i: Int) -> Piece {
        precondition(i >= 0 && i < count, "PieceList index out of range")
        return storage[i]
    }

    /// Empties the list; the memory stays.
    public mutating func removeAll() {
        count = 0
        totalBytes = 0
    }

    /// Appends a run. A run that begins where the last one ended is merged with it; an empty run is ignored.
    /// - Returns: false when the list is full; the list is unchanged then.
    public mutating func append(_ base: UnsafeRawPointer, _ count: Int) -> Bool {
        guard count > 0 else { return true }
        if self.count > 0 {
            let last = storage[self.count - 1]
            if last.base + last.count == base {
                storage[self.count - 1].count += count
                totalBytes += count
                return true
            }
        }
        guard self.count < capacity else { return false }
        (storage + self.count).initialize(to: Piece(base: base, count: count))
        self.count += 1
        totalBytes += count
        return true
    }

    /// Appends text that lives as long as the process.
    /// - Returns: false when the list is full; the list is unchanged then.
    public mutating func append(_ literal: StaticString) -> Bool {
        append(literal.utf8Start, literal.utf8CodeUnitCount)
    }

    /// A state of the list to which a plan that does not fit returns.
    struct Checkpoint {
        var count: Int
        var totalBytes: Int
        var lastCount: Int
    }

    /// The present state. The last piece's length belongs to it, since an append may lengthen that piece.
    var checkpoint: Checkpoint {
        Checkpoint(count: count, totalBytes: totalBytes, lastCount: count > 0 ? storage[count - 1].count : 0)
    }

    /// Undoes everything appended since `checkpoint` was taken.
    mutating func restore(_ checkpoint: Checkpoint) {
        count = checkpoint.count
        totalBytes = checkpoint.totalBytes
        if count > 0 {
            storage[count - 1].count = checkpoint.lastCount
        }
    }
}
