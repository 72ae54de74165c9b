import IPC
import Linux
import Metrics

/// Peers that read from us: carrying out what `Serve` decides.
extension KVAgentProcess {
    /// Peers that are heard at once, for each one that is served. Those that are heard and not served are told that we are
    /// busy; others are turned away without a word.
    private static let heardForEachServed = 2
    /// From a connection to its first words, and from there to what it wants.
    private static let firstWords: Int64 = 5_000

    func arrived(_ peer: UInt32, _ from: Endpoint) {
        guard !isEnding, policy.admits(from, now: now),
            serves.count < Self.heardForEachServed * Int(settings.mostTransfers),
            fabric.accept(peer)
        else {
            stripe.add(.transferPeersRefused)
            log(.warning, "a peer was turned away", [("peer", "\(from.address)")])
            fabric.close(peer)
            return
        }
        serves[peer] = ServeJob(peer, from: from, deadline: now + Self.firstWords)
    }

    func hear(_ frame: PeerMessage.Read, _ job: ServeJob) {
        switch frame {
        case .otherVersion: handle(.otherVersion, job)
        case .message(.hello):
            let served = serves.values.count { $0.life.state != .silent && $0.life.state != .leaving }
            handle(!isEnding && served < Int(settings.mostTransfers) ? .hello : .helloTooMany, job)
        case .message(.announce(let announcement)):
            job.request = announcement.request
            guard let length = announcement.length, region.holds(offset: announcement.offset, length: length) else {
                return handle(.announcedOutside, job)
            }
            job.offset = Int(announcement.offset)
            job.length = Int(length)
            handle(.announced, job)
        case .message(.verify): handle(.verify, job)
        case .message(.acknowledge(let outcome)): handle(outcome == .done ? .acknowledged : .gaveUp, job)
        case .malformed, .message(.welcome), .message(.accepted), .message(.refused), .message(.checksum):
            handle(.nonsense, job)
        }
    }

    func handle(_ event: Serve.Event, _ job: ServeJob) {
        switch job.life.handle(event) {
        case .none: break
        case .welcome:
            // The key is shorter than a message may have; `CU_KEY_LIMIT` says so too.
            let base = UInt64(UInt(bitPattern: region.base))
            fabric.send(.welcome(regionSize: UInt64(region.size), base: base, key: fabric.key), to: job.peer)
        case .refuseVersion: refuse(.version, job)
        case .refuseBusy: refuse(.busy, job)
        case .refuseRange: refuse(.range, job)
        case .accept:
            job.deadline = now + Int64(settings.patience)
            fabric.send(.accepted, to: job.peer)
        case .sum: sums.add(.peer(job.peer), offset: job.offset, length: job.length)
        case .tellChecksum: fabric.send(.checksum(job.checksum), to: job.peer)
        case .closeServed:
            stripe.add(.transfersServed)
            log(
                .debug, "a peer has read",
                [("peer", "\(job.from.address)"), ("request_id", job.request), ("bytes", "\(job.length)")]
            )
            letGo(job)
        case .close: letGo(job)
        case .cut:
            stripe.add(.transferPeersRefused)
            log(
                .warning, "a peer was cut off",
                [("peer", "\(job.from.address)"), ("after", "\(event)"), ("request_id", job.request)])
            letGo(job)
        case .forget: serves[job.peer] = nil
        }
    }

    private func refuse(_ reason: PeerRefusal, _ job: ServeJob) {
        stripe.add(.transferPeersRefused)
        log(
            .warning, "a peer was refused",
            [("peer", "\(job.from.address)"), ("reason", "\(reason)"), ("request_id", job.request)])
        fabric.send(.refused(reason), to: job.peer)
        job.deadline = now + Self.farewell
    }

    private func letGo(_ job: ServeJob) {
        sums.drop(.peer(job.peer))
        job.deadline = .max
        closing[job.peer] = now + Self.closingPatience
        fabric.close(job.peer)
    }
}
