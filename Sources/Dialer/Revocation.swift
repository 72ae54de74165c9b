import Allowlist
import Glibc
import IPC
import Linux
import Metrics

/// A new snapshot of the pool: from now on it alone decides, for dials that are under way too.
extension DialerProcess {
    /// Takes over a snapshot that came as a descriptor, and closes the descriptor. One that isn't sound in every byte
    /// changes nothing: the last one stays in force, and the supervisor learns of it by the missing answer.
    func adopt(_ descriptor: Int32, _ generation: UInt64, _ confirmedAt: Int64) {
        defer { close(descriptor) }
        guard generation > policy.generation else { return }
        guard let snapshot = Snapshot(fd: descriptor) else {
            ChildLog.write(.error, "a snapshot of the pool is not what it must be; the last one stays in force")
            return
        }
        policy.allowlist = snapshot
        policy.generation = generation
        policy.confirmedAt = confirmedAt
        revokeDials()
        _ = control.send(FromChild.allowlistInForce(generation: generation))
    }

    /// Ends dials to what has left the pool while they were under way, and connections that no proxy has taken yet.
    private func revokeDials() {
        for (token, dial) in dials where dial.purpose == .prefiller {
            guard let refusal = policy.refusal(of: dial.target, now: now) else { continue }
            abandon(token)
            count(refusal)
            stripe.add(.dialsRevoked)
            refuse(dial.channel, dial.id, refusal)
        }
        for client in clients.values {
            client.revoke { target in
                guard let refusal = policy.refusal(of: target, now: now) else { return nil }
                count(refusal)
                stripe.add(.dialsRevoked)
                return refusal
            }
        }
    }

    /// Counts a refusal where a proxy that has been taken over can't reach the count.
    func count(_ refusal: DialRefusal) {
        switch refusal {
        case .notInPool: stripe.add(.dialsRefusedNotInPool)
        case .portNotAllowed: stripe.add(.dialsRefusedPort)
        case .allowlistMissing, .allowlistStale: stripe.add(.dialsRefusedNoAllowlist)
        case .forbiddenAddress: stripe.add(.dialsRefusedPolicy)
        case .connectionRefused, .timedOut, .unreachable, .tooMany, .noResources, .dialerLost, .nameNotFound,
            .nameTimedOut:
            break
        }
    }

    /// At most ten lines a minute; the counters have them all.
    func logRefusal(_ target: Endpoint, _ refusal: DialRefusal) {
        guard refusals.mayLog(now: now) else { return }
        let why =
            switch refusal {
            case .notInPool: "it is no member of the inference pool"
            case .portNotAllowed: "the address is a member's, but the port is not one that may be called"
            case .allowlistMissing: "no snapshot of the inference pool has come yet"
            case .allowlistStale: "the last snapshot of the inference pool is too old (--allowlist-max-age)"
            default: "it is an address that is never dialled"
            }
        ChildLog.write(
            .warning, "a prefill target was refused: \(why)",
            [("target", target.description), ("reason", refusal.name)])
    }
}
