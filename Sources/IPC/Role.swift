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

    /// The role of a name, if there is one.
    public init?(name: String) {
        guard let role = Role.allCases.first(where: { $0.name == name }) else { return nil }
        self = role
    }
}
