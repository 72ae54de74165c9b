import HTTP
import Metrics

/// What a request is, decided from its head and the first bytes of its body alone.
enum Route {
    /// The API of a path. Paths have one spelling by the time they come here (`HTTP/Target.swift`), so bytes compare.
    static func api(_ head: borrowing Head, _ bytes: UnsafeRawBufferPointer) -> API {
        guard head.method == .post else { return .other }
        if equals(head.path, bytes, "/v1/chat/completions") { return .chatCompletions }
        if equals(head.path, bytes, "/v1/completions") { return .completions }
        return .other
    }

    /// `GET /health` is answered here, as the original does; it says nothing about the decoder.
    static func isHealth(_ head: borrowing Head, _ bytes: UnsafeRawBufferPointer) -> Bool {
        (head.method == .get || head.method == .head) && equals(head.path, bytes, "/health")
    }

    /// Must this body be valid JSON before it goes anywhere? Engines parse more than they declare, and Python's parser
    /// takes more than the standard allows, so the question is put the other way round: a body passes unread only if it
    /// can't be a JSON object or array in any encoding that parser detects, and doesn't claim to be JSON.
    static func mustBeJSON(
        _ head: borrowing Head, _ bytes: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer
    ) -> Bool {
        guard head.contentType >= 0 else { return true }
        let span = head[head.contentType].value
        if mentionsJSON(UnsafeRawBufferPointer(rebasing: bytes[Int(span.start)..<Int(span.start + span.count)])) {
            return true
        }
        if body.count >= 2 {
            let first = (body[0], body[1])
            // Byte order marks of UTF-16 and UTF-8.
            if first == (0xFE, 0xFF) || first == (0xFF, 0xFE) { return true }
            if body.count >= 3 && first == (0xEF, 0xBB) && body[2] == 0xBF { return true }
            // UTF-32's begins with UTF-16's, or with its bytes the other way round.
            if body.count >= 4 && first == (0, 0) && (body[2], body[3]) == (0xFE, 0xFF) { return true }
        }
        for byte in body {
            switch byte {
            // White space, and the zero bytes of UTF-16 and UTF-32.
            case 0x00, 0x09, 0x0A, 0x0D, 0x20: continue
            default: return byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
            }
        }
        return false
    }

    /// "json" anywhere in the media type: `application/json`, `application/problem+json`, `text/json`.
    private static func mentionsJSON(_ value: UnsafeRawBufferPointer) -> Bool {
        var i = 0
        while i + 4 <= value.count {
            if value[i] == UInt8(ascii: ";") { return false }
            if value[i] | 0x20 == UInt8(ascii: "j"), value[i + 1] | 0x20 == UInt8(ascii: "s"),
                value[i + 2] | 0x20 == UInt8(ascii: "o"), value[i + 3] | 0x20 == UInt8(ascii: "n")
            {
                return true
            }
            i += 1
        }
        return false
    }

    private static func equals(_ span: Span, _ bytes: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        guard Int(span.count) == literal.utf8CodeUnitCount else { return false }
        for i in 0..<Int(span.count) where bytes[Int(span.start) + i] != literal.utf8Start[i] { return false }
        return true
    }
}
