import Configuration
import Glibc
import IPC
import Linux

/// From the configuration to what each child is told.
struct ChildConfiguration {
    let settings: Settings
    let environment: [String: String]

    /// Event loops: as many as the pod may use processors, at most 4.
    var loops: Int { settings.loops > 0 ? settings.loops : min(4, Cgroup.processors()) }

    /// A quarter of the pod's memory for bodies, or 1 GiB where there is no limit.
    var maximumBuffered: Int {
        if settings.maximumBufferedBytes > 0 { return settings.maximumBufferedBytes }
        return Cgroup.memoryLimit().map { max(64 << 20, $0 / 4) } ?? 1 << 30
    }

    var decoder: [Endpoint] {
        if settings.decoderHost == "localhost" {
            return [Endpoint(.loopback4, settings.decoderPort), Endpoint(.loopback6, settings.decoderPort)]
        }
        return Address.parse(settings.decoderHost).map { [Endpoint($0, settings.decoderPort)] } ?? []
    }

    var dialer: ChildSettings {
        var dialer = DialerSettings()
        dialer.decoder = decoder
        dialer.allowLoopback = settings.allowLoopbackUpstreams
        dialer.allowLinkLocal = settings.allowLinkLocalUpstreams
        dialer.logLevel = logLevel.rawValue
        dialer.protection = settings.ssrfProtection
        dialer.allowlistMaximumAge = allowlistMaximumAge
        dialer.denied = ownPorts + kubernetes
        for target in settings.denied.prefix(DialerSettings.mostBlocks - dialer.denied.count) {
            let address = target.network.bytes.withUnsafeBytes { Address(bytes: $0) }
            dialer.denied.append(AddressBlock(address, prefixLength: UInt8(target.prefixLength), port: target.port))
        }
        return .dialer(dialer)
    }

    /// Our own serving and admin ports on loopback: a request must not come round again.
    private var ownPorts: [AddressBlock] {
        var blocks: [AddressBlock] = []
        for port in [settings.port, settings.adminPort] where port != 0 {
            blocks.append(AddressBlock(Address(v4: 0x7F00_0000), prefixLength: 104, port: port))
            blocks.append(AddressBlock(.loopback6, prefixLength: 128, port: port))
        }
        return blocks
    }

    /// The API server's address, where the pod is told of it, and the one that the watcher asks.
    private var kubernetes: [AddressBlock] {
        var blocks: [AddressBlock] = []
        if let host = environment["KUBERNETES_SERVICE_HOST"], let address = Address.parse(host) {
            blocks.append(AddressBlock(address, prefixLength: 128))
        }
        if let server = kubernetesServer {
            blocks.append(AddressBlock(server.address, prefixLength: 128, port: server.port))
        }
        return blocks
    }

    /// The API server that the watcher asks.
    private var kubernetesServer: Endpoint? {
        settings.kubernetesEndpoint.map { server in
            Endpoint(server.address.bytes.withUnsafeBytes { Address(bytes: $0) }, server.port)
        }
    }

    /// Is the allowlist an inference pool's, so that a watcher is needed?
    var watchesPool: Bool { settings.ssrfProtection && !settings.hasStaticAllowlist }

    /// The path of a file that the watcher asks for.
    func kubernetesFile(_ file: HostFile) -> String? {
        switch file {
        case .token: settings.kubernetesTokenFile
        case .certificateAuthority: settings.kubernetesCAFile
        case .resolvConf, .hosts: nil
        }
    }

    private var allowlistMaximumAge: UInt32 {
        watchesPool ? UInt32(clamping: settings.allowlistMaximumAgeMilliseconds) : 0
    }

    var watcher: ChildSettings {
        var watcher = WatcherSettings()
        watcher.server = kubernetesServer ?? watcher.server
        watcher.namespace = settings.poolNamespace
        watcher.pool = settings.poolName
        watcher.group = settings.poolGroup == .auto ? "" : settings.poolGroup.rawValue
        switch settings.allowlistPorts {
        case .pool: watcher.ports = .pool
        case .any: watcher.ports = .any
        case .list(let ports):
            watcher.ports = .list
            watcher.portList = ports
        }
        watcher.requireReady = settings.allowlistRequireReady
        watcher.allowHostNetwork = settings.allowlistHostNetwork
        watcher.selector = settings.allowlistSelector
        watcher.logLevel = logLevel.rawValue
        return .watcher(watcher)
    }

    var proxy: ChildSettings {
        var proxy = ProxySettings()
        proxy.loops = UInt16(loops)
        proxy.decoderName =
            settings.decoderHost.contains(":")
            ? "[\(settings.decoderHost)]:\(settings.decoderPort)" : "\(settings.decoderHost):\(settings.decoderPort)"
        proxy.prefillTimeout = UInt32(clamping: settings.prefillTimeoutMilliseconds)
        proxy.connectTimeout = UInt32(clamping: settings.connectTimeoutMilliseconds)
        proxy.handoffMaximumAge = UInt32(clamping: settings.handoffMaximumAgeMilliseconds)
        switch settings.handoffHostCheck {
        case .off: proxy.handoffHostCheck = .off
        case .prefiller: proxy.handoffHostCheck = .prefiller
        case .pool: proxy.handoffHostCheck = .pool
        }
        proxy.acceptNestedBlockIds = settings.handoffBlockIds != .flat
        proxy.acceptFlatBlockIds = settings.handoffBlockIds != .nested
        proxy.failWithoutHandoff = settings.handoffAbsent == .fail
        proxy.rewriteCachedTokens = settings.rewriteCachedTokens
        proxy.forwardCredentials = settings.forwardCredentials
        proxy.refuseHostileMembers = settings.hostileMembers == .refuse
        proxy.prefillAnswerLimit = UInt64(settings.prefillAnswerLimit)
        proxy.maximumBody = UInt64(settings.maximumBodyBytes)
        proxy.maximumBuffered = UInt64(maximumBuffered)
        proxy.maximumConnections = UInt32(clamping: settings.maximumConnections)
        proxy.headTimeout = UInt32(clamping: settings.headTimeoutMilliseconds)
        proxy.bodyMinimumRate = UInt32(clamping: settings.bodyMinimumRate)
        proxy.bodyGrace = UInt32(clamping: settings.bodyGraceMilliseconds)
        proxy.keepAlive = UInt32(clamping: settings.keepAliveMilliseconds)
        proxy.upstreamIdle = UInt32(clamping: settings.upstreamIdleMilliseconds)
        proxy.maximumIdlePerUpstream = UInt32(clamping: settings.maximumIdlePerUpstream)
        proxy.serveHalfClosed = settings.halfClose == .serve
        proxy.resolveNames = settings.resolveNames
        proxy.protection = settings.ssrfProtection
        proxy.allowlistMaximumAge = allowlistMaximumAge
        proxy.samplePrefillers = settings.prefillerSampling
        proxy.cutRevoked = settings.revokedConnections == .cut
        proxy.tls = tls
        proxy.logRequests = settings.logRequests
        proxy.logLevel = logLevel.rawValue
        return .proxy(proxy)
    }

    /// A certificate of ours is shown to upstreams that ask for one.
    var showsUpstreamsACertificate: Bool {
        !settings.upstreamCertPath.isEmpty && (settings.prefillerUseTLS || settings.decoderUseTLS)
    }

    /// Somebody must hold a private key.
    var needsSigner: Bool { settings.secureProxy || showsUpstreamsACertificate }

    var tls: ProxyTLSSettings {
        var tls = ProxyTLSSettings()
        tls.serves = settings.secureProxy
        tls.prefiller.isOn = settings.prefillerUseTLS
        tls.prefiller.verifies = !settings.prefillerSkipVerify
        tls.prefiller.serverName = settings.prefillerServerName
        tls.decoder.isOn = settings.decoderUseTLS
        tls.decoder.verifies = !settings.decoderSkipVerify
        tls.decoder.serverName = settings.decoderServerName
        tls.decoderHost = settings.decoderHost
        tls.hasUpstreamIdentity = showsUpstreamsACertificate
        tls.minimumVersion = settings.tlsMinimum == .v13 ? 0x0304 : 0x0303
        tls.suites = settings.cipherSuites
        tls.handshakeTimeout = UInt32(clamping: settings.tlsHandshakeTimeoutMilliseconds)
        switch settings.clientCertificates {
        case .off: tls.clientCertificates = .off
        case .optional: tls.clientCertificates = .optional
        case .required: tls.clientCertificates = .required
        }
        tls.allowedClients = settings.allowedClientNames
        return tls
    }

    var signer: ChildSettings {
        var signer = SignerSettings()
        signer.speaksTLS12 = settings.tlsMinimum == .v12
        signer.logLevel = logLevel.rawValue
        return .signer(signer)
    }

    var admin: ChildSettings {
        var admin = AdminSettings()
        admin.logLevel = logLevel.rawValue
        return .admin(admin)
    }

    var resolver: ChildSettings {
        var resolver = ResolverSettings()
        resolver.logLevel = logLevel.rawValue
        return .resolver(resolver)
    }

    var logLevel: ChildLog.Level {
        switch settings.logLevel {
        case .error: .error
        case .warning: .warning
        case .info: .info
        case .debug: .debug
        case .trace: .trace
        }
    }
}
