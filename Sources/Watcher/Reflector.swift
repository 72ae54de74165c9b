/// How one collection of the API is followed: list, then watch from the list's version, and from the last event's when a
/// watch ends. It touches no socket; its actions are carried out by the process around it.
///
///     idle ──start──► listing ──last page──► opening ──head──► watching ──end──► opening …
///                        ▲                      │ fails           │ fails
///                        └────── pausing ◄──────┴─────────────────┘
///
/// A list replaces what is known only when its last page is there (`adopt`); nothing else that happens here does.
struct Reflector {
    enum State: Equatable {
        /// Nothing is to be followed.
        case idle
        /// A page of the list has been asked for.
        case listing
        /// A watch has been asked for.
        case opening(from: String)
        /// The head of its answer has come.
        case watching(Watch)
        /// A pause before the next attempt.
        case pausing(Next)
    }

    struct Watch: Equatable {
        /// The version of the last event, from which the next watch starts.
        var version: String
        var since: Int64
        /// It has brought an event or a bookmark.
        var hasProgress = false
    }

    enum Next: Equatable {
        case list
        case watch(from: String)
    }

    enum Event: Equatable {
        /// Follow the collection, from its beginning.
        case start
        case stop
        /// A page of the list; `more` is empty with the last one.
        case page(version: String, more: String)
        /// A watch was answered with 200.
        case opened
        /// An event or a bookmark.
        case progress(version: String)
        /// A watch has ended as it should.
        case ended
        case failed(Failure)
        /// The pause is over.
        case due
    }

    enum Action: Equatable {
        /// Give up the request that is under way, if any.
        case cancel
        /// Ask for a page; the first one (`continuing` is empty) begins a new list.
        case list(continuing: String)
        /// The list is complete: it replaces what was known.
        case adopt
        case watch(from: String)
        case pause(Int64)
    }

    /// A watch that ends sooner and has brought nothing is a failure, or a broken server makes a busy loop.
    static let veryShort: Int64 = 1_000
    /// A watch of this age is healthy.
    static let healthy: Int64 = 10_000
    /// A watch that brought nothing for so long, not even a bookmark, may start from a version that the server doesn't
    /// know (its store was set back): the next step is a list.
    static let suspiciouslyQuiet: Int64 = 200_000
    /// After so many useless answers in a row to a watch the version may be what is wrong.
    static let mostUselessWatches = 5

    private(set) var state = State.idle
    private(set) var backoff = Backoff()

    /// Is the collection being shown as it changes?
    var isCurrent: Bool {
        if case .watching = state { return true }
        return false
    }

    /// - Parameters:
    ///   - now: milliseconds of the monotonic clock.
    ///   - random: from 0 up to 1.
    mutating func handle(_ event: Event, now: Int64, random: Double) -> [Action] {
        switch (state, event) {
        case (_, .start):
            state = .listing
            return [.cancel, .list(continuing: "")]
        case (_, .stop):
            state = .idle
            return [.cancel]

        case (.listing, .page(let version, let more)):
            guard !version.isEmpty else {
                return fail(.unreadable("a list without a version"), from: nil, now: now, random: random)
            }
            guard more.isEmpty else { return [.list(continuing: more)] }
            backoff.listed()
            state = .opening(from: version)
            return [.adopt, .watch(from: version)]
        case (.opening(let version), .opened):
            state = .watching(Watch(version: version, since: now))
            return []
        case (.watching(var watch), .progress(let version)):
            if !version.isEmpty { watch.version = version }
            watch.hasProgress = true
            state = .watching(watch)
            return []
        case (.watching(let watch), .ended):
            return end(watch, now: now, random: random)
        case (.opening(let version), .ended):
            return pause(.watch(from: version), backoff.afterAnswer(now: now, random: random))

        case (.listing, .failed(let failure)):
            return fail(failure, from: nil, now: now, random: random)
        case (.opening(let version), .failed(let failure)):
            return fail(failure, from: version, now: now, random: random)
        case (.watching(let watch), .failed(let failure)):
            if now - watch.since >= Self.healthy { backoff.reset() }
            return fail(failure, from: watch.version, now: now, random: random)

        case (.pausing(.list), .due):
            state = .listing
            return [.list(continuing: "")]
        case (.pausing(.watch(let version)), .due):
            state = .opening(from: version)
            return [.watch(from: version)]

        // What comes late, from a request that was given up, changes nothing.
        case (.idle, .page), (.idle, .opened), (.idle, .progress), (.idle, .ended), (.idle, .failed), (.idle, .due),
            (.listing, .opened), (.listing, .progress), (.listing, .ended), (.listing, .due),
            (.opening, .page), (.opening, .progress), (.opening, .due),
            (.watching, .page), (.watching, .opened), (.watching, .due),
            (.pausing, .page), (.pausing, .opened), (.pausing, .progress), (.pausing, .ended), (.pausing, .failed):
            return []
        }
    }

    private mutating func end(_ watch: Watch, now: Int64, random: Double) -> [Action] {
        let age = now - watch.since
        if age >= Self.healthy { backoff.reset() }
        if age < Self.veryShort && !watch.hasProgress {
            return pause(.watch(from: watch.version), backoff.afterAnswer(now: now, random: random))
        }
        if age >= Self.suspiciouslyQuiet && !watch.hasProgress {
            state = .listing
            return [.cancel, .list(continuing: "")]
        }
        state = .opening(from: watch.version)
        return [.watch(from: watch.version)]
    }

    /// - Parameter version: what a watch would start from; nil = a list failed.
    private mutating func fail(_ failure: Failure, from version: String?, now: Int64, random: Double) -> [Action] {
        let again = version.map { Next.watch(from: $0) } ?? .list
        switch failure {
        case .connection, .untrusted, .unprepared:
            return pause(again, backoff.afterConnection(now: now, random: random))
        case .expired, .unreadable:
            let wait = backoff.afterExpiry(now: now, random: random)
            guard wait == 0 else { return pause(.list, wait) }
            state = .listing
            return [.cancel, .list(continuing: "")]
        case .refused(let refusal):
            let wait = backoff.afterAnswer(
                now: now, random: random, wish: refusal.wish, isDenial: refusal.isDenial)
            // A kind that the server didn't know for a while is listed anew: it may have been removed and made again.
            let needsList =
                refusal.isVersionTooLarge || refusal.status == 404
                || (refusal.isPuzzling && backoff.answers % Self.mostUselessWatches == 0)
            return pause(needsList ? .list : again, wait)
        }
    }

    private mutating func pause(_ next: Next, _ milliseconds: Int64) -> [Action] {
        state = .pausing(next)
        return [.cancel, .pause(milliseconds)]
    }
}
