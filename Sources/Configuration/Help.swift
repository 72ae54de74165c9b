import IPC

/// The whole help text: commands, every flag by section, signals, exit codes and an example.
public func helpText() -> String {
    var lines = [
        "routing-sidecar - reverse proxy beside a vLLM decode worker, for disaggregated prefill",
        "",
        "A request with the header x-prefiller-host-port is first sent to the prefill worker it",
        "names, then, with the KV cache handed over, to the local decode worker, whose answer is",
        "streamed back. Every other request goes straight to the decode worker.",
        "",
        "Usage: routing-sidecar [COMMAND] [FLAG...]",
        "",
        "Commands",
    ]
    lines += twoColumns([
        ("(none)", "serve"),
        ("status", "print the state of the running sidecar; --json for machines"),
        ("restart NAME", "restart one process of it: proxy, dialer, admin, watcher, signer,"),
        ("", "resolver or kv-agent"),
        ("audit", "show the walls in force; exit code 1 if one is wider than declared"),
        ("", "--probe lets twins of the processes attack them; --json, --markdown"),
        ("", "--explain NAME prints the rights of one process"),
        ("transfer", "let the KV agent read from another: --peer ADDRESS:PORT --length BYTES;"),
        ("", "--remote-offset, --local-offset, --block-bytes BYTES; --checksum HEX;"),
        ("", "--deadline DURATION; --request-id ID; exit code 1 if it fails"),
        ("check-config", "print every setting, its value and where it came from, or all mistakes"),
        ("help", "print this text; also --help and -h"),
        ("version", "print the version; also --version"),
    ])
    lines += ["", "Flags"]
    lines += wrapped(
        "One dash or two, -flag value or -flag=value; a boolean takes its value only after '=', and without one is true."
            + " A flag wins over an environment variable, and that over the default. An empty variable counts as unset.",
        indent: 2)
    lines += twoColumns([
        ("ADDRESS", "an IPv4 or IPv6 address, without brackets or port"),
        ("BYTES", "a number, or one with k, M, G (powers of ten) or KiB, MiB, GiB (of two)"),
        ("DURATION", "such as 30s, 500ms or 1m30s; a plain number is seconds"),
        ("PORT", "a number from 1 to 65535"),
    ])
    let defaults = Settings()
    for section in SettingsTable.sections {
        lines += ["", section.title]
        for setting in section.settings { lines += entry(setting, defaults) }
    }
    lines += ["", "Signals (numbers of Linux on x86-64 with glibc; kill -NUMBER works where names do not)"]
    lines += twoColumns(signals)
    lines += ["", "Exit codes"]
    lines += twoColumns(ExitCode.allCases.map { ("\($0.rawValue) \($0.name)", $0.meaning) })
    lines += [
        "", "Example",
        "  Serve port 8000 for the decode worker on port 8001, over plain HTTP:",
        "", "    routing-sidecar -port=8000 -vllm-port=8001 -connector=nixlv2 -secure-proxy=false", "",
        "  See what it would run with, and why:",
        "", "    SIDECAR_PORT=8080 routing-sidecar check-config -secure-proxy=false", "",
    ]
    return lines.joined(separator: "\n")
}

private let signals = [
    ("15 TERM, 2 INT, 3 QUIT", "drain and stop; a second one ends at once"),
    ("1 HUP", "read certificates, --allow-file, resolv.conf and hosts again"),
    ("10 USR1", "restart the watcher of the inference pool"),
    ("12 USR2", "restart the proxy, without refusing anybody"),
    ("34 RTMIN", "restart the KV agent"),
    ("35 RTMIN+1", "restart the dialer"),
]

private let width = 88

private func entry(_ setting: Setting, _ defaults: Settings) -> [String] {
    var head = "  \(setting.name.count == 1 ? "-" : "--")\(setting.name)"
    if !setting.kind.placeholder.isEmpty { head += " \(setting.kind.placeholder)" }
    var text = setting.help
    if !setting.kind.acceptedInHelp.isEmpty { text += " Accepted: \(setting.kind.acceptedInHelp)." }
    text += " Default: \(setting.defaultText ?? setting.kind.show(defaults))."
    if !setting.aliases.isEmpty { text += " Also: \(setting.aliases.map { "--\($0)" }.joined(separator: ", "))." }
    if let variable = setting.environment { text += " Environment: \(variable)." }
    if let notBuilt = setting.notBuilt {
        let value = notBuilt.available.first.map { $0.isEmpty ? "left out" : "\($0)" } ?? ""
        text += " Not available in this build; accepted: \(value)."
    }
    return [head] + wrapped(text, indent: 6)
}

/// The text in lines of at most `width` columns, broken between words.
private func wrapped(_ text: String, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = margin
    for word in text.split(separator: " ") {
        if line.count > indent && line.count + 1 + word.count > width {
            lines.append(line)
            line = margin
        }
        line += line.count > indent ? " \(word)" : "\(word)"
    }
    return lines + [line]
}

private func twoColumns(_ rows: [(String, String)]) -> [String] {
    let column = 2 + (rows.map(\.0.count).max() ?? 0) + 3
    return rows.map { left, right in
        let start = "  \(left)"
        return start + String(repeating: " ", count: column - start.count) + right
    }
}
