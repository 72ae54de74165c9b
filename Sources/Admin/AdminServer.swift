import CLinux
import Glibc
import HTTP
import Linux

/// An answer of the admin process.
struct AdminAnswer {
    var status: Int
    var text: String
    var type = "text/plain; charset=utf-8"
}

/// A small HTTP/1.1 server for monitoring systems: GET and HEAD, one request for each connection, bounded in connections,
/// bytes and time.
struct AdminServer {
    private struct Connection {
        var input: [UInt8] = []
        var output: [UInt8] = []
        var sent = 0
        var deadline: Int64
    }

    private static let mostConnections = 64
    private static let longestHead = 8192
    private static let patience: Int64 = 5000
    private static let pause: Int64 = 500

    private var listener: Int32 = -1
    private var connections: [Int32: Connection] = [:]

    /// When a pause in accepting ends; 0 = there is none.
    private var resumeAt: Int64 = 0

    /// Does any deadline run?
    var isBusy: Bool { !connections.isEmpty || resumeAt > 0 }

    mutating func listen(on fd: Int32, poll: EventPoll) {
        if listener >= 0 {
            poll.remove(listener)
            close(listener)
        }
        listener = fd
        _ = cl_epoll_add(poll.fd, fd, CL_IN, UInt64(fd))
    }

    mutating func event(_ fd: Int32, poll: EventPoll, answer: (String) -> AdminAnswer) {
        if fd == listener {
            accept(poll)
        } else if connections[fd] != nil {
            if connections[fd]!.output.isEmpty { read(fd, poll, answer) }
            if connections[fd]?.output.isEmpty == false { write(fd, poll) }
        }
    }

    mutating func expire(poll: EventPoll) {
        let now = Clock.milliseconds()
        if resumeAt > 0 && now >= resumeAt {
            resumeAt = cl_epoll_add(poll.fd, listener, CL_IN, UInt64(listener)) == 0 ? 0 : now + Self.pause
        }
        for (fd, connection) in connections where connection.deadline <= now { drop(fd, poll) }
    }

    private mutating func accept(_ poll: EventPoll) {
        while connections.count < Self.mostConnections {
            let fd = cl_accept(listener)
            if fd < 0 {
                // Out of descriptors: pause, or the waiting client would wake us over and over.
                if fd != -EAGAIN {
                    poll.remove(listener)
                    resumeAt = Clock.milliseconds() + Self.pause
                }
                return
            }
            connections[fd] = Connection(deadline: Clock.milliseconds() + Self.patience)
            if cl_epoll_add(poll.fd, fd, CL_IN, UInt64(fd)) != 0 { drop(fd, poll) }
        }
        // Too many at once: the newest is turned away, so that the listener doesn't keep waking us.
        let fd = cl_accept(listener)
        if fd >= 0 { close(fd) }
    }

    private mutating func drop(_ fd: Int32, _ poll: EventPoll) {
        poll.remove(fd)
        close(fd)
        connections[fd] = nil
    }

    private mutating func read(_ fd: Int32, _ poll: EventPoll, _ answer: (String) -> AdminAnswer) {
        let n = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { room in
            let n = cl_recv(fd, room.baseAddress, room.count)
            if n > 0 { connections[fd]!.input.append(contentsOf: room[..<n]) }
            return n
        }
        if n == -Int(EAGAIN) { return }
        if n <= 0 || connections[fd]!.input.count > Self.longestHead {
            drop(fd, poll)
            return
        }
        let input = connections[fd]!.input
        let reply = input.withUnsafeBytes { Self.reply($0, answer) }
        if let reply { connections[fd]!.output = Array(reply.utf8) }
    }

    /// The whole answer once the head is here; nil before.
    private static func reply(_ bytes: UnsafeRawBufferPointer, _ answer: (String) -> AdminAnswer) -> String? {
        var head = Head()
        var isHead = false
        let result: AdminAnswer
        switch Head.end(of: bytes, from: 0) {
        case .incomplete: return nil
        case .failed: result = AdminAnswer(status: 400, text: "malformed request\n")
        case .complete(let count):
            let headBytes = UnsafeRawBufferPointer(rebasing: bytes[..<count])
            if head.parseRequest(headBytes) != nil {
                result = AdminAnswer(status: 400, text: "malformed request\n")
            } else if head.method != .get && head.method != .head {
                result = AdminAnswer(status: 405, text: "only GET and HEAD are served\n")
            } else {
                isHead = head.method == .head
                let path = headBytes[Int(head.path.start)..<Int(head.path.start + head.path.count)]
                result = answer(String(decoding: path, as: UTF8.self))
            }
        }
        var text = "HTTP/1.1 \(result.status) \(phrase(result.status))\r\ncontent-type: \(result.type)\r\n"
        text += "content-length: \(result.text.utf8.count)\r\nconnection: close\r\n\r\n"
        return isHead ? text : text + result.text
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        default: "Service Unavailable"
        }
    }

    private mutating func write(_ fd: Int32, _ poll: EventPoll) {
        var connection = connections[fd]!
        while connection.sent < connection.output.count {
            let n = connection.output.withUnsafeBytes {
                cl_send(fd, $0.baseAddress! + connection.sent, $0.count - connection.sent)
            }
            if n == -Int(EAGAIN) {
                connections[fd] = connection
                _ = cl_epoll_modify(poll.fd, fd, CL_OUT, UInt64(fd))
                return
            }
            if n < 0 { break }
            connection.sent += n
        }
        drop(fd, poll)
    }
}
