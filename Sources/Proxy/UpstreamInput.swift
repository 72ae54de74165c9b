import CLinux
import Glibc
import HTTP
import IPC
import JSON
import Linux
import Metrics

/// Reading answers: the head, interim answers, and what the leg's purpose makes of the body.
extension Loop {
    /// Interim answers to one leg before the upstream is considered broken.
    private static let mostInterim = 16
    /// How soon a stale connection shows, in milliseconds.
    private static let staleTime: Int64 = 1000

    func upstreamEvent(_ upstream: UnsafeMutablePointer<Upstream>, _ events: UInt32) {
        if upstream.pointee.phase == .idle {
            // Whatever an idle connection has to say (it ends, or bytes nobody asked for): it is of no more use. The
            // first event of a connection only says that it can be written to.
            if events & (CL_IN | CL_RDHUP | CL_HUP | CL_ERR) != 0 { closeUpstream(upstream) }
            return
        }
        if events & (CL_RDHUP | CL_HUP | CL_ERR) != 0 { upstream.pointee.ended = true }
        if upstream.pointee.phase == .handshake {
            shakeHands(upstream)
            return
        }
        let generation = upstream.pointee.generation
        if events & CL_OUT != 0, upstream.pointee.client >= 0 {
            let client = clients + Int(upstream.pointee.client)
            if upstream.pointee.phase == .tunnel {
                guard tunnelFlushUpstream(upstream, client) else { return }
            } else if events & (CL_ERR | CL_HUP) == 0 {
                continueSending(upstream, client)
            }
        }
        guard upstream.pointee.generation == generation, upstream.pointee.phase != .free else { return }
        if events & (CL_IN | CL_RDHUP | CL_HUP | CL_ERR) != 0 { upstream.pointee.readable = true }
        // With TLS also when it can be written to: TLS may have had to send before it could read on.
        if upstream.pointee.readable { readUpstream(upstream) }
    }

    /// Reads as long as there is input, the client keeps up, and this connection's turn lasts.
    func readUpstream(_ upstream: UnsafeMutablePointer<Upstream>) {
        let generation = upstream.pointee.generation
        var budget = Self.readBudget
        while upstream.pointee.readable {
            guard upstream.pointee.client >= 0 else { return }
            let client = clients + Int(upstream.pointee.client)
            // Back-pressure: what the client hasn't taken stays with the upstream.
            if !client.pointee.pending.isEmpty { return }
            if budget == 0 {
                resumeLater(upstream)
                return
            }
            budget -= 1
            let n = receive(from: upstream.pointee.fd, upstream.pointee.tls, readBuffer)
            if n == -Int(EINTR) { continue }
            if n == -Int(EALREADY) { return }
            if n == -Int(EAGAIN) {
                upstream.pointee.readable = false
                return
            }
            if n == -Int(EPROTO) {
                tlsFailed(upstream, client)
                return
            }
            if n <= 0 {
                upstream.pointee.ended = true
                upstreamEnded(upstream, client, failed: n < 0)
                return
            }
            if isEmptied(by: n, of: Self.readSize, upstream.pointee.tls) && !upstream.pointee.ended {
                upstream.pointee.readable = false
            }
            upstream.pointee.answering = true
            take(upstream, client, UnsafeRawBufferPointer(start: readBuffer.baseAddress, count: n))
            guard upstream.pointee.generation == generation, upstream.pointee.phase != .free,
                upstream.pointee.phase != .idle
            else { return }
        }
    }

    private func take(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        switch upstream.pointee.phase {
        case .waiting: takeHead(upstream, client, bytes)
        case .collecting: collect(upstream, client, bytes)
        case .relaying: relay(upstream, client, bytes)
        case .tunnel: tunnelToClient(upstream, client, bytes)
        case .handshake, .idle, .free: break
        }
    }

    /// The upstream has closed, or its connection has failed.
    private func upstreamEnded(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>, failed: Bool
    ) {
        if upstream.pointee.phase == .tunnel {
            closeUpstream(upstream)
            client.pointee.upstream = -1
            finishRequestOfTunnel(client)
            return
        }
        if !failed, upstream.pointee.phase == .relaying || upstream.pointee.phase == .collecting,
            upstream.pointee.reader.framing == .untilClose
        {
            upstream.pointee.keepsAlive = false
            if upstream.pointee.phase == .relaying {
                completeRelay(upstream, client)
            } else {
                completeCollecting(upstream, client)
            }
            return
        }
        upstreamLost(upstream)
    }

    /// The connection is of no more use before its answer was whole.
    func upstreamLost(_ upstream: UnsafeMutablePointer<Upstream>) {
        guard upstream.pointee.client >= 0 else {
            closeUpstream(upstream)
            return
        }
        let client = clients + Int(upstream.pointee.client)
        // A connection that had gone stale shows it at once. One that ends later had its request, which may be what
        // ended it: sending that again would do no good.
        let stale =
            upstream.pointee.reused && !upstream.pointee.answering && now - upstream.pointee.assignedAt < Self.staleTime
        upstream.pointee.client = -1
        client.pointee.upstream = -1
        closeUpstream(upstream)
        if !stale { stripe.add(.errorsNetwork) }
        perform(client.pointee.life.handle(.lost(stale: stale)), client)
    }

    // MARK: Heads

    private func takeHead(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        if upstream.pointee.input.isEmpty {
            parseHeads(upstream, client, bytes, kept: false)
        } else {
            guard upstream.pointee.input.append(bytes) else {
                upstreamBroken(upstream)
                return
            }
            // The bytes must stay where they are while the rest of the answer is handled.
            var kept = upstream.pointee.input
            upstream.pointee.input = Buffer()
            parseHeads(upstream, client, kept.bytes, kept: true)
            kept.free()
        }
    }

    private func parseHeads(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer, kept: Bool
    ) {
        var at = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
            switch Head.end(of: rest, from: at == 0 ? upstream.pointee.scanned : 0) {
            case .incomplete:
                upstream.pointee.scanned = rest.count
                if !upstream.pointee.input.append(rest) { upstreamBroken(upstream) }
                return
            case .failed:
                upstreamBroken(upstream)
                return
            case .complete(let count):
                let headBytes = UnsafeRawBufferPointer(rebasing: rest[..<count])
                guard answerHead.parseResponse(headBytes) == nil else {
                    upstreamBroken(upstream)
                    return
                }
                at += count
                upstream.pointee.scanned = 0
                if answerHead.status < 200 && !(answerHead.status == 101 && client.pointee.wantsUpgrade) {
                    upstream.pointee.interim += 1
                    // 101 without having been asked, or a flood: not a peer to go on with.
                    guard answerHead.status != 101, upstream.pointee.interim <= Self.mostInterim else {
                        upstreamBroken(upstream)
                        return
                    }
                    continue
                }
                let body = UnsafeRawBufferPointer(rebasing: bytes[at...])
                headArrived(upstream, client, headBytes, body)
                return
            }
        }
    }

    /// The answer isn't HTTP as it must be. Not a stale connection, whatever its past.
    func upstreamBroken(_ upstream: UnsafeMutablePointer<Upstream>) {
        stripe.add(.errorsHTTP)
        upstream.pointee.answering = true
        upstreamLost(upstream)
    }

    private func headArrived(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ headBytes: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
    ) {
        let success = (200..<300).contains(answerHead.status)
        upstream.pointee.keepsAlive = answerHead.keepsAlive && client.pointee.outgoing.isSent
        upstream.pointee.reader = BodyReader.response(answerHead, toHead: client.pointee.isHeadRequest)
        if answerHead.status == 101 {
            _ = client.pointee.life.handle(.answered(success: true))
            beginTunnel(upstream, client, headBytes, body)
            return
        }
        switch client.pointee.life.handle(.answered(success: success)) {
        case .collectHandoff:
            upstream.pointee.phase = .collecting
            let limit = settings.prefillAnswerLimit
            if answerHead.contentLength > 0 && UInt64(answerHead.contentLength) > limit {
                perform(client.pointee.life.handle(.answerTooLarge), client)
                return
            }
            collect(upstream, client, body)
        case .relay:
            // A prefiller's refusal must come within the prefill timeout as well; a decoder takes its time.
            if upstream.pointee.purpose == .decoder { endDeadline(of: client) }
            beginRelay(upstream, client, headBytes, body)
        case .none, .acquire, .sendLeg, .fail, .cut, .cancel, .finish: upstreamBroken(upstream)
        }
    }

    // MARK: The prefiller's answer

    private func collect(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        guard let handoff = client.pointee.handoff else { return }
        var offset = 0
        while !upstream.pointee.reader.isDone {
            switch upstream.pointee.reader.next(bytes, &offset) {
            case .needMore: return
            case .fault:
                upstreamBroken(upstream)
                return
            case .end: break
            case .data(let start, let count):
                if UInt64(handoff.pointee.answer.count + count) > settings.prefillAnswerLimit {
                    perform(client.pointee.life.handle(.answerTooLarge), client)
                    return
                }
                let data = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
                guard charge(client, count), handoff.pointee.answer.append(data) else {
                    perform(client.pointee.life.handle(.answerTooLarge), client)
                    return
                }
            }
        }
        // Bytes behind the answer: the connection is not to be trusted with another leg.
        if offset < bytes.count { upstream.pointee.keepsAlive = false }
        completeCollecting(upstream, client)
    }

    private func completeCollecting(_ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>)
    {
        guard let handoff = client.pointee.handoff else { return }
        client.pointee.upstream = -1
        park(upstream)
        handoff.pointee.answeredAt = now
        stripe.observe(.prefill, microseconds: UInt64(max(0, now - handoff.pointee.sentAt)) * 1000)
        endDeadline(of: client)
        perform(client.pointee.life.handle(.handoff(judge(handoff, client))), client)
    }

    /// What the handoff is worth. Decoders exit on malformed ones, so nothing that is not known to be usable passes.
    private func judge(
        _ handoff: UnsafeMutablePointer<Handoff>, _ client: UnsafeMutablePointer<Client>
    ) -> RequestLife.HandoffVerdict {
        let answer = handoff.pointee.answer.bytes
        let fault = handoffScanner.scan(
            answer, acceptNested: settings.acceptNestedBlockIds, acceptFlat: settings.acceptFlatBlockIds)
        handoff.pointee.cachedTokens = handoffScanner.cachedTokens
        switch fault {
        case .none:
            guard hostIsTrusted(handoff, answer) else {
                logHandoff(
                    handoff,
                    settings.handoffHostCheck == .pool
                        ? "remote_host is neither the prefiller that was called nor a member of the pool; set"
                            + " VLLM_NIXL_SIDE_CHANNEL_HOST on it"
                        : "remote_host is not the prefiller that was called; set VLLM_NIXL_SIDE_CHANNEL_HOST on it")
                return .invalid
            }
            if settings.protection && handoffScanner.namesOtherAddresses {
                logHandoff(handoff, "besides remote_host it names addresses that can't be checked")
                return .invalid
            }
            handoff.pointee.params = handoffScanner.handoff
            return .usable
        case .absent:
            if settings.failWithoutHandoff { return .missing }
            stripe.add(.handoffAbsent)
            return .decodeWithout
        default:
            logHandoff(handoff, "\(fault)")
            return .invalid
        }
    }

    private func hostIsTrusted(_ handoff: UnsafeMutablePointer<Handoff>, _ answer: UnsafeRawBufferPointer) -> Bool {
        switch settings.handoffHostCheck {
        case .off: return true
        case .prefiller: return remoteHost(answer) == handoff.pointee.target.address
        case .pool:
            guard let address = remoteHost(answer) else { return false }
            return address == handoff.pointee.target.address || allowlist?.snapshot.holds(address) == true
        }
    }

    private func remoteHost(_ answer: UnsafeRawBufferPointer) -> Address? {
        Address.parse(UnsafeRawBufferPointer(rebasing: answer[handoffScanner.remoteHost]))
    }

    private func logHandoff(_ handoff: UnsafeMutablePointer<Handoff>, _ reason: String) {
        ChildLog.write(
            .warning, "a prefiller's handoff was refused",
            [
                ("reason", reason), ("prefiller", handoff.pointee.target.description),
                ("request_id", String(decoding: handoff.pointee.requestID.bytes, as: UTF8.self)),
            ])
    }
}
