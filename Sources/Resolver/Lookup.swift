import IPC
import Linux

/// The way from a name to its addresses: which question goes to which server, and what follows from its answer. Pure:
/// replies in, steps out; sockets and clocks are its caller's.
///
/// For each candidate of the search list both address families are asked at the same time. A candidate that doesn't
/// exist gives way to the next one. One of which nothing could be learned ends the lookup: to go on would let a later
/// suffix answer for a host that an earlier one may well name.
struct Lookup {
    /// How the servers are reached.
    enum Transport {
        case datagram
        case stream
    }

    /// One question to one server.
    struct Ask: Equatable {
        let question: Question
        let server: Endpoint
        let transport: Transport
        /// Milliseconds to wait for the answer.
        let patience: Int64
    }

    /// What came of an ask.
    enum Reply: Equatable {
        case answer(Answer)
        /// Silence, or nobody there.
        case none
    }

    /// What to do next.
    enum Step: Equatable {
        case ask([Ask])
        /// Other replies are under way.
        case wait
        /// There is an outcome; milliseconds for which a better one is waited for.
        case settle(within: Int64)
        case finished(Outcome)
    }

    /// How long IPv6 addresses are waited for when the IPv4 ones, which go first, are there (RFC 8305, 3, has the
    /// figure). Servers that never answer one of the two questions exist.
    static let settlingTime: Int64 = 50
    /// No server is given less time than this, in milliseconds.
    static let leastPatience: Int64 = 250

    private enum Verdict {
        case addresses([Address], lifetime: UInt32)
        case nothing
        case failed(ResolveFailure)
    }

    /// One of the two questions.
    private struct Half {
        /// Servers that have been tried, the present one not counted.
        var tries = 0
        var transport = Transport.datagram
        var sawFailure = false
        var verdict: Verdict?
    }

    private let configuration: ResolvConf
    private let candidates: [DomainName]
    private var candidate = 0
    private var halves: [RecordType: Half] = [:]

    init(_ name: HostName, _ configuration: ResolvConf) {
        self.configuration = configuration
        candidates = SearchList.candidates(for: name, configuration)
    }

    /// The first step. `remaining` is the time to the deadline, in milliseconds, here and below.
    mutating func begin(remaining: Int64) -> Step {
        halves = [.a: Half(), .aaaa: Half()]
        return .ask(RecordType.allCases.map { ask($0, remaining) })
    }

    /// The step that follows from a reply to the last ask of this type.
    mutating func take(_ reply: Reply, of type: RecordType, remaining: Int64) -> Step {
        guard var half = halves[type], half.verdict == nil else { return .wait }
        var isDone = true
        switch reply {
        case .answer(.addresses(let addresses, let lifetime)):
            half.verdict = .addresses(addresses, lifetime: lifetime)
        case .answer(.nothing): half.verdict = .nothing
        case .answer(.truncated) where half.transport == .datagram:
            half.transport = .stream
            isDone = false
        case .answer(.truncated), .answer(.failure), .none:
            if reply != .none { half.sawFailure = true }
            half.tries += 1
            half.transport = .datagram
            isDone = half.tries >= mostTries
            if isDone { half.verdict = .failed(half.sawFailure ? .serverFailure : .timedOut) }
        }
        halves[type] = half
        return isDone ? conclude(remaining) : .ask([ask(type, remaining)])
    }

    /// What is known when there is no more time.
    var outcomeSoFar: Outcome { merged ?? .failed(.timedOut) }

    private var mostTries: Int { configuration.attempts * configuration.servers.count }

    /// The file's timeout, cut so that every server gets its turn before the deadline.
    private func ask(_ type: RecordType, _ remaining: Int64) -> Ask {
        let half = halves[type] ?? Half()
        let share = remaining / Int64(max(1, mostTries - half.tries))
        return Ask(
            question: Question(name: candidates[candidate], type: type),
            server: configuration.servers[half.tries % configuration.servers.count], transport: half.transport,
            patience: min(Int64(configuration.timeout) * 1000, max(share, Self.leastPatience)))
    }

    private mutating func conclude(_ remaining: Int64) -> Step {
        let isComplete = halves.values.allSatisfy { $0.verdict != nil }
        if let merged, isComplete { return .finished(merged) }
        guard isComplete else {
            if case .addresses = halves[.a]?.verdict { return .settle(within: Self.settlingTime) }
            return .wait
        }
        candidate += 1
        guard candidate < candidates.count else { return .finished(.failed(.notFound)) }
        return begin(remaining: remaining)
    }

    /// Both halves as one outcome; nil when both deny that there is anything, or have not answered.
    private var merged: Outcome? {
        var all: [Address] = []
        var shortest = UInt32.max
        var failure: ResolveFailure?
        var isPartial = false
        for type in RecordType.allCases {
            switch halves[type]?.verdict {
            case .addresses(let addresses, let lifetime):
                all += addresses
                shortest = min(shortest, lifetime)
            case .nothing: break
            case .failed(let reason):
                if failure != .serverFailure { failure = reason }
                isPartial = true
            case nil: isPartial = true
            }
        }
        // Half an answer is good enough to use, and not good enough to keep.
        if !all.isEmpty { return .addresses(Outcome.ordered(all), lifetime: isPartial ? 0 : shortest) }
        return failure.map(Outcome.failed)
    }
}
