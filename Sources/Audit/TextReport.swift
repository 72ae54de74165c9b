/// A report for a person at a terminal.
public enum TextReport {
    /// Rows of descriptors shown for each process; JSON has them all.
    static let mostDescriptors = 24

    /// - Parameter colour: terminal colours: red for what is wider than declared.
    public static func text(_ audit: Audit, _ probe: Probe?, colour: Bool) -> String {
        var lines = audit.host.rows.map { pad($0.name, 26) + $0.value }
        for (process, rows) in grouped(audit.rows, by: \.process, \.pid) {
            lines += ["", process]
            var table = [["FACT", "", "IN FORCE", "SOURCE", "DECLARED", "NOTE"]]
            for row in shortened(rows) {
                table.append([
                    row.subject, row.verdict.rawValue, row.value, row.source.rawValue, row.declared, row.note,
                ])
            }
            lines += columns(table, widest: [20, 8, 44, 16, 40, 80], colour: colour)
        }
        if let probe {
            lines += ["", "Attacks by sacrificial twins"] + probe.notes.map { "  \($0)" }
            for (process, rows) in grouped(probe.rows, by: \.process, { _ in 0 }) {
                lines += ["", process]
                var table = [["ATTACK", "", "RESULT", "BY", "BEHIND IT", "NOTE"]]
                for row in rows {
                    table.append([row.words, row.verdict.rawValue, row.result, row.deniedBy, row.behind, row.note])
                }
                lines += columns(table, widest: [56, 8, 9, 44, 20, 90], colour: colour)
            }
        }
        lines += [""] + verdict(audit, probe)
        return lines.joined(separator: "\n")
    }

    /// The last lines: what is wider, counted and named.
    static func verdict(_ audit: Audit, _ probe: Probe?) -> [String] {
        var lines: [String] = []
        let wider = audit.rows.filter { $0.verdict == .wider }
        let hidden = audit.rows.filter { $0.verdict == .unknown }.count
        lines.append(
            wider.isEmpty
                ? "Nothing is wider than declared; \(hidden) facts are not known here."
                : "\(wider.count) facts are WIDER than declared; \(hidden) are not known here.")
        if let probe {
            let through = probe.rows.filter { $0.verdict == .wider }
            let denied = probe.rows.filter { $0.result == "denied" }.count
            let declared = probe.rows.filter { $0.result == "ALLOWED" && $0.declared }.count
            let open = probe.rows.filter { $0.verdict == .unknown }.count
            lines.append(
                "\(probe.rows.count) attacks: \(denied) denied, \(declared) allowed as declared, "
                    + "\(through.count) ALLOWED and not declared, \(open) without an answer.")
        }
        return lines
    }

    /// Runs of equal process and id, in order, under a heading each.
    static func grouped<R>(
        _ rows: [R], by name: KeyPath<R, String>, _ pid: (R) -> Int32
    ) -> [(String, [R])] {
        var groups: [(String, [R])] = []
        for row in rows {
            let heading = row[keyPath: name] + (pid(row) > 0 ? ", pid \(pid(row))" : "")
            if let index = groups.firstIndex(where: { $0.0 == heading }) {
                groups[index].1.append(row)
            } else {
                groups.append((heading, [row]))
            }
        }
        return groups
    }

    /// A proxy under load holds thousands of connections: the first ones, and all that are not as declared.
    static func shortened(_ rows: [Row]) -> [Row] {
        var shown = 0
        var left = 0
        var out: [Row] = []
        for row in rows {
            guard row.subject.hasPrefix("fd ") else {
                if left > 0 {
                    out.append(
                        Row(
                            process: row.process, pid: row.pid, subject: "fd ...", value: "\(left) more",
                            source: .kernel,
                            declared: "as those above", verdict: .ok, note: "--json has them all"))
                    left = 0
                }
                out.append(row)
                continue
            }
            shown += 1
            if shown <= mostDescriptors || row.verdict != .ok { out.append(row) } else { left += 1 }
        }
        return out
    }

    private static func columns(_ table: [[String]], widest: [Int], colour: Bool) -> [String] {
        let widths = widest.indices.map { column in min(widest[column], table.map { $0[column].count }.max() ?? 0) }
        return table.map { row in
            var line = "  " + row.indices.map { pad(row[$0], widths[$0]) }.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return colour && row[1] == Verdict.wider.rawValue ? "\u{1B}[31m\(line)\u{1B}[0m" : line
        }
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
