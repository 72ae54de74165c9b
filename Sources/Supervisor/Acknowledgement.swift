/// Which snapshots of the pool a process was told to go by, and which it says it goes by. Pure: times in, verdicts out.
///
/// Proxies get a snapshot when the dialer goes by it. A dialer that doesn't say so keeps it from them, and whoever has left
/// the pool stays reachable: so it has this long to say it, and not longer.
struct Acknowledgement: Equatable {
    /// From the order to the answer, in milliseconds. An honest dialer takes well under one.
    static let patience: Int64 = 5_000
    /// Who looks so much later than at the deadline was stopped itself, and so perhaps was the dialer: a pod that is frozen
    /// and goes on ends nobody.
    static let ownDelay: Int64 = 1_000

    /// The newest generation that went out; 0 = none yet.
    private(set) var sent: UInt64 = 0
    /// The newest that it says it goes by.
    private(set) var inForce: UInt64 = 0
    /// The oldest one that the answer is awaited to, and since when; 0 = none is.
    private var awaited: UInt64 = 0
    private var since: Int64 = 0

    /// It is to go by a generation from now on. That its channel had no room for the order makes no difference to the
    /// time it has: who doesn't read doesn't gain by it.
    mutating func demand(_ generation: UInt64, now: Int64) {
        guard awaited == 0, generation > inForce else { return }
        awaited = generation
        since = now
    }

    /// The order is on its way.
    mutating func send(_ generation: UInt64) { sent = max(sent, generation) }

    /// It says that it goes by a generation. False: by one that it was never given.
    mutating func hear(_ generation: UInt64, now: Int64) -> Bool {
        guard generation <= sent else { return false }
        inForce = max(inForce, generation)
        if awaited > 0 && inForce >= awaited {
            // What came after it is awaited from here on: an answer to old orders only buys no more time than this.
            awaited = inForce < sent ? sent : 0
            since = now
        }
        return true
    }

    /// When the answer is overdue; nil = none is awaited.
    /// - Parameter readyAt: when it became ready; before that it owes nothing.
    func deadline(readyAt: Int64) -> Int64? { awaited == 0 ? nil : max(since, readyAt) + Self.patience }

    /// Is the answer overdue? Asked at the deadline, or soon after it; asked much later it begins anew.
    mutating func isOverdue(readyAt: Int64, now: Int64) -> Bool {
        guard let deadline = deadline(readyAt: readyAt), now >= deadline else { return false }
        guard now - deadline > Self.ownDelay else { return true }
        since = now
        return false
    }
}
