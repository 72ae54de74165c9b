import Glibc

/// Why a conversation ended before its time.
enum ConnectionEnd: Error {
    /// The other side closed or reset the connection.
    case peerLeft
    /// Nothing came in time.
    case idle
    /// What came is not HTTP as it should be.
    case malformed(String)
    /// A fault setting asked for the connection to be reset, or closed, at this place.
    case cutByReset
    case cutByClose
    /// The answer went out before the request's body came in.
    case answeredEarly
}

/// One TCP connection, used by one thread, with blocking calls.
final class Connection {
    let fd: Int32
    private var buffer: [UInt8] = []
    private var start = 0

    init(fd: Int32) {
        self.fd = fd
    }

    /// Waits for the next byte, at most `milliseconds` (nil: without end).
    func waitForInput(milliseconds: Int?) throws {
        if start < buffer.count { return }
        guard try poll(events: Int16(POLLIN), milliseconds: milliseconds) else { throw ConnectionEnd.idle }
    }

    /// Linux's number of this event, which the C library shows to GNU sources only.
    private static let peerClosed: Int16 = 0x2000

    /// Waits `milliseconds`, and ends the conversation where the client leaves meanwhile.
    ///
    /// A half-closed connection counts as left: uvicorn closes it too.
    func pause(milliseconds: Int) throws {
        if try poll(events: Connection.peerClosed, milliseconds: milliseconds) { throw ConnectionEnd.peerLeft }
    }

    /// True where one of `events`, an error or a hang-up was reported in time.
    private func poll(events: Int16, milliseconds: Int?) throws -> Bool {
        let deadline = milliseconds.map { monotonicMS() + $0 }
        while true {
            var entry = pollfd(fd: fd, events: events, revents: 0)
            let left = deadline.map { Int32(clamping: max(0, $0 - monotonicMS())) } ?? -1
            let count = Glibc.poll(&entry, 1, left)
            if count > 0 { return true }
            if count == 0 { return false }
            guard errno == EINTR else { throw ConnectionEnd.peerLeft }
        }
    }

    /// Reads more into the buffer; false at the end of input.
    private func fill() throws -> Bool {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        let space = 64 * 1024
        let old = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: space))
        var count = -1
        repeat {
            count = buffer.withUnsafeMutableBytes { bytes in
                recv(fd, bytes.baseAddress?.advanced(by: old), space, 0)
            }
        } while count < 0 && errno == EINTR
        buffer.removeLast(space - max(0, count))
        guard count >= 0 else { throw ConnectionEnd.peerLeft }
        return count > 0
    }

    /// One line without its CRLF; nil at the end of input before its first byte.
    func line(limit: Int) throws -> [UInt8]? {
        var searched = 0
        while true {
            if let end = buffer[(start + searched)...].firstIndex(of: 0x0a) {
                guard end > start, buffer[end - 1] == 0x0d else {
                    throw ConnectionEnd.malformed("a line does not end in CRLF")
                }
                defer { start = end + 1 }
                return Array(buffer[start..<end - 1])
            }
            searched = buffer.count - start
            guard searched <= limit else { throw ConnectionEnd.malformed("a line is longer than \(limit) bytes") }
            if try !fill() {
                guard searched == 0 else { throw ConnectionEnd.peerLeft }
                return nil
            }
        }
    }

    /// Exactly `count` bytes.
    func bytes(_ count: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        while true {
            let part = min(count - result.count, buffer.count - start)
            result += buffer[start..<start + part]
            start += part
            if result.count == count { return result }
            guard try fill() else { throw ConnectionEnd.peerLeft }
        }
    }

    /// Whatever has come, at least one byte; empty at the end of input.
    func someBytes() throws -> [UInt8] {
        if start == buffer.count, try !fill() { return [] }
        defer { start = buffer.count }
        return Array(buffer[start...])
    }

    /// All bytes up to the end of input.
    func bytesToEnd(limit: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        while result.count <= limit {
            let part = try someBytes()
            if part.isEmpty { return result }
            result += part
        }
        throw ConnectionEnd.malformed("an answer is longer than \(limit) bytes")
    }

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.send(fd, raw.baseAddress?.advanced(by: sent), raw.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno != EINTR {
                throw ConnectionEnd.peerLeft
            }
        }
    }

    func finish() {
        close(fd)
    }

    /// Closes with a reset: what was not sent yet is lost.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(fd)
    }

    /// Closes after an answer that came before the request was read: closing at once would reset the connection and
    /// with that could take the answer from the client (RFC 9112, section 9.6).
    func finishLingering() {
        shutdown(fd, Int32(SHUT_WR))
        let deadline = monotonicMS() + 2000
        while monotonicMS() < deadline, (try? waitForInput(milliseconds: 500)) != nil,
            let more = try? someBytes(), !more.isEmpty
        {}
        close(fd)
    }
}
