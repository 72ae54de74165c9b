/// Everything that can be set, with its default: the initial value of each field is the default that help and
/// `check-config` show.
///
/// Times are in milliseconds, sizes in bytes. The names, environment variables, bounds and explanations stand in
/// `SettingsTable`.
public struct Settings: Sendable, Equatable {
    // Serving
    /// The address clients connect to, an IP literal in canonical spelling; empty is every interface, dual stack.
    public var listenAddress = ""
    /// The port clients connect to.
    public var port: UInt16 = 8000
    /// Whether clients are served over TLS.
    public var secureProxy = true
    /// The directory of `tls.crt` and `tls.key`.
    public var certPath = "/etc/sidecar/certs/"

    // TLS
    /// Whether the start ends without a usable certificate.
    public var requireCertificate = false
    /// The oldest version.
    public var tlsMinimum = TLSMinimum.v12
    /// IANA names; empty is all.
    public var cipherSuites: [String] = []
    /// For a client's handshake.
    public var tlsHandshakeTimeoutMilliseconds = 10_000
    /// What clients must show.
    public var clientCertificates = ClientCertificates.off
    /// The path of the certificates that vouch for clients; empty is none.
    public var clientCAPath = ""
    /// `URI:…` or `DNS:…`; empty is anybody who is vouched for.
    public var allowedClientNames: [String] = []
    /// What prefill workers' certificates must bear; empty is what the header calls them.
    public var prefillerServerName = ""
    /// What the decode worker's certificate must bear; empty is its host.
    public var decoderServerName = ""
    /// The path of the certificates that vouch for upstreams; empty is the system's.
    public var caCertPath = ""
    /// The directory of the pair that is shown to upstreams; empty is none.
    public var upstreamCertPath = ""

    // Decoder
    /// `localhost` or an IP literal in canonical spelling.
    public var decoderHost = "localhost"
    /// The port of the decode worker.
    public var decoderPort: UInt16 = 8001
    /// Whether the decode worker is spoken to over TLS.
    public var decoderUseTLS = false
    /// Whether any certificate of the decode worker is taken.
    public var decoderSkipVerify = false
    /// Ranks of the decode worker.
    public var dataParallelSize = 1
    /// Tokens per chunk of chunked decode; 0 is off.
    public var decodeChunkSize = 0

    // Prefill
    /// How the KV cache is handed over.
    public var connector = Connector.nixlv2
    /// For the prefill worker's whole answer.
    public var prefillTimeoutMilliseconds = 30_000
    /// The deadline for reaching an upstream.
    public var connectTimeoutMilliseconds = 5_000
    /// Attempts after the first.
    public var prefillMaximumRetries = 0
    /// The pause before each further attempt.
    public var prefillRetryBackoffMilliseconds = 200
    /// Whether prefill workers are spoken to over TLS.
    public var prefillerUseTLS = false
    /// Whether any certificate of a prefill worker is taken.
    public var prefillerSkipVerify = false
    /// Whether one of several prefill workers is chosen at random.
    public var prefillerSampling = false
    /// From the prefill worker's answer to the last byte of the decode request: beyond it the handoff has expired.
    public var handoffMaximumAgeMilliseconds = 20_000
    /// Where a handoff may point.
    public var handoffHostCheck = HandoffHostCheck.off
    /// The accepted form of a handoff's block ids.
    public var handoffBlockIds = HandoffBlockIds.nested
    /// What happens without a handoff.
    public var handoffAbsent = HandoffAbsent.decode
    /// Whether the usage of the answer reports the prefill worker's count of cached tokens.
    public var rewriteCachedTokens = true
    /// Whether Authorization and Cookie travel on to the prefill worker.
    public var forwardCredentials = false
    /// What happens to members of a client's body that steer the KV transfer.
    public var hostileMembers = HostileMembers.strip
    /// The most bytes of a prefill worker's answer.
    public var prefillAnswerLimit = 16 << 20

    // Limits
    /// The most bytes of a request body.
    public var maximumBodyBytes = 64 << 20
    /// All bodies together; 0 is a quarter of the cgroup's memory limit, or 1 GiB when there is none.
    public var maximumBufferedBytes = 0
    /// Client connections at a time.
    public var maximumConnections = 16_384
    /// For a client to send a request's head.
    public var headTimeoutMilliseconds = 30_000
    /// Bytes per second, after `bodyGraceMilliseconds`; 0 is no minimum.
    public var bodyMinimumRate = 1024
    /// Before `bodyMinimumRate` applies.
    public var bodyGraceMilliseconds = 10_000
    /// How long a client connection may be idle.
    public var keepAliveMilliseconds = 300_000
    /// How long an upstream connection is kept idle.
    public var upstreamIdleMilliseconds = 4_000
    /// Idle connections kept to each upstream; 0 is no reuse.
    public var maximumIdlePerUpstream = 1024
    /// What a client's half close means.
    public var halfClose = HalfClose.cancel

    // Lifecycle
    /// How long connections are still accepted after SIGTERM.
    public var preDrainDelayMilliseconds = 0
    /// How long answers may go on after that.
    public var drainTimeoutMilliseconds = 30_000
    /// The drain deadline of a requested restart; 0 is none.
    public var restartDrainMilliseconds = 0
    /// 0 is as many as the affinity and the cgroup's cpu.max allow, at most 4.
    public var loops = 0
    /// The path of the control socket; empty is none.
    public var controlSocket = "/tmp/routing-sidecar.sock"
    /// The API groups in which an InferencePool may live.
    public enum PoolGroup: String, CaseIterable, Sendable, NamedChoice {
        /// The first of the others in which the pool exists.
        case auto
        case networking = "inference.networking.k8s.io"
        case experimental = "inference.networking.x-k8s.io"
        case llmD = "inference.llm-d.ai"
    }

    /// What to do with running prefill requests whose worker leaves the pool.
    public enum RevokedConnections: String, CaseIterable, Sendable, NamedChoice {
        case finish
        case cut
    }

    /// Which walls must stand.
    public var requireSandbox = RequireSandbox.on
    /// Whether walls are put up at all.
    public var sandbox = OnOff.on
    /// The newest Landlock ABI to use.
    public var landlockABI = 99

    // Admin
    /// An IP literal in canonical spelling; empty is every interface.
    public var adminAddress = ""
    /// 0 is off.
    public var adminPort: UInt16 = 9464

    // Upstream policy
    /// Whether a request may name a prefill worker at a loopback address.
    public var allowLoopbackUpstreams = false
    /// Whether a request may name a prefill worker at a link-local address.
    public var allowLinkLocalUpstreams = false
    /// What is never dialled, in the canonical spelling of `--deny`.
    public var deny: [String] { denied.map(\.description) }
    /// What is never dialled.
    public var denied: [DeniedTarget] = []
    /// Whether names of prefill workers are resolved by DNS.
    public var resolveNames = false

    // Inference pool
    /// Whether only members of the inference pool are connected to.
    public var ssrfProtection = false
    /// The InferencePool's namespace; empty is unset.
    public var poolNamespace = ""
    /// The InferencePool's name; empty is unset.
    public var poolName = ""
    /// The InferencePool's API group.
    public var poolGroup = PoolGroup.auto
    /// `--inference-pool` as written; `poolNamespace` and `poolName` hold what it amounts to.
    public var inferencePool = ""
    /// The Kubernetes API as `https://ADDRESS:PORT`; empty is unset.
    public var kubernetesServer = ""
    /// The certificates that vouch for it.
    public var kubernetesCAFile = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
    /// The service account's token.
    public var kubernetesTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    /// A fixed allowlist.
    public var allow: [AllowedTarget] = []
    /// The path of a fixed allowlist; empty is none.
    public var allowFile = ""
    /// Which ports of the pool's members may be called.
    public var allowlistPorts = AllowlistPorts.pool
    /// A further condition on the labels of the pool's pods; empty is none.
    public var allowlistSelector = ""
    /// Whether pods must be ready.
    public var allowlistRequireReady = false
    /// Whether pods on the host's network are allowed.
    public var allowlistHostNetwork = false
    /// For the first complete list of the pool; 0 is no limit.
    public var allowlistSyncTimeoutMilliseconds = 60_000
    /// How long ago the list must have been shown to be current; 0 is any age.
    public var allowlistMaximumAgeMilliseconds = 0
    /// What happens to running prefill requests whose worker leaves the pool.
    public var revokedConnections = RevokedConnections.finish

    // KV agent
    /// Whether there is one.
    public var kvAgent = false
    /// Where it listens, an IP literal in canonical spelling; empty is every interface.
    public var kvAddress = ""
    /// The port it listens on.
    public var kvPort: UInt16 = 7800
    /// Where others listen; nil is the same port.
    public var kvPeerPorts: PortRange?
    /// Where data connections arrive.
    public var kvDataPorts = PortRange(7801, 7832)
    /// The size of its region.
    public var kvRegionBytes = 64 << 20
    /// Transfers at once, in each direction.
    public var kvMaximumTransfers = 32
    /// For a transfer.
    public var kvTransferTimeoutMilliseconds = 30_000

    // Logs
    /// The least important level that is logged.
    public var logLevel = LogLevel.info
    /// One line per request.
    public var logRequests = false

    // Of a newer sidecar
    /// The legs named by `--enable-tls`.
    public var tlsLegs: [String] = []
    /// The legs named by `--tls-insecure-skip-verify`.
    public var skipVerifyLegs: [String] = []
    /// How encode workers hand over their cache; empty is none.
    public var encoderConnector = ""
    /// Whether the decode worker fetches KV blocks from a peer.
    public var p2pPull = false
    /// The port of the offloading connector.
    public var p2pConnectorPort: UInt16 = 7777
    /// The port of the mooncake connector.
    public var mooncakeBootstrapPort: UInt16 = 8998
    /// Inline configuration.
    public var configuration = ""
    /// The path of a configuration file; empty is none.
    public var configurationFile = ""
    /// Whether traces are exported.
    public var tracing = false

    /// Taken so that a deployment made for another sidecar starts; mapped to the settings above, or without effect.
    public var compatibility = Compatibility()

    /// The defaults.
    public init() {}
}

/// Flags of the loggers that earlier sidecars were built with.
public struct Compatibility: Sendable, Equatable {
    /// False changes nothing.
    public var logToStandardError = true
    /// klog's verbosity, mapped to `Settings.logLevel`.
    public var verbosity = 0
    /// zap's level, mapped to `Settings.logLevel`; empty is unset.
    public var zapLogLevel = ""
    /// Changes nothing.
    public var zapDevelopment = false
    /// Changes nothing; empty is unset.
    public var zapEncoder = ""
    /// Changes nothing; empty is unset.
    public var zapStacktraceLevel = ""
    /// Changes nothing; empty is unset.
    public var zapTimeEncoding = ""

    /// The defaults.
    public init() {}
}

/// A setting with named values; the raw value is the name.
protocol NamedChoice: RawRepresentable, CaseIterable, Sendable where RawValue == String {}

/// How prefill and decode worker exchange KV blocks.
public enum Connector: String, CaseIterable, Sendable, NamedChoice {
    case nixlv2
    case nixl
    case lmcache
}

/// What `remote_host` of a handoff must be.
public enum HandoffHostCheck: String, CaseIterable, Sendable, NamedChoice {
    /// The address that answered the prefill request.
    case prefiller
    /// A member of the inference pool.
    case pool
    /// Anything.
    case off
}

/// The accepted form of a handoff's `remote_block_ids`.
public enum HandoffBlockIds: String, CaseIterable, Sendable, NamedChoice {
    /// A list of lists, one per KV cache group.
    case nested
    /// One list of numbers.
    case flat
    case any
}

/// What to do when the prefill answer carries no handoff.
public enum HandoffAbsent: String, CaseIterable, Sendable, NamedChoice {
    /// Let the decoder compute the prompt itself.
    case decode
    /// Answer with an error.
    case fail
}

/// What to do with members of a client's body that steer the transfer of KV blocks.
public enum HostileMembers: String, CaseIterable, Sendable, NamedChoice {
    case strip
    case refuse
}

/// What a client's half close means.
public enum HalfClose: String, CaseIterable, Sendable, NamedChoice {
    /// The client is gone: cancel the request.
    case cancel
    /// The client has said everything and waits for the answer.
    case serve
}

/// Which walls must stand for the sidecar to serve.
public enum RequireSandbox: String, CaseIterable, Sendable, NamedChoice {
    case off
    /// Those without which an attack from proxy or dialer would succeed.
    case on
    /// Landlock of the current ABI as well.
    case all
}

/// A switch.
public enum OnOff: String, CaseIterable, Sendable, NamedChoice {
    case on
    case off
}

/// From the quietest to the most talkative.
public enum LogLevel: String, CaseIterable, Sendable, NamedChoice {
    case error
    case warning
    case info
    case debug
    case trace
}
