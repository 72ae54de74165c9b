import CLinux
import Glibc
import IPC
import Linux

/// The channel to one dialer. Answers that it has no room for wait here, since a dialer that asked for a thousand names
/// at once may take its time to read.
final class ClientChannel {
    /// Answers that may wait, no more than a dialer has dials.
    static let mostWaiting = 8192

    let channel: Channel
    /// The token of the channel's events.
    let token: UInt64
    private let poll: EventPoll
    private var waiting: [FromResolver] = []

    /// Takes over the socket.
    init(fd: Int32, token: UInt64, poll: EventPoll) {
        channel = Channel(fd: fd)
        self.token = token
        self.poll = poll
    }

    deinit { poll.remove(channel.fd) }

    /// Starts to listen for questions.
    func open() throws(Errno) { try poll.add(channel.fd, CL_IN, token: token) }

    /// Sends an answer, now or later. An answer too many is dropped; the dialer's own deadline covers it.
    func send(_ answer: FromResolver) {
        if waiting.isEmpty {
            guard case .failure(let error) = channel.send(answer), error.number == Self.full else { return }
            _ = try? poll.modify(channel.fd, CL_IN | CL_OUT, token: token)
        }
        if waiting.count < Self.mostWaiting { waiting.append(answer) }
    }

    /// Sends what waits.
    func flush() {
        guard !waiting.isEmpty else { return }
        var sent = 0
        while sent < waiting.count {
            if case .failure(let error) = channel.send(waiting[sent]), error.number == Self.full { break }
            sent += 1
        }
        waiting.removeFirst(sent)
        if waiting.isEmpty { _ = try? poll.modify(channel.fd, CL_IN, token: token) }
    }

    private static let full = Errno(EAGAIN).number
}
