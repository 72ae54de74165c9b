import CLinux
import Glibc
import IPC
import Linux
import Metrics

/// Carrying out what the machines decide about components.
extension Supervisor {
    /// Between pings, in milliseconds.
    static let heartbeat: Int64 = 5000
    /// Silence after which a child counts as not ready, and after which it is killed. Throttled pods are slow, not dead.
    private static let silenceUnready: Int64 = 12_000
    private static let silenceFatal: Int64 = 30_000
    /// From start to ready.
    private static let startPatience: Int64 = 30_000

    func handle(_ event: ComponentMachine.Event, _ component: Component) {
        switch component.machine.handle(event) {
        case .none: break
        case .spawn(let which): spawn(component, which)
        case .retry(let milliseconds):
            component.retryAt = now + Int64(milliseconds) + Int64(jitter(milliseconds / 4))
            // Nothing to wait for: no turn of the loop is lost.
            if milliseconds == 0 { dueRetries() }
        case .announceReady: announceReady(component)
        case .promote: promote(component)
        case .adoptReplacement:
            component.current = component.replacement
            component.replacement = nil
        case .abandonReplacement:
            log.write(.error, "the new \(component.role.name) did not become ready; the old one goes on serving")
            if let replacement = component.replacement {
                retire(replacement, component)
                replacement.kill(because: "it was to replace a process and did not become ready")
            }
            component.replacement = nil
        case .giveUp: giveUp(component)
        case .stopProcesses:
            component.retryAt = 0
            for child in component.processes { stop(child) }
        }
        publish()
    }

    private func giveUp(_ component: Component) {
        log.write(
            .error, "\(component.role.name) has failed for good",
            [
                ("early_deaths", "\(component.machine.earlyDeaths)"),
                ("last", component.lastDeath?.description ?? "unknown"),
                ("try", "routing-sidecar restart \(component.role.name)"),
            ])
        guard component.isEssential else { return }
        exitCode = .childFailed
        perform(shutdown.handle(.essentialFailed))
    }

    // MARK: Starting

    private func spawn(_ component: Component, _ which: ComponentMachine.Which) {
        component.retryAt = 0
        let instance = nextInstance
        nextInstance &+= 1
        let stripes = component.role == .proxy ? configuration.loops : 1
        var registered: ChildProcess?
        do throws(ChildProcess.SpawnFailure) {
            let child = try ChildProcess.spawn(
                component.role, instance: instance, directory: directory, stripes: stripes, now: now
            ) { (child: ChildProcess) throws(Errno) in
                registered = child
                switch which {
                case .current: component.current = child
                case .replacement: component.replacement = child
                }
                try watch(child)
            }
            equip(child, stripes: stripes)
            log.write(
                .debug, "started \(component.role.name)", [("instance", "\(instance)"), ("child_pid", "\(child.pid)")])
        } catch {
            switch error {
            case .resources(let error):
                log.write(.error, "\(component.role.name) can't be started at the moment: \(error)")
                if let registered { unwatch(registered) }
                forget(component, which)
                handle(.spawnLackedResources(which), component)
            case .neverRan(let death):
                // The child is dead already; its pidfd will say so. What it died of is known better here.
                component.lastDeath = death
                log.write(.error, "\(component.role.name) \(death)", [("directory", directory)])
            }
        }
    }

    private func forget(_ component: Component, _ which: ComponentMachine.Which) {
        switch which {
        case .current: component.current = nil
        case .replacement: component.replacement = nil
        }
    }

    private func watch(_ child: ChildProcess) throws(Errno) {
        try poll.add(child.pidfd, CL_IN, token: UInt64(child.pidfd))
        watched[child.pidfd] = .process(child)
        try poll.add(child.channel.fd, CL_IN, token: UInt64(child.channel.fd))
        watched[child.channel.fd] = .channel(child)
        try poll.add(child.log.fd, CL_IN, token: UInt64(child.log.fd))
        watched[child.log.fd] = .log(child)
    }

    private func unwatch(_ child: ChildProcess) {
        for fd in [child.pidfd, child.channel.fd, child.log.fd] where watched.removeValue(forKey: fd) != nil {
            poll.remove(fd)
        }
    }

    /// Gives a new child what it needs to become ready.
    private func equip(_ child: ChildProcess, stripes: Int) {
        switch child.role {
        case .dialer:
            child.send(.settings(configuration.dialer))
            child.send(.segment(stripes: UInt16(stripes)), descriptor: child.segmentFD)
            // A replacement is linked when it takes over; until then the old dialer serves.
            if component(.dialer)?.current === child { linkProxies(to: child) }
            linkResolver(component(.resolver)?.current, child)
        case .proxy:
            child.send(.settings(configuration.proxy))
            child.send(.segment(stripes: UInt16(stripes)), descriptor: child.segmentFD)
            if let dialer = component(.dialer)?.current { link(child, dialer) }
        case .admin:
            child.send(.settings(configuration.admin))
            child.send(.statusPage, descriptor: pageFD)
            for other in components.flatMap(\.processes) where other.segment != nil {
                child.send(.peerSegment(role: other.role, instance: other.instance), descriptor: other.segmentFD)
            }
        case .resolver:
            child.send(.settings(configuration.resolver))
            sendHostFiles(to: child)
            if component(.resolver)?.current === child { linkDialers(to: child) }
        case .supervisor, .watcher, .kvAgent, .signer: break
        }
        if child.segment != nil { tellAdmin(.peerSegment(role: child.role, instance: child.instance), child.segmentFD) }
    }

    private func tellAdmin(_ message: ToChild, _ descriptor: Int32 = -1) {
        for admin in component(.admin)?.processes ?? [] { admin.send(message, descriptor: descriptor) }
    }

    private func linkProxies(to dialer: ChildProcess) {
        for proxy in component(.proxy)?.processes ?? [] where proxy.linkedDialer != dialer.instance {
            link(proxy, dialer)
        }
    }

    private func linkDialers(to resolver: ChildProcess) {
        for dialer in component(.dialer)?.processes ?? [] { linkResolver(resolver, dialer) }
    }

    private func linkResolver(_ resolver: ChildProcess?, _ dialer: ChildProcess) {
        guard let resolver else { return }
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) {
            cl_socketpair($0.baseAddress!.assumingMemoryBound(to: Int32.self))
        }
        guard made == 0 else {
            log.write(.error, "the dialer can't be linked to the resolver: \(Errno(made))")
            return
        }
        resolver.send(.resolverClient, descriptor: ends.0)
        dialer.send(.resolver, descriptor: ends.1)
        close(ends.0)
        close(ends.1)
    }

    /// The resolver has no right to open a file, so it is handed the two it needs.
    func sendHostFiles(to resolver: ChildProcess) {
        for (file, path) in [(HostFile.resolvConf, "/etc/resolv.conf"), (.hosts, "/etc/hosts")] {
            var fd = open(path, O_RDONLY | O_CLOEXEC)
            if fd < 0 {
                log.write(.warning, "\(path) can't be read and is taken as empty: \(Errno(errno))")
                fd = open("/dev/null", O_RDONLY | O_CLOEXEC)
                if fd < 0 { continue }
            }
            resolver.send(.file(file), descriptor: fd)
            close(fd)
        }
    }

    /// One channel for each loop of a proxy, straight to the dialer; the supervisor keeps neither end.
    private func link(_ proxy: ChildProcess, _ dialer: ChildProcess) {
        for loop in 0..<configuration.loops {
            var ends: (Int32, Int32) = (-1, -1)
            let made = withUnsafeMutableBytes(of: &ends) {
                cl_socketpair($0.baseAddress!.assumingMemoryBound(to: Int32.self))
            }
            guard made == 0 else {
                log.write(.error, "a proxy can't be linked to the dialer: \(Errno(made))")
                return
            }
            dialer.send(.proxyChannel(proxyInstance: proxy.instance, loop: UInt16(loop)), descriptor: ends.0)
            proxy.send(.dialer(loop: UInt16(loop)), descriptor: ends.1)
            close(ends.0)
            close(ends.1)
        }
        proxy.linkedDialer = dialer.instance
    }

    private func announceReady(_ component: Component) {
        guard let child = component.current else { return }
        lendListener(to: child)
    }

    /// The replacement is ready: it takes over, and the old process finishes what it has.
    private func promote(_ component: Component) {
        guard let fresh = component.replacement else { return }
        let old = component.current
        component.current = fresh
        component.replacement = nil
        lendListener(to: fresh)
        if component.role == .dialer { linkProxies(to: fresh) }
        if component.role == .resolver { linkDialers(to: fresh) }
        if let old { retire(old, component) }
        log.write(
            .info, "\(component.role.name) was replaced",
            [("old_pid", "\(old?.pid ?? 0)"), ("new_pid", "\(fresh.pid)")])
    }

    private func lendListener(to child: ChildProcess) {
        let lent: Listener?
        switch child.role {
        case .proxy: lent = listener
        case .admin: lent = adminListener
        case .supervisor, .dialer, .watcher, .kvAgent, .signer, .resolver: lent = nil
        }
        guard let lent else { return }
        do throws(Errno) {
            let fd = try lent.forHandover()
            // One for each loop of a proxy: each closes its own when it drains.
            for _ in 0..<(child.role == .proxy ? configuration.loops : 1) { child.send(.listener, descriptor: fd) }
        } catch {
            log.write(.error, "the listening socket was gone and can't be bound again: \(error)")
            child.kill(because: "there is no listening socket for it")
        }
    }

    private func retire(_ child: ChildProcess, _ component: Component) {
        component.retired.append(child)
        switch child.role {
        case .proxy:
            child.phase = .draining
            child.send(.drain(deadlineMilliseconds: UInt32(clamping: configuration.settings.restartDrainMilliseconds)))
        case .dialer, .admin, .supervisor, .watcher, .kvAgent, .signer, .resolver: stop(child)
        }
        if component.retired.count > Component.mostRetired, let oldest = component.retired.first {
            log.write(
                .warning, "too many replaced processes still drain; the oldest is ended",
                [("child_pid", "\(oldest.pid)")])
            oldest.kill(because: "too many replaced processes were draining")
        }
    }

    func stop(_ child: ChildProcess) {
        child.phase = .stopping
        child.send(.stop)
    }

    // MARK: What children say

    func readChannel(_ child: ChildProcess) {
        // Bounded for each event: a child that floods us must not hold up the others.
        for _ in 0..<64 {
            switch child.channel.receive(FromChild.self) {
            case .nothing: return
            case .closed:
                // Its end follows; until then there is nothing more to hear.
                if watched.removeValue(forKey: child.channel.fd) != nil { poll.remove(child.channel.fd) }
                return
            case .violation(let violation):
                punish(child, violation)
                return
            case .message(let message, _):
                guard Permissions.allows(child.role, message, child.phase) else {
                    punish(child, .notAllowed(message.name))
                    return
                }
                hear(child, message)
            }
        }
    }

    private func punish(_ child: ChildProcess, _ violation: Frame.Violation) {
        status.violations += 1
        log.write(
            .error, "\(child.role.name) broke the protocol and is ended",
            [("child_pid", "\(child.pid)"), ("violation", violation.description)])
        if watched.removeValue(forKey: child.channel.fd) != nil { poll.remove(child.channel.fd) }
        child.kill(because: "it broke the protocol")
        publish()
    }

    private func hear(_ child: ChildProcess, _ message: FromChild) {
        child.heardAt = now
        if child.isSilent {
            child.isSilent = false
            publish()
        }
        switch message {
        case .ready:
            child.phase = .serving
            child.readyAt = now
            guard let (component, which) = place(of: child) else { return }
            handle(.ready(which), component)
        case .pong: break
        case .drained(let cut):
            child.cut = cut
            child.phase = .stopping
        }
    }

    /// The component of a process, and which of its processes it is; nil for retired ones.
    private func place(of child: ChildProcess) -> (Component, ComponentMachine.Which)? {
        guard let component = component(child.role) else { return nil }
        if component.current === child { return (component, .current) }
        if component.replacement === child { return (component, .replacement) }
        return nil
    }

    func readLog(_ child: ChildProcess) {
        if !child.log.read(into: &log, role: child.role, pid: child.pid, now: now) {
            if watched.removeValue(forKey: child.log.fd) != nil { poll.remove(child.log.fd) }
        }
    }

    // MARK: Deaths

    func processEnded(_ child: ChildProcess) {
        var report = cl_death()
        guard cl_wait_pidfd(child.pidfd, &report) == 1 else { return }
        // Its last words first, so that the log tells them in order.
        readChannel(child)
        readLog(child)
        unwatch(child)
        let kills = Self.outOfMemoryCount()
        let death = Death(report, killedBecause: child.killedBecause, outOfMemory: kills > outOfMemoryKills)
        outOfMemoryKills = kills
        fold(child)
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
            exitCode = .drainCut
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
        if let component = component(child.role) {
            status.live = components.flatMap(\.processes).filter { $0.segment != nil && $0 !== child }.map(\.instance)
            _ = component
        }
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

    // MARK: Time

    func dueRetries() {
        for component in components where component.retryAt > 0 && component.retryAt <= now {
            component.retryAt = 0
            handle(.retryDue, component)
        }
    }

    func heartbeats() {
        guard now >= heartbeatAt else { return }
        heartbeatAt = now + Self.heartbeat
        for child in components.flatMap(\.processes) where child.phase != .stopping {
            child.pingNumber &+= 1
            child.send(.ping(child.pingNumber))
            let silence = now - child.heardAt
            if child.phase == .starting && now - child.spawnedAt > Self.startPatience {
                child.kill(because: "it did not become ready within \(Self.startPatience / 1000) s")
            } else if silence > Self.silenceFatal {
                child.kill(because: "it was silent for \(Self.silenceFatal / 1000) s")
            } else if silence > Self.silenceUnready && !child.isSilent {
                child.isSilent = true
                log.write(.warning, "\(child.role.name) does not answer", [("child_pid", "\(child.pid)")])
                publish()
            }
        }
    }
}
