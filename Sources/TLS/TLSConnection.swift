import COpenSSL
import IPC
import Linux

/// What came of an operation.
public enum TLSOutcome: Equatable, Sendable {
    /// Done; how many bytes.
    case done(Int)
    /// The socket has nothing more to read: go on when it has.
    case wantsRead
    /// The socket takes nothing more: do the same again when it does. A write must then offer the same bytes first.
    case wantsWrite
    /// The handshake waits for a signature: see `signatureRequest`.
    case wantsSignature
    /// What was read held no data. There may be more behind it, and no event tells of that: read again, after others had
    /// their turn.
    case again
    /// Too many handshakes wait for a signature: go on when one of them has it.
    case wantsTurn
    /// The peer is done. Cleanly: it said so. Otherwise what it sent may have been cut off.
    case closed(cleanly: Bool)
    /// The connection is broken; `failure` says why. Nothing but `free` may follow.
    case failed
}

/// One TLS connection over a non-blocking socket, which stays the caller's: TLS neither closes it nor knows of epoll. A
/// trivial value, to be kept in a slot; whoever made it calls `free`. One thread's only, from beginning to end. Reading and
/// writing allocate nothing in Swift; OpenSSL's record buffers come from malloc and go back as soon as they are empty.
public struct TLSConnection {
    private let native: OpaquePointer

    /// A connection that a client began.
    public init(accepting fd: Int32, _ context: TLSContext) throws(TLSFailure) {
        guard let native = co_accept(context.native, fd) else { throw TLSFailure(description: "no memory") }
        self.native = native
    }

    /// A connection to a server. With a context that verifies, the server's certificate must be for `host`, or for the
    /// context's own server name.
    public init(
        connecting fd: Int32, _ context: TLSContext, to host: TLSHost, session: TLSSession? = nil
    ) throws(TLSFailure) {
        var made: OpaquePointer?
        if let name = context.serverName {
            made = co_connect(context.native, fd, name, nil, 0)
        } else {
            switch host {
            case .name(let name):
                // An empty name would switch the check off; the dot of an absolute name is in no certificate.
                let bare = name.utf8.last == UInt8(ascii: ".") ? String(name.dropLast()) : name
                guard !bare.isEmpty, !bare.utf8.contains(0) else { throw TLSFailure(description: "no host to check") }
                made = co_connect(context.native, fd, bare, nil, 0)
            case .address(let address):
                made = address.withBytes {
                    address.isV4
                        ? co_connect(context.native, fd, nil, $0 + 12, 4) : co_connect(context.native, fd, nil, $0, 16)
                }
            }
        }
        guard let native = made else { throw TLSFailure(description: "no memory, or no host to check") }
        self.native = native
        if let session { _ = co_offer_session(native, session.native) }
    }

    /// Frees everything, also in the middle of a handshake. Sends nothing. The socket may be closed before or after.
    public func free() { co_free(native) }

    // MARK: Operations

    /// Goes on with the handshake until it is `done(0)`.
    public func handshake() -> TLSOutcome { Self.outcome(co_handshake(native), 0) }

    /// Reads what is there, up to the size of `buffer`. Events are edge-triggered: read until `wantsRead`, or resume later
    /// without an event while `hasPending`.
    @inline(__always)
    public func read(into buffer: UnsafeMutableRawBufferPointer) -> TLSOutcome {
        var count = 0
        let outcome = co_read(native, buffer.baseAddress, buffer.count, &count)
        return Self.outcome(outcome, count)
    }

    /// Writes a beginning of `bytes`, at most one record of 16 KiB.
    @inline(__always)
    public func write(_ bytes: UnsafeRawBufferPointer) -> TLSOutcome {
        var count = 0
        let outcome = co_write(native, bytes.baseAddress, bytes.count, &count)
        return Self.outcome(outcome, count)
    }

    /// Says goodbye; then the socket's sending side may be closed. Doesn't wait for the peer's goodbye.
    public func shutdown() -> TLSOutcome { Self.outcome(co_shutdown(native), 0) }

    /// Bytes have been taken from the socket that `read` hasn't given yet: no event will tell of them.
    public var hasPending: Bool { co_has_pending(native) != 0 }

    /// The last read has emptied the socket and gave everything: the next event tells of more, and reading before it is in
    /// vain.
    public var isDrained: Bool { co_is_drained(native) != 0 }

    @inline(__always)
    private static func outcome(_ outcome: co_outcome, _ count: Int) -> TLSOutcome {
        switch outcome {
        case CO_DONE: .done(count)
        case CO_WANTS_READ: .wantsRead
        case CO_WANTS_WRITE: .wantsWrite
        case CO_WANTS_SIGNATURE: .wantsSignature
        case CO_WANTS_TURN: .wantsTurn
        case CO_AGAIN: .again
        case CO_CLOSED: .closed(cleanly: true)
        case CO_CUT: .closed(cleanly: false)
        default: .failed
        }
    }

    // MARK: Signatures

    /// What the handshake waits for; nil when it doesn't.
    public var signatureRequest: SignRequest? {
        guard let request = co_signature_request(native) else { return nil }
        return withUnsafeBytes(of: &UnsafeMutablePointer(mutating: request).pointee.content) { content in
            SignRequest(
                key: request.pointee.key, algorithm: request.pointee.algorithm,
                isDigest: request.pointee.is_digest != 0, content: Array(content.prefix(Int(request.pointee.count))))
        }
    }

    /// Gives the signature; `handshake` goes on then. Nil: there is none, and the handshake fails. False: none was wanted.
    public func sign(with signature: [UInt8]?) -> Bool {
        let bytes = signature ?? []
        return co_signature(native, bytes, bytes.count) == 1
    }

    // MARK: What came of it

    /// Why the connection is broken, or was cut: for logs, with the peer's chain where that is the reason.
    public var failure: String { String(cString: co_failure(native)) }
    /// The peer has sent something, be it nonsense.
    public var hasHeard: Bool { co_has_heard(native) != 0 }
    /// A client has sent plain HTTP where TLS is spoken.
    public var isPlainHTTP: Bool { co_is_plain_http(native) != 0 }
    /// The peer's certificate was refused.
    public var refusedCertificate: Bool { co_verify_result(native) != 0 }
    /// The version that both agreed on.
    public var version: TLSVersion? { TLSVersion(rawValue: co_version(native)) }
    /// The cipher suite by its IANA name; empty before the handshake.
    public var cipherSuite: String { String(cString: co_suite(native)) }
    /// The peer was known from an earlier connection: no certificates, no signature.
    public var isResumed: Bool { co_resumed(native) != 0 }
    /// The protocol that both agreed on; nil when the peer named none.
    public var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        let count = co_protocol(native, &name)
        return name.map { String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self) }
    }
    /// A name of the peer's certificate, such as `URI:spiffe://…`, `DNS:…` or `CN=…`; nil when it showed none.
    public var peerName: String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { out in
            co_peer_name(native, out.baseAddress, out.count) > 0 ? out.baseAddress.map { String(cString: $0) } : nil
        }
    }
    /// The name that a client asked for.
    public var serverName: String? { co_server_name(native).map { String(cString: $0) } }

    /// The newest session that the server gave, to begin the next connection with. In TLS 1.3 it comes with the first
    /// bytes that are read, so ask for it late.
    public func takeSession() -> TLSSession? { co_take_session(native).map(TLSSession.init) }
}

/// What lets a connection begin without certificates. Secret, and of use only with the context that it came from.
public final class TLSSession {
    let native: OpaquePointer

    init(_ native: OpaquePointer) { self.native = native }
    deinit { co_session_free(native) }

    /// It can still be used.
    public var isResumable: Bool { co_session_resumable(native) != 0 }
}
