import IPC
import Linux

/// The lookup of one name, for everybody who has asked for it meanwhile.
final class Flight {
    /// Somebody who waits for the outcome.
    struct Waiter {
        /// The token of its channel.
        let client: UInt64
        /// Its own number for the question.
        let id: UInt32
        /// Milliseconds on the monotonic clock.
        let deadline: Int64
    }

    let name: HostName
    /// Which state of the host's files it goes by.
    let generation: UInt64
    var lookup: Lookup
    /// The two questions under way, none, one or both.
    var exchanges: [RecordType: Exchange] = [:]
    /// When an outcome that could be better is taken as it is.
    var settlesAt: Int64?
    private(set) var waiters: [Waiter] = []

    init(_ name: HostName, _ configuration: ResolvConf, generation: UInt64) {
        self.name = name
        self.generation = generation
        lookup = Lookup(name, configuration)
    }

    /// The last moment at which somebody still wants the outcome.
    private(set) var deadline: Int64 = 0
    /// The moment at which the first waiter's patience ends.
    private(set) var firstDeadline = Int64.max

    func add(_ waiter: Waiter) {
        waiters.append(waiter)
        deadline = max(deadline, waiter.deadline)
        firstDeadline = min(firstDeadline, waiter.deadline)
    }

    /// Takes out the waiters that `condition` holds for.
    func remove(where condition: (Waiter) -> Bool) -> [Waiter] {
        let gone = waiters.filter(condition)
        if gone.isEmpty { return gone }
        waiters.removeAll(where: condition)
        deadline = waiters.map(\.deadline).max() ?? 0
        firstDeadline = waiters.map(\.deadline).min() ?? .max
        return gone
    }

    /// When there is something to do without any event, in milliseconds on the monotonic clock.
    var nextTurn: Int64 {
        var next = min(firstDeadline, settlesAt ?? .max)
        for exchange in exchanges.values { next = min(next, exchange.deadline) }
        return next
    }
}
