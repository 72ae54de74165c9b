import Glibc
import IPC
import Linux

/// What children say, and what is done about those that say what they may not.
extension Supervisor {
    func readChannel(_ child: ChildProcess) {
        // Bounded for each event: a child that floods us must not hold up the others.
        for _ in 0..<64 {
            switch child.channel.receive(FromChild.self) {
            case .nothing: return
            case .closed:
                // Its end follows, or the next heartbeat sees to that.
                child.hasClosedChannel = true
                if watched.removeValue(forKey: child.channel.fd) != nil { poll.remove(child.channel.fd) }
                return
            case .violation(let violation):
                punish(child, violation)
                return
            case .message(let message, let descriptor):
                defer { if descriptor >= 0 { close(descriptor) } }
                guard Permissions.allows(child.role, message, child.phase) else {
                    punish(child, .notAllowed(message.name))
                    return
                }
                hear(child, message, descriptor)
            }
        }
    }

    func punish(
        _ child: ChildProcess, _ violation: Frame.Violation, because reason: String = "it broke the protocol"
    ) {
        status.violations += 1
        log.write(
            .error, "\(child.role.name) broke the protocol and is ended",
            [("child_pid", "\(child.pid)"), ("violation", violation.description)])
        if watched.removeValue(forKey: child.channel.fd) != nil { poll.remove(child.channel.fd) }
        child.kill(because: reason)
        publish()
    }

    /// The descriptor is the caller's.
    private func hear(_ child: ChildProcess, _ message: FromChild, _ descriptor: Int32) {
        child.heardAt = now
        if child.isSilent {
            child.isSilent = false
            publish()
        }
        switch message {
        case .ready:
            guard child.phase == .starting, wallsStand(around: child) else { return }
            child.phase = .serving
            child.readyAt = now
            guard let (component, which) = place(of: child) else { return }
            handle(.ready(which), component)
        case .pong: break
        case .drained(let cut):
            child.cut = cut
            child.phase = .stopping
            child.killAt = now + Self.stopPatience
        case .fileWanted(let file): lendKubernetesFile(file, to: child)
        case .allowlist(let sequence): takeAllowlist(descriptor, sequence, from: child)
        case .allowlistConfirmed(let sequence): confirmAllowlist(sequence, from: child)
        case .violation(let number): child.reportedViolation = number
        case .unlinked(let sibling): replaceUnlinked(child, from: sibling)
        case .allowlistInForce(let generation): allowlistInForce(generation, at: child)
        case .keyJudged(let key, let verdict, let ends): keyJudged(key, verdict, ends, by: child)
        case .certificateMade(let key, let certificate): certificateMade(key, certificate, by: child)
        case .certificatesJudged(let use, let number, let failure):
            certificatesShown(use, number, failure, by: child)
        case .transferEnded(let result): transferEnded(result, at: child)
        }
    }

    /// Asked of the kernel before a child is given anything that others depend on: listening sockets above all.
    private func wallsStand(around child: ChildProcess) -> Bool {
        guard let missing = sandboxing.missingWall(child.role, child.pid) else { return true }
        status.wallFailures += 1
        let isRequired = configuration.settings.requireSandbox != .off
        log.write(
            isRequired ? .error : .warning,
            "\(child.role.name) \(isRequired ? "gets nothing to serve with: its" : "serves although its") walls don't"
                + " stand: \(missing)", [("child_pid", "\(child.pid)")])
        guard isRequired else { return true }
        child.kill(because: "its walls don't stand")
        refuseStart(child.role, missing)
        return false
    }

    /// A required wall that can't stand ends a start: trying again on this host ends the same way, and whoever deploys must
    /// hear it. Once the sidecar was ready, a process without its walls is replaced like any that breaks.
    func refuseStart(_ role: Role, _ missing: String) {
        guard !hasBeenReady, configuration.settings.requireSandbox != .off, shutdown.phase == .running else { return }
        log.write(
            .error,
            "not started, because a required wall is missing: \(role.name): \(missing); --require-sandbox=off serves"
                + " without it")
        exitCode = .missingSandbox
        perform(shutdown.handle(.essentialFailed))
    }

    /// A sibling that dies is replaced and linked anew long before two pings have passed. This one goes on, and one of the
    /// two is at fault. The child is replaced in order; if its successor loses the same process of the sibling too, that one
    /// is. (A child that was taken over won't say it, and stays cut off.)
    private func replaceUnlinked(_ child: ChildProcess, from role: Role) {
        guard shutdown.phase == .running, let (component, which) = place(of: child), which == .current,
            let other = self.component(role), let sibling = other.current, sibling.phase == .serving,
            // Otherwise the next heartbeat links them.
            child.linked[role] == sibling.instance,
            // Their channels may be on the way.
            now - max(child.readyAt, sibling.readyAt) >= Self.heartbeat,
            // It is said once for each ping.
            now - child.unlinkedFrom[role, default: 0] >= Self.heartbeat / 2
        else { return }
        if child.unlinkedFrom.updateValue(now, forKey: role) == nil {
            log.write(
                .error, "\(child.role.name) has lost its channel to the \(role.name)",
                [("child_pid", "\(child.pid)"), ("\(role.name)_pid", "\(sibling.pid)")])
            publish()
        }
        let isAgain = sibling.lostBy[child.role, default: child.instance] != child.instance
        let failed = isAgain ? other : component
        guard component.replacement == nil, other.replacement == nil,
            // One at a time: where too many drain the oldest is ended.
            failed.retired.isEmpty
        else { return }
        sibling.lostBy[child.role] = child.instance
        log.write(.warning, "\(failed.role.name) is replaced, because channels to the \(role.name) are lost")
        handle(.restartRequested, failed)
    }

    /// The component of a process, and which of its processes it is; nil for retired ones.
    func place(of child: ChildProcess) -> (Component, ComponentMachine.Which)? {
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
}
