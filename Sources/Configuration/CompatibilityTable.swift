extension SettingsTable {
    /// Flags of other sidecars that a deployment may carry along: mapped to a setting of ours, refused, or without
    /// effect, but never unknown.
    static let compatibility = loggers + newerSidecars

    private static let loggers = [
        Setting(
            name: "logtostderr", kind: .boolean(\.compatibility.logToStandardError),
            help: "Logs always go to standard error.",
            withoutEffect: WithoutEffect(unremarkable: ["true"], because: "logs always go to standard error")),
        Setting(
            name: "v", kind: .number(\.compatibility.verbosity, 0...127),
            help: "Sets --log-level, where that is not given: 0 and 1 are info, 2 and 3 debug, 4 and above trace."),
        Setting(
            name: "zap-log-level", kind: .zapLogLevel,
            help: "Sets --log-level, where that is not given. Comes before -v.", defaultText: "none"),
        Setting(
            name: "zap-devel", kind: .boolean(\.compatibility.zapDevelopment), help: "Without effect.",
            withoutEffect: WithoutEffect(unremarkable: ["false"], because: "logs have one form; see --log-level")),
        Setting(
            name: "zap-encoder", kind: .word(\.compatibility.zapEncoder, among: ["json", "console"]),
            help: "Without effect.", defaultText: "none",
            withoutEffect: WithoutEffect(because: "logs have one form")),
        Setting(
            name: "zap-stacktrace-level",
            kind: .word(\.compatibility.zapStacktraceLevel, among: ["info", "error", "panic"]),
            help: "Without effect.", defaultText: "none",
            withoutEffect: WithoutEffect(because: "logs carry no stack traces")),
        Setting(
            name: "zap-time-encoding",
            kind: .word(
                \.compatibility.zapTimeEncoding,
                among: ["epoch", "millis", "nano", "iso8601", "rfc3339", "rfc3339nano"]),
            help: "Without effect.", defaultText: "none",
            withoutEffect: WithoutEffect(because: "logs have one form of time")),
    ]

    private static let newerSidecars = [
        Setting(
            name: "ec-connector", kind: .anyText(\.encoderConnector, placeholder: "NAME"),
            help: "How encode workers hand over their cache.", defaultText: "none",
            notBuilt: NotBuilt(available: [""], because: "it knows no encode workers", instead: "leave it out")),
        Setting(
            name: "enable-p2p-pull", kind: .boolean(\.p2pPull),
            help: "Let the decode worker fetch KV blocks from a peer.",
            notBuilt: NotBuilt(
                available: ["false"], because: "the offloading connector is not part of it",
                instead: "run with --enable-p2p-pull=false")),
        Setting(
            name: "p2p-connector-port", environment: "P2P_CONNECTOR_PORT", kind: .port(\.p2pConnectorPort),
            help: "Port of the offloading connector. Without effect in this build.",
            withoutEffect: WithoutEffect(because: "the offloading connector is not part of this build")),
        Setting(
            name: "mooncake-bootstrap-port", environment: "MOONCAKE_BOOTSTRAP_PORT",
            kind: .port(\.mooncakeBootstrapPort),
            help: "Port of the mooncake connector. Without effect in this build.",
            withoutEffect: WithoutEffect(because: "the mooncake connector is not part of this build")),
    ]

    /// Flags known by their beginning alone, and what to say about them.
    static let foreignPrefixes = [
        (
            prefix: "moriio-",
            explanation: "is a flag of a newer sidecar's MoRI-IO support, which is not part of this build; leave it out"
        )
    ]
}
