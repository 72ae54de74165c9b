import CLinux
import Glibc
import IPC
import Linux

/// The channel to one loop of one proxy. Signatures that it has no room for wait here.
final class ClientChannel {
    /// Signatures that may wait; more than a loop has handshakes that wait for one.
    static let mostWaiting = 4096

    let channel: Channel
    /// The token of the channel's events.
    let token: UInt64
    private let poll: EventPoll
    private var waiting: [FromSigner] = []

    /// Takes over the socket.
    init(fd: Int32, token: UInt64, poll: EventPoll) {
        channel = Channel(fd: fd)
        self.token = token
        self.poll = poll
    }

    deinit { poll.remove(channel.fd) }

    /// Starts to listen for requests.
    func open() throws(Errno) { try poll.add(channel.fd, CL_IN, token: token) }

    /// Sends an answer, now or later. An answer too many is dropped; the handshake's own deadline covers it.
    func send(_ answer: FromSigner) {
        if waiting.isEmpty {
            guard case .failure(let error) = channel.send(answer), error.number == EAGAIN else { return }
            _ = try? poll.modify(channel.fd, CL_IN | CL_OUT, token: token)
        }
        if waiting.count < Self.mostWaiting { waiting.append(answer) }
    }

    /// Sends what waits.
    func flush() {
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
