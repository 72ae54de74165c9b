import CLinux
import Glibc
import HTTP
import Linux
import Metrics

/// Reading requests: from bytes to a head and a whole body. Bodies are collected before a leg is sent, because they are
/// validated and edited as a whole; what is collected is bounded for each and for all.
extension Loop {
    func clientEvent(_ client: UnsafeMutablePointer<Client>, _ events: UInt32) {
        if events & (CL_ERR | CL_HUP) != 0 || (events & CL_RDHUP != 0 && !settings.serveHalfClosed) {
            if client.pointee.phase == .serving {
                depart(client)
                return
            }
        }
        if events & (CL_ERR | CL_HUP) != 0 {
            clientGone(client)
            return
        }
        if events & CL_RDHUP != 0 { client.pointee.ended = true }
        // Also where this turn won't read it: the poll tells it once.
        if events & (CL_IN | CL_RDHUP) != 0 { client.pointee.readable = true }
        if events & CL_OUT != 0 && !client.pointee.pending.isEmpty {
            guard flushPending(client) else { return }
        }
        if client.pointee.phase == .handshake {
            shakeHands(client)
            return
        }
        // TLS may have had to send before it could read on.
        if events & (CL_IN | CL_RDHUP) != 0 || client.pointee.tls != nil { readClient(client) }
    }

    /// Reads as long as there is input, this connection wants any, and its turn lasts.
    func readClient(_ client: UnsafeMutablePointer<Client>) {
        let generation = client.pointee.generation
        var budget = Self.readBudget
        while client.pointee.readable {
            switch client.pointee.phase {
            case .free, .closing, .handshake: return
            case .serving:
                // Further requests wait in the socket. Only the end of the connection matters now.
                if client.pointee.ended { clientEndedWhileServing(client) }
                return
            case .tunnel:
                tunnelFromClient(client)
                return
            case .idle, .head, .body, .lingering: break
            }
            if !client.pointee.pending.isEmpty && client.pointee.phase != .lingering { return }
            if budget == 0 {
                resumeLater(client)
                return
            }
            budget -= 1
            let intoBody = client.pointee.phase == .body && client.pointee.reader.framing != .chunked
            // Straight into the body, and not a byte further: what follows is the next request.
            let room =
                intoBody
                ? UnsafeMutableRawBufferPointer(
                    rebasing: client.pointee.body.spare.prefix(client.pointee.reader.missing)) : readBuffer
            let n =
                client.pointee.phase == .lingering
                ? cl_recv(client.pointee.fd, room.baseAddress, room.count)
                : receive(from: client.pointee.fd, client.pointee.tls, room)
            if n == -Int(EINTR) { continue }
            if n == -Int(EALREADY) { return }
            if n == -Int(EAGAIN) {
                client.pointee.readable = false
                return
            }
            if n <= 0 {
                clientGone(client)
                return
            }
            // A short read has emptied the socket, unless its end was seen, which must be read as such.
            if client.pointee.phase == .lingering {
                if n < room.count && !client.pointee.ended { client.pointee.readable = false }
                continue
            }
            if isEmptied(by: n, of: room.count, client.pointee.tls) && !client.pointee.ended {
                client.pointee.readable = false
            }
            if intoBody {
                advanceBody(client, UnsafeRawBufferPointer(start: room.baseAddress, count: n), inPlace: true)
            } else {
                feed(client, UnsafeRawBufferPointer(start: readBuffer.baseAddress, count: n))
            }
            guard client.pointee.generation == generation, client.pointee.phase != .free else { return }
        }
    }

    /// Takes in new bytes, behind what is already kept.
    private func feed(_ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer) {
        if client.pointee.input.isEmpty {
            process(client, bytes, kept: false)
        } else {
            guard client.pointee.input.append(bytes) else {
                refuse(client, .noBufferSpace)
                return
            }
            process(client, client.pointee.input.bytes, kept: true)
        }
    }

    /// Goes on with what a finished request has left behind it.
    func processKept(_ client: UnsafeMutablePointer<Client>) {
        if !client.pointee.input.isEmpty {
            process(client, client.pointee.input.bytes, kept: true)
        }
    }

    /// Parses requests from `bytes` until they are used up or a request has to wait for an answer. What is left is kept.
    private func process(_ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer, kept: Bool) {
        let generation = client.pointee.generation
        var at = 0
        while at < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
            switch client.pointee.phase {
            case .idle, .head:
                if client.pointee.phase == .idle {
                    client.pointee.phase = .head
                    client.pointee.scanned = 0
                    timers.set(client.pointee.fd, now + Int64(settings.headTimeout), in: clients)
                }
                switch Head.end(of: rest, from: client.pointee.scanned) {
                case .incomplete:
                    client.pointee.scanned = rest.count
                    keep(client, bytes, from: at, kept: kept)
                    return
                case .failed(let fault):
                    refuse(client, ErrorAnswer(fault))
                    return
                case .complete(let count):
                    let headBytes = UnsafeRawBufferPointer(rebasing: rest[..<count])
                    at += count
                    headComplete(client, headBytes, UnsafeRawBufferPointer(rebasing: bytes[at...]), &at)
                }
            case .body:
                at += advanceBody(client, rest, inPlace: false)
            case .serving, .lingering, .closing, .tunnel, .handshake, .free:
                keep(client, bytes, from: at, kept: kept)
                return
            }
            guard client.pointee.generation == generation, client.pointee.phase != .free else { return }
            if client.pointee.phase == .lingering || client.pointee.phase == .closing {
                client.pointee.input.free()
                return
            }
            if !client.pointee.pending.isEmpty && client.pointee.phase == .idle { break }
        }
        keep(client, bytes, from: at, kept: kept)
    }

    /// Keeps the rest of the input for later.
    private func keep(_ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer, from: Int, kept: Bool) {
        if kept {
            client.pointee.input.consume(from)
        } else if from < bytes.count {
            if !client.pointee.input.append(UnsafeRawBufferPointer(rebasing: bytes[from...])) {
                refuse(client, .noBufferSpace)
            }
        }
    }

    /// A head has arrived whole. Decides about its body; `rest` is what follows, and `at` moves over what belongs to it.
    private func headComplete(
        _ client: UnsafeMutablePointer<Client>, _ headBytes: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer,
        _ at: inout Int
    ) {
        if let fault = head.parseRequest(headBytes) {
            refuse(client, ErrorAnswer(fault))
            return
        }
        client.pointee.closeAfter = !head.keepsAlive || draining
        client.pointee.minorVersion = UInt8(head.minorVersion)
        client.pointee.isHeadRequest = head.method == .head
        client.pointee.startedAt = Clock.nanoseconds()
        client.pointee.reader = BodyReader.request(head)
        switch client.pointee.reader.framing {
        case .none, .untilClose:
            serve(client, headBytes, UnsafeRawBufferPointer(start: nil, count: 0))
        case .length(let length):
            if length > settings.maximumBody {
                refuse(client, .bodyTooLarge)
                return
            }
            let count = Int(length)
            if rest.count >= count {
                at += count
                serve(client, headBytes, UnsafeRawBufferPointer(rebasing: rest[..<count]))
                return
            }
            guard charge(client, count) else {
                refuse(client, .noBufferSpace)
                return
            }
            client.pointee.body = spareBody.take(count)
            beginBody(client, headBytes)
        case .chunked:
            beginBody(client, headBytes)
        }
    }

    private func beginBody(_ client: UnsafeMutablePointer<Client>, _ headBytes: UnsafeRawBufferPointer) {
        client.pointee.phase = .body
        client.pointee.bodyReceived = 0
        client.pointee.bodySince = now
        guard client.pointee.head.append(headBytes) else {
            refuse(client, .noBufferSpace)
            return
        }
        if head.expectsContinue && head.minorVersion == 1 {
            push("HTTP/1.1 100 Continue\r\n\r\n")
            guard flush(client) else { return }
        }
        // Last: a client that doesn't read the line above owes its body all the same.
        timers.set(client.pointee.fd, now + bodyCheck, in: clients)
    }

    private var bodyCheck: Int64 { Int64(max(100, settings.bodyGrace)) }

    /// Takes in body bytes; returns how many of `bytes` belonged to it. `inPlace`: they stand in the body's own buffer.
    @discardableResult
    private func advanceBody(
        _ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer, inPlace: Bool
    ) -> Int {
        var offset = 0
        while true {
            switch client.pointee.reader.next(bytes, &offset) {
            case .needMore: return offset
            case .fault:
                refuse(client, .badChunks)
                return offset
            case .data(let start, let count):
                client.pointee.bodyReceived += count
                if inPlace {
                    client.pointee.body.grewBy(count)
                } else if !takeBody(client, UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])) {
                    return offset
                }
                if client.pointee.reader.isDone { fallthrough }
            case .end:
                bodyComplete(client)
                return offset
            }
        }
    }

    private func takeBody(_ client: UnsafeMutablePointer<Client>, _ data: UnsafeRawBufferPointer) -> Bool {
        if client.pointee.reader.framing == .chunked {
            if UInt64(client.pointee.body.count + data.count) > settings.maximumBody {
                refuse(client, .bodyTooLarge)
                return false
            }
            let before = client.pointee.body.capacity
            guard client.pointee.body.reserve(data.count) else {
                refuse(client, .noBufferSpace)
                return false
            }
            guard charge(client, client.pointee.body.capacity - before) else {
                refuse(client, .noBufferSpace)
                return false
            }
        }
        guard client.pointee.body.append(data) else {
            refuse(client, .noBufferSpace)
            return false
        }
        return true
    }

    private func bodyComplete(_ client: UnsafeMutablePointer<Client>) {
        // Other connections have used the parser since this head came.
        let headBytes = client.pointee.head.bytes
        if let fault = head.parseRequest(headBytes) {
            refuse(client, ErrorAnswer(fault))
            return
        }
        serve(client, headBytes, client.pointee.body.bytes)
    }

    // MARK: Ends and deadlines

    /// The client's side of the connection is gone.
    func clientGone(_ client: UnsafeMutablePointer<Client>) {
        switch client.pointee.phase {
        case .serving: perform(client.pointee.life.handle(.clientGone), client)
        case .tunnel:
            if client.pointee.upstream >= 0 { closeUpstream(upstreams + Int(client.pointee.upstream)) }
            countRequest(client, .aborted)
            closeClient(client)
        case .body, .head:
            stripe.add(.errorsClient)
            closeClient(client)
        case .handshake, .idle, .lingering, .closing, .free: closeClient(client)
        }
    }

    private func clientEndedWhileServing(_ client: UnsafeMutablePointer<Client>) {
        if settings.serveHalfClosed {
            client.pointee.closeAfter = true
            client.pointee.readable = false
        } else {
            clientGone(client)
        }
    }

    /// A client's deadline has passed; what it means depends on the phase.
    func clientDeadline(_ client: UnsafeMutablePointer<Client>) {
        switch client.pointee.phase {
        case .handshake:
            stripe.add(.errorsTimeout)
            stripe.add(.tlsFailures(.client))
            closeClient(client)
        case .idle where client.pointee.isOwed, .closing where client.pointee.isOwed: breakOff(client)
        case .idle, .lingering, .closing: closeClient(client)
        case .head:
            stripe.add(.errorsTimeout)
            refuse(client, .slowHead)
        case .body: checkBodyRate(client)
        case .serving:
            if client.pointee.pending.isEmpty {
                perform(client.pointee.life.handle(deadlineEvent(client)), client)
            } else {
                // It took nothing for too long. Should it read on later, it must not take what it gets for the whole.
                _ = cl_reset_on_close(client.pointee.fd)
                clientGone(client)
            }
        case .tunnel: if !client.pointee.pending.isEmpty { clientGone(client) }
        case .free: break
        }
    }

    private func checkBodyRate(_ client: UnsafeMutablePointer<Client>) {
        let elapsed = now - client.pointee.bodySince
        let grace = Int64(settings.bodyGrace)
        let rate = Int64(settings.bodyMinimumRate)
        if rate > 0 && elapsed >= grace && Int64(client.pointee.bodyReceived) * 1000 < rate * elapsed {
            stripe.add(.errorsTimeout)
            refuse(client, .slowBody)
            return
        }
        timers.set(client.pointee.fd, now + max(250, min(bodyCheck, 1000)), in: clients)
    }
}
