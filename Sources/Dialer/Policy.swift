import Allowlist
import IPC
import Linux

/// What the dialer connects to and what it never connects to. Pure: addresses in, a verdict out. This check is the one
/// that counts; whatever the proxy believes makes no difference here.
struct Policy {
    let settings: DialerSettings
    /// Addresses of this host's interfaces: our own pod.
    let own: [Address]
    /// The members of the pool; nil until the first snapshot has come.
    var allowlist: Snapshot?
    /// The snapshot's generation; 0 = none yet.
    var generation: UInt64 = 0
    /// When the snapshot was last shown to be current, in milliseconds of the monotonic clock.
    var confirmedAt: Int64 = 0

    init(settings: DialerSettings, own: [Address]) {
        self.settings = settings
        self.own = own
    }

    /// Nil: allowed. A prefiller named by a request. What is always refused is refused first: a snapshot that names it
    /// changes nothing.
    func refusal(of target: Endpoint, now: Int64) -> DialRefusal? {
        if settings.forbids(target, own: own) { return .forbiddenAddress }
        return settings.protection ? outsideAllowlist(target, now) : nil
    }

    private func outsideAllowlist(_ target: Endpoint, _ now: Int64) -> DialRefusal? {
        guard let allowlist else { return .allowlistMissing }
        let limit = Int64(settings.allowlistMaximumAge)
        if limit > 0 && now - confirmedAt > limit { return .allowlistStale }
        switch allowlist.verdict(on: target) {
        case .allowed: return nil
        case .addressNotAllowed: return .notInPool
        case .portNotAllowed: return .portNotAllowed
        }
    }
}
