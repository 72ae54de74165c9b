import Linux

@testable import IPC

/// At least one message of every type, with the extremes of every field. The switches at the end make a new case a
/// compile error here, so that none goes untested.
enum Samples {
    static let numbers: [UInt32] = [0, 1, 0x0102_0304, .max]
    static let endpoints = [
        Endpoint(.any, 0), Endpoint(.loopback4, 80), Endpoint(Address(high: .max, low: .max), .max),
        Endpoint(Address(high: 0x2001_0DB8_0000_0000, low: 0x1234), 443),
    ]
    static let longestName = String(repeating: "n", count: ToDialer.longestName)

    static var dialerSettings: [DialerSettings] {
        var full = DialerSettings()
        full.decoder = (0..<8).map { Endpoint(Address(high: .max, low: UInt64($0)), UInt16(65_528 + $0)) }
        full.denied = (0..<DialerSettings.mostBlocks).map {
            AddressBlock(
                Address(high: UInt64($0), low: .max), prefixLength: UInt8(truncatingIfNeeded: $0), port: UInt16($0))
        }
        full.allowLoopback = true
        full.allowLinkLocal = true
        full.protection = true
        full.allowlistMaximumAge = .max
        full.logLevel = .max
        // Each Boolean alone, so that two that change places are noticed.
        let flags: [WritableKeyPath<DialerSettings, Bool>] = [\.allowLoopback, \.allowLinkLocal, \.protection]
        let single = flags.map { flag in
            var settings = DialerSettings()
            settings[keyPath: flag].toggle()
            return settings
        }
        return [DialerSettings(), full] + single
    }

    static var watcherSettings: [WatcherSettings] {
        var largest = WatcherSettings()
        largest.server = Endpoint(Address(high: .max, low: .max), .max)
        largest.namespace = String(repeating: "n", count: WatcherSettings.longestText)
        largest.pool = String(repeating: "é", count: WatcherSettings.longestText / 2)
        largest.group = String(repeating: "g", count: WatcherSettings.longestText)
        largest.selector = String(repeating: "s", count: WatcherSettings.longestText)
        largest.ports = .list
        largest.portList = (0..<WatcherSettings.mostPorts).map { UInt16(65_535 - $0) }
        largest.requireReady = true
        largest.allowHostNetwork = true
        largest.logLevel = .max
        // Every text different, so that two fields that change places are noticed.
        var different = WatcherSettings()
        different.server = Endpoint(Address(v4: 0x0A60_0001), 6443)
        different.namespace = "a-namespace"
        different.pool = "a-pool"
        different.group = "inference.networking.k8s.io"
        different.selector = "role=prefill"
        different.ports = .any
        different.requireReady = true
        var onHostNetwork = WatcherSettings()
        onHostNetwork.allowHostNetwork = true
        return [WatcherSettings(), largest, different, onHostNetwork]
    }

    static var proxySettings: [ProxySettings] {
        var largest = ProxySettings()
        largest.loops = .max
        largest.decoderName = String(repeating: "é", count: 32)
        largest.prefillTimeout = .max
        largest.connectTimeout = .max
        largest.handoffMaximumAge = .max
        largest.handoffHostCheck = .pool
        largest.acceptNestedBlockIds = false
        largest.acceptFlatBlockIds = true
        largest.failWithoutHandoff = true
        largest.rewriteCachedTokens = false
        largest.forwardCredentials = true
        largest.refuseHostileMembers = true
        largest.prefillAnswerLimit = .max
        largest.maximumBody = .max
        largest.maximumBuffered = .max
        largest.maximumConnections = .max
        largest.headTimeout = .max
        largest.bodyMinimumRate = .max
        largest.bodyGrace = .max
        largest.keepAlive = .max
        largest.upstreamIdle = .max
        largest.maximumIdlePerUpstream = .max
        largest.resolveNames = true
        largest.serveHalfClosed = true
        largest.protection = true
        largest.allowlistMaximumAge = .max
        largest.samplePrefillers = true
        largest.cutRevoked = true
        largest.tls = largestTLS
        largest.logRequests = true
        largest.logLevel = .max
        // Every number different, so that two fields that change places are noticed.
        var different = ProxySettings()
        different.loops = 101
        different.decoderName = "localhost:8001"
        different.prefillTimeout = 102
        different.connectTimeout = 103
        different.handoffMaximumAge = 104
        different.handoffHostCheck = .prefiller
        different.prefillAnswerLimit = 105
        different.maximumBody = 106
        different.maximumBuffered = 107
        different.maximumConnections = 108
        different.headTimeout = 109
        different.bodyMinimumRate = 110
        different.bodyGrace = 111
        different.keepAlive = 112
        different.upstreamIdle = 113
        different.maximumIdlePerUpstream = 114
        different.allowlistMaximumAge = 115
        different.logLevel = 116
        return [ProxySettings(), largest, different] + singleFlags + tlsSamples
    }

    /// One Boolean turned over in each.
    private static var singleFlags: [ProxySettings] {
        let flags: [WritableKeyPath<ProxySettings, Bool>] = [
            \.acceptNestedBlockIds, \.acceptFlatBlockIds, \.failWithoutHandoff, \.rewriteCachedTokens,
            \.forwardCredentials, \.refuseHostileMembers, \.resolveNames, \.serveHalfClosed, \.logRequests,
            \.protection, \.samplePrefillers, \.cutRevoked,
        ]
        return flags.map { flag in
            var settings = ProxySettings()
            settings[keyPath: flag].toggle()
            return settings
        }
    }

    static var childSettings: [ChildSettings] {
        var admin = AdminSettings()
        admin.logLevel = 4
        var resolver = ResolverSettings()
        resolver.logLevel = 4
        return dialerSettings.map { .dialer($0) } + proxySettings.map { .proxy($0) }
            + watcherSettings.map { .watcher($0) }
            + [.admin(AdminSettings()), .admin(admin), .resolver(ResolverSettings()), .resolver(resolver)]
            + signerSettings + kvAgentSettings
    }

    static var toChild: [ToChild] {
        var all: [ToChild] = childSettings.map { .settings($0) }
        all += [.listener, .statusPage, .stop, .resolver, .resolverClient]
        for number in numbers {
            let short = UInt16(truncatingIfNeeded: number)
            all += [
                .segment(stripes: short), .dialer(loop: short), .proxyChannel(proxyInstance: number, loop: ~short),
                .peerGone(instance: number), .drain(deadlineMilliseconds: number), .ping(number),
            ]
        }
        for role in Role.allCases { all.append(.peerSegment(role: role, instance: .max - 1)) }
        for file in HostFile.allCases {
            all.append(.file(file))
            for error: Int32 in [.min, -1, 0, 2, .max] { all.append(.fileUnavailable(file, error: error)) }
        }
        for generation in longNumbers {
            for time: Int64 in [.min, -1, 0, 4711, .max] {
                all.append(.allowlist(generation: generation, confirmedAt: time))
                all.append(.allowlistConfirmed(generation: generation, confirmedAt: time))
            }
        }
        return all + signerOrders + kvOrders
    }

    static let longNumbers: [UInt64] = [0, 1, 0x0102_0304_0506_0708, .max]

    static var fromChild: [FromChild] {
        var all: [FromChild] = [.ready] + numbers.map { .pong($0) } + numbers.map { .drained(cut: $0) }
        all += numbers.map { .violation(systemCall: $0) } + signerReports
        for number in longNumbers {
            all += [
                .allowlist(sequence: number), .allowlistConfirmed(sequence: number),
                .allowlistInForce(generation: number),
            ]
        }
        all += Role.allCases.map { .unlinked(from: $0) }
        return all + HostFile.allCases.map { .fileWanted($0) } + kvReports
    }

    static var toDialer: [ToDialer] {
        var all: [ToDialer] = numbers.map { .cancel(id: $0) }
        for endpoint in endpoints {
            for purpose in DialPurpose.allCases {
                all.append(.dial(id: 7, purpose: purpose, target: endpoint, deadlineMilliseconds: .max))
            }
        }
        for name in ["", "a", longestName, "é"] {
            all.append(.dialName(id: .max, name: name, port: .max, deadlineMilliseconds: 1))
        }
        return all
    }

    static var fromDialer: [FromDialer] {
        endpoints.map { .connected(id: .max, peer: $0) } + DialRefusal.allCases.map { .refused(id: 5, reason: $0) }
    }

    static var toResolver: [ToResolver] {
        ["", "a.example", longestName].map { .resolve(id: .max, name: $0, deadlineMilliseconds: 3) }
    }

    static var fromResolver: [FromResolver] {
        let addresses = (0..<FromResolver.mostAddresses).map { Address(high: UInt64($0), low: .max) }
        return [.resolved(id: 1, addresses: [.loopback6]), .resolved(id: .max, addresses: addresses)]
            + ResolveFailure.allCases.map { .failed(id: 9, reason: $0) }
    }

    static var controlRequests: [ControlRequest] {
        [.status, .audit] + kvTransfers.map { .transfer($0) }
            + ["", "proxy", String(repeating: "x", count: ControlRequest.longestName)].map { .restart(name: $0) }
    }

    static var controlAnswers: [ControlAnswer] {
        ["", "é\n", String(repeating: "t", count: Frame.largestPayload - 2)].flatMap {
            [ControlAnswer.done(text: $0), .failed(text: $0)]
        }
    }

    /// How many cases each enum has: whoever adds one finds this, and then the samples above.
    static func number(_ message: ToChild) -> Int {
        switch message {
        case .settings: 0
        case .segment: 1
        case .dialer: 2
        case .proxyChannel: 3
        case .listener: 4
        case .statusPage: 5
        case .peerSegment: 6
        case .peerGone: 7
        case .drain: 8
        case .stop: 9
        case .ping: 10
        case .file: 11
        case .resolver: 12
        case .resolverClient: 13
        case .allowlist: 14
        case .allowlistConfirmed: 15
        case .fileUnavailable: 16
        case .signer: 17
        case .signerClient: 18
        case .certificate: 19
        case .privateKey: 20
        case .makeCertificate: 21
        case .forgetKey: 22
        case .certificates: 23
        case .kv(.region): 24
        case .kv(.transfer): 25
        case .kv(.cancel): 26
        }
    }
    static let toChildCases = 27

    static func number(_ message: FromChild) -> Int {
        switch message {
        case .ready: 0
        case .pong: 1
        case .drained: 2
        case .allowlist: 3
        case .allowlistConfirmed: 4
        case .fileWanted: 5
        case .allowlistInForce: 6
        case .violation: 7
        case .keyJudged: 8
        case .certificateMade: 9
        case .certificatesJudged: 10
        case .transferEnded: 11
        case .unlinked: 12
        }
    }
    static let fromChildCases = 13

    static func number(_ message: ToDialer) -> Int {
        switch message {
        case .dial: 0
        case .cancel: 1
        case .dialName: 2
        }
    }
    static let toDialerCases = 3

    static func number(_ message: FromDialer) -> Int {
        switch message {
        case .connected: 0
        case .refused: 1
        }
    }
    static let fromDialerCases = 2

    static func number(_ message: ToResolver) -> Int {
        switch message {
        case .resolve: 0
        }
    }
    static let toResolverCases = 1

    static func number(_ message: FromResolver) -> Int {
        switch message {
        case .resolved: 0
        case .failed: 1
        }
    }
    static let fromResolverCases = 2

    static func number(_ message: ControlRequest) -> Int {
        switch message {
        case .status: 0
        case .restart: 1
        case .audit: 2
        case .transfer: 3
        }
    }
    static let controlRequestCases = 4

    static func number(_ message: ControlAnswer) -> Int {
        switch message {
        case .done: 0
        case .failed: 1
        }
    }
    static let controlAnswerCases = 2
}
