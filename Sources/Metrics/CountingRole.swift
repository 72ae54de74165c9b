import IPC

extension Role {
    /// As what a process of this role counts; nil for those that don't.
    public var counts: CountingRole? {
        switch self {
        case .proxy: .proxy
        case .dialer: .dialer
        case .watcher: .watcher
        case .kvAgent: .kvAgent
        case .supervisor, .admin, .signer, .resolver: nil
        }
    }
}
