import CLinux
import Glibc
import IPC
import Linux
import Metrics

/// Carrying out what the machines decide about components.
extension Supervisor {
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
            if let adopted = component.current { link(current: adopted) }
        case .abandonReplacement:
            log.write(.error, "the new \(component.role.name) did not become ready; the old one goes on serving")
            // What only the new one knew of goes with it.
            if component.role == .signer, let signer = component.current { giveKeys(to: signer) }
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
                component.role, instance: instance, directory: directory, sandboxing: sandboxing, stripes: stripes,
                now: now
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
                if let missing = death.missingWall {
                    status.wallFailures += 1
                    refuseStart(component.role, missing)
                }
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

    func unwatch(_ child: ChildProcess) {
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
            linkResolver(component(.resolver)?.current, child)
            distributeAllowlist()
        case .proxy:
            child.send(.settings(configuration.proxy))
            child.send(.segment(stripes: UInt16(stripes)), descriptor: child.segmentFD)
            if let dialer = component(.dialer)?.current { link(child, dialer) }
            if let signer = component(.signer)?.current { link(child, signer) }
            sendCertificates(to: child)
            distributeAllowlist()
        case .admin:
            child.send(.settings(configuration.admin))
            child.send(.statusPage, descriptor: readablePageFD)
            for other in components.flatMap(\.processes) where other.segment != nil {
                child.send(
                    .peerSegment(role: other.role, instance: other.instance), descriptor: other.readableSegmentFD)
            }
        case .resolver:
            child.send(.settings(configuration.resolver))
            sendHostFiles(to: child)
        case .watcher:
            child.send(.settings(configuration.watcher))
            child.send(.segment(stripes: UInt16(stripes)), descriptor: child.segmentFD)
        case .signer:
            equipSigner(child)
        case .kvAgent: equipKVAgent(child, stripes: stripes)
        case .supervisor: break
        }
        // A replacement is linked when it takes over; until then the old one serves.
        if component(child.role)?.current === child { link(current: child) }
        if child.segment != nil {
            tellAdmin(.peerSegment(role: child.role, instance: child.instance), child.readableSegmentFD)
        }
    }

    /// Links whoever is in charge now to those that ask it. A signer has its keys before, in the same channel: when it hears
    /// of a loop it has what the loop asks for.
    private func link(current child: ChildProcess) {
        switch child.role {
        case .dialer, .signer: linkProxies(to: child)
        case .resolver: linkDialers(to: child)
        case .supervisor, .proxy, .admin, .watcher, .kvAgent: break
        }
    }

    func tellAdmin(_ message: ToChild, _ descriptor: Int32 = -1) {
        for admin in component(.admin)?.processes ?? [] { admin.send(message, descriptor: descriptor) }
    }

    /// With each heartbeat: what could not be linked when it began.
    func linkTheUnlinked() {
        for role in [Role.dialer, .signer] {
            if let other = component(role)?.current, other.phase != .stopping { linkProxies(to: other) }
        }
        if let resolver = component(.resolver)?.current, resolver.phase != .stopping { linkDialers(to: resolver) }
    }

    private func linkProxies(to other: ChildProcess) {
        for proxy in component(.proxy)?.processes ?? [] where proxy.linked[other.role] != other.instance {
            link(proxy, other)
        }
    }

    private func linkDialers(to resolver: ChildProcess) {
        for dialer in component(.dialer)?.processes ?? [] where dialer.linked[.resolver] != resolver.instance {
            linkResolver(resolver, dialer)
        }
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
        let isLinked =
            resolver.send(.resolverClient, descriptor: ends.0) && dialer.send(.resolver, descriptor: ends.1)
        close(ends.0)
        close(ends.1)
        if !isLinked { return }
        dialer.linked[.resolver] = resolver.instance
        dialer.unlinkedFrom[.resolver] = nil
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

    /// One channel for each loop of a proxy, straight to the dialer or the signer; the supervisor keeps neither end.
    private func link(_ proxy: ChildProcess, _ other: ChildProcess) {
        for loop in 0..<configuration.loops {
            var ends: (Int32, Int32) = (-1, -1)
            let made = withUnsafeMutableBytes(of: &ends) {
                cl_socketpair($0.baseAddress!.assumingMemoryBound(to: Int32.self))
            }
            guard made == 0 else {
                log.write(.error, "a proxy can't be linked to the \(other.role.name) at the moment: \(Errno(made))")
                return
            }
            let (forOther, forProxy): (ToChild, ToChild) =
                other.role == .signer
                ? (.signerClient, .signer(loop: UInt16(loop)))
                : (.proxyChannel(proxyInstance: proxy.instance, loop: UInt16(loop)), .dialer(loop: UInt16(loop)))
            let isLinked = other.send(forOther, descriptor: ends.0) && proxy.send(forProxy, descriptor: ends.1)
            close(ends.0)
            close(ends.1)
            // Its channel is full, or it is gone. A later channel takes the place of an earlier one, so all are made again.
            if !isLinked { return }
        }
        proxy.linked[other.role] = other.instance
        proxy.unlinkedFrom[other.role] = nil
    }

    private func announceReady(_ component: Component) {
        guard let child = component.current else { return }
        lendListener(to: child)
        if component.role == .proxy { updateCertificates(of: child) }
    }

    /// The replacement is ready: it takes over, and the old process finishes what it has.
    private func promote(_ component: Component) {
        guard let fresh = component.replacement else { return }
        let old = component.current
        component.current = fresh
        component.replacement = nil
        if component.role == .dialer { distributeAllowlist() }
        lendListener(to: fresh)
        link(current: fresh)
        if component.role == .proxy { updateCertificates(of: fresh) }
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
            if !lent.isSound { endHolders(of: lent, but: child) }
            let fd = try lent.forHandover()
            // One for each loop of a proxy: each closes its own when it drains.
            for _ in 0..<(child.role == .proxy ? configuration.loops : 1) { child.send(.listener, descriptor: fd) }
        } catch {
            log.write(.error, "the listening socket was gone and can't be bound again: \(error)")
            child.kill(because: "there is no listening socket for it")
        }
    }

    /// A listener that was shut down, or that somebody put a filter on, is held by a process that isn't ours any more.
    private func endHolders(of listener: Listener, but child: ChildProcess) {
        for other in component(child.role)?.processes ?? [] where other !== child {
            other.kill(because: "the listening socket that it holds was tampered with")
        }
        log.write(.error, "a listening socket was shut down or has a filter; it is made anew")
    }

    private func retire(_ child: ChildProcess, _ component: Component) {
        component.retired.append(child)
        switch child.role {
        case .proxy:
            child.phase = .draining
            let patience = configuration.settings.restartDrainMilliseconds
            child.send(.drain(deadlineMilliseconds: UInt32(clamping: patience)))
            // Who was taken over doesn't end by itself. Without a limit it may be said to be busy for as long as it likes.
            if patience > 0 { child.killAt = now + Int64(patience) + Self.drainGrace }
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
        child.killAt = now + Self.stopPatience
        child.send(.stop)
    }
}
