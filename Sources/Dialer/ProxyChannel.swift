import Glibc
import IPC
import Linux

/// A connection in the making. Keyed by its descriptor.
struct Dial {
    var channel: Int32
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
    /// Answers that the channel had no room for, oldest first, with the connections that go with them.
    var outbox: [(message: FromDialer, fd: Int32)] = []

    init(fd: Int32) { channel = Channel(fd: fd) }

    deinit { for waiting in outbox where waiting.fd >= 0 { close(waiting.fd) } }

    /// Sends an answer, now or as soon as there is room; takes over the descriptor.
    func answer(_ message: FromDialer, fd: Int32 = -1) {
        outbox.append((message, fd))
        flush()
    }

    func flush() {
        var done = 0
        for (message, fd) in outbox {
            if case .failure(let error) = channel.send(message, descriptor: fd),
                error.number == EAGAIN || error.number == ENOBUFS || error.number == ETOOMANYREFS
            {
                break
            }
            // Our copy goes at once: the connection is the proxy's alone.
            if fd >= 0 { close(fd) }
            done += 1
        }
        outbox.removeFirst(done)
    }
}
