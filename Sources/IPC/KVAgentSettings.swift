import Linux

/// What the KV agent needs to know.
public struct KVAgentSettings: Sendable, Equatable {
    /// Where it listens for other agents.
    public var listen = Endpoint(.any4, 0)
    /// Ports of other agents that it may call, the first and the last.
    public var firstPeerPort: UInt16 = 0
    /// See above.
    public var lastPeerPort: UInt16 = 0
    /// Transfers at once, in each direction.
    public var mostTransfers: UInt16 = 0
    /// How long a peer that reads from us may take over it all, in milliseconds.
    public var patience: UInt32 = 0
    /// Whom it may call, by the same rules as the dialer.
    public var reach = DialerSettings()

    /// Everything at its default.
    public init() {}

    func encode(into writer: inout WireWriter) {
        listen.encode(into: &writer)
        writer.write(firstPeerPort)
        writer.write(lastPeerPort)
        writer.write(mostTransfers)
        writer.write(patience)
        reach.encode(into: &writer)
    }

    init(from reader: inout WireReader) {
        listen = Endpoint(from: &reader)
        firstPeerPort = reader.read()
        lastPeerPort = reader.read()
        mostTransfers = reader.read()
        patience = reader.read()
        reach = DialerSettings(from: &reader)
    }
}
