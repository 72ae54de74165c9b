import Glibc
import IPC
import Linux

/// A connection in the making. Keyed by the token of its events.
struct Dial {
    /// The socket, once there is one.
    var fd: Int32 = -1
    /// The token of the proxy's channel.
    var channel: UInt64
    var id: UInt32
    var purpose: DialPurpose
    var deadline: Int64
    /// What it is connecting to.
    var target: Endpoint
    /// Addresses that are tried next: the decoder's, or a name's.
    var others: ArraySlice<Endpoint>
}

/// The dialer's end of the channel to one loop of a proxy.
final class ProxyChannel {
    let channel: Channel
    /// The token of its events. Dials and lookups name it by this: a descriptor's number is soon another proxy's, which must
    /// never get what this one asked for.
    let token: UInt64
    /// Answers that the channel had no room for, oldest first.
    private(set) var outbox: [Answer] = []

    /// An answer, with the connection that goes with it.
    struct Answer {
        var message: FromDialer
        var fd: Int32 = -1
        /// What it is connected to, where a new snapshot can take that away: prefillers, and not the decoder.
        var revocable: Endpoint?
    }

    init(fd: Int32, token: UInt64) {
        channel = Channel(fd: fd)
        self.token = token
    }

    deinit { for waiting in outbox where waiting.fd >= 0 { close(waiting.fd) } }

    /// Sends an answer, now or as soon as there is room; takes over the descriptor.
    func answer(_ message: FromDialer, fd: Int32 = -1, revocable: Endpoint? = nil) {
        outbox.append(Answer(message: message, fd: fd, revocable: revocable))
        flush()
    }

    func flush() {
        var done = 0
        for waiting in outbox {
            if case .failure(let error) = channel.send(waiting.message, descriptor: waiting.fd),
                error.number == EAGAIN || error.number == ENOBUFS || error.number == ETOOMANYREFS
            {
                break
            }
            // Our copy goes at once: the connection is the proxy's alone.
            if waiting.fd >= 0 { close(waiting.fd) }
            done += 1
        }
        outbox.removeFirst(done)
    }

    /// Closes connections that wait here and may not be handed over any more; the proxy is told the refusal instead. A
    /// proxy that reads slowly must not gain what has been revoked meanwhile.
    func revoke(_ refusal: (Endpoint) -> DialRefusal?) {
        for i in outbox.indices {
            guard case .connected(let id, _) = outbox[i].message, let target = outbox[i].revocable,
                let reason = refusal(target)
            else { continue }
            close(outbox[i].fd)
            outbox[i] = Answer(message: .refused(id: id, reason: reason))
        }
    }
}
