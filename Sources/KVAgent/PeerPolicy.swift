import Allowlist
import IPC
import Linux

/// Whom the agent calls, and who may call it. Pure: addresses in, a verdict out. It binds this process while it is ours;
/// once it is somebody else's, Landlock's ports are what is left of it.
struct PeerPolicy {
    let settings: KVAgentSettings
    /// Addresses of this host's interfaces.
    let own: [Address]
    /// The members of the pool; nil until the first snapshot has come.
    var allowlist: Snapshot?
    /// When the snapshot was last shown to be current, in milliseconds of the monotonic clock.
    var confirmedAt: Int64 = 0

    init(settings: KVAgentSettings, own: [Address]) {
        self.settings = settings
        self.own = own
    }

    /// Why a peer isn't called; nil = it is.
    func refusal(of peer: Endpoint, now: Int64) -> KVOutcome? {
        if settings.reach.forbids(peer, own: own) { return .forbiddenAddress }
        guard settings.firstPeerPort <= peer.port, peer.port <= settings.lastPeerPort else { return .portNotAllowed }
        return isMember(peer.address, now) ? nil : .notInPool
    }

    /// May somebody at this address read from us? UCX proves nobody's identity: the address is all there is.
    func admits(_ caller: Endpoint, now: Int64) -> Bool {
        !settings.reach.forbids(caller, own: own) && isMember(caller.address, now)
    }

    private func isMember(_ address: Address, _ now: Int64) -> Bool {
        guard settings.reach.protection else { return true }
        let limit = Int64(settings.reach.allowlistMaximumAge)
        if limit > 0 && now - confirmedAt > limit { return false }
        // Agents listen on ports of their own, which no pool declares.
        return allowlist?.holds(address) ?? false
    }
}
