import CLinux
import Glibc
import HTTP
import JSON
import TLS

/// One leg's request on its way to an upstream: a head, and a body that is either copied behind it (small ones, one
/// send) or referred to piece by piece in the client's own buffer (large ones, never copied). It is kept until the
/// answer begins, so that a leg that met a stale pooled connection can be sent again.
struct Outgoing {
    private var block = Buffer()
    private var headCount = 0
    private var pieceCount = 0
    private(set) var total = 0
    private(set) var sent = 0

    /// Bodies up to this size are copied behind the head.
    static let flattenLimit = 128 << 10
    private static let batch = 64

    init() {}

    var isEmpty: Bool { total == 0 }
    var isSent: Bool { sent == total }

    /// Puts a leg together. False when memory is out.
    mutating func build(head: UnsafeRawBufferPointer, body: borrowing PieceList) -> Bool {
        free()
        let count = body.count
        let bodyBytes = body.totalBytes
        headCount = head.count
        total = head.count + bodyBytes
        if bodyBytes <= Self.flattenLimit {
            block = Buffer(capacity: total)
            guard block.append(head) else { return false }
            for i in 0..<count {
                let piece = body[i]
                guard block.append(UnsafeRawBufferPointer(start: piece.base, count: piece.count)) else { return false }
            }
            return true
        }
        pieceCount = count
        let stride = MemoryLayout<Piece>.stride
        let aligned = (head.count + 15) / 16 * 16
        block = Buffer(capacity: aligned + count * stride)
        guard block.append(head), block.reserve(aligned - head.count + count * stride) else { return false }
        let pieces = piecesBase()
        for i in 0..<count { (pieces + i).initialize(to: body[i]) }
        return true
    }

    private func piecesBase() -> UnsafeMutablePointer<Piece> {
        (block.base! + (headCount + 15) / 16 * 16).assumingMemoryBound(to: Piece.self)
    }

    /// Sends what is left until the socket is full. Negative: an errno. `record`: room for what TLS seals at once.
    mutating func send(to fd: Int32, _ tls: TLSConnection?, _ record: UnsafeMutableRawBufferPointer) -> Int {
        while sent < total {
            let n: Int
            if pieceCount == 0 {
                let rest = UnsafeRawBufferPointer(start: block.base! + sent, count: total - sent)
                n = tls.map { $0.send(rest) } ?? cl_send(fd, rest.baseAddress, rest.count)
            } else {
                n = withPieces { vector, count in
                    tls.map { $0.send(vector, count, record) } ?? cl_sendv(fd, vector, Int32(count))
                }
            }
            if n == -Int(EAGAIN) { return 0 }
            if n < 0 { return n }
            sent += n
        }
        return 0
    }

    private func withPieces(_ body: (UnsafeMutablePointer<iovec>, Int) -> Int) -> Int {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.batch) { vector in
            var used = 0
            var skip = sent
            if skip < headCount {
                vector[0] = iovec(iov_base: block.base! + skip, iov_len: headCount - skip)
                used = 1
                skip = 0
            } else {
                skip -= headCount
            }
            let pieces = piecesBase()
            var i = 0
            while i < pieceCount && used < Self.batch {
                let piece = pieces[i]
                i += 1
                if skip >= piece.count {
                    skip -= piece.count
                    continue
                }
                vector[used] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: piece.base + skip), iov_len: piece.count - skip)
                used += 1
                skip = 0
            }
            return body(vector.baseAddress!, used)
        }
    }

    /// Starts over on another connection.
    mutating func rewind() { sent = 0 }

    mutating func free() {
        block.free()
        headCount = 0
        pieceCount = 0
        total = 0
        sent = 0
    }
}
