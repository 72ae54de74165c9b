import CLinux
import Glibc
import IPC
import Linux
import Sandbox

/// The resolver as a process: it alone speaks DNS, to the servers that the host's resolv.conf names, and it alone reads
/// what they answer. It opens no file and no connection but to them; what it says is only ever a list of addresses,
/// each of which the dialer checks as if a client had written it.
final class ResolverProcess {
    /// Dialers, those that end included.
    static let mostClients = 64
    /// Answers that may wait for one dialer, no more than it has dials.
    private static let mostWaiting = 8192
    /// Bytes that are read of one of the host's files.
    static let longestFile = 256 << 10
    /// Questions that are taken from one client before the others have their turn.
    private static let mostAtOnce = 64

    private let control: Channel
    private let poll: EventPoll
    private let lookups: Lookups
    private let table: ClientTable
    private var hasSettings = false
    private var hasServers = false
    private var isReady = false
    private var now = Clock.milliseconds()

    private static let controlToken: UInt64 = 0

    /// The channels to the dialers, apart from the process so that lookups can answer on them.
    private final class ClientTable {
        private var lastToken = ResolverProcess.controlToken
        var clients: [UInt64: AnswerChannel<FromResolver>] = [:]

        /// Tokens of events, of clients and servers alike; none is ever used twice.
        func makeToken() -> UInt64 {
            lastToken += 1
            return lastToken
        }
    }

    /// Takes over the control channel. Fails for lack of descriptors or memory.
    init(control fd: Int32) throws(Errno) {
        control = Channel(fd: fd)
        poll = try EventPoll()
        try poll.add(fd, CL_IN, token: Self.controlToken)
        let table = ClientTable()
        self.table = table
        lookups = Lookups(poll: poll, makeToken: table.makeToken) { waiter, outcome in
            table.clients[waiter.client]?.send(outcome.message(id: waiter.id))
        }
    }

    /// Serves until it is told to stop.
    func run() -> Never {
        let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 256)
        while true {
            let count = poll.wait(into: events, milliseconds: waitTime())
            now = Clock.milliseconds()
            for i in 0..<count { dispatch(events[i]) }
            lookups.expire(now: now)
        }
    }

    private func waitTime() -> Int32 {
        let next = lookups.nextTurn
        return next == .max ? -1 : Int32(max(0, min(next - now, 60_000)))
    }

    private func dispatch(_ event: cl_event) {
        if event.data == Self.controlToken {
            receiveOrders()
        } else if let client = table.clients[event.data] {
            if event.events & CL_OUT != 0 { client.flush() }
            serve(client)
        } else {
            lookups.turn(token: event.data, now: now)
        }
    }

    // MARK: Orders

    private func receiveOrders() {
        control.receiveOrders(as: .resolver, orEnd: end, take)
    }

    private func take(_ message: ToChild, _ descriptor: Int32) {
        switch message {
        case .settings(.resolver(let settings)):
            lookups.log.level = ChildLog.Level(rawValue: settings.logLevel) ?? .trace
            hasSettings = true
        case .file(let file):
            read(file, descriptor)
            close(descriptor)
        case .resolverClient: addClient(descriptor)
        case .stop: _exit(ExitCode.ok.rawValue)
        case .ping(let number): _ = control.send(FromChild.pong(number))
        case .settings, .segment, .dialer, .proxyChannel, .listener, .statusPage, .peerSegment, .peerGone, .drain,
            .resolver,
            .allowlist, .allowlistConfirmed, .fileUnavailable, .signer, .signerClient, .certificate, .privateKey,
            .makeCertificate, .forgetKey, .certificates, .kv:
            end("the supervisor sent '\(message.name)'", .ipcViolation)
        }
        if hasSettings && hasServers && !isReady { becomeReady() }
    }

    private func becomeReady() {
        isReady = true
        Walls.close(.resolver, channel: control.fd)
        for client in Array(table.clients.values) { open(client) }
        _ = control.send(FromChild.ready)
    }

    private func read(_ file: HostFile, _ descriptor: Int32) {
        let name = file == .resolvConf ? "resolv.conf" : "hosts"
        var text: [UInt8]
        do throws(Errno) {
            text = try Sockets.contents(of: descriptor, limit: Self.longestFile)
        } catch {
            if file == .resolvConf && !hasServers { end("reading resolv.conf failed: \(error)", .resource) }
            ChildLog.write(.error, "reading \(name) failed: \(error); what was read before stays in force")
            return
        }
        if text.count == Self.longestFile {
            // The last line may be cut; half an address is another address.
            text.removeSubrange((text.lastIndex(of: UInt8(ascii: "\n")) ?? 0)...)
            ChildLog.write(.warning, "\(name) is longer than \(Self.longestFile >> 10) KiB; the rest is not read")
        }
        switch file {
        case .token, .certificateAuthority: break
        case .hosts: lookups.hosts = HostsFile(text)
        case .resolvConf:
            let configuration = ResolvConf(text)
            warn(of: configuration)
            lookups.configuration = configuration
            hasServers = true
        }
    }

    private func warn(of configuration: ResolvConf) {
        for server in configuration.unusable.prefix(ResolvConf.mostServers) {
            ChildLog.write(
                .warning, "a name server of resolv.conf is passed over: it is not an IPv4 or IPv6 address",
                [("nameserver", server)])
        }
        if configuration.namesNoServer {
            ChildLog.write(
                .warning, "resolv.conf names no name server that can be used; this host is asked instead",
                [("nameserver", configuration.servers[0].description)])
        }
    }

    // MARK: Clients

    private func addClient(_ descriptor: Int32) {
        guard table.clients.count < Self.mostClients else {
            close(descriptor)
            ChildLog.write(.error, "a dialer's channel was turned away: there are too many")
            return
        }
        let client = AnswerChannel<FromResolver>(
            fd: descriptor, token: table.makeToken(), poll: poll, mostWaiting: Self.mostWaiting)
        table.clients[client.token] = client
        // Before there are servers to ask, questions wait in the channel.
        if isReady { open(client) }
    }

    private func open(_ client: AnswerChannel<FromResolver>) {
        do throws(Errno) {
            try client.open()
        } catch {
            ChildLog.write(.error, "a dialer's channel can't be watched: \(error)")
            drop(client)
        }
    }

    private func serve(_ client: AnswerChannel<FromResolver>) {
        for _ in 0..<Self.mostAtOnce {
            switch client.channel.receive(ToResolver.self) {
            case .nothing: return
            case .closed:
                drop(client)
                return
            case .violation(let violation):
                // A dialer that breaks the protocol may have been taken over. It gets no more answers from us.
                ChildLog.write(
                    .error, "a dialer broke the protocol and was cut off", [("violation", violation.description)])
                drop(client)
                return
            case .message(.resolve(let id, let name, let deadline), _):
                let patience = Int64(min(deadline, Lookups.longestDeadline))
                lookups.resolve(name, for: .init(client: client.token, id: id, deadline: now + patience), now: now)
            }
        }
    }

    private func drop(_ client: AnswerChannel<FromResolver>) {
        table.clients[client.token] = nil
        lookups.dropClient(client.token)
    }

    private func end(_ reason: String, _ code: ExitCode) -> Never {
        ChildLog.write(.error, "the resolver ends: \(reason)")
        _exit(code.rawValue)
    }
}
