/// What is counted, where it stands in a stripe of a segment, and what it is called outside. One table; writers use the
/// names, the reader prints the rows.
public enum API: Int, CaseIterable, Sendable {
    case chatCompletions = 0
    case completions = 1
    case other = 2

    var label: String {
        switch self {
        case .chatCompletions: "chat_completions"
        case .completions: "completions"
        case .other: "other"
        }
    }
}

/// How a request was served.
public enum Mode: Int, CaseIterable, Sendable {
    case disaggregated = 0
    case decoderOnly = 1

    var label: String {
        switch self {
        case .disaggregated: "disaggregated"
        case .decoderOnly: "decoder_only"
        }
    }
}

/// What the client got.
public enum Outcome: Int, CaseIterable, Sendable {
    case success = 0
    case redirect = 1
    case clientError = 2
    case serverError = 3
    case aborted = 4

    var label: String {
        switch self {
        case .success: "2xx"
        case .redirect: "3xx"
        case .clientError: "4xx"
        case .serverError: "5xx"
        case .aborted: "aborted"
        }
    }

    /// The class of a status code.
    public init(status: Int) {
        switch status {
        case ..<300: self = .success
        case 300..<400: self = .redirect
        case 400..<500: self = .clientError
        default: self = .serverError
        }
    }
}

/// Whom TLS is spoken to.
public enum TLSSide: Int, CaseIterable, Sendable {
    case client = 0
    case prefiller = 1
    case decoder = 2

    var label: String {
        switch self {
        case .client: "client"
        case .prefiller: "prefiller"
        case .decoder: "decoder"
        }
    }
}

/// A word of a stripe.
public struct Counter: Equatable, Sendable {
    /// Its position.
    public let index: Int

    init(_ index: Int) { self.index = index }

    /// Requests by what was asked, how it was served and what came of it.
    @inline(__always)
    public static func requests(_ api: API, _ mode: Mode, _ outcome: Outcome) -> Counter {
        Counter((api.rawValue * Mode.allCases.count + mode.rawValue) * Outcome.allCases.count + outcome.rawValue)
    }

    static let requestsEnd = API.allCases.count * Mode.allCases.count * Outcome.allCases.count

    /// Upstream connections that failed.
    public static let errorsNetwork = Counter(requestsEnd)
    /// Upstream answers that were not HTTP as it must be.
    public static let errorsHTTP = Counter(requestsEnd + 1)
    /// TLS failures.
    public static let errorsTLS = Counter(requestsEnd + 2)
    /// Deadlines that passed.
    public static let errorsTimeout = Counter(requestsEnd + 3)
    /// Handoffs that could not be used.
    public static let errorsHandoff = Counter(requestsEnd + 4)
    /// Requests that were refused.
    public static let errorsClient = Counter(requestsEnd + 5)
    /// Requests turned away for lack of room.
    public static let errorsLimit = Counter(requestsEnd + 6)
    /// Legs sent again after a pooled connection had gone stale.
    public static let retries = Counter(requestsEnd + 7)
    /// Clients that left during leg 1.
    public static let abortedPrefill = Counter(requestsEnd + 8)
    /// Clients that left later.
    public static let abortedDecode = Counter(requestsEnd + 9)
    /// Protocol members of clients that were removed.
    public static let hostileStripped = Counter(requestsEnd + 10)
    /// Protocol members of clients that led to a refusal.
    public static let hostileRefused = Counter(requestsEnd + 11)
    /// Prefill answers without a handoff.
    public static let handoffAbsent = Counter(requestsEnd + 12)
    /// Handoffs that reached the decoder too late.
    public static let handoffExpired = Counter(requestsEnd + 13)
    /// Handoffs a decoder could not have used.
    public static let handoffInvalid = Counter(requestsEnd + 14)
    /// Answers cut after their head.
    public static let streamsCut = Counter(requestsEnd + 15)
    /// Prefill targets that are no targets.
    public static let blockedMalformed = Counter(requestsEnd + 16)
    /// Connections to the decoder that were asked for.
    public static let dialsDecoder = Counter(requestsEnd + 17)
    /// Connections to prefillers that were asked for.
    public static let dialsPrefiller = Counter(requestsEnd + 18)
    /// Prefill targets the dialer refused.
    public static let dialsRefusedPolicy = Counter(requestsEnd + 19)
    /// Connections that could not be made.
    public static let dialsFailed = Counter(requestsEnd + 20)
    /// Legs over pooled connections.
    public static let upstreamReused = Counter(requestsEnd + 21)
    /// Pieces of streamed answers.
    public static let chunks = Counter(requestsEnd + 22)
    /// Prefill targets that are no members of the pool.
    public static let blockedNotInPool = Counter(requestsEnd + 23)
    /// Prefill targets that are members, at a port that may not be called.
    public static let blockedPort = Counter(requestsEnd + 24)
    /// Prefill targets refused because there was no snapshot of the pool yet, or none that is recent enough.
    public static let blockedNoAllowlist = Counter(requestsEnd + 25)
    /// The same three as the dialer sees them: what a proxy asked for although it should have known better. No member.
    public static let dialsRefusedNotInPool = Counter(requestsEnd + 26)
    /// See above.
    public static let dialsRefusedPort = Counter(requestsEnd + 27)
    /// See above.
    public static let dialsRefusedNoAllowlist = Counter(requestsEnd + 28)
    /// Channels of proxies that broke the protocol.
    public static let dialerViolations = Counter(requestsEnd + 29)
    /// Requests to the Kubernetes API.
    public static let apiRequests = Counter(requestsEnd + 30)
    /// Those that failed, in whatever way.
    public static let apiFailures = Counter(requestsEnd + 31)
    /// Complete lists of pools or pods.
    public static let apiLists = Counter(requestsEnd + 32)
    /// Events of watches.
    public static let apiEvents = Counter(requestsEnd + 33)
    /// Snapshots that were published.
    public static let apiSnapshots = Counter(requestsEnd + 34)
    /// Connections closed because their upstream left the pool.
    public static let revoked = Counter(requestsEnd + 35)
    /// Dials ended because their target left the pool.
    public static let dialsRevoked = Counter(requestsEnd + 36)

    /// Handshakes of TLS that were agreed on, in full or from an earlier connection's session.
    @inline(__always)
    public static func tlsHandshakes(_ side: TLSSide, resumed: Bool) -> Counter {
        Counter(requestsEnd + 37 + side.rawValue * 2 + (resumed ? 1 : 0))
    }
    /// Handshakes of TLS that failed.
    public static func tlsFailures(_ side: TLSSide) -> Counter { Counter(requestsEnd + 43 + side.rawValue) }
    /// Connections to upstreams (prefillers or the decoder) whose certificates nobody checked.
    public static func tlsUnverified(_ side: TLSSide) -> Counter { Counter(requestsEnd + 45 + side.rawValue) }
    static let kvBegin = requestsEnd + 48
    static let countersEnd = kvBegin + kvWords

    // Gauges: they go with the process that wrote them.
    /// Open client connections.
    public static let clientsOpen = Counter(countersEnd)
    /// Open connections to the decoder.
    public static let decodersOpen = Counter(countersEnd + 1)
    /// Open connections to prefillers.
    public static let prefillersOpen = Counter(countersEnd + 2)
    /// Requests being served.
    public static let inFlight = Counter(countersEnd + 3)
    /// Bytes held in memory.
    public static let buffered = Counter(countersEnd + 4)
    /// 1 while the decoder accepts connections.
    public static let decoderReachable = Counter(countersEnd + 5)
    static let wordsEnd = countersEnd + 6

    /// The words that each role counts in; a proxy's are all others. A reader takes each from its owner alone, so that a
    /// process that has been taken over can forge its own counts and nobody else's.
    private static let dialerWords: Set<Int> = Set(
        [
            dialsDecoder, dialsPrefiller, dialsRefusedPolicy, dialsFailed, dialsRefusedNotInPool, dialsRefusedPort,
            dialsRefusedNoAllowlist, dialerViolations, dialsRevoked, decoderReachable,
        ].map(\.index))
    private static let watcherWords: Set<Int> = Set(
        [apiRequests, apiFailures, apiLists, apiEvents, apiSnapshots].map(\.index))

    /// Which words a role's segment is believed in.
    static func words(of role: CountingRole) -> [Bool] {
        (0..<Layout.words).map { word in
            switch role {
            case .dialer: dialerWords.contains(word)
            case .watcher: watcherWords.contains(word)
            case .kvAgent: kvAgentWords.contains(word)
            case .proxy:
                !dialerWords.contains(word) && !watcherWords.contains(word) && !kvAgentWords.contains(word)
                    && !supervisorWords.contains(word)
            }
        }
    }
}

/// The kinds of processes that count.
public enum CountingRole: Sendable, CaseIterable {
    case proxy
    case dialer
    case watcher
    case kvAgent
}

/// A distribution of durations in a stripe.
public struct Histogram: Equatable, Sendable {
    /// The word where its buckets begin.
    public let index: Int
    /// Upper bounds in microseconds; what is beyond the last falls into +Inf.
    public static let bounds: [UInt64] = [
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000, 30_000_000, 60_000_000, 120_000_000, 300_000_000,
    ]
    /// Buckets, one for +Inf, then the sum in microseconds.
    static let words = 18 + 2

    private init(_ number: Int) { index = Counter.wordsEnd + number * Histogram.words }

    /// From the end of a request's head to the end of its answer.
    public static func duration(_ mode: Mode) -> Histogram { Histogram(mode.rawValue) }
    /// From the end of a request's head to the first byte of its answer.
    public static func firstByte(_ mode: Mode) -> Histogram { Histogram(2 + mode.rawValue) }
    /// Leg 1 whole.
    public static let prefill = Histogram(4)
    static let count = 5
}

/// The shape of a segment: a header, then one stripe for each loop of the process, each a whole number of cache lines.
public enum Layout {
    /// "SIDECNT1" as a number.
    static let magic: UInt64 = 0x5349_4445_434E_5431
    /// Words before the first stripe: magic, words in a stripe, stripes.
    static let headerWords = 8
    /// Words of a stripe that mean something.
    public static let words = Counter.wordsEnd + Histogram.count * Histogram.words
    /// Words from one stripe to the next.
    static let stride = (words + 7) / 8 * 8
    /// The most stripes a segment may have.
    public static let mostStripes = 64

    /// Bytes of a segment.
    public static func size(stripes: Int) -> Int { (headerWords + stripes * stride) * 8 }
}
