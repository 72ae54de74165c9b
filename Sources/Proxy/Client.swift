import HTTP
import JSON
import Linux
import Metrics
import TLS

/// A client's connection: a slot of a table indexed by descriptor. Trivial, so that it is neither counted nor copied by
/// accident; what it owns on the heap is freed by `Loop.closeClient`.
struct Client {
    enum Phase: UInt8 {
        case free
        /// TLS is being agreed on; nothing has been said yet.
        case handshake
        /// Between requests: nothing of the next one is here.
        case idle
        /// Part of a head is here.
        case head
        /// The head is here, the body is being collected.
        case body
        /// A request is being served.
        case serving
        /// Bytes pass both ways after an upgrade.
        case tunnel
        /// The last answer is out; input is read and dropped so that the answer isn't lost to a reset.
        case lingering
        /// The last bytes are being flushed, then the connection ends.
        case closing
    }

    var fd: Int32 = -1
    var generation: UInt32 = 0
    var phase = Phase.free

    /// There may be input that hasn't been read (edge-triggered events come once).
    var readable = false
    /// The client has closed its sending side.
    var ended = false
    /// The connection closes after the present answer.
    var closeAfter = false
    /// It stands on the loop's list of connections to resume.
    var isListed = false

    /// Its TLS; nil in the clear.
    var tls: TLSConnection?
    /// The signature that its handshake waits for, or 0.
    var signature: UInt32 = 0
    /// It stands in the line of handshakes that wait for their turn.
    var isCrowded = false

    /// Where it came from.
    var peer = Address.any
    var timer = Timers.Node()

    /// Unparsed input: part of a head, or pipelined requests.
    var input = Buffer()
    /// How far the search for the head's end has come.
    var scanned = 0
    /// The head, kept while the body is collected.
    var head = Buffer()
    /// The body, when it is kept beyond the read buffer.
    var body = Buffer()
    var reader = BodyReader(.none)
    /// Body bytes so far and since when (milliseconds), for the minimum rate.
    var bodyReceived = 0
    var bodySince: Int64 = 0
    /// Bytes this connection has in the account of buffered bytes.
    var charged = 0

    // The request being served.
    var life = RequestLife()
    var api = API.other
    var mode = Mode.decoderOnly
    var isHeadRequest = false
    var wantsUpgrade = false
    var minorVersion: UInt8 = 1
    /// The answer's head is out.
    var answered = false
    var status: UInt16 = 0
    /// Nanoseconds.
    var startedAt: UInt64 = 0
    var outgoing = Outgoing()
    /// The upstream that serves it, or -1.
    var upstream: Int32 = -1
    /// The dial that is awaited, or 0.
    var dial: UInt32 = 0
    /// What a disaggregated request needs beyond this; nil otherwise.
    var handoff: UnsafeMutablePointer<Handoff>?

    /// Bytes the client hasn't taken yet.
    var pending = Buffer()
    var pendingSent = 0

    var token: UInt64 { Token.client(fd, generation) }

    /// A request of its is under way, or the rest of an answer waits for it to read.
    var isOwed: Bool {
        switch phase {
        case .free: false
        case .body, .serving, .tunnel: true
        case .handshake, .idle, .head, .lingering, .closing: !pending.isEmpty
        }
    }
}

/// What a disaggregated request carries from leg to leg.
struct Handoff {
    var target: Endpoint
    /// The target is a name, which the dialer resolves; `target` has its address once a connection is there.
    var name = ""
    /// The name that the request calls it by, for its certificate; empty = it is called by its address.
    var host = ""
    /// Prefillers that are tried when this one can't be reached, the last one first.
    var others: [PrefillChoice] = []
    /// The decode leg's head, without its length and its empty line.
    var decodeHead = Buffer()
    var plan: DecodePlan
    /// The one request id on both legs and in the answer.
    var requestID = Buffer()
    /// The prefiller's answer, and where in it the handoff stands.
    var answer = Buffer()
    var params: Range<Int> = 0..<0
    var cachedTokens = 0
    /// Milliseconds on the monotonic clock: when leg 1 was sent, and when its answer was whole.
    var sentAt: Int64 = 0
    var answeredAt: Int64 = 0

    mutating func free() {
        decodeHead.free()
        requestID.free()
        answer.free()
    }
}

/// What an event belongs to, packed into the 64 bits that epoll gives back: descriptor, kind and the slot's generation,
/// because a descriptor's number may have been given to something else since the event arose.
enum Token {
    static let clientKind: UInt64 = 0
    static let upstreamKind: UInt64 = 1
    static let specialKind: UInt64 = 2

    @inline(__always)
    private static func make(_ fd: Int32, _ generation: UInt32, _ kind: UInt64) -> UInt64 {
        UInt64(UInt32(bitPattern: fd)) & 0xFF_FFFF | kind << 24 | UInt64(generation) << 32
    }

    @inline(__always)
    static func client(_ fd: Int32, _ generation: UInt32) -> UInt64 { make(fd, generation, clientKind) }
    @inline(__always)
    static func upstream(_ fd: Int32, _ generation: UInt32) -> UInt64 { make(fd, generation, upstreamKind) }
    static func special(_ number: Int32) -> UInt64 { make(number, 0, specialKind) }

    @inline(__always)
    static func fd(_ token: UInt64) -> Int32 { Int32(truncatingIfNeeded: token & 0xFF_FFFF) }
    @inline(__always)
    static func kind(_ token: UInt64) -> UInt64 { token >> 24 & 0xFF }
    @inline(__always)
    static func generation(_ token: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: token >> 32) }
}
