/// Where a value comes from.
public enum Source: String, Sendable, CaseIterable {
    /// Read from /proc or from a file's metadata.
    case kernel
    /// Said by the process itself or by the supervisor: no proof.
    case selfReport = "self-report"
    /// Found out by attacking a twin.
    case probe
    /// The kernel doesn't tell this user.
    case hidden = "not visible here"
}

/// What is in force against what is declared.
public enum Verdict: String, Sendable, CaseIterable {
    /// As declared.
    case ok
    /// The process has more than its rights.
    case wider
    /// The process has less than its rights.
    case narrower
    /// It could not be found out.
    case unknown
}

/// One fact about one process.
public struct Row: Sendable, Equatable {
    /// The process's name.
    public var process: String
    /// Its process id.
    public var pid: Int32
    /// What the fact is about, such as `uid` or `fd 4`.
    public var subject: String
    /// What is in force.
    public var value: String
    /// Where that comes from.
    public var source: Source
    /// What is declared.
    public var declared: String
    /// How they compare.
    public var verdict: Verdict
    /// What to do about it, or what it means.
    public var note: String
}

/// Collects the facts about one process.
struct RowBuilder {
    let process: String
    let pid: Int32
    private(set) var rows: [Row] = []

    init(process: String, pid: Int32) {
        self.process = process
        self.pid = pid
    }

    mutating func add(
        _ subject: String, _ value: String, source: Source = .kernel, declared: String, _ verdict: Verdict,
        note: String = ""
    ) {
        rows.append(
            Row(
                process: process, pid: pid, subject: subject, value: value, source: source, declared: declared,
                verdict: verdict, note: note))
    }

    mutating func hidden(_ subject: String, declared: String, note: String = "") {
        add(subject, "-", source: .hidden, declared: declared, .unknown, note: note)
    }
}
