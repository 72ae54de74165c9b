/// A report to be attached to another one.
public enum MarkdownReport {
    /// Host facts first, then what is in force, then the attacks.
    public static func text(_ audit: Audit, _ probe: Probe?) -> String {
        var lines = ["# routing-sidecar: audit", ""]
        lines += TextReport.verdict(audit, probe).flatMap { ["**\($0)**", ""] }
        lines += ["## Host", ""] + table([["", ""]] + audit.host.rows.map { [$0.name, $0.value] })
        lines += ["", "## In force", "", legend]
        for (process, rows) in TextReport.grouped(audit.rows, by: \.process, \.pid) {
            lines += ["", "### \(process)", ""]
            lines += table(
                [["fact", "in force", "source", "declared", "verdict", "note"]]
                    + TextReport.shortened(rows).map {
                        [$0.subject, $0.value, $0.source.rawValue, $0.declared, strong($0.verdict), $0.note]
                    })
        }
        if let probe {
            lines += ["", "## Attacks by sacrificial twins", ""] + probe.notes.map { "* \($0)" }
            for (process, rows) in TextReport.grouped(probe.rows, by: \.process, { _ in 0 }) {
                lines += ["", "### \(process)", ""]
                lines += table(
                    [["attack", "result", "denied by", "behind it", "verdict", "note"]]
                        + rows.map { [$0.words, $0.result, $0.deniedBy, $0.behind, strong($0.verdict), $0.note] })
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let legend =
        "Source *kernel*: read from /proc or a file's metadata. *self-report*: what the supervisor says, no proof. *probe*:"
        + " found out by attacking a twin. *not visible here*: the kernel doesn't tell this user."

    private static func strong(_ verdict: Verdict) -> String {
        verdict == .wider ? "**WIDER**" : verdict.rawValue
    }

    private static func table(_ rows: [[String]]) -> [String] {
        guard let head = rows.first else { return [] }
        var lines = ["| " + head.joined(separator: " | ") + " |", "|" + head.map { _ in "---|" }.joined()]
        for row in rows.dropFirst() { lines.append("| " + row.map(escaped).joined(separator: " | ") + " |") }
        return lines
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            if character == "|" || character == "*" || character == "<" || character == "`" { result.append("\\") }
            result.append(character == "\n" ? " " : character)
        }
    }
}
