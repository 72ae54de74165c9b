import IPC
import Linux

/// Names without an address, for people. Names come from clients, so the lines are few whatever they ask for.
struct FailureLog {
    /// Lines of one minute.
    static let mostLines = 10

    /// Lines of this weight or heavier are written.
    var level = ChildLog.Level.info
    private var lines = 0
    private var since: Int64 = 0

    mutating func note(_ outcome: Outcome, _ name: HostName, now: Int64) {
        if case .failed(let reason) = outcome { note(reason, name.domain.description, now: now) }
    }

    mutating func note(_ reason: ResolveFailure, _ name: String, now: Int64) {
        let weight: ChildLog.Level
        let message: String
        switch reason {
        case .notFound: (weight, message) = (.info, "a name has no address")
        case .timedOut: (weight, message) = (.warning, "no name server answered in time")
        case .serverFailure: (weight, message) = (.warning, "the name servers answered with failures")
        case .tooMany: (weight, message) = (.warning, "a name was not looked up: too many lookups are under way")
        }
        guard weight <= level, isWithinLimit(now) else { return }
        ChildLog.write(weight, message, [("name", name)])
    }

    private mutating func isWithinLimit(_ now: Int64) -> Bool {
        if now - since > 60_000 {
            since = now
            lines = 0
        }
        lines += 1
        return lines <= Self.mostLines
    }
}
