import CLinux
import Glibc
import IPC
import TLS

/// The bytes of a connection, in the clear or through TLS: what is above this file doesn't know which. Results are those
/// of the clear calls: a count, or a negative errno.
extension Loop {
    /// Reads. 0: the peer has closed in order. -ECONNRESET: it is gone, and what it sent may have been cut off. -EPROTO: its
    /// TLS is broken. -EINTR: nothing yet, and no event will tell of more: read again.
    @inline(__always)
    func receive(from fd: Int32, _ tls: TLSConnection?, _ room: UnsafeMutableRawBufferPointer) -> Int {
        guard let tls else { return cl_recv(fd, room.baseAddress, room.count) }
        return switch tls.read(into: room) {
        case .done(let count): count
        case .again: -Int(EINTR)
        case .wantsRead, .wantsWrite, .wantsSignature, .wantsTurn: -Int(EAGAIN)
        case .closed(let cleanly): cleanly ? 0 : -Int(ECONNRESET)
        case .failed: -Int(EPROTO)
        }
    }

    /// Has a read that gave `n` bytes emptied the socket, so that the next event tells of more?
    @inline(__always)
    func isEmptied(by n: Int, of room: Int, _ tls: TLSConnection?) -> Bool { tls.map(\.isDrained) ?? (n < room) }

    /// Writes the beginning of some bytes.
    @inline(__always)
    func send(to fd: Int32, _ tls: TLSConnection?, _ bytes: UnsafeRawBufferPointer) -> Int {
        guard let tls else { return cl_send(fd, bytes.baseAddress, bytes.count) }
        return tls.send(bytes)
    }

    /// Writes the beginning of some pieces.
    @inline(__always)
    func send(to fd: Int32, _ tls: TLSConnection?, _ pieces: UnsafeMutablePointer<iovec>, _ count: Int) -> Int {
        if let tls { return tls.send(pieces, count, recordBuffer) }
        return count == 1
            ? cl_send(fd, pieces[0].iov_base, pieces[0].iov_len) : cl_sendv(fd, pieces, Int32(count))
    }
}

extension TLSConnection {
    /// The most that one record carries, in bytes (RFC 8446, 5.1).
    static let largestRecord = 16 << 10

    /// Writes records until all is taken or the socket is full: how many bytes were taken, or a negative errno when it was
    /// none. What was not taken must be offered again first.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        var taken = 0
        while taken < bytes.count {
            switch write(UnsafeRawBufferPointer(rebasing: bytes[taken...])) {
            case .done(let count): taken += count
            case .wantsRead, .wantsWrite, .wantsSignature, .wantsTurn, .again: return taken > 0 ? taken : -Int(EAGAIN)
            case .closed: return -Int(ECONNRESET)
            case .failed: return -Int(EPROTO)
            }
        }
        return taken
    }

    /// The same for pieces. What fits one record is sealed and sent as one, whatever pieces it came in: a chunk of an answer
    /// with its frame is one system call, as it is in the clear.
    func send(
        _ pieces: UnsafeMutablePointer<iovec>, _ count: Int, _ record: UnsafeMutableRawBufferPointer
    ) -> Int {
        if count == 1 { return send(UnsafeRawBufferPointer(start: pieces[0].iov_base, count: pieces[0].iov_len)) }
        var taken = 0
        var piece = 0
        var offset = 0
        while piece < count {
            var filled = 0
            while piece < count && filled < Self.largestRecord {
                let part = min(pieces[piece].iov_len - offset, Self.largestRecord - filled)
                memcpy(record.baseAddress! + filled, pieces[piece].iov_base! + offset, part)
                filled += part
                offset += part
                if offset == pieces[piece].iov_len {
                    piece += 1
                    offset = 0
                }
            }
            let n = send(UnsafeRawBufferPointer(rebasing: record[..<filled]))
            if n < 0 { return taken > 0 && n == -Int(EAGAIN) ? taken : n }
            taken += n
            if n < filled { return taken }
        }
        return taken
    }
}

extension ProxyTLSSettings {
    /// How an upstream of this kind is called.
    func leg(_ purpose: DialPurpose) -> Leg {
        switch purpose {
        case .decoder: decoder
        case .prefiller: prefiller
        }
    }
}
