import Glibc

/// The command line of `simulated-engine`.
struct Options: Sendable {
    enum Role: String, Sendable {
        case prefill
        case decode
    }

    var host = "127.0.0.1"
    var port: UInt16 = 0
    var role = Role.decode
    var model = "tiny"
    /// The address put into `remote_host`; nil: the listening address.
    var advertisedHost: String?
    var readyFD: Int32?
    var settings = Settings()

    enum Outcome {
        case run(Options)
        case help
        case mistakes([String])
    }

    static func parse(_ arguments: [String]) -> Outcome {
        var options = Options()
        var mistakes: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                mistakes.append("unexpected argument '\(argument)'")
                continue
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if name == "help" { return .help }
            let setting = name.replacing("-", with: "_")
            if isToggle(setting) {
                let value = parts.count > 1 ? String(parts[1]) : ""
                if let mistake = options.settings.set(setting, value) { mistakes.append("--\(mistake)") }
                continue
            }
            guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
                mistakes.append("--\(name): a value is missing")
                continue
            }
            if let mistake = options.set(name, setting, value) { mistakes.append(mistake) }
        }
        return mistakes.isEmpty ? .run(options) : .mistakes(mistakes)
    }

    private static func isToggle(_ setting: String) -> Bool {
        Settings.entries.contains { entry in
            guard case .toggle = entry.place else { return false }
            return entry.name == setting
        }
    }

    private mutating func set(_ name: String, _ setting: String, _ value: String) -> String? {
        switch name {
        case "host": host = value
        case "advertise-host": advertisedHost = value
        case "model": model = value
        case "port":
            guard let number = UInt16(value) else { return "--port \(value): a port (0 to 65535) is expected" }
            port = number
        case "role":
            guard let role = Role(rawValue: value) else { return "--role \(value): prefill or decode is expected" }
            self.role = role
        case "ready-fd":
            guard let number = Int32(value), number >= 0 else {
                return "--ready-fd \(value): a descriptor number is expected"
            }
            readyFD = number
        case "lease-seconds":
            guard let seconds = Int(value), seconds >= 0, seconds <= 86_400 else {
                return "--lease-seconds \(value): whole seconds, at most 86400, are expected"
            }
            settings.leaseMS = seconds * 1000
        default:
            return settings.set(setting, value).map { "--\(name): \($0)" }
        }
        return nil
    }

    static var help: String {
        var text = """
            usage: simulated-engine [--role prefill|decode] [--host 127.0.0.1] [--port 0] [--model tiny]
                                    [--advertise-host HOST] [--lease-seconds 30] [--ready-fd N] [--SETTING VALUE]...

            A small OpenAI-API engine that behaves on the wire as a vLLM prefill or decode worker does, for tests and
            demonstrations. Its text follows from the prompt alone, and a decode request with kv_transfer_params takes
            the prompt from the prefill engine these name: equal text means that the right KV arrived.
            It prints 'listening HOST:PORT' when it is ready, and writes one line to --ready-fd.

            Paths beside the API: GET /_stats, GET /_last?n=1[&path=/v1/...] (an array, newest last), POST /_reset,
            GET /_config, POST /_config?SETTING=VALUE&..., GET /ws (Upgrade: websocket; echoes bytes).

            Settings (as a flag with dashes, --token-delay-ms 40, or at run time through /_config):

            """
        for entry in Settings.entries {
            let padding = String(repeating: " ", count: max(1, 25 - entry.name.count))
            text += "  \(entry.name)\(padding)\(entry.help)\n"
        }
        return text
    }
}
