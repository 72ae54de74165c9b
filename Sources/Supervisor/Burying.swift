import CLinux
import IPC
import Linux
import Metrics

/// Children that have ended: what they died of, their counts, and what follows. And what is due by the clock.
extension Supervisor {
    /// Between pings, in milliseconds.
    static let heartbeat: Int64 = 5000
    /// Silence after which a child counts as not ready, and after which it is killed. Throttled pods are slow, not dead.
    private static let silenceUnready: Int64 = 12_000
    private static let silenceFatal: Int64 = 30_000
    /// From start to ready.
    private static let startPatience: Int64 = 30_000

    func processEnded(_ child: ChildProcess) {
        var report = cl_death()
        guard cl_wait_pidfd(child.pidfd, &report) == 1 else { return }
        // Its last words first, so that the log tells them in order.
        readChannel(child)
        readLog(child)
        unwatch(child)
        let kills = Self.outOfMemoryCount()
        let death = Death(
            report, killedBecause: child.killedBecause, outOfMemory: kills > outOfMemoryKills,
            reportedViolation: child.reportedViolation)
        if case .sandboxViolation = death { status.sandboxDeaths += 1 }
        if case .exited = death, let missing = death.missingWall {
            status.wallFailures += 1
            refuseStart(child.role, missing)
        }
        outOfMemoryKills = kills
        fold(child)
        if child.role == .kvAgent { failTransfers(of: child) }
        bury(child, death)
        if shutdown.phase == .draining && !(component(.proxy)?.processes.contains { $0.phase == .draining } ?? false) {
            perform(shutdown.handle(.drained))
        }
        if shutdown.phase == .stopping && components.allSatisfy(\.processes.isEmpty) {
            perform(shutdown.handle(.processesGone))
        }
    }

    private func bury(_ child: ChildProcess, _ death: Death) {
        guard let component = component(child.role) else { return }
        let expected = child.phase == .stopping || (child.phase == .draining && death == .exited(0))
        log.write(
            expected ? .info : .error, "\(child.role.name) ended: \(death)",
            [("child_pid", "\(child.pid)"), ("instance", "\(child.instance)")])
        if child.cut > 0 {
            log.write(.warning, "requests were cut at the drain deadline", [("count", "\(child.cut)")])
            // Not by a restart, long before the end.
            if shutdown.phase != .running && exitCode == .ok { exitCode = .drainCut }
        }
        if let index = component.retired.firstIndex(where: { $0 === child }) {
            component.retired.remove(at: index)
            publish()
            return
        }
        guard let (_, which) = place(of: child) else { return }
        if component.lastDeath == nil || !isNeverRan(component.lastDeath) || child.readyAt > 0 {
            component.lastDeath = death
        }
        switch which {
        case .current: component.current = nil
        case .replacement: component.replacement = nil
        }
        let lived = child.readyAt > 0 ? now - child.readyAt : nil
        handle(.died(which, fatal: death.isFatal, livedReady: lived), component)
    }

    private func isNeverRan(_ death: Death?) -> Bool {
        if case .neverRan = death { return true }
        return false
    }

    /// Takes a dead process's counts over. Page first, then the order to the admin process: it never counts twice.
    private func fold(_ child: ChildProcess) {
        guard let segment = child.segment else { return }
        segment.add(to: &status.carried, gauges: false)
        status.live = components.flatMap(\.processes).filter { $0.segment != nil && $0 !== child }.map(\.instance)
        StatusPage.write(status, to: page)
        tellAdmin(.peerGone(instance: child.instance))
    }

    /// Children of children that ended, which the kernel gives to us.
    func reapOrphans() {
        var dead = cl_death()
        // The peek shows our own dead too, and always the same first one; those are left to their pidfd.
        for _ in 0..<1024 where cl_peek_dead(&dead) == 1 {
            if components.flatMap(\.processes).contains(where: { $0.pid == dead.pid }) { return }
            _ = cl_wait_pid(dead.pid, &dead)
        }
    }

    /// A proxy that was taken over can shut the shared listener down, or put a filter on it. It is ended, and the next one
    /// gets a new socket.
    private func checkListeners() {
        guard shutdown.phase == .running else { return }
        for (role, listener) in [(Role.proxy, listener), (.admin, adminListener)] {
            guard let listener, !listener.isSound, let current = component(role)?.current, current.phase == .serving
            else { continue }
            for child in component(role)?.processes ?? [] {
                child.kill(because: "the listening socket that it holds was tampered with")
            }
        }
    }

    // MARK: Time

    func dueRetries() {
        for component in components where component.retryAt > 0 && component.retryAt <= now {
            component.retryAt = 0
            handle(.retryDue, component)
        }
    }

    func dueKills() {
        for child in components.flatMap(\.processes) where child.killAt > 0 && child.killAt <= now {
            child.killAt = 0
            child.kill(because: "it did not end when told to")
        }
    }

    func heartbeats() {
        guard now >= heartbeatAt else { return }
        let late = now - heartbeatAt
        heartbeatAt = now + Self.heartbeat
        // Who comes so late was stopped itself, and so were its children: a pod that is frozen and goes on ends nobody.
        if late > Acknowledgement.ownDelay { for child in components.flatMap(\.processes) { child.excuse(late) } }
        distributeAllowlist()
        reviewCertificates()
        linkTheUnlinked()
        checkListeners()
        for child in components.flatMap(\.processes) where child.phase != .stopping {
            // What isn't said any more isn't so.
            for (sibling, saidAt) in child.unlinkedFrom where now - saidAt > 2 * Self.heartbeat + Self.heartbeat / 2 {
                child.unlinkedFrom[sibling] = nil
            }
            child.pingNumber &+= 1
            child.send(.ping(child.pingNumber))
            let silence = now - child.heardAt
            if child.hasClosedChannel {
                child.kill(because: "it closed its control channel and went on")
            } else if child.phase == .starting && now - child.startedAt > Self.startPatience {
                child.kill(because: "it did not become ready within \(Self.startPatience / 1000) s")
            } else if silence > Self.silenceFatal {
                child.kill(because: "it was silent for \(Self.silenceFatal / 1000) s")
            } else if silence > Self.silenceUnready && !child.isSilent {
                child.isSilent = true
                log.write(.warning, "\(child.role.name) does not answer", [("child_pid", "\(child.pid)")])
            }
        }
        // Silence, links made late and marks that have run out change who is ready, and nothing else may happen for long.
        publish()
    }
}
