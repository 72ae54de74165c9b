import Allowlist
import CLinux
import HTTP
import IPC
import Linux
import Metrics

/// The allowlist as the loops share it: never changed, only replaced.
final class AllowlistInForce: Sendable {
    let snapshot: Snapshot
    let generation: UInt64
    /// When it was last shown to be current, in milliseconds of the monotonic clock.
    let confirmedAt: Int64

    init(_ snapshot: Snapshot, generation: UInt64, confirmedAt: Int64) {
        self.snapshot = snapshot
        self.generation = generation
        self.confirmedAt = confirmedAt
    }
}

/// Which loops go by which generation: the supervisor is told of one once all of them do.
final class AllowlistProgress: @unchecked Sendable {
    // Sound: one word for each loop, written by that loop alone through atomic stores.
    private let generations: UnsafeMutablePointer<UInt64>
    private let loops: Int

    init(loops: Int) {
        self.loops = loops
        generations = .allocate(capacity: loops)
        generations.initialize(repeating: 0, count: loops)
    }

    func note(_ generation: UInt64, loop: Int) { cl_store_release(generations + loop, generation) }

    /// The generation that every loop goes by, at least.
    var least: UInt64 { (0..<loops).map { cl_load_acquire(generations + $0) }.min() ?? 0 }
}

/// A prefiller that may be tried.
struct PrefillChoice: Equatable {
    var endpoint: Endpoint
    /// A name that the dialer looks up; `endpoint` has only its port then.
    var name = ""
    /// What the request calls it, where that is a name and not an address: its certificate must bear it.
    var host = ""
}

/// Which of the prefillers that a request names may be tried. The dialer asks itself the same and is the one that
/// counts; here it is asked first so that a refusal costs nothing and names its reason.
extension Loop {
    /// What became of a request's candidates.
    enum Admission {
        case none
        case choices(first: PrefillChoice, others: [PrefillChoice])
        case malformed
        case refused(DialRefusal)
    }

    func admitPrefillers(_ bytes: UnsafeRawBufferPointer, _ client: UnsafeMutablePointer<Client>) -> Admission {
        guard let candidates = PrefillCandidates.parse(head, bytes) else { return .malformed }
        if candidates.first == .none { return .none }
        if candidates.others.isEmpty, case .endpoint(let endpoint) = candidates.first {
            return admitSingle(endpoint, client)
        }
        var choices: [PrefillChoice] = []
        var refusal = DialRefusal.notInPool
        var isFirst = true
        func consider(_ choice: PrefillChoice) {
            guard let reason = choice.name.isEmpty ? outsideAllowlist(choice.endpoint) : nil else {
                choices.append(choice)
                return
            }
            if isFirst { refusal = reason }
            isFirst = false
            countBlocked(reason)
            logBlocked(choice.endpoint.description, reason, client)
        }
        for target in [candidates.first] + candidates.others {
            switch target {
            case .endpoint(let endpoint): consider(PrefillChoice(endpoint: endpoint))
            case .localhost(let port):
                consider(PrefillChoice(endpoint: Endpoint(.loopback4, port), host: "localhost"))
                consider(PrefillChoice(endpoint: Endpoint(.loopback6, port), host: "localhost"))
            case .name(let name, let port):
                let members = addresses(ofPod: name)
                for address in members { consider(PrefillChoice(endpoint: Endpoint(address, port), host: name)) }
                if !members.isEmpty { continue }
                guard settings.resolveNames else { return .malformed }
                consider(PrefillChoice(endpoint: Endpoint(.any, port), name: name, host: name))
            case .none, .malformed: return .malformed
            }
        }
        guard !choices.isEmpty else { return .refused(refusal) }
        if settings.samplePrefillers && choices.count > 1 {
            let start = Int.random(in: 0..<choices.count)
            choices = Array(choices[start...] + choices[..<start])
        }
        return .choices(first: choices[0], others: Array(choices.dropFirst()))
    }

    /// The one endpoint of nearly every request, without an allocation.
    private func admitSingle(_ endpoint: Endpoint, _ client: UnsafeMutablePointer<Client>) -> Admission {
        if let reason = outsideAllowlist(endpoint) {
            countBlocked(reason)
            logBlocked(endpoint.description, reason, client)
            return .refused(reason)
        }
        return .choices(first: PrefillChoice(endpoint: endpoint), others: [])
    }

    /// Nil: the endpoint may be called.
    func outsideAllowlist(_ endpoint: Endpoint) -> DialRefusal? {
        guard settings.protection else { return nil }
        // Before the first snapshot has come here it may have come to the dialer, which knows.
        guard let allowlist else { return nil }
        let limit = Int64(settings.allowlistMaximumAge)
        if limit > 0 && now - allowlist.confirmedAt > limit { return .allowlistStale }
        switch allowlist.snapshot.verdict(on: endpoint) {
        case .allowed: return nil
        case .addressNotAllowed: return .notInPool
        case .portNotAllowed: return .portNotAllowed
        }
    }

    private func addresses(ofPod name: String) -> [Address] {
        guard let allowlist else { return [] }
        var name = name
        return name.withUTF8 { allowlist.snapshot.addresses(ofPod: UnsafeRawBufferPointer($0)) }
    }

    func countBlocked(_ reason: DialRefusal) {
        switch reason {
        case .notInPool: stripe.add(.blockedNotInPool)
        case .portNotAllowed: stripe.add(.blockedPort)
        case .allowlistMissing, .allowlistStale: stripe.add(.blockedNoAllowlist)
        case .forbiddenAddress, .connectionRefused, .timedOut, .unreachable, .tooMany, .noResources, .dialerLost,
            .nameNotFound, .nameTimedOut:
            break
        }
    }

    /// At most ten lines a minute; the counters have them all.
    func logBlocked(_ target: String, _ reason: DialRefusal, _ client: UnsafeMutablePointer<Client>) {
        guard blockedLog.mayLog(now: now) else { return }
        ChildLog.write(
            .warning, "a prefill target was refused",
            [("target", target), ("reason", reason.name), ("client", client.pointee.peer.description)])
    }

    /// The same for a value that names no target at all.
    func logMalformed(_ bytes: UnsafeRawBufferPointer, _ client: UnsafeMutablePointer<Client>) {
        guard blockedLog.mayLog(now: now), head.prefiller >= 0 else { return }
        let span = head[head.prefiller].value
        let value = bytes[Int(span.start)..<Int(span.start + min(span.count, 200))]
        ChildLog.write(
            .warning, "a prefill target was refused",
            [
                ("target", String(decoding: value, as: UTF8.self)), ("reason", "malformed"),
                ("client", client.pointee.peer.description),
            ])
    }

    // MARK: Revocation

    /// A new snapshot, or a new confirmation of the one in force.
    func adopt(_ allowlist: AllowlistInForce) {
        let isNew = self.allowlist?.generation != allowlist.generation
        self.allowlist = allowlist
        guard isNew else { return }
        revoke()
        onAdopted?(allowlist.generation)
    }

    /// Idle connections to what has left the pool end at once, and so do those whose handshake isn't done. Busy ones end
    /// with their leg, or now (a setting).
    private func revoke() {
        for endpoint in Array(pool.prefillers.keys) where outsideAllowlist(endpoint) != nil {
            while let top = pool.prefillers[endpoint]?.top, top >= 0 {
                stripe.add(.revoked)
                closeUpstream(upstreams + Int(top))
            }
        }
        forEachClient { client in
            guard client.pointee.upstream >= 0 else { return }
            let upstream = upstreams + Int(client.pointee.upstream)
            guard upstream.pointee.purpose == .prefiller, let reason = outsideAllowlist(upstream.pointee.endpoint)
            else {
                return
            }
            if upstream.pointee.phase == .handshake {
                // Its leg hasn't begun, and must not: another candidate may be called instead.
                stripe.add(.revoked)
                refuse(upstream, client, reason)
                return
            }
            upstream.pointee.isSpent = true
            guard settings.cutRevoked else { return }
            stripe.add(.revoked)
            perform(client.pointee.life.handle(.revoked), client)
        }
    }
}
