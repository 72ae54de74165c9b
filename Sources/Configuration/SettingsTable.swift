/// Every setting there is. Parser, help and report read this table, and nothing else knows a flag by name but the checks
/// across settings.
enum SettingsTable {
    static let sections: [Section] = [
        Section(title: "Serving", settings: serving),
        Section(title: "TLS", settings: tls),
        Section(title: "Decoder", settings: decoder),
        Section(title: "Prefill", settings: prefill),
        Section(title: "Limits", settings: limits),
        Section(title: "Upstream policy", settings: upstreams),
        Section(title: "Inference pool", settings: pool),
        Section(title: "KV agent", settings: kv),
        Section(title: "Lifecycle", settings: lifecycle),
        Section(title: "Admin", settings: admin),
        Section(title: "Logs", settings: logs),
        Section(title: "Accepted for compatibility", settings: compatibility),
    ]

    static let all: [Setting] = sections.flatMap(\.settings)

    /// Rows by name and alias.
    static let byFlag: [String: Setting] = Dictionary(
        all.flatMap { setting in ([setting.name] + setting.aliases).map { ($0, setting) } },
        uniquingKeysWith: { first, _ in first })

    static func row(_ name: String) -> Setting? { byFlag[name] }
}

private let minute = 60_000
private let hour = 60 * minute
private let day = 24 * hour
private let gibibyte = 1 << 30

extension SettingsTable {
    private static let serving = [
        Setting(
            name: "listen-address", kind: .bindAddress(\.listenAddress),
            help: "Address that clients connect to.", defaultText: "every interface, IPv4 and IPv6"),
        Setting(
            name: "port", environment: "SIDECAR_PORT", kind: .port(\.port), help: "Port that clients connect to."),
    ]

    private static let decoder = [
        Setting(
            name: "decoder-host", kind: .decoderHost,
            help: "Host of the decode worker."),
        Setting(
            name: "vllm-port", aliases: ["model-server-port"], environment: "VLLM_PORT", kind: .port(\.decoderPort),
            help: "Port of the decode worker."),
        Setting(
            name: "data-parallel-size", kind: .number(\.dataParallelSize, 1...256),
            help: "Ranks of the decode worker, each on a port of its own.",
            notBuilt: NotBuilt(
                available: ["1"], because: "it serves one rank", instead: "run one sidecar for each rank")),
        Setting(
            name: "decode-chunk-size", kind: .number(\.decodeChunkSize, 0...1_000_000, zero: "answers are not split"),
            help: "Tokens per request to the decode worker, which is asked again until the answer is complete.",
            notBuilt: NotBuilt(
                available: ["0"], because: "an answer is one request to the decode worker",
                instead: "run with --decode-chunk-size=0")),
    ]

    private static let prefill = [
        Setting(
            name: "connector", aliases: ["kv-connector"], environment: "CONNECTOR_TYPE",
            kind: .choice(
                \.connector,
                elsewhere: ["sglang", "mooncake", "offloading", "shared-storage"].reduce(into: [:]) {
                    $0[$1] =
                        "is a connector of a newer sidecar and not part of this build; run with --connector=nixlv2"
                }),
            help: "How prefill and decode worker hand over the KV cache.",
            notBuilt: NotBuilt(
                available: ["nixlv2"], because: "nixlv2 is the only connector it has",
                instead: "run with --connector=nixlv2")),
        Setting(
            name: "prefill-timeout", kind: .duration(\.prefillTimeoutMilliseconds, 1...hour),
            help: "Time for the prefill worker's whole answer; then the client gets 504."),
        Setting(
            name: "connect-timeout", kind: .duration(\.connectTimeoutMilliseconds, 1...10 * minute),
            help: "Time to reach an upstream; for the prefill worker, the client then gets 504."),
        Setting(
            name: "prefill-max-retries", kind: .number(\.prefillMaximumRetries, 0...10),
            help: "Further attempts after the prefill worker failed.",
            notBuilt: NotBuilt(
                available: ["0"], because: "a failed prefill request is answered, not repeated",
                instead: "run with --prefill-max-retries=0")),
        Setting(
            name: "prefill-retry-backoff", kind: .duration(\.prefillRetryBackoffMilliseconds, 0...minute),
            help: "Pause before each further attempt. Without effect while --prefill-max-retries is 0."),
        Setting(
            name: "handoff-max-age", kind: .duration(\.handoffMaximumAgeMilliseconds, 1...hour),
            help: "Time from the prefill worker's answer until the decode request has been sent; then the client gets"
                + " 502. Keep it below the lease of the prefill worker's KV blocks (30s in vLLM): to an expired handoff"
                + " the decode worker answers with wrong text, not with an error."),
        Setting(
            name: "handoff-host-check", kind: .handoffHostCheck,
            help: "Where the handoff may send the decode worker for KV blocks: to the prefill worker that was asked, to"
                + " members of the inference pool, or anywhere.",
            defaultText: "auto: pool with --enable-ssrf-protection, else off"),
        Setting(
            name: "handoff-block-ids", kind: .choice(\.handoffBlockIds),
            help: "Accepted form of remote_block_ids in the handoff: lists in a list, one list, or both."),
        Setting(
            name: "handoff-absent", kind: .choice(\.handoffAbsent),
            help: "What to do when the prefill answer carries no handoff: let the decode worker compute the prompt, or"
                + " answer with an error."),
        Setting(
            name: "rewrite-cached-tokens", kind: .boolean(\.rewriteCachedTokens),
            help: "Report the prefill worker's count of cached tokens in the usage of the answer: a decode worker can"
                + " count everything that was handed over as cached."),
        Setting(
            name: "forward-credentials-to-prefiller", kind: .boolean(\.forwardCredentials),
            help: "Pass Authorization and Cookie on to the prefill worker."),
        Setting(
            name: "client-protocol-members", kind: .choice(\.hostileMembers),
            help: "What to do with members of a client's body that steer the KV transfer, such as kv_transfer_params:"
                + " take them out, or refuse the request."),
        Setting(
            name: "max-prefill-answer-bytes", kind: .bytes(\.prefillAnswerLimit, 1 << 10...gibibyte),
            help: "Largest answer of a prefill worker; above it the client gets 502."),
        Setting(
            name: "enable-prefiller-sampling", environment: "ENABLE_PREFILLER_SAMPLING",
            kind: .boolean(\.prefillerSampling),
            help: "Of several prefill workers named in the header, begin with one at random and not with the first."),
    ]

    private static let limits = [
        Setting(
            name: "max-body-bytes", kind: .bytes(\.maximumBodyBytes, 1...gibibyte),
            help: "Largest request body; above it the client gets 413."),
        Setting(
            name: "max-buffered-bytes",
            kind: .bytes(
                \.maximumBufferedBytes, 0...1024 * gibibyte,
                zero: "a quarter of the cgroup's memory limit, or 1GiB without one"),
            help: "Memory for all buffered bodies together; when it is used up clients get 503."),
        Setting(
            name: "max-connections", kind: .number(\.maximumConnections, 1...1_048_576),
            help: "Client connections at a time."),
        Setting(
            name: "head-timeout", kind: .duration(\.headTimeoutMilliseconds, 1...hour),
            help: "Time for a client to send the head of a request."),
        Setting(
            name: "min-body-rate", kind: .bytes(\.bodyMinimumRate, 0...gibibyte, zero: "no minimum"),
            help: "Bytes per second, on average, that a client must send of a body once --body-grace has passed."),
        Setting(
            name: "body-grace", kind: .duration(\.bodyGraceMilliseconds, 0...hour),
            help: "Time before --min-body-rate applies to a body."),
        Setting(
            name: "keep-alive-timeout", kind: .duration(\.keepAliveMilliseconds, 1...day),
            help: "Time that a client connection may be idle between requests."),
        Setting(
            name: "upstream-idle-timeout", kind: .duration(\.upstreamIdleMilliseconds, 1...hour),
            help: "Time that a connection to an upstream is kept for the next request. Keep it below the upstream's own"
                + " (uvicorn closes after 5s)."),
        Setting(
            name: "max-idle-conns-per-host",
            kind: .number(\.maximumIdlePerUpstream, 0...65536, zero: "connections are not reused"),
            help: "Idle connections kept to each upstream."),
        Setting(
            name: "client-half-close", kind: .choice(\.halfClose),
            help: "What it means when a client closes its sending side before the answer is complete: cancel the"
                + " request, or serve it to its end."),
    ]

    private static let upstreams = [
        Setting(
            name: "allow-loopback-upstreams", kind: .boolean(\.allowLoopbackUpstreams),
            help: "Let requests name prefill workers at loopback addresses. For tests: it opens every port of the pod."),
        Setting(
            name: "allow-link-local-upstreams", kind: .boolean(\.allowLinkLocalUpstreams),
            help: "Let requests name prefill workers at link-local addresses, where clouds keep their metadata service."
        ),
        Setting(
            name: "deny", kind: .denyList,
            help: "Addresses that are never dialled as prefill workers, whatever names them, such as"
                + " 10.96.0.0/12,192.0.2.1:443,[2001:db8::]/32:443.",
            defaultText: "none"),
        Setting(
            name: "resolve-names", kind: .boolean(\.resolveNames),
            help: "Let requests name prefill workers by DNS names. Starts the resolver; the addresses it finds are"
                + " checked like those that requests name themselves."),
    ]

    private static let lifecycle = [
        Setting(
            name: "pre-drain-delay", kind: .duration(\.preDrainDelayMilliseconds, 0...hour),
            help: "Time to go on accepting connections after SIGTERM, not ready any more, until the endpoints have"
                + " learned of it."),
        Setting(
            name: "drain-timeout", kind: .duration(\.drainTimeoutMilliseconds, 0...day),
            help: "Time for running answers to end after SIGTERM; then they are cut. With --pre-drain-delay, keep it"
                + " below the pod's terminationGracePeriodSeconds."),
        Setting(
            name: "restart-drain-timeout", kind: .duration(\.restartDrainMilliseconds, 0...day, zero: "no limit"),
            help: "Time for running answers to end when the proxy is restarted on request."),
        Setting(
            name: "loops",
            kind: .number(\.loops, 0...64, zero: "as many as CPU affinity and cgroup allow, at most 4"),
            help: "Event loops of the proxy, each a thread."),
        Setting(
            name: "control-socket", environment: "SIDECAR_CONTROL_SOCKET", kind: .controlSocket,
            help: "Socket that the commands status, restart, audit and transfer speak to; off for none."),
        Setting(
            name: "require-sandbox", kind: .choice(\.requireSandbox),
            help:
                "Which walls around the processes must stand, or the start ends with 78. on: seccomp filters, no_new_privs"
                + " and non-dumpable, without which an attack from proxy or dialer would succeed; all: also Landlock with"
                + " ABI 6 or newer, and as root the capabilities SETUID, SETGID, SETPCAP and KILL; off: none. What can"
                + " stand is put up in any case, and what is missing is warned of."),
        Setting(
            name: "sandbox", kind: .choice(\.sandbox),
            help: "off puts up no walls at all. For measurements; needs --require-sandbox=off."),
        Setting(
            name: "landlock-abi", kind: .number(\.landlockABI, 0...99, zero: "no Landlock"),
            help: "Newest Landlock ABI to use, to try out what an older kernel would do."),
        Setting(
            name: "configuration", kind: .anyText(\.configuration, placeholder: "YAML"),
            help: "Settings as inline YAML.", defaultText: "none",
            notBuilt: NotBuilt(
                available: [""], because: "settings come from flags and environment variables",
                instead: "leave it out and set flags")),
        Setting(
            name: "configuration-file", kind: .path(\.configurationFile),
            help: "Settings from a YAML file.", defaultText: "none",
            notBuilt: NotBuilt(
                available: [""], because: "settings come from flags and environment variables",
                instead: "leave it out and set flags")),
    ]

    private static let admin = [
        Setting(
            name: "admin-address", kind: .bindAddress(\.adminAddress),
            help: "Address for /metrics, /livez and /readyz.", defaultText: "every interface, IPv4 and IPv6"),
        Setting(
            name: "admin-port", aliases: ["metrics-port"], kind: .port(\.adminPort, zero: "off"),
            help: "Port for /metrics, /livez and /readyz."),
        Setting(
            name: "tracing", kind: .boolean(\.tracing), help: "Export OpenTelemetry traces.",
            notBuilt: NotBuilt(
                available: ["false"], because: "it exports metrics only", instead: "run with --tracing=false")),
    ]

    private static let logs = [
        Setting(
            name: "log-level", kind: .choice(\.logLevel, synonyms: ["warn": .warning]),
            help: "Least important message that is logged."),
        Setting(
            name: "log-requests", kind: .boolean(\.logRequests), help: "Log one line for each request."),
    ]
}
