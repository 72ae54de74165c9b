/// In which API group the pool is found, when the configuration doesn't say: each known group is asked in turn, and the
/// first in which the pool exists is the one, for as long as the process lives. Touches no socket.
struct Discovery {
    enum State: Equatable {
        /// A group has been asked.
        case asking(Int)
        /// A pause before that group is asked.
        case pausing(Int)
        case settled(Int)
    }

    enum Event: Equatable {
        /// The group has been listed.
        case answered(holdsPool: Bool)
        case failed(Failure)
        /// The pause is over.
        case due
    }

    enum Action: Equatable {
        case ask(Int)
        /// The pool is in this group.
        case settle(Int)
        /// Groups could be listed, and none holds the pool: there is no pool.
        case absent
        /// No group could be listed: nothing is known. The groups that may not be listed.
        case unknown(forbidden: [Int])
        case pause(Int64)
    }

    /// How often a pool that doesn't exist is looked for, in milliseconds: soon for the first minutes, then rarely.
    static let soon: Int64 = 500
    static let later: Int64 = 5_000
    static let roundsSoon = 240

    private(set) var state: State
    private let groups: Int
    private var hasAnswer = false
    private var forbidden: [Int] = []
    private var absences = 0
    private var backoff = Backoff()

    /// Begins with the first group asked.
    init(groups: Int) {
        self.groups = groups
        state = .asking(0)
    }

    /// - Parameters:
    ///   - now: milliseconds of the monotonic clock.
    ///   - random: from 0 up to 1.
    mutating func handle(_ event: Event, now: Int64, random: Double) -> [Action] {
        switch (state, event) {
        case (.asking(let group), .answered(let holdsPool)):
            if holdsPool {
                state = .settled(group)
                return [.settle(group)]
            }
            hasAnswer = true
            return next(after: group, now: now, random: random)
        case (.asking(let group), .failed(.refused(let refusal))) where refusal.status == 404 || refusal.status == 403:
            if refusal.status == 403 { forbidden.append(group) }
            return next(after: group, now: now, random: random)
        case (.asking(let group), .failed(.refused(let refusal))):
            return pause(
                group,
                backoff.afterAnswer(now: now, random: random, wish: refusal.wish, isDenial: refusal.isDenial))
        case (.asking(let group), .failed(.expired)), (.asking(let group), .failed(.unreadable)):
            return pause(group, backoff.afterAnswer(now: now, random: random))
        case (.asking(let group), .failed):
            return pause(group, backoff.afterConnection(now: now, random: random))
        case (.pausing(let group), .due):
            state = .asking(group)
            return [.ask(group)]
        case (.asking, .due), (.pausing, .answered), (.pausing, .failed), (.settled, .answered), (.settled, .failed),
            (.settled, .due):
            return []
        }
    }

    private mutating func next(after group: Int, now: Int64, random: Double) -> [Action] {
        guard group + 1 == groups else {
            state = .asking(group + 1)
            return [.ask(group + 1)]
        }
        let outcome: Action
        let wait: Int64
        if hasAnswer {
            absences += 1
            backoff.reset()
            outcome = .absent
            wait = absences <= Self.roundsSoon ? Self.soon : Self.later
        } else {
            outcome = .unknown(forbidden: forbidden)
            wait = backoff.afterAnswer(now: now, random: random, isDenial: !forbidden.isEmpty)
        }
        hasAnswer = false
        forbidden = []
        return [outcome] + pause(0, wait)
    }

    private mutating func pause(_ group: Int, _ milliseconds: Int64) -> [Action] {
        state = .pausing(group)
        return [.pause(milliseconds)]
    }
}
