import CLinux
import Glibc
import IPC
import Linux

/// Carrying out the orderly end.
extension Supervisor {
    /// How long a proxy may take beyond the drain's deadline to tell its clients.
    static let drainGrace: Int64 = 2000
    /// How long processes may take to end when told to.
    static let stopPatience: Int64 = 3000

    func perform(_ action: Shutdown.Action) {
        switch action {
        case .none: break
        case .beginPreDrain:
            let delay = Int64(configuration.settings.preDrainDelayMilliseconds)
            publish()
            if delay == 0 {
                perform(shutdown.handle(.preDrainOver))
            } else {
                log.write(.info, "not ready any more; still accepting", [("milliseconds", "\(delay)")])
                shutdownDeadline = now + delay
            }
        case .beginDrain: beginDrain()
        case .stopProcesses:
            publish()
            stopAll()
        case .killProcesses:
            publish()
            let serves =
                component(.proxy)?.processes.contains { $0.phase == .serving || $0.phase == .draining } ?? false
            if serves && exitCode == .ok { exitCode = .drainCut }
            for child in components.flatMap(\.processes) { child.kill(because: "the sidecar ends now") }
            for component in components { handle(.stop, component) }
            shutdownDeadline = now + Self.stopPatience
            checkGone()
        case .exit: log.write(.info, "ended", [("exit", "\(exitCode.rawValue) (\(exitCode.name))")])
        }
    }

    private func beginDrain() {
        let patience = configuration.settings.drainTimeoutMilliseconds
        log.write(.info, "draining", [("deadline_milliseconds", "\(patience)")])
        // Refuse, don't hang: with the last descriptor of the listener closed, the kernel answers new connections.
        listener.close()
        shutdownDeadline = now + Int64(patience) + Self.drainGrace
        if let proxy = component(.proxy) { handle(.letGo, proxy) }
        let proxies = component(.proxy)?.processes ?? []
        for proxy in proxies {
            if proxy.phase == .serving || proxy.phase == .draining {
                proxy.phase = .draining
                proxy.send(.drain(deadlineMilliseconds: UInt32(clamping: max(1, patience))))
            } else {
                stop(proxy)
            }
        }
        publish()
        if !proxies.contains(where: { $0.phase == .draining }) { perform(shutdown.handle(.drained)) }
    }

    private func stopAll() {
        shutdownDeadline = now + Self.stopPatience
        for component in components.reversed() { handle(.stop, component) }
        checkGone()
    }

    private func checkGone() {
        if components.allSatisfy(\.processes.isEmpty) { perform(shutdown.handle(.processesGone)) }
    }

    func shutdownDue() {
        guard shutdownDeadline > 0, now >= shutdownDeadline else { return }
        shutdownDeadline = 0
        switch shutdown.phase {
        case .preDrain: perform(shutdown.handle(.preDrainOver))
        case .draining:
            log.write(.error, "the proxy did not finish its drain in time")
            perform(shutdown.handle(.drainOverdue))
        case .stopping: perform(shutdown.handle(.stopOverdue))
        case .running, .over: break
        }
    }
}
