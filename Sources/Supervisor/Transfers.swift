import CLinux
import Glibc
import IPC
import Linux
import Metrics

/// Transfers that the KV agent has been ordered to carry out, and who waits for them.
struct Transfers {
    /// The memory that blocks are moved in. The supervisor keeps it, so that it outlives the agent; -1 = there is none.
    private(set) var regionFD: Int32 = -1
    private(set) var regionSize: UInt64 = 0
    private var lastID: UInt32 = 0
    /// By number: the control client that waits, and the agent that is at work.
    private(set) var running: [UInt32: (client: Int32, instance: UInt32)] = [:]

    /// Makes the region. It can't grow, shrink or lose its seals: an agent that maps it can't be ended by its size.
    mutating func makeRegion(size: Int) throws(Errno) {
        regionFD = try Errno.check(cl_segment_create("kv-region", size))
        regionSize = UInt64(size)
    }

    mutating func add(client: Int32, instance: UInt32) -> UInt32 {
        lastID &+= 1
        running[lastID] = (client, instance)
        return lastID
    }

    /// The client that waits for a transfer, once.
    mutating func take(_ id: UInt32, of instance: UInt32) -> Int32? {
        guard let found = running[id], found.instance == instance else { return nil }
        running[id] = nil
        return found.client
    }

    /// Everything that ran in an agent that has ended.
    mutating func takeAll(of instance: UInt32) -> [(id: UInt32, client: Int32)] {
        let lost = running.filter { $0.value.instance == instance }.map { (id: $0.key, client: $0.value.client) }
        for (id, _) in lost { running[id] = nil }
        return lost.sorted { $0.id < $1.id }
    }

    func isWaited(for client: Int32) -> Bool { running.values.contains { $0.client == client } }

    /// A client that waits no longer.
    mutating func forget(client: Int32) -> (id: UInt32, instance: UInt32)? {
        guard let found = running.first(where: { $0.value.client == client }) else { return nil }
        running[found.key] = nil
        return (found.key, found.value.instance)
    }
}

extension Supervisor {
    /// The region, if this configuration has an agent. Fails for lack of descriptors.
    func prepareTransfers() throws(Errno) {
        guard configuration.settings.kvAgent else { return }
        try transfers.makeRegion(size: configuration.settings.kvRegionBytes)
    }

    /// Gives a new agent what it needs.
    func equipKVAgent(_ child: ChildProcess, stripes: Int) {
        child.send(.settings(configuration.kvAgent))
        child.send(.segment(stripes: UInt16(stripes)), descriptor: child.segmentFD)
        child.send(.kv(.region(size: transfers.regionSize)), descriptor: transfers.regionFD)
        distributeAllowlist()
    }

    /// Orders a transfer for a control client, who is answered when it has ended. Otherwise why it can't even begin.
    func order(_ wanted: KVTransfer, for client: Int32) -> Refusal? {
        guard let component = component(.kvAgent) else {
            return Refusal(text: "there is no KV agent: this configuration doesn't start one (--kv-agent)")
        }
        guard shutdown.phase == .running, let agent = component.current, agent.phase == .serving else {
            return Refusal(text: "the KV agent is not ready; 'routing-sidecar status' shows why")
        }
        var transfer = wanted
        let longest = UInt32(clamping: configuration.settings.kvTransferTimeoutMilliseconds)
        transfer.deadlineMilliseconds =
            wanted.deadlineMilliseconds == 0 ? longest : min(longest, wanted.deadlineMilliseconds)
        transfer.id = transfers.add(client: client, instance: agent.instance)
        if agent.send(.kv(.transfer(transfer))) { return nil }
        _ = transfers.take(transfer.id, of: agent.instance)
        return Refusal(text: "the KV agent has more to do than it takes; try again")
    }

    /// A transfer has ended, says the agent.
    func transferEnded(_ result: KVResult, at agent: ChildProcess) {
        guard let client = transfers.take(result.id, of: agent.instance) else { return }
        if result.outcome == .agentLost { countLost(1) }
        answer(client, .done(text: Self.text(result)))
    }

    /// An agent is gone, and with it all that ran in it: whoever waits is told at once.
    func failTransfers(of agent: ChildProcess) {
        let lost = transfers.takeAll(of: agent.instance)
        guard !lost.isEmpty else { return }
        log.write(.warning, "transfers ended with the KV agent", [("count", "\(lost.count)")])
        countLost(lost.count)
        for (id, client) in lost { answer(client, .done(text: Self.text(KVResult(id: id, outcome: .agentLost)))) }
    }

    /// Counted here whoever says it: the agent's own counters can't say it any more.
    private func countLost(_ count: Int) { status.carried[Counter.transfers(.agentLost).index] &+= UInt64(count) }

    /// A control client is gone; nobody wants its transfer any more.
    func cancelTransfer(of client: Int32) {
        guard let (id, instance) = transfers.forget(client: client) else { return }
        let agent = component(.kvAgent)?.processes.first { $0.instance == instance }
        agent?.send(.kv(.cancel(id: id)))
    }

    private func answer(_ client: Int32, _ answer: ControlAnswer) { control?.answer(client, answer, self) }

    private static func text(_ result: KVResult) -> String {
        let hex = String(result.checksum, radix: 16)
        let checksum = String(repeating: "0", count: 8 - hex.utf8.count) + hex
        return "{\"result\":\"\(result.outcome.name)\",\"bytes\":\(result.bytes),\"checksum\":\"\(checksum)\","
            + "\"microseconds\":\(result.microseconds)}"
    }

    /// An agent can't be replaced while it lives, as the others can: UCX binds its port itself and takes no socket from
    /// us. The old one is told to end, and its end leads to the next.
    func restartKVAgent(_ component: Component) {
        // One that starts, or is to be started, has nothing that a restart could rid it of.
        guard let agent = component.current, component.machine.actual == .running else {
            return handle(.restartRequested, component)
        }
        // Orders that come while one is being carried out are the same order.
        guard agent.phase != .stopping else { return }
        stop(agent)
    }
}
