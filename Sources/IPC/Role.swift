/// What a process is. The number is its identity on the wire, in segments and on the status page.
public enum Role: UInt8, CaseIterable, Sendable {
    case supervisor = 0
    case dialer = 1
    case proxy = 2
    case admin = 3
    case watcher = 4
    case kvAgent = 5
    case signer = 6
    case resolver = 7

    /// The name in logs, `status`, `restart NAME` and metric labels.
    public var name: String {
        switch self {
        case .supervisor: "supervisor"
        case .dialer: "dialer"
        case .proxy: "proxy"
        case .admin: "admin"
        case .watcher: "watcher"
        case .kvAgent: "kv-agent"
        case .signer: "signer"
        case .resolver: "resolver"
        }
    }

    /// Whether requests can't be served while it is away. A watcher's last snapshot stays in force, and no request needs a KV
    /// agent: a decoder decodes without the blocks that it didn't get.
    public var isNeededToServe: Bool {
        switch self {
        case .supervisor, .dialer, .proxy, .admin, .signer, .resolver: true
        case .watcher, .kvAgent: false
        }
    }

    /// The role of a name, if there is one.
    public init?(name: String) {
        guard let role = Role.allCases.first(where: { $0.name == name }) else { return nil }
        self = role
    }
}
