/// The command line of `routing-sidecar-demo`.
struct Options: Sendable {
    var once = false
    var plain = false
    /// How long the live part runs, in seconds; 0: until it is interrupted.
    var seconds = 0

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
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            switch parts.first.map(String.init) {
            case "--help", "-h": return .help
            case "--once" where parts.count == 1: options.once = true
            case "--plain" where parts.count == 1: options.plain = true
            case "--seconds":
                let value = parts.count > 1 ? String(parts[1]) : rest.popFirst()
                guard let value, let seconds = Int(value), (0...1_000_000).contains(seconds) else {
                    mistakes.append("--seconds: whole seconds are expected, 0 for no end")
                    continue
                }
                options.seconds = seconds
            default: mistakes.append("unknown argument '\(argument)'; known: --once, --plain, --seconds N, --help")
            }
        }
        return mistakes.isEmpty ? .run(options) : .mistakes(mistakes)
    }

    static let help = """
        usage: routing-sidecar-demo [--once] [--plain] [--seconds N]

        Starts two simulated vLLM engines (prefill and decode) and routing-sidecar between them, all on 127.0.0.1,
        sends a disaggregated request, restarts the proxy in the middle of a stream, and then shows the processes and
        the traffic live. The programs are looked for beside this one. Everything is stopped at the end.

          --once        end after the two requests, without the live part
          --plain       no colours and no redrawing (also: NO_COLOR set, or standard output is no terminal)
          --seconds N   end the live part after N seconds; 0, the default: with Ctrl-C

        """
}
