/// Settings that are each in order and together are not.
extension Resolution {
    mutating func checkAcross() {
        checkPorts()
        checkPool()
        checkAmounts()
        checkTimes()
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
        } else if isKnown("handoff-host-check"), settings.handoffHostCheck == .pool {
            complain(
                "\(written("handoff-host-check")): needs the inference pool, which is known only with"
                    + " --enable-ssrf-protection; accepted without it: auto, prefiller or off")
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
