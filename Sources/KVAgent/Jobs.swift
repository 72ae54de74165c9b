import IPC
import Linux

/// A transfer that we were asked for, and what is known of it.
final class FetchJob {
    let order: KVTransfer
    /// The endpoint's number.
    let peer: UInt32
    var life = Fetch()
    /// In nanoseconds of the monotonic clock.
    let begunAt: UInt64
    /// In milliseconds of the same; .max = none.
    var deadline: Int64
    /// Where the peer's range begins in its memory.
    var remote: UInt64 = 0
    /// Bytes that have been asked for, and bytes that are there.
    var asked: UInt64 = 0
    var read: UInt64 = 0
    var running = 0
    var checksum: UInt32 = 0
    var isTold = false
    /// The deadline is that of the end, and not the transfer's any more.
    var isLingering = false

    /// Bytes of a read.
    static let piece: UInt64 = 256 << 10
    /// Reads of one transfer at once.
    static let window = 8

    init(_ order: KVTransfer, peer: UInt32, begunAt: UInt64, deadline: Int64) {
        self.order = order
        self.peer = peer
        self.begunAt = begunAt
        self.deadline = deadline
    }

    /// The next piece to ask for; nil = everything has been.
    func nextPiece() -> (offset: UInt64, length: UInt64)? {
        guard asked < order.length else { return nil }
        let length = min(Self.piece, order.length - asked)
        defer { asked += length }
        return (asked, length)
    }

    /// Bytes of a piece by its number.
    func length(ofPiece piece: UInt32) -> UInt64 {
        let offset = UInt64(piece) * Self.piece
        return offset < order.length ? min(Self.piece, order.length - offset) : 0
    }
}

/// A peer that reads from us.
final class ServeJob {
    let peer: UInt32
    let from: Endpoint
    var life = Serve()
    /// In milliseconds of the monotonic clock.
    var deadline: Int64
    /// What it has said that it reads.
    var offset = 0
    var length = 0
    var request = ""
    var checksum: UInt32 = 0

    init(_ peer: UInt32, from: Endpoint, deadline: Int64) {
        self.peer = peer
        self.from = from
        self.deadline = deadline
    }
}
