/// How often one kind of line may be logged: ten times a minute. A stranger must not be able to fill a log.
public struct LogBudget {
    private var count = 0
    private var since: Int64 = 0

    /// A full budget.
    public init() {}

    /// Takes one line from the budget; false when it is used up. `now` in milliseconds.
    public mutating func mayLog(now: Int64) -> Bool {
        if now - since > 60_000 {
            since = now
            count = 0
        }
        count += 1
        return count <= 10
    }
}
