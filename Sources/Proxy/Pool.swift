import CLinux
import Glibc
import HTTP
import IPC
import Linux
import Metrics

/// Idle upstream connections. For each upstream a stack, so that the warmest one is used and the others can age; and one
/// list over all in the order in which they became idle, so that the oldest are found without a search.
struct Pool {
    /// The top of one upstream's stack.
    struct Stack {
        var top: Int32 = -1
        var count = 0
    }

    var decoder = Stack()
    var prefillers: [Endpoint: Stack] = [:]
    var oldest: Int32 = -1
    var newest: Int32 = -1
    /// Idle connections to all upstreams together.
    var count = 0

    /// Milliseconds until the oldest must go; -1 = none is idle.
    func wait(now: Int64, idle: Int64, _ table: UnsafeMutablePointer<Upstream>) -> Int32 {
        if oldest < 0 { return -1 }
        return Int32(clamping: max(1, table[Int(oldest)].idleSince + idle - now))
    }
}

extension Loop {
    /// How long after its last answer a connection is taken without a look at it, in milliseconds. The look costs a
    /// small request a thirtieth of its time, and so soon it tells hardly more than the poll has told (`closeIdle`): an
    /// engine that ends connections because they are idle waits for seconds. By the clock and not by the turn, which a
    /// throttled pod may spend seconds in.
    private static let surelyAlive: Int64 = 5

    /// Takes the warmest idle connection to an upstream. One that has ended, or has bytes that nobody asked for, is
    /// closed instead; what ends unseen is caught by the retry of stale connections, which takes a new one.
    func takeIdle(_ purpose: DialPurpose, _ endpoint: Endpoint) -> UnsafeMutablePointer<Upstream>? {
        let top: Int32
        switch purpose {
        case .decoder: top = pool.decoder.top
        case .prefiller: top = pool.prefillers[endpoint]?.top ?? -1
        }
        guard top >= 0 else { return nil }
        let upstream = upstreams + Int(top)
        var byte: UInt8 = 0
        guard
            Clock.milliseconds() - upstream.pointee.idleSince < Self.surelyAlive
                || cl_peek(upstream.pointee.fd, &byte, 1) == -Int(EAGAIN)
        else {
            closeUpstream(upstream)
            return takeIdle(purpose, endpoint)
        }
        unlink(upstream)
        upstream.pointee.reused = true
        return upstream
    }

    /// Puts a connection that has served its leg into the pool, or closes it when it is of no more use.
    func park(_ upstream: UnsafeMutablePointer<Upstream>) {
        upstream.pointee.client = -1
        upstream.pointee.input.free()
        keepSession(of: upstream)
        let count =
            upstream.pointee.purpose == .decoder
            ? pool.decoder.count : pool.prefillers[upstream.pointee.endpoint]?.count ?? 0
        // Input that wasn't read belongs to no leg: such a connection would give it to the next one as an answer.
        guard upstream.pointee.keepsAlive, !upstream.pointee.ended, !upstream.pointee.readable, !draining,
            !upstream.pointee.isSpent,
            settings.upstreamIdle > 0,
            count < Int(settings.maximumIdlePerUpstream)
        else {
            closeUpstream(upstream)
            return
        }
        upstream.pointee.phase = .idle
        upstream.pointee.idleSince = now
        link(upstream)
        pool.count += 1
        if pool.count > maximumUpstreams / 2 { closeUpstream(upstreams + Int(pool.oldest)) }
    }

    private func link(_ upstream: UnsafeMutablePointer<Upstream>) {
        let fd = upstream.pointee.fd
        let below: Int32
        switch upstream.pointee.purpose {
        case .decoder:
            below = pool.decoder.top
            pool.decoder.top = fd
            pool.decoder.count += 1
        case .prefiller:
            below = pool.prefillers[upstream.pointee.endpoint]?.top ?? -1
            pool.prefillers[upstream.pointee.endpoint, default: Pool.Stack()].top = fd
            pool.prefillers[upstream.pointee.endpoint]?.count += 1
        }
        upstream.pointee.nextIdle = below
        upstream.pointee.previousIdle = -1
        if below >= 0 { upstreams[Int(below)].previousIdle = fd }

        upstream.pointee.previousOld = pool.newest
        upstream.pointee.nextOld = -1
        if pool.newest >= 0 { upstreams[Int(pool.newest)].nextOld = fd } else { pool.oldest = fd }
        pool.newest = fd
    }

    func unlink(_ upstream: UnsafeMutablePointer<Upstream>) {
        pool.count -= 1
        let up = upstream.pointee
        if up.nextIdle >= 0 { upstreams[Int(up.nextIdle)].previousIdle = up.previousIdle }
        if up.previousIdle >= 0 { upstreams[Int(up.previousIdle)].nextIdle = up.nextIdle }
        switch up.purpose {
        case .decoder:
            if up.previousIdle < 0 { pool.decoder.top = up.nextIdle }
            pool.decoder.count -= 1
        case .prefiller:
            if up.previousIdle < 0 && up.nextIdle < 0 {
                pool.prefillers[up.endpoint] = nil
            } else {
                if up.previousIdle < 0 { pool.prefillers[up.endpoint]?.top = up.nextIdle }
                pool.prefillers[up.endpoint]?.count -= 1
            }
        }
        if up.nextOld >= 0 {
            upstreams[Int(up.nextOld)].previousOld = up.previousOld
        } else {
            pool.newest = up.previousOld
        }
        if up.previousOld >= 0 { upstreams[Int(up.previousOld)].nextOld = up.nextOld } else { pool.oldest = up.nextOld }
        upstream.pointee.nextIdle = -1
        upstream.pointee.previousIdle = -1
        upstream.pointee.nextOld = -1
        upstream.pointee.previousOld = -1
    }

    /// Closes what has been idle for too long: an engine would close it soon, and perhaps just as we write to it.
    func sweepPool() {
        while pool.oldest >= 0 {
            let upstream = upstreams + Int(pool.oldest)
            if now - upstream.pointee.idleSince < Int64(settings.upstreamIdle) && !draining { return }
            closeUpstream(upstream)
        }
    }

    /// Takes over an established connection that the dialer has made.
    func adopt(upstream fd: Int32, _ purpose: DialPurpose, _ endpoint: Endpoint) -> UnsafeMutablePointer<Upstream>? {
        guard Int(fd) < tableSize else {
            close(fd)
            return nil
        }
        let upstream = upstreams + Int(fd)
        upstream.initialize(to: Upstream())
        upstream.pointee.fd = fd
        upstream.pointee.generation = generation()
        upstream.pointee.phase = .waiting
        upstream.pointee.purpose = purpose
        upstream.pointee.endpoint = endpoint
        upstream.pointee.keepsAlive = true
        openUpstreams += 1
        stripe.add(purpose == .decoder ? .decodersOpen : .prefillersOpen)
        guard cl_epoll_add(poll.fd, fd, CL_IN | CL_OUT | CL_RDHUP | CL_EDGE, upstream.pointee.token) == 0 else {
            closeUpstream(upstream)
            return nil
        }
        return upstream
    }

    /// Ends an upstream connection and frees what it owns.
    func closeUpstream(_ upstream: UnsafeMutablePointer<Upstream>) {
        guard upstream.pointee.phase != .free else { return }
        if upstream.pointee.phase == .idle { unlink(upstream) }
        let fd = upstream.pointee.fd
        endTLS(of: upstream)
        upstream.pointee.input.free()
        upstream.pointee.phase = .free
        if upstream.pointee.client >= 0 && clients[Int(upstream.pointee.client)].upstream == fd {
            clients[Int(upstream.pointee.client)].upstream = -1
        }
        upstream.pointee.client = -1
        upstream.pointee.generation = 0
        upstream.pointee.fd = -1
        openUpstreams -= 1
        stripe.add(upstream.pointee.purpose == .decoder ? .decodersOpen : .prefillersOpen, -1)
        poll.remove(fd)
        close(fd)
    }
}
