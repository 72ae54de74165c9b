import CLinux
import Glibc
import HTTP
import Linux
import Metrics

/// Taking in clients, and letting them go.
extension Loop {
    /// Accepts in one go before other events get their turn.
    private static let acceptBatch = 32
    /// Until accepting is tried again after the system had no descriptors, in milliseconds.
    private static let acceptPause: Int64 = 100

    /// This loop's share of the connection limit. Each client may need an upstream descriptor as well.
    var maximumClients: Int {
        let share = max(1, Int(settings.maximumConnections) / max(1, Int(settings.loops)))
        return min(share, maximumUpstreams)
    }

    /// This loop's share of the descriptors, one half for each side.
    var maximumUpstreams: Int { max(8, (tableSize - 64) / max(1, Int(settings.loops)) / 2) }

    /// Takes over a listening socket, shared with the other loops and processes.
    func listen(on fd: Int32) {
        listener = fd
        startAccepting()
    }

    func startAccepting() {
        guard listener >= 0, !accepting else { return }
        // Exclusive: a new connection wakes one of the loops that wait, not all of them.
        accepting = cl_epoll_add(poll.fd, listener, CL_IN | CL_EXCLUSIVE, Token.special(Special.listener.rawValue)) == 0
    }

    /// At the limit: further connections wait in the backlog, as they would on a busy machine.
    private func stopAccepting() {
        guard accepting else { return }
        poll.remove(listener)
        accepting = false
    }

    func closeListener() {
        guard listener >= 0 else { return }
        stopAccepting()
        close(listener)
        listener = -1
    }

    func acceptClients() {
        for _ in 0..<Self.acceptBatch { guard acceptClient() else { return } }
    }

    /// Takes in the whole backlog, up to the limit: who comes while that is done must not make it last for ever.
    func acceptWaitingClients() {
        for _ in 0..<maximumClients { guard acceptClient() else { return } }
    }

    /// Takes in the first of the backlog. False: there is none, or there can be no more now.
    private func acceptClient() -> Bool {
        guard listener >= 0 else { return false }
        if openClients >= maximumClients {
            stopAccepting()
            return false
        }
        var address: (UInt64, UInt64) = (0, 0)
        let fd = withUnsafeMutableBytes(of: &address) {
            cl_accept_client(listener, $0.baseAddress!.assumingMemoryBound(to: UInt8.self))
        }
        switch -fd {
        case ...0: adopt(client: fd, from: withUnsafeBytes(of: &address) { Address(bytes: $0) })
        // It left while it waited; there may be others behind it.
        case ECONNABORTED, EINTR: break
        // Out of descriptors: stop asking until a connection ends, or epoll would wake us for ever.
        case EMFILE, ENFILE, ENOMEM, ENOBUFS:
            stopAccepting()
            acceptAgainAt = now + Self.acceptPause
            return false
        default: return false
        }
        return true
    }

    private func adopt(client fd: Int32, from peer: Address) {
        guard Int(fd) < tableSize else {
            close(fd)
            return
        }
        let client = clients + Int(fd)
        client.initialize(to: Client())
        client.pointee.fd = fd
        client.pointee.generation = generation()
        client.pointee.phase = .idle
        client.pointee.peer = peer
        openClients += 1
        stripe.add(.clientsOpen)
        guard cl_epoll_add(poll.fd, fd, CL_IN | CL_OUT | CL_RDHUP | CL_EDGE, client.pointee.token) == 0 else {
            closeClient(client)
            return
        }
        if settings.tls.serves {
            beginHandshake(client)
            return
        }
        timers.set(fd, now + Int64(settings.headTimeout), in: clients)
        // Most clients have sent their request by now; reading saves a turn, and an empty read costs little.
        client.pointee.readable = true
        readClient(client)
    }

    /// Ends a client's connection and frees what it owns. The upstream, if any, must have been dealt with.
    func closeClient(_ client: UnsafeMutablePointer<Client>) {
        let fd = client.pointee.fd
        guard client.pointee.phase != .free else { return }
        timers.remove(fd, from: clients)
        endTLS(of: client)
        releaseRequest(client)
        client.pointee.input.free()
        client.pointee.pending.free()
        client.pointee.phase = .free
        client.pointee.generation = 0
        // No other process has this descriptor, so closing it also takes it off the poll.
        close(fd)
        openClients -= 1
        stripe.add(.clientsOpen, -1)
        drainedPerhaps()
    }

    /// Frees what belongs to one request.
    func releaseRequest(_ client: UnsafeMutablePointer<Client>) {
        client.pointee.head.free()
        spareBody.give(&client.pointee.body, now: now)
        client.pointee.outgoing.free()
        discharge(client)
        if let handoff = client.pointee.handoff {
            handoff.pointee.free()
            handoff.deinitialize(count: 1)
            handoff.deallocate()
            client.pointee.handoff = nil
        }
    }

    /// Charges buffered bytes to the account of all; false when that is full.
    func charge(_ client: UnsafeMutablePointer<Client>, _ bytes: Int) -> Bool {
        guard shared.charge(bytes) else { return false }
        client.pointee.charged += bytes
        stripe.add(.buffered, bytes)
        return true
    }

    func discharge(_ client: UnsafeMutablePointer<Client>) {
        guard client.pointee.charged > 0 else { return }
        shared.discharge(client.pointee.charged)
        stripe.add(.buffered, -client.pointee.charged)
        client.pointee.charged = 0
    }
}
