import CLinux
import Glibc
import HTTP
import Metrics

/// Writing to clients: pieces are gathered and sent with one call; what the socket doesn't take is kept, and the
/// upstream isn't read until it has gone out.
extension Loop {
    static let vectorCapacity = 64

    /// Gathers bytes that stay valid until `flush`.
    @inline(__always)
    func push(_ base: UnsafeRawPointer, _ count: Int) {
        if count == 0 { return }
        vector[vectorCount] = iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: count)
        vectorCount += 1
    }

    /// Gathers a literal.
    @inline(__always)
    func push(_ literal: StaticString) { push(literal.utf8Start, literal.utf8CodeUnitCount) }

    /// Is there room for `n` more pieces?
    @inline(__always)
    func hasRoom(_ n: Int) -> Bool { vectorCount + n <= Self.vectorCapacity }

    /// Sends what was gathered. False: the connection is gone, and so is the client's slot.
    @discardableResult
    func flush(_ client: UnsafeMutablePointer<Client>) -> Bool {
        let count = vectorCount
        vectorCount = 0
        if count == 0 { return true }
        var skip = 0
        let wasPending = !client.pointee.pending.isEmpty
        if !wasPending {
            let n = send(to: client.pointee.fd, client.pointee.tls, vector, count)
            if n < 0 && n != -Int(EAGAIN) {
                clientGone(client)
                return false
            }
            skip = max(0, n)
        }
        for i in 0..<count {
            let length = vector[i].iov_len
            if skip >= length {
                skip -= length
                continue
            }
            let rest = UnsafeRawBufferPointer(start: vector[i].iov_base! + skip, count: length - skip)
            skip = 0
            guard client.pointee.pending.append(rest) else {
                clientGone(client)
                return false
            }
        }
        if !wasPending && !client.pointee.pending.isEmpty { awaitReader(client) }
        return true
    }

    /// How long a client may take nothing of an answer that waits for it, in milliseconds.
    private static let readerPatience: Int64 = 60_000

    /// A client that stops reading holds its upstream and an engine's work; it may not do so for ever.
    private func awaitReader(_ client: UnsafeMutablePointer<Client>) {
        timers.set(client.pointee.fd, now + Self.readerPatience, in: clients)
    }

    /// Nothing of its request must be there by a certain time now. A client that leaves its 100 Continue unread has no
    /// more than a reader's patience all the same: until it is out, no upstream is read for it.
    func endDeadline(of client: UnsafeMutablePointer<Client>) {
        if client.pointee.pending.isEmpty {
            timers.set(client.pointee.fd, 0, in: clients)
        } else {
            awaitReader(client)
        }
    }

    /// The socket has room again. False: the connection is gone.
    func flushPending(_ client: UnsafeMutablePointer<Client>) -> Bool {
        while client.pointee.pendingSent < client.pointee.pending.count {
            let rest = UnsafeRawBufferPointer(rebasing: client.pointee.pending.bytes[client.pointee.pendingSent...])
            let n = send(to: client.pointee.fd, client.pointee.tls, rest)
            if n == -Int(EAGAIN) {
                awaitReader(client)
                return true
            }
            if n < 0 {
                clientGone(client)
                return false
            }
            client.pointee.pendingSent += n
        }
        client.pointee.pending.free()
        client.pointee.pendingSent = 0
        switch client.pointee.phase {
        case .closing:
            endOutput(client)
            return false
        case .serving, .tunnel:
            guard client.pointee.upstream >= 0 else {
                timers.set(client.pointee.fd, 0, in: clients)
                return true
            }
            let upstream = upstreams + Int(client.pointee.upstream)
            timers.set(client.pointee.fd, upstreamDeadline(upstream, client), in: clients)
            readUpstream(upstream)
            return client.pointee.phase != .free
        case .idle:
            awaitRequest(client)
            let generation = client.pointee.generation
            processKept(client)
            return client.pointee.generation == generation && client.pointee.phase != .free
        case .handshake, .head, .body, .lingering, .free: return true
        }
    }

    /// Idle from now on, for as long as a connection may be.
    func awaitRequest(_ client: UnsafeMutablePointer<Client>) {
        let patience = draining ? Self.idleGrace : Int64(settings.keepAlive)
        timers.set(client.pointee.fd, now + patience, in: clients)
    }

    /// When an upstream must have said more, now that the client has taken what there was; 0: whenever it likes. The time
    /// that the client took isn't the prefiller's fault, so its own begins anew.
    private func upstreamDeadline(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>
    ) -> Int64 {
        // It was a 100 Continue that waited, and this has had its deadline before.
        if upstream.pointee.phase == .handshake { return upstream.pointee.assignedAt + Int64(settings.connectTimeout) }
        return switch upstream.pointee.purpose {
        case .prefiller: now + Int64(settings.prefillTimeout)
        case .decoder: client.pointee.outgoing.isSent ? 0 : handoffExpiry(client)
        }
    }

    /// Everything that had to be said is said: ends the connection once it is out.
    func finishConnection(_ client: UnsafeMutablePointer<Client>) {
        if client.pointee.pending.isEmpty {
            endOutput(client)
        } else {
            client.pointee.phase = .closing
            awaitReader(client)
        }
    }

    /// How long input is still read and dropped after the last answer, in milliseconds.
    private static let lingerTime: Int64 = 2000

    /// Closes our side. A socket that is closed with unread input is reset, and the reset can overtake the answer; so
    /// input is read and dropped for a while.
    private func endOutput(_ client: UnsafeMutablePointer<Client>) {
        if client.pointee.ended && !client.pointee.readable && !settings.serveHalfClosed {
            closeClient(client)
            return
        }
        sayGoodbye(to: client)
        _ = cl_shutdown_write(client.pointee.fd)
        releaseRequest(client)
        client.pointee.input.free()
        client.pointee.phase = .lingering
        timers.set(client.pointee.fd, now + Self.lingerTime, in: clients)
        // The end may have been seen and not read yet, and is told of only once.
        if client.pointee.ended { client.pointee.readable = true }
        readClient(client)
    }

    // MARK: Answers of our own

    /// Refuses what the client has sent so far: an error, and the end of the connection. Nothing behind it is parsed.
    func refuse(_ client: UnsafeMutablePointer<Client>, _ answer: ErrorAnswer, detail: String = "") {
        stripe.add(answer.status == 408 ? .errorsTimeout : .errorsClient)
        stripe.add(.requests(.other, .decoderOnly, Outcome(status: Int(answer.status))))
        client.pointee.closeAfter = true
        client.pointee.status = answer.status
        if client.pointee.phase == .serving { client.pointee.phase = .idle }
        guard sendError(client, answer, detail: detail) else { return }
        finishConnection(client)
    }

    /// Sends an error answer in vLLM's shape.
    func sendError(_ client: UnsafeMutablePointer<Client>, _ answer: ErrorAnswer, detail: String = "") -> Bool {
        let message = answer.message.description + (detail.isEmpty ? "" : " " + detail)
        var body = #"{"error":{"message":""# + escaped(message) + #"","type":""# + answer.type.description
        body += "\",\"param\":null,\"code\":\(answer.status)}}"
        var text = "HTTP/1.1 \(answer.status) \(reasonPhrase(answer.status))\r\ncontent-type: application/json\r\n"
        text += "content-length: \(body.utf8.count)\r\n"
        if answer.retryAfter > 0 { text += "retry-after: \(answer.retryAfter)\r\n" }
        if let handoff = client.pointee.handoff {
            text += "x-request-id: \(String(decoding: handoff.pointee.requestID.bytes, as: UTF8.self))\r\n"
        }
        if client.pointee.closeAfter {
            text += "connection: close\r\n"
        } else if client.pointee.minorVersion == 0 {
            text += "connection: keep-alive\r\n"
        }
        text += "\r\n"
        if !client.pointee.isHeadRequest { text += body }
        client.pointee.answered = true
        client.pointee.status = answer.status
        return text.withUTF8 { bytes in
            push(bytes.baseAddress!, bytes.count)
            return flush(client)
        }
    }

    private func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            default: if scalar.value >= 0x20 { out.unicodeScalars.append(scalar) }
            }
        }
        return out
    }
}
