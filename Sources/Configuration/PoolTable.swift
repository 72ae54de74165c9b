/// Settings of SSRF protection: whose members may be called, and where that is learned.
extension SettingsTable {
    static let pool = [
        Setting(
            name: "enable-ssrf-protection", kind: .boolean(\.ssrfProtection),
            help: "Connect to members of the inference pool only, or to those of --allow. The dialer enforces it."),
        Setting(
            name: "inference-pool-namespace", environment: "INFERENCE_POOL_NAMESPACE", kind: .label(\.poolNamespace),
            help: "Namespace of the InferencePool.", defaultText: "none"),
        Setting(
            name: "inference-pool-name", environment: "INFERENCE_POOL_NAME", kind: .subdomain(\.poolName),
            help: "Name of the InferencePool.", defaultText: "none"),
        Setting(
            name: "inference-pool", environment: "INFERENCE_POOL", kind: .inferencePool,
            help: "Namespace and name of the InferencePool in one; without a namespace it is the one of"
                + " --inference-pool-namespace, or default.",
            defaultText: "none"),
        Setting(
            name: "pool-group", kind: .choice(\.poolGroup, placeholder: "GROUP"),
            help: "API group of the InferencePool; auto is the first of them in which it exists."),
        Setting(
            name: "kubernetes-server", kind: .kubernetesServer,
            help: "The Kubernetes API.", defaultText: "https:// KUBERNETES_SERVICE_HOST : KUBERNETES_SERVICE_PORT"),
        Setting(
            name: "kubernetes-ca-file", kind: .path(\.kubernetesCAFile),
            help: "Certificates that vouch for the Kubernetes API. Read again before requests, so it can be replaced."),
        Setting(
            name: "kubernetes-token-file", kind: .path(\.kubernetesTokenFile),
            help: "Token of the service account. Only the watcher ever reads it, before each request."),
        Setting(
            name: "allow", kind: .allowList,
            help: "A fixed allowlist instead of an inference pool: ADDRESS:PORT entries, IPv6 addresses in brackets.",
            defaultText: "none"),
        Setting(
            name: "allow-file", kind: .path(\.allowFile),
            help: "The same from a file, one entry a line, # for comments. Read again on SIGHUP.", defaultText: "none"),
        Setting(
            name: "allowlist-ports", kind: .allowlistPorts,
            help: "Ports of the pool's members that may be called: those that the pool declares (every port when it"
                + " declares none), every port, or a list."),
        Setting(
            name: "allowlist-selector", kind: .labelSelector,
            help: "A further condition on the labels of the pool's pods, such as llm-d.ai/role=prefill.",
            defaultText: "none"),
        Setting(
            name: "allowlist-require-ready", kind: .boolean(\.allowlistRequireReady),
            help: "Allow pods that are ready, and not all that run."),
        Setting(
            name: "allowlist-host-network", kind: .boolean(\.allowlistHostNetwork),
            help: "Allow pods on the host's network too: their address is the node's."),
        Setting(
            name: "allowlist-sync-timeout",
            kind: .duration(\.allowlistSyncTimeoutMilliseconds, 0...24 * 3_600_000, zero: "no limit"),
            help: "Time for the first complete list of the pool; then the start has failed."),
        Setting(
            name: "allowlist-max-age",
            kind: .duration(\.allowlistMaximumAgeMilliseconds, 0...24 * 3_600_000, zero: "any age"),
            help: "Refuse every prefill worker when the Kubernetes API has not shown the list to be current for this"
                + " long. A quiet API server shows it once a minute."),
        Setting(
            name: "revoked-connections", kind: .choice(\.revokedConnections),
            help: "What to do with prefill requests that run when their worker leaves the pool: let them finish, or cut"
                + " them. Idle connections are closed at once."),
    ]
}
