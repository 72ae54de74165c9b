@testable import Configuration

/// For each flag a value that is not its default, and what that value changes.
struct Sample: Sendable {
    let name: String
    let text: String
    let change: @Sendable (inout Settings) -> Void

    init(_ name: String, _ text: String, _ change: @escaping @Sendable (inout Settings) -> Void) {
        self.name = name
        self.text = text
        self.change = change
    }

    static let all = built + notBuilt + compatibility

    static let built = [
        Sample("resolve-names", "true") { $0.resolveNames = true },
        Sample("kv-agent", "true") { $0.kvAgent = true },
        Sample("kv-address", "127.0.0.1") { $0.kvAddress = "127.0.0.1" },
        Sample("kv-port", "7900") { $0.kvPort = 7900 },
        Sample("kv-peer-ports", "7900-7901") { $0.kvPeerPorts = PortRange(7900, 7901) },
        Sample("kv-data-ports", "7910-7920") { $0.kvDataPorts = PortRange(7910, 7920) },
        Sample("kv-region-bytes", "8KiB") { $0.kvRegionBytes = 8192 },
        Sample("kv-max-transfers", "3") { $0.kvMaximumTransfers = 3 },
        Sample("kv-transfer-timeout", "2s") { $0.kvTransferTimeoutMilliseconds = 2000 },
        Sample("listen-address", "::1") { $0.listenAddress = "::1" },
        Sample("port", "18000") { $0.port = 18000 },
        Sample("secure-proxy", "false") { $0.secureProxy = false },
        Sample("cert-path", "/certs") { $0.certPath = "/certs" },
        Sample("require-certificate", "true") { $0.requireCertificate = true },
        Sample("tls-min-version", "1.3") { $0.tlsMinimum = .v13 },
        Sample("tls-cipher-suites", "TLS_AES_256_GCM_SHA384") { $0.cipherSuites = ["TLS_AES_256_GCM_SHA384"] },
        Sample("tls-handshake-timeout", "3s") { $0.tlsHandshakeTimeoutMilliseconds = 3000 },
        Sample("client-certificates", "required") { $0.clientCertificates = .required },
        Sample("client-ca-path", "/clients.pem") { $0.clientCAPath = "/clients.pem" },
        Sample("allowed-client-names", "URI:spiffe://a/b,DNS:gateway") {
            $0.allowedClientNames = ["URI:spiffe://a/b", "DNS:gateway"]
        },
        Sample("prefiller-use-tls", "true") { $0.prefillerUseTLS = true },
        Sample("decoder-use-tls", "true") { $0.decoderUseTLS = true },
        Sample("prefiller-tls-insecure-skip-verify", "true") { $0.prefillerSkipVerify = true },
        Sample("decoder-tls-insecure-skip-verify", "true") { $0.decoderSkipVerify = true },
        Sample("prefiller-tls-server-name", "prefill.example") { $0.prefillerServerName = "prefill.example" },
        Sample("decoder-tls-server-name", "decode.example") { $0.decoderServerName = "decode.example" },
        Sample("ca-cert-path", "/ca.pem") { $0.caCertPath = "/ca.pem" },
        Sample("upstream-cert-path", "/pair") { $0.upstreamCertPath = "/pair" },
        Sample("enable-tls", "prefiller,decoder") { $0.tlsLegs = ["prefiller", "decoder"] },
        Sample("tls-insecure-skip-verify", "decoder") { $0.skipVerifyLegs = ["decoder"] },
        Sample("decoder-host", "127.0.0.1") { $0.decoderHost = "127.0.0.1" },
        Sample("vllm-port", "18001") { $0.decoderPort = 18001 },
        Sample("prefill-timeout", "45s") { $0.prefillTimeoutMilliseconds = 45_000 },
        Sample("connect-timeout", "250ms") { $0.connectTimeoutMilliseconds = 250 },
        Sample("prefill-retry-backoff", "300ms") { $0.prefillRetryBackoffMilliseconds = 300 },
        Sample("handoff-max-age", "7s") { $0.handoffMaximumAgeMilliseconds = 7000 },
        Sample("handoff-host-check", "prefiller") { $0.handoffHostCheck = .prefiller },
        Sample("handoff-block-ids", "flat") { $0.handoffBlockIds = .flat },
        Sample("handoff-absent", "fail") { $0.handoffAbsent = .fail },
        Sample("rewrite-cached-tokens", "false") { $0.rewriteCachedTokens = false },
        Sample("forward-credentials-to-prefiller", "true") { $0.forwardCredentials = true },
        Sample("client-protocol-members", "refuse") { $0.hostileMembers = .refuse },
        Sample("max-prefill-answer-bytes", "1MiB") { $0.prefillAnswerLimit = 1 << 20 },
        Sample("max-body-bytes", "1k") { $0.maximumBodyBytes = 1000 },
        Sample("max-buffered-bytes", "2GiB") { $0.maximumBufferedBytes = 2 << 30 },
        Sample("max-connections", "10") { $0.maximumConnections = 10 },
        Sample("head-timeout", "3s") { $0.headTimeoutMilliseconds = 3000 },
        Sample("min-body-rate", "0") { $0.bodyMinimumRate = 0 },
        Sample("body-grace", "0") { $0.bodyGraceMilliseconds = 0 },
        Sample("keep-alive-timeout", "1h") { $0.keepAliveMilliseconds = 3_600_000 },
        Sample("upstream-idle-timeout", "3") { $0.upstreamIdleMilliseconds = 3000 },
        Sample("max-idle-conns-per-host", "0") { $0.maximumIdlePerUpstream = 0 },
        Sample("client-half-close", "serve") { $0.halfClose = .serve },
        Sample("allow-loopback-upstreams", "true") { $0.allowLoopbackUpstreams = true },
        Sample("allow-link-local-upstreams", "true") { $0.allowLinkLocalUpstreams = true },
        Sample("deny", "10.0.0.0/8") {
            $0.denied = [DeniedTarget(network: IPAddress(high: 0, low: 0xffff_0a00_0000), prefixLength: 104, port: 0)]
        },
        Sample("inference-pool-namespace", "here") { $0.poolNamespace = "here" },
        Sample("inference-pool-name", "my-pool") { $0.poolName = "my-pool" },
        Sample("inference-pool", "there/its-pool") { $0.inferencePool = "there/its-pool" },
        Sample("enable-ssrf-protection", "true") { $0.ssrfProtection = true },
        Sample("pool-group", "inference.networking.x-k8s.io") { $0.poolGroup = .experimental },
        Sample("kubernetes-server", "https://10.96.0.1:6443") { $0.kubernetesServer = "https://10.96.0.1:6443" },
        Sample("kubernetes-ca-file", "/ca.pem") { $0.kubernetesCAFile = "/ca.pem" },
        Sample("kubernetes-token-file", "/token") { $0.kubernetesTokenFile = "/token" },
        Sample("allow", "10.0.0.1:80,[2001:db8::1]:81") {
            $0.allow = [AllowedTarget("10.0.0.1:80"), AllowedTarget("[2001:db8::1]:81")].compactMap(\.self)
        },
        Sample("allow-file", "/etc/sidecar/allow") { $0.allowFile = "/etc/sidecar/allow" },
        Sample("allowlist-ports", "8000,8001") { $0.allowlistPorts = .list([8000, 8001]) },
        Sample("allowlist-selector", "role=prefill,tier!=test") { $0.allowlistSelector = "role=prefill,tier!=test" },
        Sample("allowlist-require-ready", "true") { $0.allowlistRequireReady = true },
        Sample("allowlist-host-network", "true") { $0.allowlistHostNetwork = true },
        Sample("allowlist-sync-timeout", "0") { $0.allowlistSyncTimeoutMilliseconds = 0 },
        Sample("allowlist-max-age", "2m") { $0.allowlistMaximumAgeMilliseconds = 120_000 },
        Sample("revoked-connections", "cut") { $0.revokedConnections = .cut },
        Sample("enable-prefiller-sampling", "true") { $0.prefillerSampling = true },
        Sample("pre-drain-delay", "5s") { $0.preDrainDelayMilliseconds = 5000 },
        Sample("drain-timeout", "1m") { $0.drainTimeoutMilliseconds = 60_000 },
        Sample("restart-drain-timeout", "2m") { $0.restartDrainMilliseconds = 120_000 },
        Sample("loops", "3") { $0.loops = 3 },
        Sample("control-socket", "/run/sidecar.sock") { $0.controlSocket = "/run/sidecar.sock" },
        Sample("require-sandbox", "all") { $0.requireSandbox = .all },
        Sample("sandbox", "off") { $0.sandbox = .off },
        Sample("landlock-abi", "3") { $0.landlockABI = 3 },
        Sample("admin-address", "127.0.0.1") { $0.adminAddress = "127.0.0.1" },
        Sample("admin-port", "0") { $0.adminPort = 0 },
        Sample("log-level", "debug") { $0.logLevel = .debug },
        Sample("log-requests", "true") { $0.logRequests = true },
    ]

    static let notBuilt = [
        Sample("data-parallel-size", "2") { $0.dataParallelSize = 2 },
        Sample("decode-chunk-size", "64") { $0.decodeChunkSize = 64 },
        Sample("connector", "lmcache") { $0.connector = .lmcache },
        Sample("prefill-max-retries", "1") { $0.prefillMaximumRetries = 1 },
        Sample("configuration", "port: 1") { $0.configuration = "port: 1" },
        Sample("configuration-file", "/etc/sidecar.yaml") { $0.configurationFile = "/etc/sidecar.yaml" },
        Sample("tracing", "true") { $0.tracing = true },
        Sample("ec-connector", "ec-nixl") { $0.encoderConnector = "ec-nixl" },
        Sample("enable-p2p-pull", "true") { $0.p2pPull = true },
    ]

    static let compatibility = [
        Sample("logtostderr", "false") { $0.compatibility.logToStandardError = false },
        Sample("v", "4") { $0.compatibility.verbosity = 4 },
        Sample("zap-log-level", "debug") { $0.compatibility.zapLogLevel = "debug" },
        Sample("zap-devel", "true") { $0.compatibility.zapDevelopment = true },
        Sample("zap-encoder", "json") { $0.compatibility.zapEncoder = "json" },
        Sample("zap-stacktrace-level", "panic") { $0.compatibility.zapStacktraceLevel = "panic" },
        Sample("zap-time-encoding", "rfc3339") { $0.compatibility.zapTimeEncoding = "rfc3339" },
        Sample("p2p-connector-port", "7000") { $0.p2pConnectorPort = 7000 },
        Sample("mooncake-bootstrap-port", "7001") { $0.mooncakeBootstrapPort = 7001 },
    ]
}
