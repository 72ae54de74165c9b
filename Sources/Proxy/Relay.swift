import CLinux
import Glibc
import HTTP
import JSON
import Linux
import Metrics

/// Passing an answer on: its head in normal form, its body as it comes, with the framing the client can read.
extension Loop {
    func beginRelay(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ headBytes: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
    ) {
        upstream.pointee.phase = .relaying
        client.pointee.status = UInt16(answerHead.status)
        client.pointee.outgoing.free()
        upstream.pointee.delivery = chooseDelivery(upstream, client, headBytes)
        let seconds = Clock.nanoseconds() &- client.pointee.startedAt
        stripe.observe(.firstByte(client.pointee.mode), microseconds: seconds / 1000)
        if upstream.pointee.delivery == .whole {
            // The head is sent with the new length when the body is here; until then it stands before it.
            guard upstream.pointee.input.append(headBytes) else {
                upstreamBroken(upstream)
                return
            }
            upstream.pointee.scanned = headBytes.count
        } else {
            pushAnswerHead(upstream, client, headBytes, length: answerHead.contentLength)
            client.pointee.answered = true
        }
        relay(upstream, client, body)
    }

    private func chooseDelivery(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ headBytes: UnsafeRawBufferPointer
    ) -> Upstream.Delivery {
        let canChunk = client.pointee.minorVersion == 1
        switch upstream.pointee.reader.framing {
        case .none: return .none
        case .length, .chunked, .untilClose: break
        }
        if settings.rewriteCachedTokens, upstream.pointee.purpose == .decoder, answerHead.status == 200,
            !answerHead.hasContentEncoding, let handoff = client.pointee.handoff, !handoff.pointee.params.isEmpty,
            answerHead.contentType >= 0
        {
            let span = answerHead[answerHead.contentType].value
            let type = UnsafeRawBufferPointer(rebasing: headBytes[Int(span.start)..<Int(span.start + span.count)])
            if UsageLines.isEventStream(type) && canChunk { return .events }
            // Collected only where its length is known, small enough, and there is room for it.
            if UsageLines.isJSON(type), (1...Int64(UsageLines.largestAnswer)).contains(answerHead.contentLength),
                charge(client, Int(answerHead.contentLength))
            {
                return .whole
            }
        }
        if case .length = upstream.pointee.reader.framing { return .plain }
        if canChunk { return .chunked }
        client.pointee.closeAfter = true
        return .plain
    }

    /// Gathers the answer's head. It is written to `scratch`, which holds until the flush.
    private func pushAnswerHead(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer, length: Int64
    ) {
        var writer = HeadWriter(scratch)
        func copy(_ span: Span) { writer.append(bytes.baseAddress! + Int(span.start), Int(span.count)) }
        writer.append("HTTP/1.1 ")
        writer.append(decimal: UInt64(answerHead.status))
        writer.append(" ")
        copy(answerHead.reason)
        writer.append("\r\n")
        for i in 0..<answerHead.fieldCount {
            let field = answerHead[i]
            if field.endsHere { continue }
            switch field.known {
            case .connection, .hopByHop, .transferEncoding, .contentLength, .upgrade: continue
            case .requestID: if client.pointee.handoff != nil { continue }
            default: break
            }
            copy(field.name)
            writer.append(": ")
            copy(field.value)
            writer.append("\r\n")
        }
        if let handoff = client.pointee.handoff {
            writer.append("x-request-id: ")
            let id = handoff.pointee.requestID.bytes
            writer.append(id.baseAddress!, id.count)
            writer.append("\r\n")
        }
        switch upstream.pointee.delivery {
        case .chunked, .events: writer.append("transfer-encoding: chunked\r\n")
        case .plain, .whole, .none:
            // The length of an answer to HEAD, or of a 304, describes a body that isn't sent.
            if length >= 0 && answerHead.status != 204 {
                writer.append("content-length: ")
                writer.append(decimal: UInt64(length))
                writer.append("\r\n")
            }
        }
        if draining { client.pointee.closeAfter = true }
        if client.pointee.closeAfter {
            writer.append("connection: close\r\n")
        } else if client.pointee.minorVersion == 0 {
            writer.append("connection: keep-alive\r\n")
        }
        writer.append("\r\n")
        push(scratch.baseAddress!, writer.count)
    }

    /// Passes body bytes on. What was gathered before (a head) goes out with the first of them.
    func relay(
        _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let generation = client.pointee.generation
        var offset = 0
        var broken = false
        while !upstream.pointee.reader.isDone && !broken {
            // One chunk of ours for what was read: its size goes first, so the runs are found before anything is sent.
            let sizeAt = vectorCount
            var size = 0
            if upstream.pointee.delivery == .chunked { vectorCount += 1 }
            gather: while hasRoom(4) {
                switch upstream.pointee.reader.next(bytes, &offset) {
                case .needMore, .end: break gather
                case .fault:
                    broken = true
                    break gather
                case .data(let start, let count):
                    size += count
                    let data = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
                    switch upstream.pointee.delivery {
                    case .plain, .chunked: push(data.baseAddress!, count)
                    case .events:
                        if !UsageLines.take(self, upstream, client, data) { broken = true }
                    case .whole:
                        if !upstream.pointee.input.append(data) { broken = true }
                    case .none: break
                    }
                    if broken { break gather }
                }
            }
            if upstream.pointee.delivery == .chunked {
                if size > 0 { pushChunkFrame(at: sizeAt, size) } else { vectorCount = sizeAt }
            }
            if size > 0 { stripe.add(.chunks) }
            if broken || upstream.pointee.reader.isDone { break }
            if offset >= bytes.count { break }
            guard flush(client), client.pointee.generation == generation else { return }
        }
        guard client.pointee.generation == generation else { return }
        if broken {
            // What was sound goes out, so that the client sees an answer that breaks off and not an empty one.
            guard flush(client) else { return }
            upstreamBroken(upstream)
            return
        }
        if upstream.pointee.reader.isDone {
            if offset < bytes.count { upstream.pointee.keepsAlive = false }
            completeRelay(upstream, client)
        } else {
            flush(client)
        }
    }

    /// Puts a chunk's size before what was gathered since `at`, and its end behind it. The size line stands at the end of
    /// `scratch`, whose beginning may hold the answer's head.
    func pushChunkFrame(at: Int, _ size: Int) {
        let room = UnsafeMutableRawBufferPointer(rebasing: scratch[(scratch.count - 32)...])
        var writer = HeadWriter(room)
        writer.append(hexadecimal: UInt64(size))
        writer.append("\r\n")
        vector[at] = iovec(iov_base: room.baseAddress, iov_len: writer.count)
        push("\r\n")
    }

    /// The answer is whole: its end goes out, the connection goes back to the pool, and the request is done.
    func completeRelay(_ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>) {
        switch upstream.pointee.delivery {
        case .events:
            guard UsageLines.finish(self, upstream, client) else { return }
            push("0\r\n\r\n")
        case .chunked: push("0\r\n\r\n")
        case .whole: pushWhole(upstream, client)
        case .plain, .none: break
        }
        guard flush(client) else { return }
        client.pointee.upstream = -1
        park(upstream)
        perform(client.pointee.life.handle(.completed), client)
    }

    /// A collected answer with its usage rewritten and its length to match.
    private func pushWhole(_ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>) {
        let all = upstream.pointee.input.bytes
        let headBytes = UnsafeRawBufferPointer(rebasing: all[..<upstream.pointee.scanned])
        let body = UnsafeRawBufferPointer(rebasing: all[upstream.pointee.scanned...])
        // Other answers have used the parser since this head came.
        _ = answerHead.parseResponse(headBytes)
        pieces.removeAll()
        let rewritten =
            UsageRewriter.mightContainUsage(body)
            && usage.plan(body, cachedTokens: client.pointee.handoff?.pointee.cachedTokens ?? 0, into: &pieces)
            && hasRoom(pieces.count + 2)
        pushAnswerHead(upstream, client, headBytes, length: Int64(rewritten ? pieces.totalBytes : body.count))
        client.pointee.answered = true
        if rewritten {
            for i in 0..<pieces.count { push(pieces[i].base, pieces[i].count) }
        } else if !body.isEmpty {
            push(body.baseAddress!, body.count)
        }
    }
}
