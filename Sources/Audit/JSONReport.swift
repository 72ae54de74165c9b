/// A report for programs. Names of fields stay as they are; new ones may be added.
public enum JSONReport {
    /// One object.
    public static func text(_ audit: Audit, _ probe: Probe?) -> String {
        var fields = [
            "\"ok\":\(audit.isOK && probe?.isOK ?? true)",
            "\"host\":{"
                + audit.host.rows.filter { $0.name != "degraded" }.map { pair($0.name, $0.value) }.joined(
                    separator: ",")
                + "}",
            "\"degraded\":[" + audit.house.degraded.map(quoted).joined(separator: ",") + "]",
            "\"rows\":[" + audit.rows.map(row).joined(separator: ",") + "]",
        ]
        if let probe {
            fields.append("\"probe_notes\":[" + probe.notes.map(quoted).joined(separator: ",") + "]")
            fields.append("\"probe\":[" + probe.rows.map(row).joined(separator: ",") + "]")
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func row(_ row: Row) -> String {
        let fields = [
            pair("process", row.process), "\"pid\":\(row.pid)", pair("fact", row.subject), pair("value", row.value),
            pair("source", row.source.rawValue), pair("declared", row.declared), pair("verdict", row.verdict.rawValue),
            pair("note", row.note),
        ]
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func row(_ row: ProbeRow) -> String {
        let fields = [
            pair("process", row.process), pair("attack", row.attack), pair("words", row.words),
            pair("result", row.result), pair("denied_by", row.deniedBy), pair("behind", row.behind),
            "\"declared\":\(row.declared)", pair("verdict", row.verdict.rawValue), pair("note", row.note),
        ]
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func pair(_ name: String, _ value: String) -> String { "\(quoted(name)):\(quoted(value))" }

    /// A JSON string.
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
