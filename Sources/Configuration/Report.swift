/// What `check-config` prints: every setting with its value and where that came from, then the notes.
///
/// No setting is a secret: credentials reach the sidecar as files, and only their paths are shown here.
public func effectiveConfigurationText(_ invocation: Invocation) -> String {
    let rows = SettingsTable.all.map { setting in
        (
            name: setting.name, value: printable(setting.kind.show(invocation.settings)),
            source: (invocation.sources[setting.name] ?? .default).description
        )
    }
    let nameWidth = rows.map(\.name.count).max() ?? 0
    // One long value should not push the sources of all others out of sight.
    let valueWidth = min(rows.map(\.value.count).max() ?? 0, 32)
    var lines = rows.map { row in
        "\(padded(row.name, nameWidth))  \(padded(row.value, valueWidth))  \(row.source)"
    }
    if !invocation.notes.isEmpty {
        lines += [""] + invocation.notes.map { "note: \($0)" }
    }
    return lines.joined(separator: "\n") + "\n"
}

private func printable(_ value: String) -> String {
    let isPlain = !value.isEmpty && value.unicodeScalars.allSatisfy { (0x21...0x7e).contains($0.value) && $0 != "\"" }
    return isPlain ? value : quoted(value, limit: 4096)
}

private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}
