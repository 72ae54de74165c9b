import IPC

/// What is in force, process by process.
public struct Audit: Sendable {
    /// What the supervisor says.
    public let house: House
    /// The machine.
    public let host: HostFacts
    /// The facts.
    public private(set) var rows: [Row] = []

    /// Reads /proc now. Takes some milliseconds.
    public init(_ house: House) {
        self.house = house
        host = HostFacts(house)
        for child in [nil] + house.processes.map(Optional.some) {
            if var process = ProcessAudit(child, house) {
                rows += process.rows()
            } else {
                let name = child?.role.name ?? "supervisor"
                rows.append(
                    Row(
                        process: name, pid: child?.pid ?? house.supervisor, subject: "process", value: "gone",
                        source: .kernel, declared: "running", verdict: .unknown, note: "it ended while it was looked at"
                    ))
            }
        }
    }

    /// Nothing is wider than declared.
    public var isOK: Bool { !rows.contains { $0.verdict == .wider } }

    /// Takes in what the probe has found out about a wall that the kernel doesn't show.
    public mutating func witness(landlock standing: [Role: Bool]) {
        for index in rows.indices where rows[index].subject == "Landlock" && house.landlockABI > 0 {
            guard let role = Role(name: rows[index].process), let stands = standing[role] else { continue }
            rows[index].source = .probe
            rows[index].value = stands ? "stands, ABI \(house.landlockABI)" : "does not stand"
            rows[index].verdict = stands && rows[index].verdict != .wider ? .ok : .wider
            rows[index].note = "a twin under the same ruleset could not do what it can do without it"
        }
    }
}
