/// What the program is asked to do.
public enum Command: Sendable, Equatable {
    /// No command: serve.
    case serve
    /// Print the state of the running sidecar.
    case status(json: Bool)
    /// Restart one process of the running sidecar, by name.
    case restart(String)
    /// Run one transfer of the running sidecar's KV agent.
    case transfer(from: AllowedTarget, TransferOptions)
    /// Show which walls are in force, and try them.
    case audit(AuditOptions)
    /// Print the effective configuration, and serve nothing.
    case checkConfig
    case help
    case version
}

/// What `audit` is asked for.
public struct AuditOptions: Sendable, Equatable {
    /// For machines.
    public var json = false
    /// For a report.
    public var markdown = false
    /// Attack twins of the processes as well.
    public var probe = false
    /// Print the rights of this process, and look at nothing.
    public var explain: String?
}

/// A command line and an environment without mistakes.
public struct Invocation: Sendable, Equatable {
    /// What to do.
    public var command: Command
    /// What to do it with; the defaults for `help` and `version`.
    public var settings: Settings
    /// Where the value of each setting came from, by the canonical name of its flag; every setting has an entry.
    public var sources: [String: Source]
    /// What is worth telling, though not wrong: flags without effect, values near an edge. One sentence each.
    public var notes: [String]
}

/// One mistake of whoever configured the sidecar.
public struct Mistake: Sendable, Equatable, CustomStringConvertible {
    /// What was wrong, where, and what is accepted, in one line.
    public var text: String

    /// The same as `text`.
    public var description: String { text }

    init(_ text: String) {
        self.text = text
    }
}

/// What came of parsing: an invocation, or all mistakes at once.
public enum ParseOutcome: Sendable, Equatable {
    case success(Invocation)
    /// At least one mistake, in the order: the command line's own, flags, environment, checks across settings.
    case failure([Mistake])
}
