/// How long to wait before the next attempt, in milliseconds. Short while an outage is young, because every moment of it
/// delays what has been removed from the pool; long when nobody mends it.
struct Backoff: Equatable {
    /// The first pauses after a connection that failed; they double up to the cap.
    static let firstConnection: Int64 = 100
    /// The cap while the outage is younger than `youngConnection`, and after that.
    static let capConnection: (young: Int64, old: Int64) = (700, 5_000)
    static let youngConnection: Int64 = 300_000
    /// The same after an answer that was of no use.
    static let firstAnswer: Int64 = 250
    static let capAnswer: (young: Int64, old: Int64) = (800, 30_000)
    static let youngAnswer: Int64 = 120_000
    /// The young cap where the account is refused and not the request (401, 403). What is removed from the pool until the
    /// permission is back must be followed within a second of that, and no answer costs the server less.
    static let capDenial: Int64 = 500
    /// No server is left alone for longer, whatever it wishes.
    static let longestWish: Int64 = 30_000

    private var connections = 0
    /// Answers in a row that were of no use.
    private(set) var answers = 0
    private var oldAnswers = 0
    private var expiries = 0
    private var failingSince: Int64?

    /// After a connection that could not be made, or broke off.
    mutating func afterConnection(now: Int64, random: Double) -> Int64 {
        let isYoung = now - start(now) < Self.youngConnection
        let cap = isYoung ? Self.capConnection.young : Self.capConnection.old
        connections += 1
        return Self.jittered(min(cap, Self.doubled(Self.firstConnection, connections - 1)), random)
    }

    /// After an answer that was of no use; at least as long as the server wishes.
    /// - Parameter isDenial: the answer refuses the account, and not what it asked for.
    mutating func afterAnswer(now: Int64, random: Double, wish: Int64 = 0, isDenial: Bool = false) -> Int64 {
        let isYoung = now - start(now) < Self.youngAnswer
        answers += 1
        var pause = min(isDenial ? Self.capDenial : Self.capAnswer.young, Self.doubled(Self.firstAnswer, answers - 1))
        if !isYoung {
            oldAnswers += 1
            pause = min(Self.capAnswer.old, Self.doubled(Self.capAnswer.young, oldAnswers))
        }
        return max(Self.jittered(pause, random), min(wish, Self.longestWish))
    }

    /// After a version that was too old: at once the first time, then as after any useless answer.
    mutating func afterExpiry(now: Int64, random: Double) -> Int64 {
        expiries += 1
        return expiries == 1 ? 0 : afterAnswer(now: now, random: random)
    }

    /// A list was complete. What expired stays counted: a list alone doesn't show that a watch can follow it.
    mutating func listed() {
        let expiries = self.expiries
        self = Backoff()
        self.expiries = expiries
    }

    /// A watch has been healthy for a while.
    mutating func reset() { self = Backoff() }

    private mutating func start(_ now: Int64) -> Int64 {
        let since = failingSince ?? now
        failingSince = since
        return since
    }

    private static func doubled(_ first: Int64, _ times: Int) -> Int64 { first << Int64(min(times, 20)) }

    /// Between half and the whole of it, so that many watchers don't come back in step.
    private static func jittered(_ pause: Int64, _ random: Double) -> Int64 {
        pause / 2 + Int64(Double(pause - pause / 2) * random)
    }
}
