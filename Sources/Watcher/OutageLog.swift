/// When an outage is worth a line: each kind of cause at once, then once a minute; and when it is over. Outages that follow
/// each other closely are told three times, then once a minute too: who comes and goes all day doesn't fill the log.
struct OutageLog {
    /// Between two lines about the same kind of cause in one outage, in milliseconds.
    static let pause: Int64 = 60_000
    /// Lines about one kind that are allowed at once; one more with each pause.
    static let burst: Int64 = 3
    /// Kinds that are kept apart. There are fewer; a server that makes them up doesn't get more lines.
    static let mostKinds = 16

    private struct Line {
        var last: Int64
        var outage: UInt64
        /// When all lines are allowed again: each one moves this by a pause.
        var fullAt: Int64
    }

    private var lines: [String: Line] = [:]
    private var since: Int64?
    private var outage: UInt64 = 0
    private var hasSpoken = false

    /// Something failed. True: say so.
    mutating func failed(_ kind: String, now: Int64) -> Bool {
        if since == nil {
            since = now
            outage += 1
        }
        lines = lines.filter { $0.value.fullAt > now }
        if let line = lines[kind] {
            if line.outage == outage && now - line.last < Self.pause { return false }
            guard line.fullAt - now <= (Self.burst - 1) * Self.pause else { return false }
        } else if lines.count >= Self.mostKinds {
            return false
        }
        lines[kind] = Line(last: now, outage: outage, fullAt: max(lines[kind]?.fullAt ?? now, now) + Self.pause)
        hasSpoken = true
        return true
    }

    /// It works again. How long it didn't, in milliseconds, if that was said; nil = nothing to say.
    mutating func recovered(now: Int64) -> Int64? {
        defer {
            since = nil
            hasSpoken = false
        }
        guard hasSpoken, let since else { return nil }
        return now - since
    }
}
