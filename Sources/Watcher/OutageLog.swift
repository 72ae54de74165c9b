/// When an outage is worth a line: each kind of cause at once, then once a minute; and when it is over.
struct OutageLog {
    /// Between two lines about the same kind of cause, in milliseconds.
    static let pause: Int64 = 60_000
    /// Kinds that are kept apart. There are fewer; a server that makes them up doesn't get more lines.
    static let mostKinds = 16

    private var lines: [String: Int64] = [:]
    private var since: Int64?
    private var hasSpoken = false

    /// Something failed. True: say so.
    mutating func failed(_ kind: String, now: Int64) -> Bool {
        if since == nil { since = now }
        lines = lines.filter { now - $0.value < Self.pause }
        guard lines[kind] == nil, lines.count < Self.mostKinds else { return false }
        lines[kind] = now
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
