import Linux

/// What a connection is for; the dialer's rules differ by it.
public enum DialPurpose: UInt8, CaseIterable, Sendable {
    /// The decoder the dialer was configured with; the request names no address.
    case decoder = 0
    /// A prefiller that a client's header named.
    case prefiller = 1
}

/// Why the dialer gave no connection.
public enum DialRefusal: UInt8, Error, CaseIterable, Sendable {
    /// The address is one that is always refused.
    case forbiddenAddress = 1
    /// Nobody listens there.
    case connectionRefused = 2
    /// No answer within the deadline.
    case timedOut = 3
    /// No route, network down, and the like.
    case unreachable = 4
    /// The dialer has too many connections in the making.
    case tooMany = 5
    /// The dialer lacks descriptors or memory.
    case noResources = 6
    /// The dialer went away before it answered, twice.
    case dialerLost = 7
    /// The name has no address, or isn't one that can be looked up.
    case nameNotFound = 8
    /// No name server answered in time.
    case nameTimedOut = 9
    /// Protection is on and the address is no member's.
    case notInPool = 10
    /// The address is a member's, but the port may not be called.
    case portNotAllowed = 11
    /// Protection is on and there is no snapshot yet.
    case allowlistMissing = 12
    /// Protection is on and the snapshot is older than it may be.
    case allowlistStale = 13

    /// The label in metrics.
    public var name: String {
        switch self {
        case .forbiddenAddress: "forbidden_address"
        case .connectionRefused: "connection_refused"
        case .timedOut: "timed_out"
        case .unreachable: "unreachable"
        case .tooMany: "too_many"
        case .noResources: "no_resources"
        case .dialerLost: "dialer_lost"
        case .nameNotFound: "name_not_found"
        case .nameTimedOut: "name_timed_out"
        case .notInPool: "not_in_pool"
        case .portNotAllowed: "port_not_allowed"
        case .allowlistMissing: "allowlist_missing"
        case .allowlistStale: "allowlist_stale"
        }
    }
}

/// Proxy loop to dialer.
public enum ToDialer: Message, Equatable {
    /// Connect. `id` is the proxy's; the deadline is in milliseconds from now.
    case dial(id: UInt32, purpose: DialPurpose, target: Endpoint, deadlineMilliseconds: UInt32)
    /// Resolve a prefiller's name, then connect to the first of its addresses that may be dialled and answers.
    case dialName(id: UInt32, name: String, port: UInt16, deadlineMilliseconds: UInt32)
    /// Never mind. A connection that is already on its way arrives all the same.
    case cancel(id: UInt32)

    /// The number on the wire.
    public var type: UInt8 {
        switch self {
        case .dial: 1
        case .cancel: 2
        case .dialName: 3
        }
    }

    /// For logs.
    public var name: String {
        switch self {
        case .dial: "dial"
        case .cancel: "cancel"
        case .dialName: "dial-name"
        }
    }

    /// A proxy hands the dialer nothing.
    public var carriesDescriptor: Bool { false }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        switch type {
        case 1: 27
        case 2: 4
        case 3: 10 + 2 + longestName
        default: nil
        }
    }

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .dial(let id, let purpose, let target, let deadline):
            writer.write(id)
            writer.write(purpose.rawValue)
            writer.write(target.address.high)
            writer.write(target.address.low)
            writer.write(target.port)
            writer.write(deadline)
        case .cancel(let id): writer.write(id)
        case .dialName(let id, let name, let port, let deadline):
            writer.write(id)
            writer.write(name)
            writer.write(port)
            writer.write(deadline)
        }
    }

    /// The longest name of a host, in bytes (RFC 1035).
    public static let longestName = 253

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> ToDialer? {
        switch type {
        case 1:
            .dial(
                id: reader.read(), purpose: reader.read(case: DialPurpose.self, fallback: .decoder),
                target: Endpoint(Address(high: reader.read(), low: reader.read()), reader.read()),
                deadlineMilliseconds: reader.read())
        case 2: .cancel(id: reader.read())
        case 3:
            .dialName(
                id: reader.read(), name: reader.readText(limit: longestName), port: reader.read(),
                deadlineMilliseconds: reader.read())
        default: nil
        }
    }
}

/// Dialer to proxy loop.
public enum FromDialer: Message, Equatable {
    /// The descriptor that comes with this is an established connection to `peer`.
    case connected(id: UInt32, peer: Endpoint)
    /// There is no connection, and this is why.
    case refused(id: UInt32, reason: DialRefusal)

    /// The number on the wire.
    public var type: UInt8 {
        switch self {
        case .connected: 1
        case .refused: 2
        }
    }

    /// For logs.
    public var name: String {
        switch self {
        case .connected: "connected"
        case .refused: "refused"
        }
    }

    /// Only an established connection travels.
    public var carriesDescriptor: Bool {
        switch self {
        case .connected: true
        case .refused: false
        }
    }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        switch type {
        case 1: 22
        case 2: 5
        default: nil
        }
    }

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .connected(let id, let peer):
            writer.write(id)
            peer.encode(into: &writer)
        case .refused(let id, let reason):
            writer.write(id)
            writer.write(reason.rawValue)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> FromDialer? {
        switch type {
        case 1: .connected(id: reader.read(), peer: Endpoint(from: &reader))
        case 2: .refused(id: reader.read(), reason: reader.read(case: DialRefusal.self, fallback: .unreachable))
        default: nil
        }
    }
}
