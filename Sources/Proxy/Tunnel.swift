import CLinux
import Glibc
import HTTP
import Linux
import Metrics

/// After `101 Switching Protocols` for a WebSocket: bytes pass both ways unread. Either side's end ends both.
extension Loop {
    func beginTunnel(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ headBytes: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer
    ) {
        var writer = HeadWriter(scratch)
        func copy(_ span: Span) { writer.append(headBytes.baseAddress! + Int(span.start), Int(span.count)) }
        writer.append("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n")
        for i in 0..<answerHead.fieldCount {
            switch answerHead[i].known {
            case .connection, .hopByHop, .transferEncoding, .contentLength, .upgrade: continue
            default: break
            }
            copy(answerHead[i].name)
            writer.append(": ")
            copy(answerHead[i].value)
            writer.append("\r\n")
        }
        writer.append("\r\n")
        client.pointee.outgoing.free()
        client.pointee.status = 101
        client.pointee.answered = true
        client.pointee.closeAfter = true
        client.pointee.phase = .tunnel
        upstream.pointee.phase = .tunnel
        upstream.pointee.keepsAlive = false
        upstream.pointee.input.free()
        timers.set(client.pointee.fd, 0, in: clients)
        push(scratch.baseAddress!, writer.count)
        if !rest.isEmpty { push(rest.baseAddress!, rest.count) }
        let generation = client.pointee.generation
        guard flush(client) else { return }
        // What the client sent early stands in its buffer.
        if !client.pointee.input.isEmpty {
            let early = client.pointee.input
            client.pointee.input = Buffer()
            let sent = sendUp(upstream, client, early.bytes)
            var done = early
            done.free()
            guard sent else { return }
        }
        guard client.pointee.generation == generation else { return }
        client.pointee.readable = true
        readClient(client)
    }

    func tunnelFromClient(_ client: UnsafeMutablePointer<Client>) {
        guard client.pointee.upstream >= 0 else {
            closeClient(client)
            return
        }
        let upstream = upstreams + Int(client.pointee.upstream)
        var budget = Self.readBudget
        while client.pointee.readable && upstream.pointee.input.isEmpty {
            if budget == 0 {
                resumeLater(client)
                return
            }
            budget -= 1
            let n = receive(from: client.pointee.fd, client.pointee.tls, readBuffer)
            if n == -Int(EINTR) { continue }
            if n == -Int(EAGAIN) {
                client.pointee.readable = false
                return
            }
            if n <= 0 {
                endTunnel(client)
                return
            }
            guard sendUp(upstream, client, UnsafeRawBufferPointer(start: readBuffer.baseAddress, count: n)) else {
                return
            }
        }
    }

    /// Sends on what the client sent. False: the tunnel has ended.
    private func sendUp(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        let n = send(to: upstream.pointee.fd, upstream.pointee.tls, bytes)
        if n < 0 && n != -Int(EAGAIN) {
            endTunnel(client)
            return false
        }
        let sent = max(0, n)
        if sent < bytes.count && !upstream.pointee.input.append(UnsafeRawBufferPointer(rebasing: bytes[sent...])) {
            endTunnel(client)
            return false
        }
        return true
    }

    /// The upstream can take more. False: the tunnel has ended.
    func tunnelFlushUpstream(_ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>) -> Bool
    {
        if upstream.pointee.input.isEmpty { return true }
        let held = upstream.pointee.input.bytes
        let n = send(to: upstream.pointee.fd, upstream.pointee.tls, held)
        if n == -Int(EAGAIN) { return true }
        if n < 0 {
            endTunnel(client)
            return false
        }
        upstream.pointee.input.consume(n)
        let generation = client.pointee.generation
        if upstream.pointee.input.isEmpty { tunnelFromClient(client) }
        return client.pointee.generation == generation
    }

    func tunnelToClient(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        push(bytes.baseAddress!, bytes.count)
        flush(client)
    }

    private func endTunnel(_ client: UnsafeMutablePointer<Client>) {
        guard client.pointee.phase == .tunnel else { return }
        if client.pointee.upstream >= 0 { closeUpstream(upstreams + Int(client.pointee.upstream)) }
        finishRequestOfTunnel(client)
    }

    /// The upstream side is closed: what is pending goes out, then the client's side closes too.
    func finishRequestOfTunnel(_ client: UnsafeMutablePointer<Client>) {
        client.pointee.phase = .serving
        _ = client.pointee.life.handle(.completed)
        finishRequest(client)
    }
}
