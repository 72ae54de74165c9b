import HTTP
import IPC
import Linux

/// Writes the head of a leg: the client's own fields in their own spelling and order, less what ends here, plus what the
/// leg needs.
extension Loop {
    enum Leg {
        case passThrough
        case prefill
        case decode
    }

    /// Writes into `scratch` everything but the body's length and the empty line. False when it doesn't fit.
    func writeLegHead(
        _ leg: Leg, _ bytes: UnsafeRawBufferPointer, _ client: UnsafeMutablePointer<Client>,
        into writer: inout HeadWriter
    ) -> Bool {
        func copy(_ span: Span) { writer.append(bytes.baseAddress! + Int(span.start), Int(span.count)) }
        copy(head.methodSpan)
        writer.append(" ")
        copy(head.target)
        writer.append(" HTTP/1.1\r\n")
        var forwarded = -1
        for i in 0..<head.fieldCount {
            let field = head[i]
            if field.endsHere { continue }
            switch field.known {
            case .connection, .hopByHop, .transferEncoding, .contentLength, .expect, .upgrade, .prefillerHostPort,
                .connectorOwned:
                continue
            case .forwardedFor:
                if forwarded < 0 { forwarded = i }
                continue
            case .authorization, .cookie:
                if leg == .prefill && !settings.forwardCredentials { continue }
            case .acceptEncoding:
                // The prefiller's answer is read here, so it mustn't be compressed.
                if leg == .prefill { continue }
            case .requestID:
                if leg != .passThrough { continue }
            case .other, .host, .contentType, .contentEncoding: break
            }
            copy(field.name)
            writer.append(": ")
            copy(field.value)
            writer.append("\r\n")
        }
        if head.host < 0 {
            writer.append("host: ")
            append(settings.decoderName, to: &writer)
            writer.append("\r\n")
        }
        writeForwardedFor(bytes, client.pointee.peer, first: forwarded, into: &writer)
        switch leg {
        case .passThrough:
            if client.pointee.wantsUpgrade { writer.append("connection: upgrade\r\nupgrade: websocket\r\n") }
        case .prefill:
            NixlV2.writePrefillFields(into: &writer)
            writer.append("x-decoder-host-port: ")
            append(settings.decoderName, to: &writer)
            writer.append("\r\n")
            writeRequestID(client, into: &writer)
        case .decode: writeRequestID(client, into: &writer)
        }
        return !writer.overflowed
    }

    private func writeRequestID(_ client: UnsafeMutablePointer<Client>, into writer: inout HeadWriter) {
        guard let handoff = client.pointee.handoff else { return }
        writer.append("x-request-id: ")
        let id = handoff.pointee.requestID.bytes
        writer.append(id.baseAddress!, id.count)
        writer.append("\r\n")
    }

    /// One X-Forwarded-For: what came in, and the client's address at the end.
    private func writeForwardedFor(
        _ bytes: UnsafeRawBufferPointer, _ peer: Address, first: Int, into writer: inout HeadWriter
    ) {
        writer.append("x-forwarded-for: ")
        if first >= 0 {
            for i in first..<head.fieldCount where head[i].known == .forwardedFor && head[i].value.count > 0 {
                writer.append(bytes.baseAddress! + Int(head[i].value.start), Int(head[i].value.count))
                writer.append(", ")
            }
        }
        if peer.isV4 {
            let v4 = peer.v4
            writer.append(decimal: UInt64(v4 >> 24))
            var shift: UInt32 = 24
            while shift > 0 {
                shift -= 8
                writer.append(".")
                writer.append(decimal: UInt64(v4 >> shift & 255))
            }
        } else {
            append(peer.description, to: &writer)
        }
        writer.append("\r\n")
    }

    private func append(_ text: String, to writer: inout HeadWriter) {
        var copy = text
        copy.withUTF8 { writer.append($0.baseAddress!, $0.count) }
    }

    /// The client's x-request-id if there is exactly one and it is plain, else a random one.
    func chooseRequestID(_ bytes: UnsafeRawBufferPointer) -> Buffer {
        if head.requestIDCount == 1 {
            let span = head[head.requestID].value
            let value = UnsafeRawBufferPointer(rebasing: bytes[Int(span.start)..<Int(span.start + span.count)])
            if RequestID.isValid(value) {
                var id = Buffer(capacity: value.count)
                if id.append(value) { return id }
            }
        }
        return requestIDs.next()
    }
}
