import CLinux
import Glibc
import IPC
import Linux

/// Orders that reach a loop from the first one, and the drain.
extension Loop {
    /// One order: what to do, and a descriptor or a number that belongs to it. Written as one piece to the loop's pipe.
    struct Order {
        enum Kind: Int {
            case listen = 1
            case dialer = 2
            case drain = 3
            /// The drain's deadline has passed.
            case cut = 4
            /// The value is a retained `AllowlistInForce`.
            case allowlist = 5
            /// The value is a retained `TLSContexts`.
            case tls = 6
            /// A channel to a signer.
            case signer = 7
            /// Nothing but a turn: what follows each turn has something to see.
            case wake = 8
        }

        var kind: Int
        var value: Int
    }

    /// Hands the loop an allowlist, from any thread.
    func post(allowlist: AllowlistInForce) {
        post(.allowlist, Int(bitPattern: Unmanaged.passRetained(allowlist).toOpaque()))
    }

    /// Hands the loop certificates, from any thread.
    func post(tls: TLSContexts) { post(.tls, Int(bitPattern: Unmanaged.passRetained(tls).toOpaque())) }

    func readMailbox() {
        while true {
            var order = Order(kind: 0, value: 0)
            let size = MemoryLayout<Order>.size
            let n = withUnsafeMutableBytes(of: &order) { Glibc.read(mailbox, $0.baseAddress!, size) }
            guard n == size, let kind = Order.Kind(rawValue: order.kind) else { return }
            switch kind {
            case .listen: listen(on: Int32(truncatingIfNeeded: order.value))
            case .dialer: dials.replaceChannel(fd: Int32(truncatingIfNeeded: order.value), self)
            case .allowlist:
                // Sound: `post(allowlist:)` retained it for exactly this one reader.
                guard let pointer = UnsafeRawPointer(bitPattern: order.value) else { return }
                adopt(Unmanaged<AllowlistInForce>.fromOpaque(pointer).takeRetainedValue())
            case .tls:
                // Sound: as above, by `post(tls:)`.
                guard let pointer = UnsafeRawPointer(bitPattern: order.value) else { return }
                adopt(Unmanaged<TLSContexts>.fromOpaque(pointer).takeRetainedValue())
            case .signer: replaceSigner(Int32(truncatingIfNeeded: order.value))
            case .drain: beginDrain()
            case .cut: cutWhatIsLeft()
            case .wake: break
            }
        }
    }

    /// How long an idle connection may still bring a request when a drain begins, in milliseconds.
    static let idleGrace: Int64 = 1000

    /// No more connections, and no request after the one that may be on its way; what runs may finish.
    func beginDrain() {
        guard !draining else { return }
        // Whoever stands in the backlog has been promised a connection by the kernel already.
        acceptWaitingClients()
        draining = true
        closeListener()
        // A request may be on its way on a connection that looks idle. It is answered if it comes soon, and told that
        // the connection ends; one that stays idle is closed. One whose answer is still going out isn't idle yet.
        forEachClient { client in
            if client.pointee.phase == .idle && client.pointee.pending.isEmpty {
                timers.set(client.pointee.fd, now + Self.idleGrace, in: clients)
            }
        }
        sweepPool()
        drainedPerhaps()
    }

    /// The drain's deadline has passed.
    func cutWhatIsLeft() {
        forEachClient { client in
            // Before anything is closed: with its last client a loop is done, and then the number must be whole.
            if client.pointee.isOwed { shared.countCut() }
            switch client.pointee.phase {
            case .serving: perform(client.pointee.life.handle(.drainDeadline), client)
            case .idle where client.pointee.isOwed, .closing where client.pointee.isOwed: breakOff(client)
            case .handshake, .tunnel, .idle, .head, .body, .lingering, .closing: clientGone(client)
            case .free: break
            }
        }
        // Answers that were just given have left with the first write or never will. Closing over unread input would send
        // a reset after them.
        forEachClient { client in
            if client.pointee.phase == .lingering {
                client.pointee.readable = true
                readClient(client)
            }
            closeClient(client)
        }
    }

    func forEachClient(_ body: (UnsafeMutablePointer<Client>) -> Void) {
        // The search ends with the last client, so it touches no more of the table than was ever used.
        var missing = openClients
        var fd = 0
        while missing > 0 && fd < tableSize {
            if clients[fd].phase != .free {
                missing -= 1
                body(clients + fd)
            }
            fd += 1
        }
    }

    /// Reports that this loop has nothing left to do, once.
    func drainedPerhaps() {
        guard draining, openClients == 0, !reportedDrained else { return }
        reportedDrained = true
        onDrained?()
    }
}
