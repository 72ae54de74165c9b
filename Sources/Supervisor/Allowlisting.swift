import Allowlist
import Configuration
import Glibc
import IPC
import Linux

/// The snapshot of the pool that is in force, as the supervisor keeps it: it outlives the watcher that made it and every
/// process that goes by it.
struct HeldAllowlist {
    /// The sealed memory file; -1 = there is none yet.
    var fd: Int32 = -1
    /// Counts up with each snapshot, whatever process it comes from; 0 = none yet.
    var generation: UInt64 = 0
    var endpoints = 0
    /// When it was last shown to be current, in milliseconds of the monotonic clock.
    var confirmedAt: Int64 = 0
    /// The watcher process that it came from and its number there; 0 = from the configuration.
    var instance: UInt32 = 0
    var sequence: UInt64 = 0
    /// When the last confirmation was passed on.
    var confirmationSentAt: Int64 = 0
}

/// Takes snapshots in, checks them, and hands them on: to the dialer first, whose check counts, and to the proxies once
/// the dialer goes by it.
extension Supervisor {
    /// The generation that both the dialer and the proxy go by; 0 = none yet.
    var allowlistInForce: UInt64 {
        min(component(.dialer)?.current?.allowlistInForce ?? 0, component(.proxy)?.current?.allowlistInForce ?? 0)
    }

    /// Is a snapshot in force, or is none needed?
    var isAllowlistInForce: Bool { !configuration.settings.ssrfProtection || allowlistInForce > 0 }

    func takeAllowlist(_ descriptor: Int32, _ sequence: UInt64, from child: ChildProcess) {
        guard place(of: child) != nil else { return }
        guard let snapshot = Snapshot(fd: descriptor) else {
            punish(child, .malformed("allowlist"))
            return
        }
        hold(descriptor, endpoints: snapshot.entryCount, instance: child.instance, sequence: sequence)
    }

    /// Keeps a copy of the descriptor and hands the snapshot on.
    func hold(_ descriptor: Int32, endpoints: Int, instance: UInt32, sequence: UInt64) {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else {
            log.write(.error, "a new snapshot of the pool is lost: \(Errno(errno)); the last one stays in force")
            return
        }
        if allowlist.fd >= 0 { close(allowlist.fd) }
        allowlist.fd = copy
        allowlist.generation += 1
        allowlist.endpoints = endpoints
        allowlist.instance = instance
        allowlist.sequence = sequence
        allowlist.confirmedAt = now
        log.write(
            .debug, "a new snapshot of the pool",
            [("generation", "\(allowlist.generation)"), ("endpoints", "\(endpoints)")])
        distributeAllowlist()
    }

    func confirmAllowlist(_ sequence: UInt64, from child: ChildProcess) {
        guard child.instance == allowlist.instance, sequence == allowlist.sequence else { return }
        allowlist.confirmedAt = now
        publish()
        guard configuration.settings.allowlistMaximumAgeMilliseconds > 0, now - allowlist.confirmationSentAt >= 200
        else { return }
        allowlist.confirmationSentAt = now
        let message = ToChild.allowlistConfirmed(generation: allowlist.generation, confirmedAt: now)
        for role in [Role.dialer, .kvAgent, .proxy] {
            for child in component(role)?.processes ?? [] where child.acknowledgement.sent == allowlist.generation {
                child.send(message)
            }
        }
    }

    /// A dialer or a proxy goes by a generation now.
    func allowlistInForce(_ generation: UInt64, at child: ChildProcess) {
        guard child.acknowledgement.hear(generation, now: now) else {
            punish(child, .malformed("allowlist-in-force"))
            return
        }
        distributeAllowlist()
        publish()
    }

    /// Hands the snapshot to every dialer that doesn't have it, and to proxies once the dialer in charge goes by it. A
    /// channel without room is tried again with the next snapshot, answer or heartbeat.
    func distributeAllowlist() {
        guard allowlist.generation > 0 else { return }
        for dialer in component(.dialer)?.processes ?? [] { sendAllowlist(to: dialer) }
        // It calls by itself and waits for nobody's acknowledgement.
        for agent in component(.kvAgent)?.processes ?? [] { sendAllowlist(to: agent) }
        // Without a dialer there is nobody to wait for, and nobody who could connect anywhere.
        if let dialer = component(.dialer)?.current, dialer.allowlistInForce < allowlist.generation { return }
        for proxy in component(.proxy)?.processes ?? [] { sendAllowlist(to: proxy) }
    }

    private func sendAllowlist(to child: ChildProcess) {
        child.acknowledgement.demand(allowlist.generation, now: now)
        guard child.acknowledgement.sent < allowlist.generation else { return }
        let message = ToChild.allowlist(generation: allowlist.generation, confirmedAt: allowlist.confirmedAt)
        if child.send(message, descriptor: allowlist.fd) { child.acknowledgement.send(allowlist.generation) }
    }

    /// The dialers that proxies wait for, or will.
    private var servingDialers: [ChildProcess] {
        (component(.dialer)?.processes ?? []).filter { $0.phase == .serving && $0.killedBecause == nil }
    }

    /// When the next of them must have said that it goes by what it was sent.
    var acknowledgementDeadline: Int64? {
        servingDialers.compactMap { $0.acknowledgement.deadline(readyAt: $0.readyAt) }.min()
    }

    /// Ends a dialer that keeps a snapshot to itself: the next one begins with it.
    func checkAcknowledgements() {
        for dialer in servingDialers where dialer.acknowledgement.isOverdue(readyAt: dialer.readyAt, now: now) {
            punish(
                dialer, .overdue("allowlist-in-force"),
                because: "it did not go by a new snapshot of the pool within \(Acknowledgement.patience / 1000) s")
        }
    }

    // MARK: What the watcher asks for

    /// Opens a file for the watcher, which has no right to open any, and passes it on unread. The path is opened anew
    /// each time: Kubernetes swaps these files by a symbolic link.
    func lendKubernetesFile(_ file: HostFile, to watcher: ChildProcess) {
        guard let path = configuration.kubernetesFile(file) else { return }
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else {
            watcher.send(.fileUnavailable(file, error: errno))
            return
        }
        watcher.send(.file(file), descriptor: fd)
        close(fd)
    }

    // MARK: Start

    /// Without a complete list of the pool there is nothing to serve by: the start ends, and says what was missing.
    func checkAllowlistSync() {
        let limit = Int64(configuration.settings.allowlistSyncTimeoutMilliseconds)
        guard configuration.watchesPool, limit > 0, allowlist.generation == 0, shutdown.phase == .running else {
            return
        }
        guard now - startedAt >= limit else { return }
        log.write(
            .error,
            "the inference pool could not be listed within --allowlist-sync-timeout; the watcher's lines above say why",
            [
                ("pool", "\(configuration.settings.poolNamespace)/\(configuration.settings.poolName)"),
                ("milliseconds", "\(now - startedAt)"),
            ])
        exitCode = .poolNotSynced
        perform(shutdown.handle(.essentialFailed))
    }

    /// Reads the configured allowlist (again). False: it can't be used; what was in force stays.
    @discardableResult
    func loadStaticAllowlist() -> Bool {
        guard configuration.settings.ssrfProtection, !configuration.watchesPool else { return true }
        do throws(StaticAllowlist.Mistake) {
            let entries = try StaticAllowlist.entries(configuration.settings)
            var builder = SnapshotBuilder()
            for entry in entries { builder.add(name: [], addresses: [entry.address], ports: [entry.port]) }
            let fd = try StaticAllowlist.seal(&builder)
            defer { close(fd) }
            hold(fd, endpoints: builder.count, instance: 0, sequence: 0)
            log.write(
                .info, "the allowlist was read",
                [("endpoints", "\(builder.count)"), ("generation", "\(allowlist.generation)")])
            return true
        } catch {
            log.write(.error, error.text)
            return false
        }
    }
}
