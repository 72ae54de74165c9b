import Linux

/// What a child needs to know, as plain values. The supervisor parses the configuration; nobody else sees a flag.
public enum ChildSettings: Sendable, Equatable {
    case dialer(DialerSettings)
    case proxy(ProxySettings)
    case admin(AdminSettings)
    case resolver(ResolverSettings)
    case watcher(WatcherSettings)
    case signer(SignerSettings)
    case kvAgent(KVAgentSettings)

    /// Longest encoding in bytes.
    static let longest = 12_288

    /// Whom they are for.
    public var role: Role {
        switch self {
        case .dialer: .dialer
        case .proxy: .proxy
        case .admin: .admin
        case .resolver: .resolver
        case .watcher: .watcher
        case .signer: .signer
        case .kvAgent: .kvAgent
        }
    }

    func encode(into writer: inout WireWriter) {
        writer.write(role.rawValue)
        switch self {
        case .dialer(let settings): settings.encode(into: &writer)
        case .proxy(let settings): settings.encode(into: &writer)
        case .admin(let settings): settings.encode(into: &writer)
        case .resolver(let settings): settings.encode(into: &writer)
        case .watcher(let settings): settings.encode(into: &writer)
        case .signer(let settings): settings.encode(into: &writer)
        case .kvAgent(let settings): settings.encode(into: &writer)
        }
    }

    init(from reader: inout WireReader) {
        switch reader.read(case: Role.self, fallback: .supervisor) {
        case .dialer: self = .dialer(DialerSettings(from: &reader))
        case .proxy: self = .proxy(ProxySettings(from: &reader))
        case .admin: self = .admin(AdminSettings(from: &reader))
        case .resolver: self = .resolver(ResolverSettings(from: &reader))
        case .watcher: self = .watcher(WatcherSettings(from: &reader))
        case .signer: self = .signer(SignerSettings(from: &reader))
        case .kvAgent: self = .kvAgent(KVAgentSettings(from: &reader))
        case .supervisor:
            // No such settings: a byte that can't be read makes the message invalid.
            _ = reader.readText(limit: -1)
            self = .admin(AdminSettings())
        }
    }
}

/// A block of addresses, with a port (0 = any).
public struct AddressBlock: Sendable, Equatable {
    /// Its first address.
    public var address: Address
    /// How many of the 128 bits count.
    public var prefixLength: UInt8
    /// 0 = any port.
    public var port: UInt16

    /// From its parts.
    public init(_ address: Address, prefixLength: UInt8, port: UInt16 = 0) {
        self.address = address
        self.prefixLength = prefixLength
        self.port = port
    }

    /// Does the block hold this endpoint?
    public func contains(_ endpoint: Endpoint) -> Bool {
        if port != 0 && port != endpoint.port { return false }
        let bits = min(Int(prefixLength), 128)
        let highMask: UInt64 = bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits))
        let lowMask: UInt64 = bits <= 64 ? 0 : bits >= 128 ? .max : ~(UInt64.max >> UInt64(bits - 64))
        return (endpoint.address.high ^ address.high) & highMask == 0
            && (endpoint.address.low ^ address.low) & lowMask == 0
    }
}

/// What the dialer may reach.
public struct DialerSettings: Sendable, Equatable {
    /// The most blocks that fit a message.
    public static let mostBlocks = 300

    /// Addresses of the decoder, tried in order.
    public var decoder: [Endpoint] = []
    /// Refused whatever else is allowed: `--deny`, our own ports, the Kubernetes API.
    public var denied: [AddressBlock] = []
    /// Prefillers on loopback are allowed (tests).
    public var allowLoopback = false
    /// Prefillers on link-local addresses are allowed.
    public var allowLinkLocal = false
    /// Prefillers must be in the allowlist.
    public var protection = false
    /// How old the last confirmation of the allowlist may be, in milliseconds; 0 = any age.
    public var allowlistMaximumAge: UInt32 = 0
    /// Lines of this weight or heavier are logged.
    public var logLevel: UInt8 = 2

    /// Everything at its default.
    public init() {}

    /// Whether nobody of the house connects to a target, whatever list it is on.
    /// - Parameter own: the addresses of this host's interfaces.
    public func forbids(_ target: Endpoint, own: [Address]) -> Bool {
        guard target.port != 0 else { return true }
        return target.address.readings.contains { address in
            let endpoint = Endpoint(address, target.port)
            if denied.contains(where: { $0.contains(endpoint) }) { return true }
            if address.isNeverATarget || (address.isLinkLocal && !allowLinkLocal) { return true }
            // Our own addresses; loopback ones among them are judged as loopback.
            return address.isLoopback ? !allowLoopback : own.contains(address)
        }
    }

    func encode(into writer: inout WireWriter) {
        writer.write(UInt8(clamping: decoder.count))
        for endpoint in decoder { endpoint.encode(into: &writer) }
        writer.write(UInt16(clamping: denied.count))
        for block in denied {
            Endpoint(block.address, block.port).encode(into: &writer)
            writer.write(block.prefixLength)
        }
        writer.write(allowLoopback)
        writer.write(allowLinkLocal)
        writer.write(protection)
        writer.write(allowlistMaximumAge)
        writer.write(logLevel)
    }

    init(from reader: inout WireReader) {
        for _ in 0..<reader.readCount(UInt8.self, most: 8) { decoder.append(Endpoint(from: &reader)) }
        for _ in 0..<reader.readCount(UInt16.self, most: Self.mostBlocks) {
            let endpoint = Endpoint(from: &reader)
            denied.append(AddressBlock(endpoint.address, prefixLength: reader.read(), port: endpoint.port))
        }
        allowLoopback = reader.readBool()
        allowLinkLocal = reader.readBool()
        protection = reader.readBool()
        allowlistMaximumAge = reader.read()
        logLevel = reader.read()
    }
}

/// What the admin process needs.
public struct AdminSettings: Sendable, Equatable {
    /// Lines of this weight or heavier are logged.
    public var logLevel: UInt8 = 2

    /// Everything at its default.
    public init() {}

    func encode(into writer: inout WireWriter) { writer.write(logLevel) }
    init(from reader: inout WireReader) { logLevel = reader.read() }
}

/// What the signer needs.
public struct SignerSettings: Sendable, Equatable {
    /// TLS 1.2 is spoken, to clients and upstreams. Without it nothing is signed in the form of 1.2; that of a client's
    /// handshake is a mere hash, and could be anything's.
    public var speaksTLS12 = true
    /// Lines of this weight or heavier are logged.
    public var logLevel: UInt8 = 2

    /// Everything at its default.
    public init() {}

    func encode(into writer: inout WireWriter) {
        writer.write(speaksTLS12)
        writer.write(logLevel)
    }

    init(from reader: inout WireReader) {
        speaksTLS12 = reader.readBool()
        logLevel = reader.read()
    }
}

/// What the resolver needs.
public struct ResolverSettings: Sendable, Equatable {
    /// Lines of this weight or heavier are logged.
    public var logLevel: UInt8 = 2

    /// Everything at its default.
    public init() {}

    func encode(into writer: inout WireWriter) { writer.write(logLevel) }
    init(from reader: inout WireReader) { logLevel = reader.read() }
}

extension Endpoint {
    func encode(into writer: inout WireWriter) {
        writer.write(address.high)
        writer.write(address.low)
        writer.write(port)
    }

    init(from reader: inout WireReader) {
        self.init(Address(high: reader.read(), low: reader.read()), reader.read())
    }
}
