/// Reads a command line: which command, which flags, and what cannot be read at all. It does not look at values.
struct ArgumentReader {
    enum CommandWord: String, CaseIterable {
        case status
        case restart
        case audit
        case transfer
        case checkConfig = "check-config"
        case help
        case version
    }

    /// The command word, if there is one.
    private(set) var command: CommandWord?
    /// The operand of `restart`.
    private(set) var restartName: String?
    /// `--json`, if it was given.
    private(set) var json: Given?
    /// `--markdown`, `--probe` and `--explain NAME`.
    private(set) var audit = AuditOptions()
    /// Those of them that were given, as they were written.
    private(set) var auditFlags: [String] = []
    /// The flags of `transfer`.
    private(set) var transfer = TransferArguments()
    /// `--help` or `-h` stood somewhere.
    private(set) var wantsHelp = false
    /// `--version` stood somewhere.
    private(set) var wantsVersion = false
    /// Flags of the table with their values, in the order of the command line.
    private(set) var flags: [(setting: Setting, given: Given)] = []
    private(set) var mistakes: [Mistake] = []

    /// Flags that aren't settings.
    private static let ownFlags =
        [
            "help", "h", "version", "json", "markdown", "probe", "explain",
        ] + TransferArguments.flags

    /// Reads the arguments, without the program's own name.
    init(_ arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                mistakes.append(
                    Mistake("--: nothing may follow the flags; accepted: flags and one command, in any order"))
            } else if argument.hasPrefix("-") && argument != "-" {
                readFlag(argument, &rest)
            } else {
                readOperand(argument)
            }
        }
        if command == .restart && restartName == nil {
            mistakes.append(Mistake("restart: names no process; write restart NAME, such as restart proxy"))
        }
    }

    private mutating func readOperand(_ word: String) {
        if command == .restart && restartName == nil {
            restartName = word
        } else if let known = CommandWord(rawValue: word) {
            if let command {
                mistakes.append(Mistake("\(word): a second command, after \(command.rawValue); accepted: one"))
            } else {
                command = known
            }
        } else {
            let words = CommandWord.allCases.map(\.rawValue)
            var text = "\(quoted(word)): not a command"
            if let last = flags.last, last.setting.kind.isBoolean, booleanValue(word) != nil,
                case .flag(let written) = last.given.source
            {
                text += "; a boolean takes its value after '=': write \(written)=\(word)"
            } else if let near = suggestion(for: word, among: words) {
                text += "; did you mean \(near)?"
            } else {
                text += "; accepted: \(alternatives(words)), or none to serve; a flag starts with - or --"
            }
            mistakes.append(Mistake(text))
        }
    }

    private mutating func readFlag(_ argument: String, _ rest: inout ArraySlice<String>) {
        let dashes = argument.hasPrefix("--") ? 2 : 1
        let body = argument.dropFirst(dashes)
        let equals = body.firstIndex(of: "=")
        let name = String(body[..<(equals ?? body.endIndex)])
        let attached = equals.map { String(body[body.index(after: $0)...]) }
        let written = String(repeating: "-", count: dashes) + name
        if name.isEmpty || name.hasPrefix("-") {
            mistakes.append(Mistake("\(quoted(argument)): not a flag; accepted: -name, --name, -name=value"))
            return
        }
        switch name {
        case "help", "h": wantsHelp = true
        case "version": wantsVersion = true
        case "json": json = Given(text: attached ?? "true", source: .flag(written))
        case "markdown", "probe": readAuditSwitch(name, attached, written)
        case _ where TransferArguments.flags.contains(name):
            if let text = attached ?? rest.popFirst() {
                transfer.add(name, Given(text: text, source: .flag(written)))
            } else {
                mistakes.append(Mistake("\(written): needs a value"))
            }
        case "explain":
            auditFlags.append(written)
            if let text = attached ?? rest.popFirst() {
                audit.explain = text
            } else {
                mistakes.append(
                    Mistake("\(written): names no process; write \(written) NAME, such as \(written) proxy"))
            }
        default:
            guard let setting = SettingsTable.row(name) else {
                // Whatever its value is, it should not be reported as a second mistake.
                if attached == nil, let next = rest.first, !next.hasPrefix("-"), CommandWord(rawValue: next) == nil {
                    rest.removeFirst()
                }
                mistakes.append(Mistake(unknown(name, written: written)))
                return
            }
            if let text = attached ?? (setting.kind.isBoolean ? "true" : nil) {
                flags.append((setting, Given(text: text, source: .flag(written))))
            } else if let next = rest.first, !isFlag(next) {
                rest.removeFirst()
                flags.append((setting, Given(text: next, source: .flag(written))))
            } else {
                mistakes.append(Mistake("\(written): needs a value; accepted: \(setting.kind.accepted)"))
            }
        }
    }

    private mutating func readAuditSwitch(_ name: String, _ attached: String?, _ written: String) {
        auditFlags.append(written)
        guard let value = booleanValue(attached ?? "true") else {
            mistakes.append(Mistake("\(written): is neither true nor false; accepted: true or false"))
            return
        }
        if name == "probe" { audit.probe = value } else { audit.markdown = value }
    }

    /// Whether the next argument is a flag of its own, and so the value of the one before it was forgotten.
    private func isFlag(_ argument: String) -> Bool {
        guard argument.hasPrefix("-") else { return false }
        let name = argument.drop { $0 == "-" }.prefix { $0 != "=" }
        return SettingsTable.row(String(name)) != nil || Self.ownFlags.contains(String(name))
    }

    private func unknown(_ name: String, written: String) -> String {
        let shown = quoted(written)
        for foreign in SettingsTable.foreignPrefixes where name.hasPrefix(foreign.prefix) {
            return "\(shown) \(foreign.explanation)"
        }
        let names = SettingsTable.all.flatMap { [$0.name] + $0.aliases } + Self.ownFlags
        if let near = suggestion(for: name, among: names) { return "\(shown): no such flag; did you mean --\(near)?" }
        return "\(shown): no such flag; see --help"
    }
}
