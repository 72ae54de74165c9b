/// When an outage is worth a line: at once, then once a minute, and when it is over.
struct OutageLog {
    /// Between two lines about outages of one collection, in milliseconds.
    static let pause: Int64 = 60_000

    private var lastLine: Int64?
    private var lastCause = ""
    private var since: Int64?
    private var hasSpoken = false

    /// Something failed. True: say so.
    mutating func failed(_ cause: String, now: Int64) -> Bool {
        if since == nil { since = now }
        // Another cause is news, but causes that alternate are not.
        let isNews = cause != lastCause && !hasSpoken
        if let lastLine, now - lastLine < Self.pause, !isNews { return false }
        lastLine = now
        lastCause = cause
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
