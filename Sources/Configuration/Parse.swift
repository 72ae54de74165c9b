/// Parses a command line (without the program's name) and an environment, and reports every mistake in them at once.
///
/// A flag wins over an environment variable, and that over the default; an empty variable counts as unset. A value is
/// checked even where a stronger one wins over it. For `help` and `version` nothing else is looked at. `status`,
/// `restart`, `audit` and `transfer` look at the control socket alone, since they run beside a serving sidecar, in an
/// environment made for it.
public func parse(arguments: [String], environment: [String: String]) -> ParseOutcome {
    let reader = ArgumentReader(arguments)
    // Whoever asks for help gets it, whatever else went wrong: that is why they ask.
    if reader.wantsHelp || reader.command == .help { return .success(Invocation(command: .help)) }
    if reader.wantsVersion || reader.command == .version { return .success(Invocation(command: .version)) }

    var mistakes = reader.mistakes
    let command = requestedCommand(of: reader, &mistakes)
    let client: Bool
    switch command {
    case .status, .restart, .audit, .transfer: client = true
    default: client = reader.command == .transfer
    }

    var values = ValueReader()
    if client {
        values.readFlags(
            reader.flags.filter { flag in
                if flag.setting.name == "control-socket" { return true }
                mistakes.append(
                    Mistake(
                        "\(flag.given.written): not for \(reader.command?.rawValue ?? ""), which takes --control-socket"
                    ))
                return false
            })
        values.readEnvironment(environment, settings: SettingsTable.all.filter { $0.name == "control-socket" })
    } else {
        values.readFlags(reader.flags)
        values.readEnvironment(environment, settings: SettingsTable.all)
        values.readCluster(environment)
    }

    // In order of precedence. A configuration file will be the last of these.
    let merged = merge([values.flagLayer, values.environmentLayer])
    var resolution = Resolution(merged, unusable: values.unusable)
    if client {
        resolution.checkControlSocket()
    } else {
        resolution.resolve()
    }
    mistakes += values.mistakes + resolution.mistakes
    guard mistakes.isEmpty else { return .failure(mistakes) }
    return .success(
        Invocation(
            command: command, settings: resolution.settings, sources: resolution.sources,
            notes: values.notes + resolution.notes))
}

private func requestedCommand(of reader: ArgumentReader, _ mistakes: inout [Mistake]) -> Command {
    var json = false
    if let given = reader.json {
        if let value = booleanValue(given.text) {
            json = value
        } else {
            mistakes.append(Mistake("\(given.written): is neither true nor false; accepted: true or false"))
        }
        if reader.command != .status && reader.command != .audit {
            mistakes.append(Mistake("\(given.written): only for the commands status and audit"))
        }
    }
    if reader.command != .audit {
        mistakes += reader.auditFlags.map { Mistake("\($0): only for the command audit") }
    }
    if reader.command != .transfer {
        mistakes += reader.transfer.given.map { Mistake("\($0.value.written): only for the command transfer") }
    }
    switch reader.command {
    case nil: return .serve
    case .transfer: return reader.transfer.command(&mistakes) ?? .serve
    case .status: return .status(json: json)
    case .audit:
        if json && reader.audit.markdown { mistakes.append(Mistake("--json and --markdown: accepted: one of them")) }
        var options = reader.audit
        options.json = json
        return .audit(options)
    case .restart: return .restart(reader.restartName ?? "")
    case .checkConfig: return .checkConfig
    case .help: return .help
    case .version: return .version
    }
}

extension Invocation {
    /// A command that needs no settings.
    init(command: Command) {
        self.init(
            command: command, settings: Settings(),
            sources: Dictionary(uniqueKeysWithValues: SettingsTable.all.map { ($0.name, Source.default) }), notes: [])
    }
}
