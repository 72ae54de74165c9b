import CLinux
import Glibc
import HTTP
import IPC
import JSON
import Linux
import Metrics

/// Does what `RequestLife` decides.
extension Loop {
    func perform(_ action: RequestLife.Action, _ client: UnsafeMutablePointer<Client>) {
        switch action {
        case .none, .collectHandoff, .relay: break
        case .acquire(let purpose, let fresh): acquire(client, purpose, fresh: fresh)
        case .sendLeg: sendLeg(client)
        case .fail(let failure): fail(client, failure)
        case .cut: cut(client)
        case .cancel: cancel(client)
        case .finish: finishRequest(client)
        }
    }

    private func endpoint(_ client: UnsafeMutablePointer<Client>, _ purpose: DialPurpose) -> Endpoint {
        switch purpose {
        case .decoder: Endpoint(.any, 0)
        case .prefiller: client.pointee.handoff?.pointee.target ?? Endpoint(.any, 0)
        }
    }

    /// Gets a connection: from the pool if there is one, else from the dialer.
    private func acquire(_ client: UnsafeMutablePointer<Client>, _ purpose: DialPurpose, fresh: Bool) {
        if fresh {
            stripe.add(.retries)
        } else if purpose == .decoder && client.pointee.handoff != nil && !buildDecodeLeg(client) {
            // Out of memory for the leg: as good as no connection.
            perform(client.pointee.life.handle(.refused(.noResources)), client)
            return
        }
        client.pointee.outgoing.rewind()
        let endpoint = endpoint(client, purpose)
        // A name's address isn't known here, so a name is dialled each time.
        let isNamed =
            purpose == .prefiller
            && (client.pointee.handoff?.pointee.name.isEmpty == false || isProvenByName(client.pointee.handoff))
        if !fresh, !isNamed, let upstream = takeIdle(purpose, endpoint) {
            stripe.add(.upstreamReused)
            assign(upstream, to: client)
            perform(client.pointee.life.handle(.connected), client)
            return
        }
        if let refusal = dials.dial(client, purpose, endpoint, self) {
            perform(client.pointee.life.handle(.refused(refusal)), client)
        }
    }

    /// The prefiller could not be reached: goes on with the next one that the request names. False: there is none, or it
    /// isn't the prefiller's fault.
    func tryNextPrefiller(_ client: UnsafeMutablePointer<Client>, after reason: DialRefusal) -> Bool {
        switch reason {
        case .tooMany, .noResources, .dialerLost: return false
        case .forbiddenAddress, .connectionRefused, .timedOut, .unreachable, .nameNotFound, .nameTimedOut, .notInPool,
            .portNotAllowed, .allowlistMissing, .allowlistStale:
            break
        }
        guard let handoff = client.pointee.handoff, let next = handoff.pointee.others.popLast() else { return false }
        handoff.pointee.target = next.endpoint
        handoff.pointee.name = next.name
        handoff.pointee.host = next.host
        acquire(client, .prefiller, fresh: false)
        return true
    }

    /// Leg 2: the client's own bytes with the handoff in them.
    private func buildDecodeLeg(_ client: UnsafeMutablePointer<Client>) -> Bool {
        guard let handoff = client.pointee.handoff else { return false }
        var writer = HeadWriter(scratch)
        let head = handoff.pointee.decodeHead.bytes
        writer.append(head.baseAddress!, head.count)
        pieces.removeAll()
        let answer = handoff.pointee.answer.bytes
        let params =
            handoff.pointee.params.isEmpty ? nil : UnsafeRawBufferPointer(rebasing: answer[handoff.pointee.params])
        guard handoff.pointee.plan.plan(client.pointee.body.bytes.baseAddress!, handoff: params, into: &pieces) else {
            return false
        }
        return buildLeg(client, &writer, hasBody: true)
    }

    /// Ties a connection to the client whose leg it will carry.
    func assign(_ upstream: UnsafeMutablePointer<Upstream>, to client: UnsafeMutablePointer<Client>) {
        upstream.pointee.assignedAt = now
        upstream.pointee.phase = .waiting
        upstream.pointee.client = client.pointee.fd
        upstream.pointee.answering = false
        upstream.pointee.interim = 0
        upstream.pointee.scanned = 0
        upstream.pointee.delivery = .none
        client.pointee.upstream = upstream.pointee.fd
    }

    private func sendLeg(_ client: UnsafeMutablePointer<Client>) {
        guard client.pointee.upstream >= 0 else { return }
        let upstream = upstreams + Int(client.pointee.upstream)
        if let handoff = client.pointee.handoff {
            if client.pointee.life.phase == .prefilling {
                handoff.pointee.sentAt = now
                timers.set(client.pointee.fd, now + Int64(settings.prefillTimeout), in: clients)
            } else if handoff.pointee.answeredAt > 0 {
                let expiry = handoffExpiry(client)
                timers.set(client.pointee.fd, expiry, in: clients)
                if now >= expiry {
                    perform(client.pointee.life.handle(.deadlinePassed), client)
                    return
                }
            }
        }
        continueSending(upstream, client)
    }

    /// When leg 2 must be with the decoder; 0: there is no handoff that could expire.
    func handoffExpiry(_ client: UnsafeMutablePointer<Client>) -> Int64 {
        guard let handoff = client.pointee.handoff, handoff.pointee.answeredAt > 0 else { return 0 }
        return max(1, handoff.pointee.answeredAt + Int64(settings.handoffMaximumAge))
    }

    /// Sends what is left of the leg.
    func continueSending(_ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>) {
        if client.pointee.outgoing.isSent { return }
        if client.pointee.outgoing.send(to: upstream.pointee.fd, upstream.pointee.tls, recordBuffer) < 0 {
            // The upstream takes no more, but it may have answered before it closed (a refusal of a large body): what it
            // said is read first, and its end after that.
            upstream.pointee.readable = true
            resumeLater(upstream)
            return
        }
        // Leg 2 is with the decoder in time; from here on only the decoder decides how long it takes.
        if client.pointee.outgoing.isSent && client.pointee.life.phase == .decoding {
            endDeadline(of: client)
        }
    }

    // MARK: Ends

    private func fail(_ client: UnsafeMutablePointer<Client>, _ failure: Failure) {
        dropUpstream(client)
        stripe.add(ErrorAnswer.counter(failure))
        switch failure {
        case .handoffExpired: stripe.add(.handoffExpired)
        case .invalidHandoff: stripe.add(.handoffInvalid)
        case .missingHandoff: stripe.add(.handoffAbsent)
        default: break
        }
        if settings.logLevel >= ChildLog.Level.info.rawValue { logFailure(client, failure) }
        if draining { client.pointee.closeAfter = true }
        if sendError(client, ErrorAnswer(failure)) { finishRequest(client) }
    }

    private func logFailure(_ client: UnsafeMutablePointer<Client>, _ failure: Failure) {
        var fields = [("reason", "\(failure)")]
        if let handoff = client.pointee.handoff {
            fields.append(("request_id", String(decoding: handoff.pointee.requestID.bytes, as: UTF8.self)))
            fields.append(("prefiller", handoff.pointee.target.description))
        }
        ChildLog.write(.warning, "a request failed", fields)
    }

    /// The answer broke off after its head: the client must see that it isn't whole, so its connection is reset or, for
    /// chunked answers, closed without the last chunk.
    private func cut(_ client: UnsafeMutablePointer<Client>) {
        if !client.pointee.answered {
            fail(client, draining ? .draining : .decoderBroken)
            return
        }
        dropUpstream(client)
        countRequest(client, .serverError)
        breakOff(client)
    }

    /// Ends the connection of a client whose answer isn't out whole.
    func breakOff(_ client: UnsafeMutablePointer<Client>) {
        stripe.add(.streamsCut)
        // Where the end of the connection is the end of the answer, only a reset tells that something is missing.
        if !client.pointee.pending.isEmpty || client.pointee.minorVersion == 0 {
            _ = cl_reset_on_close(client.pointee.fd)
        }
        closeClient(client)
    }

    /// Nobody waits for the answer any more.
    private func cancel(_ client: UnsafeMutablePointer<Client>) {
        abandon(client)
        closeClient(client)
    }

    /// The same when the poll says so: engines are told at once, before any of the clients that left in this turn is
    /// cleaned up after. Each microsecond here is work that an engine does for nobody.
    func depart(_ client: UnsafeMutablePointer<Client>) {
        guard client.pointee.life.handle(.clientGone) == .cancel else { return }
        abandon(client)
        client.pointee.phase = .closing
        departed.append(client.pointee.token)
    }

    /// Cleans up after the clients that left in this turn.
    func closeDeparted() {
        if departed.isEmpty { return }
        for token in departed {
            let client = clients + Int(Token.fd(token))
            if client.pointee.generation == Token.generation(token) { closeClient(client) }
        }
        departed.removeAll(keepingCapacity: true)
    }

    private func abandon(_ client: UnsafeMutablePointer<Client>) {
        let prefilling = client.pointee.mode == .disaggregated && client.pointee.handoff?.pointee.answeredAt == 0
        stripe.add(prefilling ? .abortedPrefill : .abortedDecode)
        // By a reset: nothing of what is still on its way is wanted, and the kernel has less to say and hear than for a
        // goodbye. Of fifty that leave at once, the engine knows a fifth sooner.
        if client.pointee.upstream >= 0 { _ = cl_reset_on_close(client.pointee.upstream) }
        dropUpstream(client)
        countRequest(client, .aborted)
    }

    /// Ends the upstream side of a request at once, whatever it was doing.
    private func dropUpstream(_ client: UnsafeMutablePointer<Client>) {
        if client.pointee.dial != 0 {
            dials.cancel(client.pointee.dial, self)
            client.pointee.dial = 0
        }
        if client.pointee.upstream >= 0 {
            closeUpstream(upstreams + Int(client.pointee.upstream))
            client.pointee.upstream = -1
        }
    }

    /// The answer is out, or on its way out: count it, and make the connection ready for the next request.
    func finishRequest(_ client: UnsafeMutablePointer<Client>) {
        countRequest(client, Outcome(status: Int(client.pointee.status)))
        releaseRequest(client)
        client.pointee.phase = .idle
        // A drain that began after the head of this answer was out has not been announced: the next request may be on its
        // way, and is answered like one on any connection that was idle when the drain began.
        if client.pointee.closeAfter {
            finishConnection(client)
            return
        }
        // Idle it is when its answer is out; until then it has a reader's time.
        if client.pointee.pending.isEmpty { awaitRequest(client) }
        if !client.pointee.input.isEmpty || client.pointee.readable { resumeLater(client) }
    }

    func countRequest(_ client: UnsafeMutablePointer<Client>, _ outcome: Outcome) {
        let mode = client.pointee.mode
        stripe.add(.requests(client.pointee.api, mode, outcome))
        stripe.add(.inFlight, -1)
        let nanoseconds = Clock.nanoseconds() &- client.pointee.startedAt
        stripe.observe(.duration(mode), microseconds: nanoseconds / 1000)
        if settings.logRequests { logRequest(client, outcome, nanoseconds) }
    }

    private func logRequest(_ client: UnsafeMutablePointer<Client>, _ outcome: Outcome, _ nanoseconds: UInt64) {
        var fields = [
            ("client", client.pointee.peer.description), ("api", "\(client.pointee.api)"),
            ("mode", client.pointee.mode == .disaggregated ? "disaggregated" : "decoder_only"),
            ("status", outcome == .aborted ? "aborted" : "\(client.pointee.status)"),
            ("milliseconds", "\(nanoseconds / 1_000_000)"),
        ]
        if let handoff = client.pointee.handoff {
            fields.append(("request_id", String(decoding: handoff.pointee.requestID.bytes, as: UTF8.self)))
        }
        ChildLog.write(.info, "request", fields)
    }
}
