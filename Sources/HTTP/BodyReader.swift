/// How long a message body is, and what of the bytes at hand belongs to it.
public struct BodyReader: Sendable {
    /// The framing of a body.
    public enum Framing: Sendable, Equatable {
        case none
        case length(UInt64)
        case chunked
        /// Until the sender closes (responses only).
        case untilClose
    }

    /// The framing.
    public private(set) var framing: Framing
    private var remaining: UInt64
    private var chunks = ChunkDecoder()

    /// At the start of a body.
    @inline(__always)
    public init(_ framing: Framing) {
        self.framing = framing
        if case .length(let length) = framing { remaining = length } else { remaining = 0 }
    }

    /// A request's body.
    public static func request(_ head: borrowing Head) -> BodyReader {
        if head.isChunked { return BodyReader(.chunked) }
        return BodyReader(head.contentLength > 0 ? .length(UInt64(head.contentLength)) : .none)
    }

    /// A response's body; RFC 9112, 6.3.
    public static func response(_ head: borrowing Head, toHead: Bool) -> BodyReader {
        if toHead || head.status < 200 || head.status == 204 || head.status == 304 { return BodyReader(.none) }
        if head.isChunked { return BodyReader(.chunked) }
        if head.contentLength >= 0 {
            return BodyReader(head.contentLength == 0 ? .none : .length(UInt64(head.contentLength)))
        }
        return BodyReader(.untilClose)
    }

    /// Bytes that are still missing of a body with a length.
    public var missing: Int { Int(truncatingIfNeeded: remaining) }

    /// Is the body complete?
    public var isDone: Bool {
        switch framing {
        case .none: true
        case .length: remaining == 0
        case .chunked: chunks.isDone
        case .untilClose: false
        }
    }

    /// Reads on at `offset` and moves it.
    public mutating func next(_ input: UnsafeRawBufferPointer, _ offset: inout Int) -> ChunkDecoder.Event {
        switch framing {
        case .none: return .end
        case .chunked: return chunks.isDone ? .end : chunks.next(input, &offset)
        case .length:
            if remaining == 0 { return .end }
            let count = Int(min(remaining, UInt64(input.count - offset)))
            if count == 0 { return .needMore }
            let start = offset
            offset += count
            remaining -= UInt64(count)
            return .data(start: start, count: count)
        case .untilClose:
            if offset == input.count { return .needMore }
            let start = offset
            offset = input.count
            return .data(start: start, count: input.count - start)
        }
    }
}
