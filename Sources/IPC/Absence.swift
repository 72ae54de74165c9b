/// How long a channel to a sibling has been missing, looked at with each ping of the supervisor. Pings alone say nothing of
/// time: a process that was stopped takes several at once.
public struct Absence: Sendable {
    /// Milliseconds: most of the five seconds from one ping to the next.
    private static let patience: Int64 = 4000

    /// When it was first seen, in milliseconds; 0 = it isn't missing.
    private var since: Int64 = 0

    /// Not missing so far.
    public init() {}

    /// It is missing now, or not. True: it has been since a ping that isn't this one.
    public mutating func lasts(_ isMissing: Bool, now: Int64) -> Bool {
        guard isMissing else {
            since = 0
            return false
        }
        if since == 0 { since = now }
        return now - since >= Self.patience
    }

    /// Another channel has come.
    public mutating func end() { since = 0 }
}
