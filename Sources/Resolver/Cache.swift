/// What was learned lately. Short-lived on purpose: it takes the load of a busy second off the servers, and a pod that
/// has moved is found again within half a minute.
struct Cache {
    /// Names that are remembered.
    static let mostNames = 1024
    /// Seconds that addresses are remembered at least and at most, whatever their records say.
    static let lifetimes: ClosedRange<UInt32> = 1...30
    /// Seconds that the absence of a name is remembered.
    static let negativeLifetime: UInt32 = 1

    private struct Entry {
        let outcome: Outcome
        /// Milliseconds on the monotonic clock.
        let expiry: Int64
    }

    private var entries: [HostName: Entry] = [:]

    /// Names held at present, the stale ones included.
    var count: Int { entries.count }

    /// What is known of a name, `now` in milliseconds.
    func outcome(of name: HostName, now: Int64) -> Outcome? {
        guard let entry = entries[name], entry.expiry > now else { return nil }
        return entry.outcome
    }

    /// Remembers an outcome. A server that did not answer says nothing of a name, so failures are forgotten at once.
    mutating func store(_ outcome: Outcome, for name: HostName, now: Int64) {
        let seconds: UInt32
        switch outcome {
        case .addresses(_, let lifetime):
            seconds = min(max(lifetime, Self.lifetimes.lowerBound), Self.lifetimes.upperBound)
        case .failed(.notFound): seconds = Self.negativeLifetime
        case .failed(.timedOut), .failed(.serverFailure), .failed(.tooMany): return
        }
        if entries[name] == nil && entries.count >= Self.mostNames { makeRoom(now) }
        entries[name] = Entry(outcome: outcome, expiry: now + Int64(seconds) * 1000)
    }

    /// Forgets everything: the host's files have changed.
    mutating func clear() { entries.removeAll() }

    private mutating func makeRoom(_ now: Int64) {
        entries = entries.filter { $0.value.expiry > now }
        guard entries.count >= Self.mostNames else { return }
        // The one that has least left to live is worth least.
        if let victim = entries.min(by: { $0.value.expiry < $1.value.expiry }) { entries[victim.key] = nil }
    }
}
