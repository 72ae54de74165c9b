import HTTP
import JSON

/// Rewrites usage in a stream of server-sent events. A line is looked at only if it may speak of usage; an unfinished
/// line is held back until its end has come. What an upstream chunk brings leaves in one chunk.
enum UsageLines {
    /// A JSON answer that is collected to be rewritten, in bytes; larger ones pass as they are.
    static let largestAnswer = 16 << 20
    /// A line that is held back, in bytes; a longer one passes as it is.
    static let longestLine = 1 << 20

    /// `text/event-stream`, with or without parameters.
    static func isEventStream(_ type: UnsafeRawBufferPointer) -> Bool { hasType(type, "text/event-stream") }

    /// `application/json`, with or without parameters.
    static func isJSON(_ type: UnsafeRawBufferPointer) -> Bool { hasType(type, "application/json") }

    private static func hasType(_ type: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        let count = literal.utf8CodeUnitCount
        guard type.count >= count else { return false }
        for i in 0..<count {
            let byte = type[i]
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if folded != literal.utf8Start[i] { return false }
        }
        return type.count == count || type[count] == UInt8(ascii: ";") || type[count] == 0x20
    }

    /// Takes in body bytes and gathers what can go out. False: out of memory, or the client is gone.
    static func take(
        _ loop: Loop, _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ data: UnsafeRawBufferPointer
    ) -> Bool {
        guard upstream.pointee.input.isEmpty else {
            guard upstream.pointee.input.append(data) else { return false }
            if upstream.pointee.input.bytes[(upstream.pointee.input.count - data.count)...].lastIndex(of: newline)
                == nil
                && upstream.pointee.input.count <= longestLine
            {
                return true
            }
            var held = upstream.pointee.input
            upstream.pointee.input = Buffer()
            let sent = emit(loop, upstream, client, held.bytes)
            held.free()
            return sent
        }
        return emit(loop, upstream, client, data)
    }

    /// The stream ends: what was held back goes out as it is. False: the client is gone.
    static func finish(
        _ loop: Loop, _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>
    ) -> Bool {
        let rest = upstream.pointee.input.bytes
        if rest.isEmpty { return true }
        return pushChunk(loop, client, rest)
    }

    private static let newline = UInt8(ascii: "\n")

    /// Sends all whole lines of `bytes` as one chunk, and holds back what follows the last of them.
    private static func emit(
        _ loop: Loop, _ upstream: UnsafeMutablePointer<Upstream>, _ client: UnsafeMutablePointer<Client>,
        _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        var end = bytes.lastIndex(of: newline).map { $0 + 1 } ?? 0
        if bytes.count - end > longestLine { end = bytes.count }
        if end < bytes.count {
            guard upstream.pointee.input.append(UnsafeRawBufferPointer(rebasing: bytes[end...])) else { return false }
        }
        if end == 0 { return true }
        let lines = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        if !UsageRewriter.mightContainUsage(lines) {
            return pushChunk(loop, client, lines)
        }
        return rewrite(loop, client, lines)
    }

    private static func rewrite(
        _ loop: Loop, _ client: UnsafeMutablePointer<Client>, _ lines: UnsafeRawBufferPointer
    ) -> Bool {
        var out = Buffer(capacity: lines.count + 256)
        defer { out.free() }
        let cached = client.pointee.handoff?.pointee.cachedTokens ?? 0
        var at = 0
        while at < lines.count {
            var end = at
            while end < lines.count && lines[end] != newline { end += 1 }
            end = min(end + 1, lines.count)
            let line = UnsafeRawBufferPointer(rebasing: lines[at..<end])
            at = end
            if let payload = payload(of: line), UsageRewriter.mightContainUsage(line) {
                loop.pieces.removeAll()
                let json = UnsafeRawBufferPointer(rebasing: line[payload])
                if loop.usage.plan(json, cachedTokens: cached, into: &loop.pieces) {
                    guard out.append(UnsafeRawBufferPointer(rebasing: line[..<payload.lowerBound])) else {
                        return false
                    }
                    for i in 0..<loop.pieces.count {
                        let piece = loop.pieces[i]
                        guard out.append(UnsafeRawBufferPointer(start: piece.base, count: piece.count)) else {
                            return false
                        }
                    }
                    guard out.append(UnsafeRawBufferPointer(rebasing: line[payload.upperBound...])) else {
                        return false
                    }
                    continue
                }
            }
            guard out.append(line) else { return false }
        }
        return pushChunk(loop, client, out.bytes)
    }

    /// The payload of a `data:` line, without its line end.
    private static func payload(of line: UnsafeRawBufferPointer) -> Range<Int>? {
        let prefix: StaticString = "data:"
        guard line.count > prefix.utf8CodeUnitCount else { return nil }
        for i in 0..<prefix.utf8CodeUnitCount where line[i] != prefix.utf8Start[i] { return nil }
        var start = prefix.utf8CodeUnitCount
        var end = line.count
        while end > start, line[end - 1] == newline || line[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        while start < end, line[start] == 0x20 { start += 1 }
        return start < end ? start..<end : nil
    }

    /// Sends one chunk from where its bytes stand. The answer's head, if it is still gathered, goes with it.
    private static func pushChunk(
        _ loop: Loop, _ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        let at = loop.vectorCount
        loop.vectorCount += 1
        loop.push(bytes.baseAddress!, bytes.count)
        loop.pushChunkFrame(at: at, bytes.count)
        return loop.flush(client)
    }
}
