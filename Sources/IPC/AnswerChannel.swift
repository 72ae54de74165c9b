import CLinux
import Glibc
import Linux

/// The channel to one of those who ask us. Answers that it has no room for wait here, since who asked for a thousand things
/// at once may take its time to read.
public final class AnswerChannel<Answer: Message> {
    /// For receiving; answers are sent by `send`, which keeps their order.
    public let channel: Channel
    /// The token of the channel's events.
    public let token: UInt64
    private let poll: EventPoll
    private let mostWaiting: Int
    private var waiting: [Answer] = []

    /// Takes over the socket. `mostWaiting`: no fewer answers than the other side has questions open.
    public init(fd: Int32, token: UInt64, poll: EventPoll, mostWaiting: Int) {
        channel = Channel(fd: fd)
        self.token = token
        self.poll = poll
        self.mostWaiting = mostWaiting
    }

    deinit { poll.remove(channel.fd) }

    /// Starts to listen for questions.
    public func open() throws(Errno) { try poll.add(channel.fd, CL_IN, token: token) }

    /// Sends an answer, now or later. An answer too many is dropped; the asking side's own deadline covers it.
    public func send(_ answer: Answer) {
        if waiting.isEmpty {
            guard case .failure(let error) = channel.send(answer), error.number == EAGAIN else { return }
            _ = try? poll.modify(channel.fd, CL_IN | CL_OUT, token: token)
        }
        if waiting.count < mostWaiting { waiting.append(answer) }
    }

    /// Sends what waits.
    public func flush() {
        guard !waiting.isEmpty else { return }
        var sent = 0
        while sent < waiting.count {
            if case .failure(let error) = channel.send(waiting[sent]), error.number == EAGAIN { break }
            sent += 1
        }
        waiting.removeFirst(sent)
        if waiting.isEmpty { _ = try? poll.modify(channel.fd, CL_IN, token: token) }
    }
}
