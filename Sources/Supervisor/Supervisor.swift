import CLinux
import Configuration
import Glibc
import IPC
import Linux
import Metrics

/// The supervisor: starts, watches, restarts and stops the other processes; owns the listening sockets; hands out
/// settings and descriptors; answers `status` and `restart`. It never reads a byte of a client's.
///
/// One thread, one epoll over signals, child processes, channels, log pipes and the control socket. What to do about a
/// child is decided by `ComponentMachine`, how to end by `Shutdown`; this class carries it out.
final class Supervisor {
    let configuration: ChildConfiguration
    let directory: String
    let sandboxing: Sandboxing
    let poll: EventPoll
    let signals: Int32
    var log: LogSink
    let listener: Listener
    let adminListener: Listener?
    var components: [Component] = []
    var shutdown = Shutdown()
    var control: ControlSocket?
    let page: UnsafeMutableRawPointer
    /// For reading only: what the admin process gets.
    let readablePageFD: Int32
    var status = SupervisorStatus()
    var allowlist = HeldAllowlist()
    var certificates = HeldCertificates()
    var transfers = Transfers()
    let startedAt: Int64
    var now: Int64
    /// What a descriptor of the epoll belongs to.
    var watched: [Int32: Watched] = [:]
    var nextInstance: UInt32 = 1
    var exitCode = ExitCode.ok
    var wasReady = false
    /// It was ready once: the start is over.
    private(set) var hasBeenReady = false
    /// The next deadline of the shutdown, in milliseconds; 0 = none.
    var shutdownDeadline: Int64 = 0
    var heartbeatAt: Int64
    var outOfMemoryKills: Int
    private var jitterState: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// What a descriptor is to us.
    enum Watched {
        case signals
        case process(ChildProcess)
        case channel(ChildProcess)
        case log(ChildProcess)
        case controlListener
        case controlClient
        case certificates
    }

    init(_ configuration: ChildConfiguration, directory: String, sandboxing: Sandboxing) throws(Errno) {
        self.configuration = configuration
        self.directory = directory
        self.sandboxing = sandboxing
        let settings = configuration.settings
        log = LogSink(level: configuration.logLevel)
        poll = try EventPoll()
        signals = try Errno.check(cl_signalfd())
        listener = Listener(address: Address.parse(settings.listenAddress), port: settings.port)
        adminListener =
            settings.adminPort == 0
            ? nil : Listener(address: Address.parse(settings.adminAddress), port: settings.adminPort)
        let pageFD = try Errno.check(cl_segment_create("status", StatusPage.size))
        // The mapping outlives it; nobody needs a writable descriptor of the page any more.
        defer { close(pageFD) }
        readablePageFD = try Errno.check(cl_reopen_readable(pageFD))
        guard let page = cl_map(pageFD, StatusPage.size, 1) else { throw Errno(ENOMEM) }
        self.page = page
        now = Clock.milliseconds()
        startedAt = now
        heartbeatAt = now + Self.heartbeat
        outOfMemoryKills = Self.outOfMemoryCount()
        _ = cl_become_subreaper()
        try prepareTransfers()
    }

    // MARK: Running

    /// Serves until the end and returns how it ended.
    func run() -> ExitCode {
        do throws(Errno) {
            try poll.add(signals, CL_IN, token: UInt64(signals))
            watched[signals] = .signals
        } catch {
            log.write(.error, "signals can't be watched: \(error)")
            return .resource
        }
        openControlSocket()
        build()
        loadStaticAllowlist()
        if configuration.settings.ssrfProtection, !configuration.watchesPool, allowlist.generation == 0 {
            return .configuration
        }
        if let code = beginCertificates() { return code }
        // A signer that finds no certificate, or a child that can't have its walls, ends the start before the others have
        // begun.
        for component in components where shutdown.phase == .running { handle(.start, component) }
        let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 64)
        defer { events.deallocate() }
        while shutdown.phase != .over {
            let count = poll.wait(into: events, milliseconds: waitTime())
            now = Clock.milliseconds()
            for i in 0..<count { dispatch(Int32(truncatingIfNeeded: events[i].data)) }
            reapOrphans()
            dueRetries()
            dueKills()
            control?.resume(self)
            heartbeats()
            checkAllowlistSync()
            checkCertificates()
            checkAcknowledgements()
            shutdownDue()
        }
        control?.remove()
        return exitCode
    }

    private func build() {
        let quick = RestartPolicy()
        // First, so that the certificates are there when the proxy asks for them. Who serves TLS can't do without it.
        if configuration.needsSigner {
            components.append(
                Component(role: .signer, isEssential: configuration.settings.secureProxy, policy: quick))
        }
        components += [
            Component(role: .dialer, isEssential: true, policy: quick),
            Component(role: .proxy, isEssential: true, policy: quick),
        ]
        if configuration.watchesPool {
            components.append(Component(role: .watcher, isEssential: false, policy: quick))
        }
        if configuration.settings.kvAgent {
            components.append(Component(role: .kvAgent, isEssential: false, policy: quick))
        }
        if configuration.settings.resolveNames {
            components.append(Component(role: .resolver, isEssential: false, policy: quick))
        }
        if adminListener != nil {
            components.append(Component(role: .admin, isEssential: false, policy: quick))
        }
    }

    private func waitTime() -> Int32 {
        var next = heartbeatAt
        for component in components where component.retryAt > 0 { next = min(next, component.retryAt) }
        for child in components.flatMap(\.processes) where child.killAt > 0 { next = min(next, child.killAt) }
        if configuration.watchesPool, allowlist.generation == 0 {
            let limit = Int64(configuration.settings.allowlistSyncTimeoutMilliseconds)
            if limit > 0 { next = min(next, startedAt + limit) }
        }
        if let deadline = acknowledgementDeadline { next = min(next, deadline) }
        if shutdownDeadline > 0 { next = min(next, shutdownDeadline) }
        if certificatesDueAt > 0 { next = min(next, certificatesDueAt) }
        if let control, control.resumeAt > 0 { next = min(next, control.resumeAt) }
        return Int32(clamping: max(0, next - now))
    }

    private func dispatch(_ fd: Int32) {
        switch watched[fd] {
        case .signals: readSignals()
        case .process(let child): processEnded(child)
        case .channel(let child): readChannel(child)
        case .log(let child): readLog(child)
        case .controlListener: control?.accept(self)
        case .controlClient: control?.serve(fd, self)
        case .certificates: certificates.watch.noteEvents(now: now)
        case nil: break
        }
    }

    func component(_ role: Role) -> Component? { components.first { $0.role == role } }

    /// A number below `bound`, to keep restarts of many pods from falling together.
    func jitter(_ bound: Int) -> Int {
        jitterState ^= jitterState << 13
        jitterState ^= jitterState >> 7
        jitterState ^= jitterState << 17
        return bound > 0 ? Int((jitterState ^ UInt64(bitPattern: now)) % UInt64(bound)) : 0
    }

    // MARK: Signals

    private func readSignals() {
        var signal = cl_signal()
        // Standard signals merge in the kernel; however many were sent, one order is left of each kind.
        var seen: Set<Int32> = []
        while cl_signalfd_read(signals, &signal) == 1 {
            guard signal.signal != SIGCHLD, seen.insert(signal.signal).inserted else { continue }
            act(on: signal)
        }
    }

    private func act(on signal: cl_signal) {
        let name = Death.name(of: signal.signal)
        let sender = [("signal", name), ("sender_pid", "\(signal.sender_pid)"), ("sender_uid", "\(signal.sender_uid)")]
        let realtime = cl_sigrtmin()
        switch signal.signal {
        case SIGTERM, SIGINT, SIGQUIT:
            log.write(.info, "asked to stop", sender)
            perform(shutdown.handle(.terminate))
        case SIGHUP: reload(sender)
        case SIGUSR1: restart(.watcher, sender)
        case SIGUSR2: restart(.proxy, sender)
        case realtime: restart(.kvAgent, sender)
        case realtime + 1: restart(.dialer, sender)
        default: break
        }
    }

    /// Reads again what can change while we run. Flags and environment can't; the resolver's files, certificates and a fixed
    /// allowlist can.
    private func reload(_ fields: [(String, String)]) {
        var what: [String] = []
        let resolvers = component(.resolver)?.processes ?? []
        for resolver in resolvers { sendHostFiles(to: resolver) }
        if !resolvers.isEmpty { what.append("resolv.conf and hosts") }
        if !certificates.identities.isEmpty || !certificates.authorities.isEmpty { what.append("certificates") }
        if configuration.settings.ssrfProtection && !configuration.settings.allowFile.isEmpty {
            what.append("the allowlist file")
        }
        let list = what.isEmpty ? "nothing in this configuration" : what.joined(separator: ", ")
        log.write(.info, "asked to reload: \(list) can be read again", fields)
        if what.contains("the allowlist file") { loadStaticAllowlist() }
        reloadCertificates()
    }

    private func restart(_ role: Role, _ fields: [(String, String)]) {
        switch requestRestart(role) {
        case .success: log.write(.info, "asked to restart \(role.name)", fields)
        case .failure(let reason): log.write(.warning, reason.text, fields)
        }
    }

    /// Why an order can't be carried out.
    struct Refusal: Error {
        let text: String
    }

    func requestRestart(_ role: Role) -> Result<Void, Refusal> {
        guard shutdown.phase == .running else {
            return .failure(Refusal(text: "the sidecar is stopping; nothing is restarted"))
        }
        guard let component = component(role) else {
            return .failure(Refusal(text: "\(role.name) can't be restarted: this configuration doesn't start it"))
        }
        if role == .kvAgent { restartKVAgent(component) } else { handle(.restartRequested, component) }
        return .success(())
    }

    // MARK: State for others

    /// Publishes the page and logs a change of readiness. Call after every change.
    func publish() {
        let ready =
            shutdown.phase == .running && !components.isEmpty && isAllowlistInForce && certificates.isUsable
            && components.allSatisfy { $0.isReady || isDispensable($0) }
        status.ready = ready
        // What is gone by, and not what is still on its way.
        status.allowlistGeneration = allowlistInForce
        status.allowlistEndpoints = UInt64(allowlist.endpoints)
        status.allowlistConfirmedAt = configuration.watchesPool ? allowlist.confirmedAt : 0
        status.missingWalls = UInt64(sandboxing.degraded.count)
        status.isProtected = configuration.settings.ssrfProtection
        describeCertificates()
        status.draining = shutdown.phase != .running
        status.droppedLogLines = log.dropped
        status.components = components.map { component in
            var row = ComponentStatus()
            row.role = component.role.rawValue
            row.instance = component.current?.instance ?? 0
            row.pid = component.current?.pid ?? 0
            row.ready = component.isReady
            row.restarts = component.machine.restarts
            row.failed = component.machine.actual == .failed
            return row
        }
        status.live = components.flatMap(\.processes).filter { $0.segment != nil }.map(\.instance)
        StatusPage.write(status, to: page)
        if ready && !wasReady {
            hasBeenReady = true
            let settings = configuration.settings
            log.write(
                .info, "ready",
                [
                    ("port", "\(settings.port)"), ("decoder", "\(settings.decoderHost):\(settings.decoderPort)"),
                    ("connector", settings.connector.rawValue),
                    ("ssrf_protection", settings.ssrfProtection ? "on" : "off"),
                    ("milliseconds", "\(now - startedAt)"),
                ])
        } else if !ready && wasReady && shutdown.phase == .running {
            log.write(.warning, "not ready any more")
        }
        wasReady = ready
    }

    /// Requests are served without it. Of a KV agent the first try is waited for, whatever becomes of it: a wall that it
    /// lacks is to end the start, and nothing that is serving.
    private func isDispensable(_ component: Component) -> Bool {
        if component.role == .kvAgent && !hasBeenReady && component.lastDeath == nil { return false }
        return !component.role.isNeededToServe
    }

    private func describeCertificates() {
        for identity in certificates.identities {
            let held = identity.machine.shown
            if identity.use == .serving {
                status.servingCertificateEnds = held?.ends ?? 0
                status.isSelfSigned = held?.isOwn ?? false
            } else {
                status.upstreamCertificateEnds = held?.ends ?? 0
            }
        }
    }

    static func outOfMemoryCount() -> Int {
        for path in ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"] {
            guard let text = Files.text(path, limit: 1024) else { continue }
            for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") {
                return Int(line.dropFirst("oom_kill ".utf8.count)) ?? 0
            }
        }
        return 0
    }
}
