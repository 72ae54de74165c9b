import CLinux
import Glibc
import IPC
import Linux

/// Whether the decoder accepts connections, for a truthful readiness: from the connections that requests need anyway,
/// and, when there have been none for a while, from one that is opened and closed again.
struct DecoderProbe {
    /// How often an unreachable decoder is tried, in milliseconds.
    private static let whileDown: Int64 = 500
    /// How old good news may get.
    private static let whileUp: Int64 = 5000
    private static let patience: Int64 = 1000

    private(set) var isReachable = false
    private(set) var nextTurn: Int64 = 0
    /// The connection in the making, or -1.
    private var fd: Int32 = -1
    /// The token of its events.
    private(set) var token: UInt64 = 0
    private var candidate = 0

    mutating func sawConnection(now: Int64) {
        isReachable = true
        nextTurn = now + Self.whileUp
    }

    mutating func sawFailure(now: Int64) {
        isReachable = false
        nextTurn = min(nextTurn, now + Self.whileDown)
    }

    mutating func turn(_ dialer: DialerProcess, now: Int64) {
        guard now >= nextTurn else { return }
        if fd >= 0 {
            // The last one got no answer at all.
            end(dialer)
            next(dialer, now)
            return
        }
        candidate = 0
        start(dialer, now)
    }

    private mutating func start(_ dialer: DialerProcess, _ now: Int64) {
        let decoder = dialer.policy.settings.decoder
        guard candidate < decoder.count else {
            isReachable = false
            nextTurn = now + Self.whileDown
            return
        }
        token = dialer.makeToken()
        let result = decoder[candidate].address.withBytes { cl_connect_tcp($0, decoder[candidate].port, &fd) }
        if result == 0 {
            close(fd)
            fd = -1
            sawConnection(now: now)
        } else if result == -EINPROGRESS, (try? dialer.poll.add(fd, CL_OUT, token: token)) != nil {
            nextTurn = now + Self.patience
        } else {
            if fd >= 0 { close(fd) }
            fd = -1
            next(dialer, now)
        }
    }

    mutating func conclude(_ dialer: DialerProcess, now: Int64) {
        guard fd >= 0 else { return }
        let error = cl_socket_error(fd)
        end(dialer)
        if error == 0 { sawConnection(now: now) } else { next(dialer, now) }
    }

    private mutating func next(_ dialer: DialerProcess, _ now: Int64) {
        candidate += 1
        start(dialer, now)
    }

    private mutating func end(_ dialer: DialerProcess) {
        dialer.poll.remove(fd)
        close(fd)
        fd = -1
    }
}
