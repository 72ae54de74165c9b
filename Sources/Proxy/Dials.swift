import CLinux
import Glibc
import IPC
import Linux

/// Connections this loop has asked the dialer for. The table has a fixed size, and an id carries its place and a
/// generation, so that a late answer is recognised and its descriptor closed. A class, because an answer leads to the next
/// dial while it is still being handled.
final class Dials {
    struct Pending {
        var id: UInt32 = 0
        var client: Int32 = -1
        var generation: UInt32 = 0
        var purpose = DialPurpose.decoder
        var endpoint = Endpoint(.any, 0)
        /// Milliseconds on the monotonic clock.
        var deadline: Int64 = 0
        /// The target is a name, which the dialer looks up: its address is the dialer's to say.
        var isNamed = false
        /// It was asked again after its dialer had gone.
        var repeated = false

        /// May a connection to this peer be the answer? The certificate is judged by the peer's address where the request
        /// names no host, so a dialer that could say whom it has called could choose whose certificate is enough. A decoder
        /// has no address here, and its certificate is judged by a setting.
        func isAnswered(by peer: Endpoint) -> Bool {
            switch purpose {
            case .decoder: true
            case .prefiller: isNamed ? peer.port == endpoint.port : peer == endpoint
            }
        }
    }

    /// Dials under way at once; a power of two.
    static let capacity = 4096
    /// The dialer answers its deadlines itself; this is how much later we stop waiting for it.
    private static let patience: Int64 = 1000

    private var table = [Pending](repeating: Pending(), count: capacity)
    private var free: [UInt32] = (0..<UInt32(capacity)).reversed()
    private var generation: UInt32 = 0
    private var channel: Channel?
    /// There was a channel, and there is none now.
    private var isCutOff = false
    private var under = 0
    /// Places whose order the channel had no room for, oldest first.
    private var unsent: [UInt32] = []
    /// How soon a full channel is tried again, in milliseconds.
    private static let retry: Int32 = 5
    /// When the pending dials were last looked through.
    private var checkedAt: Int64 = 0

    /// Asks for a connection. Nil: the answer will come; otherwise why there can be none.
    func dial(
        _ client: UnsafeMutablePointer<Client>, _ purpose: DialPurpose, _ endpoint: Endpoint, _ loop: Loop
    ) -> DialRefusal? {
        guard loop.openUpstreams + under < loop.maximumUpstreams, let place = free.popLast() else { return .tooMany }
        generation = (generation &+ 1) & 0xF_FFFF
        if generation == 0 { generation = 1 }
        let id = generation << 12 | place
        let deadline = loop.now + Int64(loop.settings.connectTimeout)
        let entry = Pending(
            id: id, client: client.pointee.fd, generation: client.pointee.generation, purpose: purpose,
            endpoint: endpoint, deadline: deadline,
            isNamed: purpose == .prefiller && client.pointee.handoff?.pointee.name.isEmpty == false)
        table[Int(place)] = entry
        under += 1
        // Without a dialer (it may be restarting) the request waits for the next one, and with a busy one for room in
        // the channel: until its deadline.
        if !unsent.isEmpty || !send(entry, loop) { unsent.append(place) }
        client.pointee.dial = id
        return nil
    }

    /// Sends what the channel had no room for.
    func sendUnsent(_ loop: Loop) {
        if unsent.isEmpty || channel == nil { return }
        var done = 0
        for place in unsent {
            // A place that was given up since has no id, and one that was given anew stands further back as well.
            if table[Int(place)].id != 0 && !send(table[Int(place)], loop) { break }
            done += 1
        }
        unsent.removeFirst(done)
    }

    /// False: there is no dialer, or no room in its channel.
    private func send(_ entry: Pending, _ loop: Loop) -> Bool {
        guard channel != nil else { return false }
        let left = UInt32(clamping: max(1, entry.deadline - loop.now))
        var message = ToDialer.dial(
            id: entry.id, purpose: entry.purpose, target: entry.endpoint, deadlineMilliseconds: left)
        if entry.purpose == .prefiller, let handoff = loop.clients[Int(entry.client)].handoff,
            !handoff.pointee.name.isEmpty
        {
            message = .dialName(
                id: entry.id, name: handoff.pointee.name, port: entry.endpoint.port, deadlineMilliseconds: left)
        }
        if case .success = channel!.send(message) { return true }
        return false
    }

    /// The request no longer needs its connection.
    func cancel(_ id: UInt32, _ loop: Loop) {
        let place = id & 0xFFF
        guard table[Int(place)].id == id else { return }
        if channel != nil { _ = channel!.send(ToDialer.cancel(id: id)) }
        drop(place)
    }

    private func drop(_ place: UInt32) {
        table[Int(place)].id = 0
        free.append(place)
        under -= 1
    }

    /// Another dialer has taken over: what is pending is asked again, once.
    func replaceChannel(fd: Int32, _ loop: Loop) {
        closeChannel(loop)
        channel = Channel(fd: fd)
        guard loop.poll.watch(fd, .dialer) else {
            channel = nil
            lostChannel(loop)
            return
        }
        if isCutOff {
            isCutOff = false
            loop.shared.loopsWithoutDialer(-1)
        }
        if under == 0 { return }
        let neverSent = Set(unsent)
        unsent = []
        for place in 0..<UInt32(Self.capacity) where table[Int(place)].id != 0 {
            if neverSent.contains(place) {
                unsent.append(place)
            } else if table[Int(place)].repeated {
                refuse(place, .dialerLost, loop)
            } else {
                table[Int(place)].repeated = true
                unsent.append(place)
            }
        }
        sendUnsent(loop)
    }

    private func closeChannel(_ loop: Loop) {
        if channel != nil { loop.poll.remove(channel!.fd) }
        channel = nil
    }

    private func lostChannel(_ loop: Loop) {
        if isCutOff { return }
        isCutOff = true
        loop.shared.loopsWithoutDialer(1)
    }

    /// Takes in what the dialer says.
    func receive(_ loop: Loop) {
        while channel != nil {
            switch channel!.receive(FromDialer.self) {
            case .nothing: return
            case .closed:
                // Pending dials wait for the next dialer, which the supervisor is starting.
                closeChannel(loop)
                lostChannel(loop)
                return
            case .violation(let violation): endForViolation(violation.description)
            case .message(.connected(let id, let peer), let descriptor): connected(id, descriptor, peer, loop)
            case .message(.refused(let id, let reason), _):
                let place = id & 0xFFF
                if table[Int(place)].id == id { refuse(place, reason, loop) }
            }
        }
    }

    private func endForViolation(_ violation: String) -> Never {
        ChildLog.write(.error, "the dialer broke the protocol; ending", [("violation", violation)])
        _exit(ExitCode.ipcViolation.rawValue)
    }

    private func connected(_ id: UInt32, _ fd: Int32, _ peer: Endpoint, _ loop: Loop) {
        let place = id & 0xFFF
        let entry = table[Int(place)]
        guard entry.id == id else {
            // Cancelled, or asked twice: nobody wants it.
            close(fd)
            return
        }
        guard entry.isAnswered(by: peer) else {
            close(fd)
            endForViolation("it was told to call \(entry.endpoint) and has called \(peer)")
        }
        if entry.purpose == .prefiller, let reason = loop.outsideAllowlist(peer) {
            // It left the allowlist while its connection was on the way here.
            close(fd)
            refuse(place, reason, loop)
            return
        }
        drop(place)
        let client = loop.clients + Int(entry.client)
        let endpoint = entry.purpose == .prefiller ? peer : entry.endpoint
        guard let upstream = loop.adopt(upstream: fd, entry.purpose, endpoint) else {
            if client.pointee.generation == entry.generation && client.pointee.dial == id {
                client.pointee.dial = 0
                loop.perform(client.pointee.life.handle(.refused(.noResources)), client)
            }
            return
        }
        guard client.pointee.generation == entry.generation, client.pointee.phase == .serving, client.pointee.dial == id
        else {
            // Without the request that it was made for nobody says whose certificate it must show.
            if loop.settings.tls.leg(entry.purpose).isOn { upstream.pointee.isSpent = true }
            loop.park(upstream)
            return
        }
        client.pointee.dial = 0
        if entry.purpose == .prefiller { client.pointee.handoff?.pointee.target = peer }
        loop.assign(upstream, to: client)
        if loop.settings.tls.leg(entry.purpose).isOn {
            loop.beginHandshake(upstream, client)
        } else {
            loop.perform(client.pointee.life.handle(.connected), client)
        }
    }

    private func refuse(_ place: UInt32, _ reason: DialRefusal, _ loop: Loop) {
        let entry = table[Int(place)]
        drop(place)
        let client = loop.clients + Int(entry.client)
        guard client.pointee.generation == entry.generation, client.pointee.dial == entry.id else { return }
        client.pointee.dial = 0
        if entry.purpose == .prefiller {
            loop.countBlocked(reason)
            if loop.tryNextPrefiller(client, after: reason) { return }
        }
        loop.perform(client.pointee.life.handle(.refused(reason)), client)
    }

    /// Milliseconds until the pending dials must be looked through; -1 = there are none.
    func wait(now: Int64) -> Int32 {
        if under == 0 { return -1 }
        if !unsent.isEmpty && channel != nil { return Self.retry }
        return Int32(clamping: max(1, checkedAt + 250 - now))
    }

    /// Gives up on dials that no dialer has answered in time.
    func expire(_ loop: Loop) {
        guard under > 0, loop.now - checkedAt >= 250 else { return }
        checkedAt = loop.now
        for place in 0..<Self.capacity where table[place].id != 0 && loop.now > table[place].deadline + Self.patience {
            refuse(UInt32(place), channel == nil ? .dialerLost : .timedOut, loop)
        }
    }
}

extension EventPoll {
    /// Watches a descriptor that is not a connection, level-triggered.
    func watch(_ fd: Int32, _ special: Loop.Special) -> Bool {
        cl_epoll_add(self.fd, fd, CL_IN, Token.special(special.rawValue)) == 0
    }
}
