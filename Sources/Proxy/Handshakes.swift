import CLinux
import Glibc
import IPC
import Linux
import Metrics
import TLS

/// Agreeing on TLS, with clients and with upstreams. A handshake of ours may need a signature, which the signer makes: the
/// connection waits for it and the loop doesn't.
extension Loop {
    // MARK: Clients

    /// A client has connected.
    func beginHandshake(_ client: UnsafeMutablePointer<Client>) {
        guard let context = tls?.server, let connection = try? TLSConnection(accepting: client.pointee.fd, context)
        else {
            // Out of memory: this connection is all that can be given up.
            stripe.add(.errorsLimit)
            closeClient(client)
            return
        }
        client.pointee.tls = connection
        client.pointee.phase = .handshake
        timers.set(client.pointee.fd, now + Int64(settings.tls.handshakeTimeout), in: clients)
        shakeHands(client)
    }

    /// Goes on with a client's handshake as far as it gets.
    func shakeHands(_ client: UnsafeMutablePointer<Client>) {
        guard client.pointee.phase == .handshake, client.pointee.signature == 0, let tls = client.pointee.tls else {
            return
        }
        switch tls.handshake() {
        case .wantsRead, .wantsWrite, .again: break
        case .wantsSignature:
            client.pointee.signature = askSigner(tls, client.pointee.token)
            if client.pointee.signature == 0 {
                clientHandshakeFailed(client, "there is no room to ask for a signature")
            }
        case .wantsTurn: standInLine(client)
        case .done:
            stripe.add(.tlsHandshakes(.client, resumed: tls.isResumed))
            client.pointee.phase = .idle
            let patience = draining ? Self.idleGrace : Int64(settings.headTimeout)
            timers.set(client.pointee.fd, now + patience, in: clients)
            // The request may have come with the end of the handshake, and no event would tell.
            client.pointee.readable = true
            readClient(client)
        case .closed, .failed:
            // Whether somebody listens was all that was asked: a load balancer's probe.
            guard tls.hasHeard else {
                closeClient(client)
                return
            }
            clientHandshakeFailed(client, tls.failure)
        }
    }

    private func clientHandshakeFailed(_ client: UnsafeMutablePointer<Client>, _ reason: String) {
        stripe.add(.tlsFailures(.client))
        // Strangers, probes of the port and the like: no business of the operator's, and never many lines of it.
        if settings.logLevel >= ChildLog.Level.info.rawValue, clientTLSLog.mayLog(now: now) {
            ChildLog.write(
                .info, "a client's TLS handshake failed",
                [("reason", reason), ("client", client.pointee.peer.description)])
        }
        if client.pointee.tls?.isPlainHTTP == true { answerPlainHTTP(client) }
        closeClient(client)
    }

    /// What Go's servers say to those who come without TLS, in the clear.
    private func answerPlainHTTP(_ client: UnsafeMutablePointer<Client>) {
        let answer: StaticString =
            "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
        _ = cl_send(client.pointee.fd, answer.utf8Start, answer.utf8CodeUnitCount)
    }

    /// Tells a client that nothing more comes, so that it can't take a cut connection for the end.
    func sayGoodbye(to client: UnsafeMutablePointer<Client>) {
        guard client.pointee.phase != .handshake, let tls = client.pointee.tls else { return }
        _ = tls.shutdown()
    }

    func endTLS(of client: UnsafeMutablePointer<Client>) {
        if client.pointee.signature != 0 { signing?.cancel(client.pointee.signature) }
        client.pointee.signature = 0
        if client.pointee.phase == .idle { sayGoodbye(to: client) }
        client.pointee.tls?.free()
        client.pointee.tls = nil
    }

    // MARK: Upstreams

    /// An upstream is connected, and its leg goes over TLS.
    func beginHandshake(_ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>) {
        let purpose = upstream.pointee.purpose
        guard let context = tls?.leg(purpose) else {
            failHandshake(upstream, client, "there are no certificates to judge it by yet")
            return
        }
        let host = hostToProve(upstream, client)
        let session = sessions.session(for: upstream.pointee.endpoint, host, context)
        do throws(TLSFailure) {
            upstream.pointee.tls = try TLSConnection(
                connecting: upstream.pointee.fd, context, to: host, session: session)
        } catch {
            failHandshake(upstream, client, error.description)
            return
        }
        upstream.pointee.phase = .handshake
        upstream.pointee.isSpent = purpose == .prefiller && isProvenByName(client.pointee.handoff)
        timers.set(client.pointee.fd, now + Int64(settings.connectTimeout), in: clients)
        shakeHands(upstream)
    }

    /// Whose certificate the upstream must show.
    private func hostToProve(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>
    ) -> TLSHost {
        switch upstream.pointee.purpose {
        case .prefiller:
            if let host = client.pointee.handoff?.pointee.host, !host.isEmpty { return .name(host) }
            return .address(upstream.pointee.endpoint.address)
        case .decoder:
            if let address = Address.parse(settings.tls.decoderHost) { return .address(address) }
            return .name(settings.tls.decoderHost)
        }
    }

    /// Is this request's prefiller proven by the name that the request calls it, so that another request, which calls it
    /// something else, can't rely on that?
    func isProvenByName(_ handoff: UnsafeMutablePointer<Handoff>?) -> Bool {
        let leg = settings.tls.prefiller
        guard leg.isOn, leg.verifies, leg.serverName.isEmpty, let handoff else { return false }
        return !handoff.pointee.host.isEmpty
    }

    /// Goes on with an upstream's handshake as far as it gets.
    func shakeHands(_ upstream: UnsafeMutablePointer<Upstream>) {
        guard upstream.pointee.phase == .handshake, upstream.pointee.signature == 0, let tls = upstream.pointee.tls,
            upstream.pointee.client >= 0
        else { return }
        let client = clients + Int(upstream.pointee.client)
        switch tls.handshake() {
        case .wantsRead, .wantsWrite, .again: break
        case .wantsSignature:
            upstream.pointee.signature = askSigner(tls, upstream.pointee.token)
            if upstream.pointee.signature == 0 {
                failHandshake(upstream, client, "there is no room to ask for a signature")
            }
        case .wantsTurn: standInLine(upstream)
        case .done:
            if upstream.pointee.purpose == .prefiller, let reason = outsideAllowlist(upstream.pointee.endpoint) {
                // The allowlist has been left, or has grown too old, since the connection was made.
                refuse(upstream, client, reason)
                return
            }
            let side = TLSSide(upstream.pointee.purpose)
            stripe.add(.tlsHandshakes(side, resumed: tls.isResumed))
            if !settings.tls.leg(upstream.pointee.purpose).verifies { stripe.add(.tlsUnverified(side)) }
            upstream.pointee.phase = .waiting
            endDeadline(of: client)
            // It may have ended, or answered, together with the end of its handshake, and no event would tell.
            upstream.pointee.readable = true
            resumeLater(upstream)
            perform(client.pointee.life.handle(.connected), client)
        case .closed, .failed: failHandshake(upstream, client, tls.failure)
        }
    }

    /// A prefiller that the allowlist doesn't have is left before it is told anything.
    func refuse(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>, _ reason: DialRefusal
    ) {
        endDeadline(of: client)
        closeUpstream(upstream)
        countBlocked(reason)
        if tryNextPrefiller(client, after: reason) { return }
        perform(client.pointee.life.handle(.refused(reason)), client)
    }

    private func failHandshake(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>, _ reason: String
    ) {
        stripe.add(.tlsFailures(TLSSide(upstream.pointee.purpose)))
        endForTLS(upstream, client, reason)
    }

    /// TLS broke behind the handshake: an alert (a server of TLS 1.3 refuses our certificate this late), or bytes that
    /// nobody sealed.
    func tlsFailed(_ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>) {
        endForTLS(upstream, client, upstream.pointee.tls?.failure ?? "")
    }

    private func endForTLS(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>, _ reason: String
    ) {
        logFailure(upstream, client, reason)
        if client.pointee.life.phase == .relaying { stripe.add(.errorsTLS) }
        endDeadline(of: client)
        upstream.pointee.client = -1
        client.pointee.upstream = -1
        closeUpstream(upstream)
        perform(client.pointee.life.handle(.tlsFailed), client)
    }

    private func logFailure(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>, _ reason: String
    ) {
        guard upstreamTLSLog.mayLog(now: now) else { return }
        let purpose = upstream.pointee.purpose
        var fields = [
            ("reason", reason), ("leg", purpose == .decoder ? "decoder" : "prefiller"),
            ("upstream", purpose == .decoder ? settings.decoderName : upstream.pointee.endpoint.description),
        ]
        if let handoff = client.pointee.handoff {
            if !handoff.pointee.host.isEmpty && purpose == .prefiller {
                fields.append(("called", handoff.pointee.host))
            }
            fields.append(("request_id", String(decoding: handoff.pointee.requestID.bytes, as: UTF8.self)))
        }
        ChildLog.write(.warning, "TLS to an upstream failed; it is neither tried again nor done without", fields)
    }

    /// What a client's deadline means while its request is served.
    func deadlineEvent(_ client: UnsafeMutablePointer<Client>) -> RequestLife.Event {
        guard client.pointee.upstream >= 0 else { return .deadlinePassed }
        let upstream = upstreams + Int(client.pointee.upstream)
        guard upstream.pointee.phase == .handshake else { return .deadlinePassed }
        logFailure(upstream, client, "the handshake was not done within --connect-timeout")
        stripe.add(.tlsFailures(TLSSide(upstream.pointee.purpose)))
        // A prefiller whose handshake stalls is as unreachable as one that doesn't answer at all.
        return upstream.pointee.purpose == .prefiller ? .deadlinePassed : .tlsFailed
    }

    /// Keeps what lets the next connection begin without certificates. TLS 1.3 gives it with the first bytes of an answer.
    func keepSession(of upstream: UnsafeMutablePointer<Upstream>) {
        guard let tls = upstream.pointee.tls, !upstream.pointee.isSpent, let session = tls.takeSession(),
            let context = self.tls?.leg(upstream.pointee.purpose)
        else { return }
        let host: TLSHost =
            switch upstream.pointee.purpose {
            case .prefiller: .address(upstream.pointee.endpoint.address)
            case .decoder:
                Address.parse(settings.tls.decoderHost).map { .address($0) } ?? .name(settings.tls.decoderHost)
            }
        sessions.store(session, for: upstream.pointee.endpoint, host, context)
    }

    func endTLS(of upstream: UnsafeMutablePointer<Upstream>) {
        guard let tls = upstream.pointee.tls else { return }
        if upstream.pointee.signature != 0 { signing?.cancel(upstream.pointee.signature) }
        upstream.pointee.signature = 0
        if upstream.pointee.phase == .idle { _ = tls.shutdown() }
        tls.free()
        upstream.pointee.tls = nil
    }

    // MARK: Certificates

    /// New certificates. Connections go on with those that they began with; idle ones to upstreams end, because what they
    /// were judged by may be what was withdrawn.
    func adopt(_ contexts: TLSContexts) {
        let old = tls
        tls = contexts
        for purpose in [DialPurpose.decoder, .prefiller] {
            guard let context = contexts.leg(purpose), old?.leg(purpose) !== context else { continue }
            var next = pool.oldest
            while next >= 0 {
                let upstream = upstreams + Int(next)
                next = upstream.pointee.nextOld
                if upstream.pointee.purpose == purpose { closeUpstream(upstream) }
            }
            forEachClient { client in
                guard client.pointee.upstream >= 0 else { return }
                let upstream = upstreams + Int(client.pointee.upstream)
                if upstream.pointee.purpose == purpose { upstream.pointee.isSpent = true }
            }
        }
        let inUse = [contexts.prefiller, contexts.decoder].compactMap { $0 }
        sessions.keep(only: inUse)
    }
}

extension TLSSide {
    /// The side that a dial leads to.
    init(_ purpose: DialPurpose) {
        switch purpose {
        case .decoder: self = .decoder
        case .prefiller: self = .prefiller
        }
    }
}
