import CLinux
import Glibc
import IPC
import Linux
import Metrics
import Sandbox

/// The dialer as a process: it alone of those that meet clients' wishes may open a connection. It sees no request bytes,
/// only numeric targets; it checks each, connects without letting one wait for another, and passes the established
/// socket on.
final class DialerProcess {
    /// Connections in the making, over all proxies.
    static let mostDials = 8192
    /// Loops of proxies: 64 at most of each (`--loops`), of the current one, its replacement, eight that drain, and one that is
    /// just being ended because it would be the ninth (`Component.mostRetired`).
    static let mostChannels = 64 * (1 + 1 + 8 + 1)
    /// Answers that one loop of a proxy may leave unread; twice the dials that it may have under way.
    static let mostAnswers = 8192
    /// Messages of one channel before the others get their turn.
    static let readBudget = 64

    let control: Channel
    let poll: EventPoll
    var policy = Policy(settings: DialerSettings(), own: [])
    var stripe = Stripe.detached()
    private var hasSettings = false
    private var hasSegment = false
    private var isReady = false
    private(set) var clients: [UInt64: ProxyChannel] = [:]
    var dials: [UInt64: Dial] = [:]
    private var lastToken: UInt64 = 0
    private var probe = DecoderProbe()
    private var names = Names()
    private var resolverAbsence = Absence()
    var refusals = LogBudget()
    private var violations = LogBudget()
    var now = Clock.milliseconds()

    private static let controlToken: UInt64 = 0

    init(control fd: Int32) throws(Errno) {
        control = Channel(fd: fd)
        poll = try EventPoll()
        try poll.add(fd, CL_IN, token: Self.controlToken)
    }

    /// A token of events. None is ever used twice, so that an event of what was closed a moment ago finds nobody, whoever
    /// has got its descriptor's number meanwhile.
    func makeToken() -> UInt64 {
        lastToken += 1
        return lastToken
    }

    func run() -> Never {
        let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 256)
        while true {
            let count = poll.wait(into: events, milliseconds: waitTime())
            now = Clock.milliseconds()
            for i in 0..<count { dispatch(events[i].data) }
            for client in clients.values where !client.outbox.isEmpty { client.flush() }
            expire()
            if isReady {
                probe.turn(self, now: now)
                stripe.set(.decoderReachable, probe.isReachable ? 1 : 0)
            }
        }
    }

    private func waitTime() -> Int32 {
        guard isReady else { return -1 }
        if clients.values.contains(where: { !$0.outbox.isEmpty }) { return 5 }
        let dialing: Int64 = dials.isEmpty && names.isEmpty ? 60_000 : 50
        return Int32(max(1, min(dialing, probe.nextTurn - now)))
    }

    private func dispatch(_ token: UInt64) {
        if token == Self.controlToken {
            receiveOrders()
        } else if let client = clients[token] {
            serve(client)
        } else if dials[token] != nil {
            conclude(token)
        } else if names.token == token {
            receiveAddresses()
        } else if probe.token == token {
            probe.conclude(self, now: now)
            stripe.set(.decoderReachable, probe.isReachable ? 1 : 0)
        }
    }

    // MARK: Orders

    private func receiveOrders() {
        control.receiveOrders(as: .dialer, orEnd: end, take)
    }

    private func take(_ message: ToChild, _ descriptor: Int32) {
        switch message {
        case .settings(.dialer(let settings)):
            guard !hasSettings else { end("settings came twice", .ipcViolation) }
            policy = Policy(settings: settings, own: ownAddresses())
            hasSettings = true
        case .segment(let stripes):
            guard let segment = SegmentWriter.map(fd: descriptor, stripes: Int(stripes)) else {
                end("the counter segment is not what it must be", .resource)
            }
            stripe = segment.stripe(0)
            hasSegment = true
        case .proxyChannel:
            let token = makeToken()
            guard clients.count < Self.mostChannels, (try? poll.add(descriptor, CL_IN, token: token)) != nil else {
                close(descriptor)
                ChildLog.write(.error, "a proxy's channel was turned away: there are too many")
                return
            }
            clients[token] = ProxyChannel(fd: descriptor, token: token)
        case .resolver:
            resolverAbsence.end()
            if names.fd >= 0 { poll.remove(names.fd) }
            let token = makeToken()
            for pending in names.replaceChannel(fd: descriptor, token: token) {
                refuse(pending.channel, pending.id, .noResources)
            }
            if (try? poll.add(descriptor, CL_IN, token: token)) == nil { _ = names.closeChannel() }
        case .stop: _exit(ExitCode.ok.rawValue)
        case .ping(let number):
            _ = control.send(FromChild.pong(number))
            if resolverAbsence.lasts(names.isCutOff, now: Clock.milliseconds()) {
                _ = control.send(FromChild.unlinked(from: .resolver))
            }
        case .allowlist(let generation, let confirmedAt): adopt(descriptor, generation, confirmedAt)
        case .allowlistConfirmed(let generation, let confirmedAt):
            if policy.generation == generation { policy.confirmedAt = confirmedAt }
        case .file, .resolverClient, .settings, .dialer, .listener, .statusPage, .peerSegment, .peerGone, .drain,
            .fileUnavailable, .signer, .signerClient, .certificate, .privateKey, .makeCertificate, .forgetKey,
            .certificates, .kv:
            end("the supervisor sent '\(message.name)'", .ipcViolation)
        }
        if hasSettings && hasSegment && !isReady {
            isReady = true
            Walls.close(.dialer, channel: control.fd)
            _ = control.send(FromChild.ready)
            now = Clock.milliseconds()
            probe.turn(self, now: now)
        }
    }

    private func ownAddresses() -> [Address] {
        do {
            return try Address.ofThisHost()
        } catch {
            // A call to this pod itself is always refused; without its addresses it would be made.
            end("the addresses of this host can't be read: \(error)", .resource)
        }
    }

    // MARK: Dials

    private func serve(_ client: ProxyChannel) {
        // Bounded for each event: a proxy that floods us must not hold up the others.
        for _ in 0..<Self.readBudget {
            guard client.outbox.count <= Self.mostAnswers else {
                cutOff(client, "it asks and does not read the answers")
                return
            }
            switch client.channel.receive(ToDialer.self) {
            case .nothing: return
            case .closed:
                drop(client)
                return
            case .violation(let violation):
                cutOff(client, violation.description)
                return
            case .message(.dial(let id, let purpose, let target, let deadline), _):
                dial(client, id, purpose, target, deadline)
            case .message(.dialName(let id, let name, let port, let deadline), _):
                dialName(client, id, name, port, deadline)
            case .message(.cancel(let id), _): cancel(client.token, id)
            }
        }
    }

    /// A proxy that breaks the protocol may have been taken over. It gets no more connections from us. One that broke it by
    /// mistake says so to the supervisor and is replaced.
    private func cutOff(_ client: ProxyChannel, _ why: String) {
        stripe.add(.dialerViolations)
        if violations.mayLog(now: now) {
            ChildLog.write(.error, "a proxy broke the protocol and was cut off", [("violation", why)])
        }
        drop(client)
    }

    private func drop(_ client: ProxyChannel) {
        for (token, dial) in dials where dial.channel == client.token { abandon(token) }
        names.forget(channel: client.token)
        poll.remove(client.channel.fd)
        clients[client.token] = nil
    }

    private func dial(
        _ client: ProxyChannel, _ id: UInt32, _ purpose: DialPurpose, _ target: Endpoint, _ deadline: UInt32
    ) {
        var candidates: ArraySlice<Endpoint>
        switch purpose {
        case .decoder:
            stripe.add(.dialsDecoder)
            candidates = policy.settings.decoder[...]
        case .prefiller:
            stripe.add(.dialsPrefiller)
            if let refusal = policy.refusal(of: target, now: now) {
                count(refusal)
                logRefusal(target, refusal)
                refuse(client.token, id, refusal)
                return
            }
            candidates = [target]
        }
        guard dials.count < Self.mostDials else {
            refuse(client.token, id, .tooMany)
            return
        }
        guard let first = candidates.popFirst() else {
            refuse(client.token, id, .unreachable)
            return
        }
        let plan = Dial(
            channel: client.token, id: id, purpose: purpose, deadline: now + Int64(min(deadline, 600_000)),
            target: first, others: candidates)
        connect(plan)
    }

    // MARK: Names

    private func dialName(_ client: ProxyChannel, _ id: UInt32, _ name: String, _ port: UInt16, _ deadline: UInt32) {
        stripe.add(.dialsPrefiller)
        let pending = Names.Pending(
            channel: client.token, id: id, port: port, deadline: now + Int64(min(deadline, 600_000)))
        if let refusal = names.ask(name, pending, now: now) { refuse(client.token, id, refusal) }
    }

    /// The resolver has answered. Each address goes through the same check as one that a client wrote itself.
    private func receiveAddresses() {
        while true {
            switch names.receive() {
            case .nothing: return
            case .closed:
                poll.remove(names.fd)
                for pending in names.closeChannel() { refuse(pending.channel, pending.id, .noResources) }
                return
            case .failed(let pending, let reason):
                stripe.add(.dialsFailed)
                refuse(pending.channel, pending.id, reason)
            case .resolved(let pending, let addresses):
                let endpoints = addresses.map { Endpoint($0, pending.port) }
                let allowed = endpoints.filter { policy.refusal(of: $0, now: now) == nil }
                guard let first = allowed.first else {
                    let refusal = endpoints.first.flatMap { policy.refusal(of: $0, now: now) } ?? .nameNotFound
                    count(refusal)
                    if let refused = endpoints.first { logRefusal(refused, refusal) }
                    refuse(pending.channel, pending.id, refusal)
                    continue
                }
                connect(
                    Dial(
                        channel: pending.channel, id: pending.id, purpose: .prefiller, deadline: pending.deadline,
                        target: first, others: allowed.dropFirst()))
            }
        }
    }

    // MARK: Connecting

    private func connect(_ plan: Dial) {
        var fd: Int32 = -1
        let target = plan.target
        let result = target.address.withBytes { cl_connect_tcp($0, target.port, &fd) }
        if result == 0 {
            established(plan, fd)
            return
        }
        guard result == -EINPROGRESS else {
            failed(plan, -result)
            return
        }
        // On one host the handshake is over by the time connect returns.
        var ready = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
        if Glibc.poll(&ready, 1, 0) == 1 {
            let error = cl_socket_error(fd)
            if error == 0 {
                established(plan, fd)
            } else {
                close(fd)
                failed(plan, -error)
            }
            return
        }
        let token = makeToken()
        guard (try? poll.add(fd, CL_OUT, token: token)) != nil else {
            close(fd)
            refuse(plan.channel, plan.id, .noResources)
            return
        }
        var dial = plan
        dial.fd = fd
        dials[token] = dial
    }

    private func conclude(_ token: UInt64) {
        guard let plan = dials.removeValue(forKey: token) else { return }
        poll.remove(plan.fd)
        let error = cl_socket_error(plan.fd)
        if error == 0 {
            established(plan, plan.fd)
        } else {
            close(plan.fd)
            failed(plan, -error)
        }
    }

    private func established(_ plan: Dial, _ fd: Int32) {
        if plan.purpose == .decoder { probe.sawConnection(now: now) }
        if let client = clients[plan.channel] {
            client.answer(
                .connected(id: plan.id, peer: plan.target), fd: fd,
                revocable: plan.purpose == .prefiller ? plan.target : nil)
        } else {
            close(fd)
        }
    }

    private func failed(_ plan: Dial, _ error: Int32) {
        var plan = plan
        while let next = plan.others.popFirst() {
            // The pool may have changed since the name was resolved.
            if plan.purpose == .prefiller && policy.refusal(of: next, now: now) != nil { continue }
            plan.target = next
            connect(plan)
            return
        }
        if plan.purpose == .decoder { probe.sawFailure(now: now) }
        stripe.add(.dialsFailed)
        refuse(plan.channel, plan.id, Self.reason(error))
    }

    private static func reason(_ error: Int32) -> DialRefusal {
        switch error {
        case ECONNREFUSED: .connectionRefused
        case ETIMEDOUT: .timedOut
        case EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL, EAGAIN: .noResources
        default: .unreachable
        }
    }

    func refuse(_ channel: UInt64, _ id: UInt32, _ reason: DialRefusal) {
        guard let client = clients[channel] else { return }
        client.answer(.refused(id: id, reason: reason))
    }

    private func cancel(_ channel: UInt64, _ id: UInt32) {
        names.cancel(channel: channel, id: id)
        guard let found = dials.first(where: { $0.value.channel == channel && $0.value.id == id }) else { return }
        abandon(found.key)
    }

    func abandon(_ token: UInt64) {
        guard let dial = dials.removeValue(forKey: token) else { return }
        poll.remove(dial.fd)
        close(dial.fd)
    }

    private func expire() {
        for pending in names.expired(now: now) { refuse(pending.channel, pending.id, .nameTimedOut) }
        if dials.isEmpty { return }
        for (token, dial) in dials where dial.deadline <= now {
            abandon(token)
            stripe.add(.dialsFailed)
            refuse(dial.channel, dial.id, .timedOut)
        }
    }

    private func end(_ reason: String, _ code: ExitCode) -> Never {
        ChildLog.write(.error, "the dialer ends: \(reason)")
        _exit(code.rawValue)
    }
}
