import Linux

/// Why a name has no address.
public enum ResolveFailure: UInt8, CaseIterable, Sendable {
    /// No such name, or no address for it.
    case notFound = 1
    /// No server answered in time.
    case timedOut = 2
    /// The servers answered with failures.
    case serverFailure = 3
    /// Too many lookups under way.
    case tooMany = 4
}

/// Dialer to resolver.
public enum ToResolver: Message, Equatable {
    /// Look a name up. `id` is the dialer's; the deadline is in milliseconds from now.
    case resolve(id: UInt32, name: String, deadlineMilliseconds: UInt32)

    /// The number on the wire.
    public var type: UInt8 { 1 }
    /// For logs.
    public var name: String { "resolve" }
    /// Names only.
    public var carriesDescriptor: Bool { false }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        type == 1 ? 8 + 2 + ToDialer.longestName : nil
    }

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .resolve(let id, let name, let deadline):
            writer.write(id)
            writer.write(name)
            writer.write(deadline)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> ToResolver? {
        guard type == 1 else { return nil }
        return .resolve(
            id: reader.read(), name: reader.readText(limit: ToDialer.longestName), deadlineMilliseconds: reader.read())
    }
}

/// Resolver to dialer.
public enum FromResolver: Message, Equatable {
    /// The addresses of a name, in the order in which to try them; at least one.
    case resolved(id: UInt32, addresses: [Address])
    /// There are none, and this is why.
    case failed(id: UInt32, reason: ResolveFailure)

    /// The most addresses of one answer.
    public static let mostAddresses = 16

    /// The number on the wire.
    public var type: UInt8 {
        switch self {
        case .resolved: 1
        case .failed: 2
        }
    }

    /// For logs.
    public var name: String {
        switch self {
        case .resolved: "resolved"
        case .failed: "failed"
        }
    }

    /// Addresses only.
    public var carriesDescriptor: Bool { false }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        switch type {
        case 1: 5 + 16 * mostAddresses
        case 2: 5
        default: nil
        }
    }

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .resolved(let id, let addresses):
            writer.write(id)
            writer.write(UInt8(min(addresses.count, Self.mostAddresses)))
            for address in addresses.prefix(Self.mostAddresses) {
                writer.write(address.high)
                writer.write(address.low)
            }
        case .failed(let id, let reason):
            writer.write(id)
            writer.write(reason.rawValue)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> FromResolver? {
        switch type {
        case 1:
            let id = reader.read(UInt32.self)
            let count = reader.readCount(UInt8.self, most: mostAddresses)
            return .resolved(
                id: id, addresses: (0..<count).map { _ in Address(high: reader.read(), low: reader.read()) })
        case 2:
            return .failed(id: reader.read(), reason: reader.read(case: ResolveFailure.self, fallback: .notFound))
        default: return nil
        }
    }
}
