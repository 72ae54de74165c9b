import CLinux
import Glibc
import IPC
import Linux

/// One question on its way to one server, on a socket of its own. It ends with a reply or by its owner's patience;
/// letting go of it closes the socket.
final class Exchange {
    let type: RecordType
    /// When the server's time is over, in milliseconds on the monotonic clock.
    let deadline: Int64
    let fd: Int32
    /// The token of the socket's events.
    let token: UInt64

    /// Answers to something else that a socket puts up with: who guesses ids gets this many guesses.
    private static let mostStrays = 32
    /// The largest datagram, and the largest message on a stream.
    private static let largestMessage = 65_535

    private let question: Question
    private let id: UInt16
    private let poll: EventPoll
    private let transport: Lookup.Transport
    private var strays = 0
    /// On a stream: what is still to be sent, then what has come; both with the length of RFC 1035, 4.2.2, before them.
    private var outgoing: [UInt8] = []
    private var incoming: [UInt8] = []

    /// Opens the socket and asks. Fails when the server can't be reached, or for lack of descriptors.
    init(_ ask: Lookup.Ask, token: UInt64, now: Int64, poll: EventPoll) throws(Errno) {
        type = ask.question.type
        question = ask.question
        transport = ask.transport
        deadline = now + ask.patience
        self.token = token
        self.poll = poll
        id = try Sockets.randomID()
        switch ask.transport {
        case .datagram: fd = try Sockets.datagram(to: ask.server)
        case .stream:
            var socket: Int32 = -1
            let result = ask.server.address.withBytes { cl_connect_tcp($0, ask.server.port, &socket) }
            guard result == 0 || result == -EINPROGRESS else { throw Errno(result) }
            fd = socket
        }
        // From here on `deinit` closes the socket, also when one of these fails.
        let message = question.encoded(id: id)
        switch ask.transport {
        case .datagram:
            let n = message.withUnsafeBytes { cl_send(fd, $0.baseAddress, $0.count) }
            if n < 0 { throw Errno(n) }
            try poll.add(fd, CL_IN, token: token)
        case .stream:
            outgoing = [UInt8(message.count >> 8), UInt8(message.count & 255)] + message
            try poll.add(fd, CL_OUT, token: token)
        }
    }

    deinit {
        poll.remove(fd)
        close(fd)
    }

    /// Takes what the socket has; nil while there is no reply yet.
    func turn() -> Lookup.Reply? {
        switch transport {
        case .datagram: receiveDatagrams()
        case .stream: outgoing.isEmpty ? receiveStream() : sendStream()
        }
    }

    private func receiveDatagrams() -> Lookup.Reply? {
        while strays < Self.mostStrays {
            var error: Int32 = 0
            let message = [UInt8](unsafeUninitializedCapacity: Self.largestMessage) { buffer, count in
                let n = cl_recv(fd, buffer.baseAddress, buffer.count)
                if n < 0 { error = Int32(-n) }
                count = max(0, n)
            }
            if error == EAGAIN || error == EINTR { return nil }
            // Nobody listens there, says the server's host.
            if error != 0 { return Lookup.Reply.none }
            if let answer = judge(message) { return .answer(answer) }
            strays += 1
        }
        ChildLog.write(
            .warning, "a name server was given up: too many datagrams from there don't answer the question",
            [("name", question.name.description)])
        return Lookup.Reply.none
    }

    /// Nil for a message that has nothing to do with the question.
    private func judge(_ message: [UInt8]) -> Answer? {
        do throws(DNSFault) {
            return try Answer.parse(message, id: id, question: question)
        } catch {
            switch error {
            case .stray: return nil
            case .malformed: return .failure
            }
        }
    }

    private func sendStream() -> Lookup.Reply? {
        if cl_socket_error(fd) != 0 { return Lookup.Reply.none }
        let n = outgoing.withUnsafeBytes { cl_send(fd, $0.baseAddress, $0.count) }
        if n == -Int(EAGAIN) || n == -Int(EINTR) { return nil }
        if n < 0 { return Lookup.Reply.none }
        outgoing.removeFirst(n)
        if outgoing.isEmpty && (try? poll.modify(fd, CL_IN, token: token)) == nil { return Lookup.Reply.none }
        return nil
    }

    private func receiveStream() -> Lookup.Reply? {
        let room = 2 + Self.largestMessage - incoming.count
        var error: Int32 = 0
        let piece = [UInt8](unsafeUninitializedCapacity: min(room, 16_384)) { buffer, count in
            let n = cl_recv(fd, buffer.baseAddress, buffer.count)
            if n < 0 { error = Int32(-n) }
            count = max(0, n)
        }
        if error == EAGAIN || error == EINTR { return nil }
        if error != 0 || piece.isEmpty { return Lookup.Reply.none }
        incoming += piece
        guard incoming.count >= 2 else { return nil }
        let length = Int(incoming[0]) << 8 | Int(incoming[1])
        guard incoming.count >= 2 + length else { return nil }
        // On a connection of its own there is nothing else to wait for.
        return .answer(judge(Array(incoming[2..<(2 + length)])) ?? .failure)
    }
}
