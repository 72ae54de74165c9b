/// A run of bytes within a head.
public struct Span: Equatable, Sendable {
    /// Offset of the first byte.
    public var start: Int32
    /// How many.
    public var count: Int32

    /// From offsets.
    @inline(__always)
    public init(_ start: Int, _ count: Int) {
        self.start = Int32(truncatingIfNeeded: start)
        self.count = Int32(truncatingIfNeeded: count)
    }

    /// Nothing.
    public static let empty = Span(0, 0)
}

/// Header fields that mean something to us; all others travel unread.
public enum KnownField: UInt8, Sendable {
    case other
    case host
    case connection
    case contentLength
    case transferEncoding
    case expect
    case upgrade
    case contentType
    case contentEncoding
    case acceptEncoding
    case authorization
    case cookie
    case requestID
    case forwardedFor
    case prefillerHostPort
    /// Fields that end at each hop: Keep-Alive, TE, Trailer, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization.
    case hopByHop
    /// Fields that only we set on a prefill leg: x-nixl-version, x-kv-connector, x-decoder-host-port.
    case connectorOwned
}

/// One field line.
public struct Field: Sendable {
    /// The name as it was written.
    public var name: Span
    /// The value without the white space around it.
    public var value: Span
    /// What it is.
    public var known: KnownField
    /// Named by a Connection field, so it ends here.
    public var endsHere: Bool
}

/// Methods that are treated specially.
public enum Method: UInt8, Sendable {
    case get
    case head
    case post
    case put
    case patch
    case delete
    case options
    case trace
    case connect
    case other
}

/// What an Upgrade field asks for.
public enum Upgrade: UInt8, Sendable {
    case none
    case websocket
    case refused
}

/// Why a head was refused. The raw value is the status for a client; from an upstream each of them is a 502.
public enum HeadFault: UInt16, Error, Sendable {
    case malformed = 400
    case expectation = 417
    case tooLarge = 431
    case notImplemented = 501
    case version = 505
}

/// How far a head has come.
public enum HeadResult: Equatable, Sendable {
    case incomplete
    /// The head is this many bytes, with its empty line.
    case complete(Int)
    case failed(HeadFault)
}

/// Limits on heads.
public enum HeadLimits {
    /// Bytes of a whole head.
    public static let bytes = 65_536
    /// Field lines.
    public static let fields = 100
}

/// A parsed head: spans into bytes that the caller keeps. One instance is reused for all connections of a loop.
///
/// The parser accepts the one normal spelling of HTTP/1 and nothing else. What two readers could understand differently
/// (bare LF, folded lines, spaces before colons, several lengths, both kinds of length) is refused and not repaired:
/// that is how requests are smuggled.
public struct Head: ~Copyable {
    let fields: UnsafeMutablePointer<Field>
    /// How many field lines there are.
    public internal(set) var fieldCount = 0
    /// Request method.
    public internal(set) var method = Method.other
    /// The method's own spelling.
    public internal(set) var methodSpan = Span.empty
    /// Path of the request target, without the query.
    public internal(set) var path = Span.empty
    /// The target in origin form: path and query.
    public internal(set) var target = Span.empty
    /// Authority of an absolute-form target; empty otherwise.
    public internal(set) var authority = Span.empty
    /// Response status.
    public internal(set) var status = 0
    /// The reason phrase.
    public internal(set) var reason = Span.empty
    /// 0 or 1 of HTTP/1.x.
    public internal(set) var minorVersion = 1
    /// Declared body length in bytes; -1 = none.
    public internal(set) var contentLength: Int64 = -1
    /// Transfer-Encoding is chunked.
    public internal(set) var isChunked = false
    /// The connection can serve another message after this one.
    public internal(set) var keepsAlive = true
    /// Expect: 100-continue.
    public internal(set) var expectsContinue = false
    /// The protocol asked for.
    public internal(set) var upgrade = Upgrade.none
    /// Index of the first Content-Type, or -1.
    public internal(set) var contentType = -1
    /// Index of the first x-request-id, or -1.
    public internal(set) var requestID = -1
    /// Index of the first x-prefiller-host-port, or -1.
    public internal(set) var prefiller = -1
    /// Index of the Host field, or -1.
    public internal(set) var host = -1
    /// How many x-prefiller-host-port lines there are.
    public internal(set) var prefillerCount = 0
    /// How many x-request-id lines there are.
    public internal(set) var requestIDCount = 0
    /// A Content-Encoding other than identity.
    public internal(set) var hasContentEncoding = false
    var connectionFields = 0
    var contentLengthCount = 0
    var transferEncodingCount = 0
    var hostCount = 0
    var wantsClose = false
    var wantsKeepAlive = false

    /// Room for the most fields a head may have.
    public init() { fields = .allocate(capacity: HeadLimits.fields) }

    deinit { fields.deallocate() }

    /// A proper request to upgrade to a WebSocket: GET, HTTP/1.1, and the Upgrade field named by Connection (RFC 9110,
    /// 7.8). Anything else that mentions one is an ordinary request, and the field goes no further.
    public var asksForWebSocket: Bool {
        guard upgrade == .websocket, method == .get, minorVersion == 1 else { return false }
        for i in 0..<fieldCount where fields[i].known == .upgrade && fields[i].endsHere { return true }
        return false
    }

    /// A field line.
    @inline(__always)
    public subscript(i: Int) -> Field { fields[i] }

    mutating func reset() {
        fieldCount = 0
        method = .other
        authority = .empty
        contentLength = -1
        isChunked = false
        keepsAlive = true
        expectsContinue = false
        upgrade = .none
        contentType = -1
        requestID = -1
        prefiller = -1
        host = -1
        prefillerCount = 0
        requestIDCount = 0
        hasContentEncoding = false
        connectionFields = 0
        contentLengthCount = 0
        transferEncodingCount = 0
        hostCount = 0
        wantsClose = false
        wantsKeepAlive = false
    }

    /// Looks for the end of a head in bytes that arrive piecemeal; `from` is where the last look ended. Finds a bare LF
    /// at once, so that a head that can never be valid doesn't wait for its deadline.
    public static func end(of bytes: UnsafeRawBufferPointer, from: Int) -> HeadResult {
        var i = max(0, from - 3)
        while i < bytes.count {
            guard let lf = find(Bytes.lf, in: bytes, from: i) else { break }
            guard lf > 0, bytes[lf - 1] == Bytes.cr else { return .failed(.malformed) }
            if lf >= 3, bytes[lf - 2] == Bytes.lf {
                return lf + 1 <= HeadLimits.bytes ? .complete(lf + 1) : .failed(.tooLarge)
            }
            // An empty line where the start line should be.
            if lf == 1 { return .failed(.malformed) }
            i = lf + 1
        }
        return bytes.count > HeadLimits.bytes ? .failed(.tooLarge) : .incomplete
    }

    @inline(__always)
    static func find(_ byte: UInt8, in bytes: UnsafeRawBufferPointer, from: Int) -> Int? {
        let base = bytes.baseAddress!
        let pattern = 0x0101_0101_0101_0101 &* UInt64(byte)
        var i = from
        while i + 8 <= bytes.count {
            let word = base.loadUnaligned(fromByteOffset: i, as: UInt64.self) ^ pattern
            let hit = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if hit != 0 { return i + hit.littleEndian.trailingZeroBitCount / 8 }
            i += 8
        }
        while i < bytes.count {
            if bytes[i] == byte { return i }
            i += 1
        }
        return nil
    }
}
