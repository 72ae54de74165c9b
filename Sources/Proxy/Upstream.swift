import HTTP
import IPC
import Linux
import TLS

/// A connection to the decoder or to a prefiller: a slot of a table indexed by descriptor, as clients are.
struct Upstream {
    enum Phase: UInt8 {
        case free
        /// TLS is being agreed on; the leg waits.
        case handshake
        /// In the pool.
        case idle
        /// A leg is being sent, or its answer's head is awaited.
        case waiting
        /// The prefiller's answer is collected.
        case collecting
        /// The answer goes to the client.
        case relaying
        case tunnel
    }

    /// How the answer's body goes to the client.
    enum Delivery: UInt8 {
        case none
        /// As it comes: the length was announced, or the connection's end marks the end.
        case plain
        case chunked
        /// Server-sent events in which usage is rewritten, chunked.
        case events
        /// One JSON answer, collected, rewritten and sent with its new length.
        case whole
    }

    var fd: Int32 = -1
    var generation: UInt32 = 0
    var phase = Phase.free
    var purpose = DialPurpose.decoder
    /// It came from the pool, so that its silent end may only mean it had gone stale.
    var reused = false
    /// At least one byte has been answered to the present leg.
    var answering = false
    /// Milliseconds: when it was given the present leg.
    var assignedAt: Int64 = 0
    /// It can serve another leg after this one.
    var keepsAlive = false
    /// It serves no leg after this one: its prefiller left the allowlist, the certificates it was judged by were replaced,
    /// or it was proven to be who one request called it, which says nothing to others.
    var isSpent = false
    /// Its TLS; nil in the clear.
    var tls: TLSConnection?
    /// The signature that its handshake waits for, or 0.
    var signature: UInt32 = 0
    /// Its handshake waits for its turn to ask for one.
    var isCrowded = false
    var readable = false
    var ended = false
    var isListed = false
    /// Interim answers to the present leg.
    var interim: UInt8 = 0

    var endpoint = Endpoint(.any, 0)
    /// The client it serves, or -1.
    var client: Int32 = -1
    var reader = BodyReader(.none)
    var delivery = Delivery.none
    /// Part of a head, a held-back line of events, or a collected answer.
    var input = Buffer()
    var scanned = 0

    // Places in the pool's lists.
    var nextIdle: Int32 = -1
    var previousIdle: Int32 = -1
    var nextOld: Int32 = -1
    var previousOld: Int32 = -1
    /// Milliseconds: since when it is idle.
    var idleSince: Int64 = 0

    var token: UInt64 { Token.upstream(fd, generation) }
}
