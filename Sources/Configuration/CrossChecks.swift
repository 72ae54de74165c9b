/// Settings that are each in order and together are not.
extension Resolution {
    mutating func checkAcross() {
        checkPorts()
        checkPool()
        checkTLS()
        checkAmounts()
        checkTimes()
        checkKV()
    }

    private mutating func checkPorts() {
        let listens = isKnown("port", "listen-address")
        let administers = isKnown("admin-port", "admin-address") && settings.adminPort != 0
        let decodes = isKnown("vllm-port", "decoder-host")
        if listens, decodes, settings.port == settings.decoderPort,
            isReached(host: settings.decoderHost, by: settings.listenAddress)
        {
            complain(
                "\(written("port")): is the port of the decode worker on the same host, \(written("vllm-port")); the"
                    + " sidecar would be its own upstream")
        }
        if listens, administers, settings.port == settings.adminPort,
            overlap(settings.listenAddress, settings.adminAddress)
        {
            complain(
                "\(written("admin-port")): is the port that clients connect to, \(written("port")); choose another")
        }
        if administers, decodes, settings.adminPort == settings.decoderPort,
            isReached(host: settings.decoderHost, by: settings.adminAddress)
        {
            complain(
                "\(written("admin-port")): is the port of the decode worker on the same host, \(written("vllm-port"));"
                    + " choose another")
        }
    }

    /// Whether a connection to `host` may arrive at a socket that listens on `address` of this host.
    private func isReached(host: String, by address: String) -> Bool {
        guard let target = IPAddress(host) else {
            // localhost: either family.
            return isEveryInterface(address) || (IPAddress(address)?.isLoopback ?? false)
        }
        if address.isEmpty { return target.isLoopback }
        return overlap(host, address) && (target.isLoopback || !isEveryInterface(address))
    }

    private func overlap(_ left: String, _ right: String) -> Bool {
        if left.isEmpty || right.isEmpty { return true }
        guard let left = IPAddress(left), let right = IPAddress(right) else { return false }
        // `::` takes IPv4 as well unless told otherwise; `0.0.0.0` never takes IPv6.
        func holds(_ wide: IPAddress, _ other: IPAddress) -> Bool {
            wide.isUnspecified && (!wide.isV4 || other.isV4)
        }
        return left == right || holds(left, right) || holds(right, left)
    }

    private func isEveryInterface(_ address: String) -> Bool {
        address.isEmpty || (IPAddress(address)?.isUnspecified ?? false)
    }

    private mutating func checkPool() {
        guard isKnown("enable-ssrf-protection") else { return }
        if settings.ssrfProtection {
            checkAllowlistSource()
        } else if isKnown("allow", "allow-file"), settings.hasStaticAllowlist {
            note(
                "\(written(settings.allow.isEmpty ? "allow-file" : "allow")) has no effect without"
                    + " --enable-ssrf-protection")
        }
        if !settings.ssrfProtection, isKnown("handoff-host-check"), settings.handoffHostCheck == .pool {
            complain(
                "\(written("handoff-host-check")): needs the inference pool, which is known only with"
                    + " --enable-ssrf-protection; accepted without it: auto, prefiller or off")
        }
    }

    /// With protection on there must be exactly one source of the allowlist: a fixed list, or an inference pool.
    private mutating func checkAllowlistSource() {
        guard isKnown("allow", "allow-file") else { return }
        if settings.hasStaticAllowlist {
            if isGiven("allow"), isGiven("allow-file") {
                complain("\(written("allow-file")): contradicts \(written("allow")); keep one")
            }
            let pool = ["inference-pool", "inference-pool-name"].first { isGiven($0) }
            if let pool, isKnown(pool) {
                complain(
                    "\(written(pool)): contradicts \(written(settings.allow.isEmpty ? "allow-file" : "allow")); an"
                        + " allowlist is either a pool's or a fixed one")
            }
            if settings.allowlistMaximumAgeMilliseconds > 0, isGiven("allowlist-max-age") {
                note("\(written("allowlist-max-age")) has no effect: a fixed allowlist has no age")
            }
            return
        }
        if isKnown("kubernetes-server"), settings.kubernetesServer.isEmpty {
            complain(
                "\(written("enable-ssrf-protection")): needs the Kubernetes API; in a pod KUBERNETES_SERVICE_HOST and"
                    + " KUBERNETES_SERVICE_PORT name it (KUBERNETES_SERVICE_HOST must be an address), elsewhere set"
                    + " --kubernetes-server, or give a fixed list with --allow")
        }
        for name in ["kubernetes-token-file", "kubernetes-ca-file"] where isKnown(name) {
            let path = name == "kubernetes-ca-file" ? settings.kubernetesCAFile : settings.kubernetesTokenFile
            if path.isEmpty { complain("\(written(name)): is empty; name the file") }
        }
        let pool = isKnown("inference-pool")
        if pool, isKnown("inference-pool-name"), settings.poolName.isEmpty {
            complain(
                "\(written("enable-ssrf-protection")): needs the name of the inference pool; set --inference-pool-name"
                    + " or INFERENCE_POOL_NAME")
        }
        if pool, isKnown("inference-pool-namespace"), settings.poolNamespace.isEmpty {
            complain(
                "\(written("enable-ssrf-protection")): needs the namespace of the inference pool; set"
                    + " --inference-pool-namespace or INFERENCE_POOL_NAMESPACE")
        }
    }

    private mutating func checkAmounts() {
        guard isKnown("max-buffered-bytes"), settings.maximumBufferedBytes != 0 else { return }
        for (name, amount) in [
            ("max-body-bytes", settings.maximumBodyBytes), ("max-prefill-answer-bytes", settings.prefillAnswerLimit),
        ] where isKnown(name) && amount > settings.maximumBufferedBytes {
            complain(
                "\(written("max-buffered-bytes")): is less than a single body may have, \(written(name)); raise it or"
                    + " lower --\(name)")
        }
    }

    private mutating func checkTimes() {
        if settings.handoffMaximumAgeMilliseconds >= 30_000 {
            note(
                "\(written("handoff-max-age")) is not below vLLM's default lease of KV blocks, 30s; unless the workers'"
                    + " kv_lease_duration is longer, answers to expired handoffs can be wrong text")
        }
        if settings.upstreamIdleMilliseconds >= 5_000 {
            note(
                "\(written("upstream-idle-timeout")) is not below uvicorn's own, 5s; unless the workers' is longer,"
                    + " requests can meet a connection that is being closed")
        }
        if isGiven("connect-timeout"), settings.connectTimeoutMilliseconds > settings.prefillTimeoutMilliseconds {
            note(
                "\(written("connect-timeout")) is more than \(written("prefill-timeout")), which ends a prefill request"
                    + " first")
        }
        if settings.allowLoopbackUpstreams {
            note("\(written("allow-loopback-upstreams")) lets requests reach every port of this pod; it is for tests")
        }
        if settings.allowLinkLocalUpstreams {
            note(
                "\(written("allow-link-local-upstreams")) lets requests reach link-local addresses, where clouds keep"
                    + " their metadata service")
        }
    }
}
