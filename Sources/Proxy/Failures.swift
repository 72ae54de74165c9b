import HTTP
import Metrics

/// An error answer: status, the `type` of vLLM's error shape, and a message for the person who reads it.
struct ErrorAnswer {
    var status: UInt16
    var type: StaticString
    var message: StaticString
    /// Seconds, sent as Retry-After; 0 = none.
    var retryAfter: UInt8 = 0

    /// Why the machine gave up, told to the client without internal addresses.
    init(_ failure: Failure) {
        switch failure {
        case .prefillerForbidden:
            self.init(
                403, "prefill_target_forbidden",
                "The prefill target in x-prefiller-host-port is an address that this sidecar never dials.")
        case .prefillerNotAllowed:
            self.init(
                403, "prefill_target_not_allowed",
                "The prefill target in x-prefiller-host-port is not a member of this sidecar's inference pool.")
        case .allowlistUnusable:
            self.init(
                403, "prefill_target_not_allowed",
                "No prefill target can be allowed: this sidecar has no current list of its inference pool's members.")
        case .prefillerUnreachable:
            self.init(
                504, "prefiller_unreachable", "The prefill worker named in x-prefiller-host-port could not be reached.")
        case .prefillTimeout:
            self.init(504, "prefill_timeout", "The prefill worker did not answer within the prefill timeout.")
        case .prefillerBroken:
            self.init(502, "prefiller_failed", "The prefill worker's answer was broken or ended too early.")
        case .prefillerTLS:
            self.init(
                502, "prefiller_tls_failed",
                "TLS to the prefill worker failed, or its certificate was refused; see the sidecar's log for the reason."
            )
        case .prefillAnswerTooLarge:
            self.init(
                502, "prefill_answer_too_large", "The prefill worker's answer is larger than the sidecar accepts.")
        case .invalidHandoff:
            self.init(
                502, "invalid_prefill_handoff",
                "The prefill worker's kv_transfer_params cannot be used by the decoder; see the sidecar's log for the reason."
            )
        case .missingHandoff:
            self.init(502, "missing_prefill_handoff", "The prefill worker answered without kv_transfer_params.")
        case .handoffExpired:
            self.init(
                502, "handoff_expired",
                "The request reached the decoder too long after its prefill: the prefilled blocks may have been reused."
            )
        case .decoderRefused:
            self.init(
                503, "ServiceUnavailable",
                """
                The decode node is not ready. Please check that the vLLM service is running and the port \
                configuration is correct.
                """, retryAfter: 1)
        case .decoderUnreachable:
            self.init(502, "BadGateway", "The decoder could not be reached.")
        case .decoderBroken:
            self.init(502, "BadGateway", "The decoder's answer was broken or ended before it began.")
        case .decoderTLS:
            self.init(
                502, "decoder_tls_failed",
                "TLS to the decoder failed, or its certificate was refused; see the sidecar's log for the reason.")
        case .noResources:
            self.init(503, "overloaded", "The sidecar cannot open more connections at the moment.", retryAfter: 1)
        case .draining:
            self.init(503, "shutting_down", "The sidecar is shutting down.", retryAfter: 1)
        }
    }

    init(_ status: UInt16, _ type: StaticString, _ message: StaticString, retryAfter: UInt8 = 0) {
        self.status = status
        self.type = type
        self.message = message
        self.retryAfter = retryAfter
    }

    /// A head that could not be accepted.
    init(_ fault: HeadFault) {
        switch fault {
        case .malformed:
            self.init(400, "BadRequestError", "The request's head is malformed or ambiguous.")
        case .expectation:
            self.init(417, "ExpectationFailed", "The only expectation that is understood is 100-continue.")
        case .tooLarge:
            self.init(431, "RequestHeaderFieldsTooLarge", "The request's head exceeds 64 KiB or 100 fields.")
        case .notImplemented: self.init(501, "NotImplemented", "This method is not served.")
        case .version: self.init(505, "HTTPVersionNotSupported", "Only HTTP/1.0 and HTTP/1.1 are served.")
        }
    }

    static let badTarget = ErrorAnswer(
        400, "BadRequestError",
        """
        x-prefiller-host-port must be an IP address and a port, such as 10.1.2.3:8000 or [2001:db8::1]:8000, or a list \
        of them; a name only where it is known.
        """)
    static let badChunks = ErrorAnswer(400, "BadRequestError", "The request body's chunked coding is malformed.")
    static let encodedBody = ErrorAnswer(
        415, "UnsupportedMediaType", "Request bodies must not be compressed: Content-Encoding is not accepted.")
    static let bodyTooLarge = ErrorAnswer(
        413, "RequestEntityTooLarge", "The request body is larger than the sidecar accepts.")
    static let noBufferSpace = ErrorAnswer(
        503, "overloaded", "The sidecar holds as many request bodies as it may; try again shortly.", retryAfter: 1)
    static let slowHead = ErrorAnswer(408, "RequestTimeout", "The request's head did not arrive in time.")
    static let slowBody = ErrorAnswer(408, "RequestTimeout", "The request's body arrives too slowly.")
    static let needsLength = ErrorAnswer(400, "BadRequestError", "A body needs Content-Length or chunked coding.")

    /// The counter this failure belongs to.
    static func counter(_ failure: Failure) -> Counter {
        switch failure {
        case .prefillTimeout: .errorsTimeout
        case .prefillerTLS, .decoderTLS: .errorsTLS
        case .invalidHandoff, .missingHandoff, .handoffExpired: .errorsHandoff
        case .prefillAnswerTooLarge, .noResources, .draining: .errorsLimit
        case .prefillerForbidden, .prefillerNotAllowed, .allowlistUnusable: .errorsClient
        case .prefillerUnreachable, .prefillerBroken, .decoderRefused, .decoderUnreachable, .decoderBroken:
            .errorsNetwork
        }
    }
}

/// Reason phrases of the statuses we send ourselves.
func reasonPhrase(_ status: UInt16) -> StaticString {
    switch status {
    case 200: "OK"
    case 400: "Bad Request"
    case 403: "Forbidden"
    case 408: "Request Timeout"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 431: "Request Header Fields Too Large"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Error"
    }
}
