/// How a component may be restarted.
struct RestartPolicy: Equatable {
    /// Consecutive deaths before ready after which it counts as failed for good.
    var mostEarlyDeaths = 5
    /// The longest pause before another try, in milliseconds.
    var longestPause = 1000
    /// A life shorter than this after becoming ready makes the next pause longer, in milliseconds.
    var shortLife: Int64 = 1000
}

/// One component's life as a pure state machine: what is wanted, what is so, and whether it is ready are three things.
/// A component has a current process and, during a requested restart, a replacement that becomes current once it is
/// ready. Processes that were replaced are retired and no longer this machine's business.
struct ComponentMachine: Equatable {
    enum Wanted: UInt8, CaseIterable {
        case down
        case up
    }

    enum Actual: UInt8, CaseIterable {
        case stopped
        case starting
        case running
        /// Waiting for the next try.
        case backoff
        /// Given up.
        case failed
    }

    /// Which of its processes an event is about.
    enum Which: UInt8, CaseIterable {
        case current
        case replacement
    }

    enum Event: Equatable {
        case start
        case ready(Which)
        /// `livedReady`: milliseconds between ready and death; nil when it never was ready.
        case died(Which, fatal: Bool, livedReady: Int64?)
        /// The system lacked something: not the component's fault, so it counts towards nothing.
        case spawnLackedResources(Which)
        case retryDue
        case restartRequested
        /// Its process will end by itself (it drains); nothing is started in its place.
        case letGo
        case stop
    }

    enum Action: Equatable {
        case none
        case spawn(Which)
        /// Try again after this many milliseconds (the shell adds jitter).
        case retry(milliseconds: Int)
        /// The current process has become ready.
        case announceReady
        /// The replacement becomes current; the process it replaces is retired.
        case promote
        /// The current process died while its replacement was starting: the replacement is now current, and starting.
        case adoptReplacement
        /// The replacement came to nothing; the current process goes on.
        case abandonReplacement
        case giveUp
        case stopProcesses
    }

    let policy: RestartPolicy
    private(set) var wanted = Wanted.down
    private(set) var actual = Actual.stopped
    private(set) var isReplacing = false
    /// Starts after the first.
    private(set) var restarts: UInt64 = 0
    /// Consecutive deaths before ready.
    private(set) var earlyDeaths = 0
    /// Consecutive short lives, which make pauses longer.
    private(set) var shortLives = 0

    init(policy: RestartPolicy) { self.policy = policy }

    var isReady: Bool { actual == .running }

    mutating func handle(_ event: Event) -> Action {
        switch event {
        case .start:
            guard wanted == .down else { return .none }
            wanted = .up
            earlyDeaths = 0
            shortLives = 0
            actual = .starting
            return .spawn(.current)
        case .ready(let which): return becameReady(which)
        case .died(let which, let fatal, let livedReady): return died(which, fatal: fatal, livedReady: livedReady)
        case .spawnLackedResources(let which): return lackedResources(which)
        case .retryDue:
            guard wanted == .up, actual == .backoff else { return .none }
            actual = .starting
            restarts += 1
            return .spawn(.current)
        case .restartRequested: return restartRequested()
        case .letGo:
            wentDown()
            return .none
        case .stop:
            wentDown()
            return .stopProcesses
        }
    }

    private mutating func wentDown() {
        wanted = .down
        isReplacing = false
        if actual != .running && actual != .starting { actual = .stopped }
    }

    private mutating func becameReady(_ which: Which) -> Action {
        guard wanted == .up else { return .none }
        switch (which, actual) {
        case (.current, .starting):
            actual = .running
            earlyDeaths = 0
            return .announceReady
        case (.replacement, .running), (.replacement, .starting):
            guard isReplacing else { return .none }
            isReplacing = false
            actual = .running
            earlyDeaths = 0
            return .promote
        case (.current, .stopped), (.current, .running), (.current, .backoff), (.current, .failed),
            (.replacement, .stopped), (.replacement, .backoff), (.replacement, .failed):
            return .none
        }
    }

    private mutating func died(_ which: Which, fatal: Bool, livedReady: Int64?) -> Action {
        switch which {
        case .replacement:
            guard isReplacing else { return .none }
            isReplacing = false
            return .abandonReplacement
        case .current:
            guard actual == .running || actual == .starting else { return .none }
            guard wanted == .up else {
                actual = .stopped
                return .none
            }
            if isReplacing {
                isReplacing = false
                actual = .starting
                return .adoptReplacement
            }
            return plan(fatal: fatal, livedReady: livedReady)
        }
    }

    private mutating func plan(fatal: Bool, livedReady: Int64?) -> Action {
        if let livedReady {
            // Deaths after ready never add up to giving up; only the pauses grow while lives are short.
            shortLives = livedReady < policy.shortLife ? shortLives + 1 : 0
            actual = .backoff
            return .retry(milliseconds: pause(after: shortLives))
        }
        earlyDeaths += 1
        shortLives += 1
        if fatal || earlyDeaths >= policy.mostEarlyDeaths {
            actual = .failed
            return .giveUp
        }
        actual = .backoff
        return .retry(milliseconds: pause(after: shortLives))
    }

    private mutating func lackedResources(_ which: Which) -> Action {
        switch which {
        case .replacement:
            guard isReplacing else { return .none }
            isReplacing = false
            return .abandonReplacement
        case .current:
            guard wanted == .up, actual == .starting else { return .none }
            shortLives += 1
            actual = .backoff
            return .retry(milliseconds: pause(after: shortLives))
        }
    }

    private mutating func restartRequested() -> Action {
        guard wanted == .up else { return .none }
        switch actual {
        case .running:
            // Orders that come while one is being carried out are the same order.
            guard !isReplacing else { return .none }
            isReplacing = true
            restarts += 1
            return .spawn(.replacement)
        case .backoff, .failed:
            actual = .starting
            earlyDeaths = 0
            shortLives = 0
            restarts += 1
            return .spawn(.current)
        case .starting, .stopped: return .none
        }
    }

    /// 0 for the first, then 20 ms doubling up to the longest pause.
    private func pause(after deaths: Int) -> Int {
        if deaths <= 1 { return 0 }
        return min(policy.longestPause, 20 << min(deaths - 2, 16))
    }
}
