import Linux

/// Sessions of servers that were called, for one loop. Bounded; each of one context, one endpoint and one host, because a
/// session stands for a check that was made for just these.
public struct TLSSessions {
    private struct Place: Hashable {
        let context: ObjectIdentifier
        let endpoint: Endpoint
        let host: String
    }

    private struct Entry {
        // Holds the context, so that no other can have its identity.
        let context: TLSContext
        let session: TLSSession
        let order: UInt64
    }

    private let most: Int
    private var entries: [Place: Entry] = [:]
    private var order: UInt64 = 0

    /// Remembers at most so many servers.
    public init(most: Int = 256) { self.most = most }

    /// How many servers are remembered.
    public var count: Int { entries.count }

    /// The session to begin a connection with, if there is one.
    public func session(for endpoint: Endpoint, _ host: TLSHost, _ context: TLSContext) -> TLSSession? {
        guard let entry = entries[Self.place(endpoint, host, context)], entry.session.isResumable else { return nil }
        return entry.session
    }

    /// Remembers what a connection was given. Of too many, the one that was stored longest ago is forgotten.
    public mutating func store(
        _ session: TLSSession, for endpoint: Endpoint, _ host: TLSHost, _ context: TLSContext
    ) {
        let place = Self.place(endpoint, host, context)
        if entries[place] == nil && entries.count >= most {
            if let oldest = entries.min(by: { $0.value.order < $1.value.order }) { entries[oldest.key] = nil }
        }
        order += 1
        entries[place] = Entry(context: context, session: session, order: order)
    }

    /// Forgets what belongs to other contexts: after certificates or authorities were replaced.
    public mutating func keep(only contexts: [TLSContext]) {
        entries = entries.filter { entry in contexts.contains { $0 === entry.value.context } }
    }

    private static func place(_ endpoint: Endpoint, _ host: TLSHost, _ context: TLSContext) -> Place {
        let name: String
        switch host {
        case .name(let text): name = text
        case .address(let address): name = address.description
        }
        return Place(context: ObjectIdentifier(context), endpoint: endpoint, host: context.serverName ?? name)
    }
}
