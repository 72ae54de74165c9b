/// Where a child is in its life, as the supervisor sees it.
public enum ChildPhase: UInt8, CaseIterable, Sendable {
    /// Started, not yet ready.
    case starting
    /// Ready and at work.
    case serving
    /// Told to drain.
    case draining
    /// Told to stop; whatever it says is late.
    case stopping
}

/// Who may say what, and when. Default deny: a pair that isn't listed is a violation, and for a sibling fatal.
public enum Permissions {
    /// May a child of this role, in this phase, send this to the supervisor?
    public static func allows(_ role: Role, _ message: FromChild, _ phase: ChildPhase) -> Bool {
        switch (message, phase) {
        // Told to stop while it was still starting, it may say so all the same.
        case (.ready, .starting), (.ready, .stopping): true
        case (.pong, .starting), (.pong, .serving), (.pong, .draining), (.pong, .stopping): true
        case (.violation, .starting), (.violation, .serving), (.violation, .draining), (.violation, .stopping):
            role != .supervisor
        // An answer to an order that crossed with a stop is late, not hostile.
        case (.drained, .draining), (.drained, .stopping): role == .proxy
        // A watcher is ready once it is connected to nothing yet but could be; files it asks for before that.
        case (.fileWanted(let file), .starting), (.fileWanted(let file), .serving), (.fileWanted(let file), .stopping):
            role == .watcher && (file == .token || file == .certificateAuthority)
        case (.allowlist, .serving), (.allowlist, .stopping), (.allowlistConfirmed, .serving),
            (.allowlistConfirmed, .stopping):
            role == .watcher
        case (.allowlistInForce, .starting), (.allowlistInForce, .serving), (.allowlistInForce, .draining),
            (.allowlistInForce, .stopping):
            role == .dialer || role == .proxy
        case (.fileWanted, .draining), (.allowlist, .starting), (.allowlist, .draining),
            (.allowlistConfirmed, .starting),
            (.allowlistConfirmed, .draining):
            false
        case (.keyJudged, .starting), (.keyJudged, .serving), (.keyJudged, .stopping),
            (.certificateMade, .starting), (.certificateMade, .serving), (.certificateMade, .stopping):
            role == .signer
        case (.keyJudged, .draining), (.certificateMade, .draining): false
        // It may have been given certificates just before it was told to drain or stop.
        case (.certificatesJudged, .starting), (.certificatesJudged, .serving), (.certificatesJudged, .draining),
            (.certificatesJudged, .stopping):
            role == .proxy
        // Those who ask a sibling over a channel of their own.
        case (.unlinked(let sibling), .serving), (.unlinked(let sibling), .draining),
            (.unlinked(let sibling), .stopping):
            switch role {
            case .proxy: sibling == .dialer || sibling == .signer
            case .dialer: sibling == .resolver
            case .supervisor, .admin, .watcher, .kvAgent, .signer, .resolver: false
            }
        case (.unlinked, .starting): false
        // A transfer may end while the agent is being told to.
        case (.transferEnded, .serving), (.transferEnded, .stopping): role == .kvAgent
        case (.transferEnded, .starting), (.transferEnded, .draining): false
        case (.ready, .serving), (.ready, .draining): false
        case (.drained, .starting), (.drained, .serving): false
        }
    }

    /// May the supervisor send this to a child of this role? Checked by the child, which trusts nobody's frames.
    public static func accepts(_ role: Role, _ message: ToChild) -> Bool {
        switch message {
        case .settings(let settings): settings.role == role
        case .stop, .ping: true
        // Those that count.
        case .segment: role == .proxy || role == .dialer || role == .watcher || role == .kvAgent
        case .dialer: role == .proxy
        case .drain: role == .proxy
        case .proxyChannel, .resolver: role == .dialer
        case .resolverClient: role == .resolver
        case .signer, .certificates: role == .proxy
        case .signerClient, .certificate, .privateKey, .makeCertificate, .forgetKey: role == .signer
        case .file(let file):
            switch file {
            case .resolvConf, .hosts: role == .resolver
            case .token, .certificateAuthority: role == .watcher
            }
        case .fileUnavailable(let file, _):
            role == .watcher && (file == .token || file == .certificateAuthority)
        case .allowlist, .allowlistConfirmed: role == .dialer || role == .proxy || role == .kvAgent
        case .kv: role == .kvAgent
        case .listener: role == .proxy || role == .admin
        case .statusPage, .peerSegment, .peerGone: role == .admin
        }
    }
}
