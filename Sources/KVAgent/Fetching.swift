import IPC
import Linux
import Metrics

/// Transfers that we were asked for: carrying out what `Fetch` decides.
extension KVAgentProcess {
    /// How long a peer is given to take our last word, in milliseconds.
    static let farewell: Int64 = 500
    /// How long UCX may take to let go of an endpoint.
    static let closingPatience: Int64 = 10_000

    func begin(_ order: KVTransfer) {
        now = Clock.milliseconds()
        if let refusal = refusal(of: order) { return finish(KVResult(id: order.id, outcome: refusal), order) }
        switch fabric.connect(order.peer) {
        case .full: finish(KVResult(id: order.id, outcome: .tooMany), order)
        case .failed: finish(KVResult(id: order.id, outcome: .unreachable), order)
        case .begun(let peer):
            fetches[peer] = FetchJob(
                order, peer: peer, begunAt: Clock.nanoseconds(), deadline: now + Int64(order.deadlineMilliseconds))
            fabric.send(.hello, to: peer)
        }
    }

    private func refusal(of order: KVTransfer) -> KVOutcome? {
        if isEnding { return .agentLost }
        guard region.holds(offset: order.localOffset, length: order.length), order.blockSize > 0,
            order.length % UInt64(order.blockSize) == 0
        else { return .invalidRange }
        if fetches.values.count(where: { !$0.isTold }) >= Int(settings.mostTransfers) { return .tooMany }
        // Two at once would leave of the range whatever came last.
        if fetches.values.contains(where: { !$0.isTold && overlap($0.order, order) }) { return .invalidRange }
        return policy.refusal(of: order.peer, now: now)
    }

    private func overlap(_ one: KVTransfer, _ other: KVTransfer) -> Bool {
        // Both are inside the region, so the sums are numbers.
        one.localOffset < other.localOffset + other.length && other.localOffset < one.localOffset + one.length
    }

    // MARK: What happens

    func hear(_ frame: PeerMessage.Read, _ job: FetchJob) {
        switch frame {
        case .otherVersion, .message(.refused(.version)): handle(.incompatible, job)
        case .message(.welcome(let size, let base, let key)): welcomed(job, size, base, key)
        case .message(.accepted): handle(.accepted, job)
        case .message(.refused(.range)): handle(.refusedRange, job)
        case .message(.refused(.busy)): handle(.refusedBusy, job)
        case .message(.checksum(let checksum)):
            handle(checksum == job.checksum ? .peerSumMatches : .peerSumDiffers, job)
        case .malformed, .message(.hello), .message(.announce), .message(.verify), .message(.acknowledge):
            handle(.nonsense, job)
        }
    }

    private func welcomed(_ job: FetchJob, _ size: UInt64, _ base: UInt64, _ key: [UInt8]) {
        guard job.life.state == .connecting else { return handle(.nonsense, job) }
        guard key == fabric.key else { return handle(.incompatible, job) }
        let order = job.order
        guard Region.range(order.remoteOffset, order.length, isInside: size) else {
            return handle(.refusedRange, job)
        }
        let (remote, overflow) = base.addingReportingOverflow(order.remoteOffset)
        let (_, beyond) = remote.addingReportingOverflow(order.length)
        guard !overflow, !beyond, fabric.trust(job.peer) else { return handle(.incompatible, job) }
        job.remote = remote
        handle(.welcomed, job)
    }

    func got(_ job: FetchJob, _ piece: UInt32, _ status: Int32) {
        job.running -= 1
        if status == 0 { job.read += job.length(ofPiece: piece) }
        if job.running == 0 { handle(.drained, job) }
        guard status == 0 else { return handle(.readFailed, job) }
        guard job.life.state == .reading else { return }
        if job.read == job.order.length { handle(.allRead, job) } else { readOn(job) }
    }

    /// Asks for pieces until enough are on their way.
    private func readOn(_ job: FetchJob) {
        while job.running < FetchJob.window, let (offset, length) = job.nextPiece() {
            job.running += 1
            let isBegun = fabric.get(
                job.peer, remote: job.remote + offset, local: Int(job.order.localOffset + offset), length: Int(length),
                piece: UInt32(offset / FetchJob.piece))
            if !isBegun { return handle(.readFailed, job) }
        }
    }

    func summed(_ owner: Sums.Owner, _ checksum: UInt32) {
        switch owner {
        case .fetch(let peer):
            guard let job = fetches[peer] else { return }
            job.checksum = checksum
            switch job.order.check {
            case .verify: handle(.sumKnown, job)
            case .expect(let expected): handle(expected == checksum ? .sumMatches : .sumDiffers, job)
            }
        case .peer(let peer):
            guard let job = serves[peer] else { return }
            job.checksum = checksum
            handle(.summed, job)
        }
    }

    // MARK: What follows

    func handle(_ event: Fetch.Event, _ job: FetchJob) {
        let order = job.order
        switch job.life.handle(event) {
        case .none: break
        case .announce:
            fabric.send(
                .announce(
                    Announcement(
                        request: order.request, blocks: order.length / UInt64(order.blockSize),
                        blockSize: order.blockSize, offset: order.remoteOffset)), to: job.peer)
        case .read: readOn(job)
        case .drain:
            linger(job)
            if job.running == 0 { handle(.drained, job) }
        case .sum: sums.add(.fetch(job.peer), offset: Int(order.localOffset), length: Int(order.length))
        case .askChecksum: fabric.send(.verify, to: job.peer)
        case .conclude(let outcome):
            fabric.send(.acknowledge(outcome), to: job.peer)
            linger(job)
            report(job, outcome)
        case .abandon: letGo(job)
        case .close: letGo(job)
        case .report(let outcome):
            report(job, outcome)
            fetches[job.peer] = nil
        case .forget: fetches[job.peer] = nil
        }
    }

    private func linger(_ job: FetchJob) {
        job.isLingering = true
        job.deadline = now + Self.farewell
    }

    private func letGo(_ job: FetchJob) {
        sums.drop(.fetch(job.peer))
        job.deadline = .max
        closing[job.peer] = now + Self.closingPatience
        fabric.close(job.peer)
    }

    private func report(_ job: FetchJob, _ outcome: KVOutcome) {
        guard !job.isTold else { return }
        job.isTold = true
        finish(
            KVResult(
                id: job.order.id, outcome: outcome, bytes: job.read, checksum: job.checksum,
                microseconds: (Clock.nanoseconds() - job.begunAt) / 1000), job.order)
    }

    private func finish(_ result: KVResult, _ order: KVTransfer) {
        // The supervisor keeps count of what ends with us.
        if result.outcome != .agentLost { stripe.add(.transfers(result.outcome)) }
        if result.outcome == .done { stripe.add(.transferBytes, Int(result.bytes)) }
        log(
            result.outcome == .done ? .debug : .warning, "a transfer has ended",
            [
                ("result", result.outcome.name), ("peer", "\(order.peer)"), ("request_id", order.request),
                ("bytes", "\(result.bytes)"), ("microseconds", "\(result.microseconds)"),
            ])
        tell(.transferEnded(result))
    }
}
