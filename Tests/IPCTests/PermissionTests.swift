import XCTest

@testable import IPC

/// The permission tables over all roles, messages and phases, against the whole of what is allowed, spelled out.
final class PermissionTests: XCTestCase {
    private struct Pair: Hashable, CustomStringConvertible {
        var role: Role
        var message: String
        var phase: ChildPhase
        var description: String { "\(role) \(message) \(phase)" }
    }

    /// The name of a message, and of the file or sibling it is about: those are not all for the same role.
    private func label(_ message: FromChild) -> String {
        if case .fileWanted(let file) = message { return "file-wanted \(file)" }
        if case .unlinked(let sibling) = message { return "unlinked \(sibling)" }
        return message.name
    }

    private func label(_ message: ToChild) -> String {
        switch message {
        case .file(let file): "file \(file)"
        case .fileUnavailable(let file, _): "file-unavailable \(file)"
        default: message.name
        }
    }

    func testFromChild() {
        var allowed: Set<Pair> = []
        // Any child may say once that it is ready, and may answer a ping whenever it comes.
        for role in Role.allCases {
            allowed.insert(Pair(role: role, message: "ready", phase: .starting))
            // Told to stop while it was still starting, it may say so all the same.
            allowed.insert(Pair(role: role, message: "ready", phase: .stopping))
            for phase in [ChildPhase.starting, .serving, .draining, .stopping] {
                allowed.insert(Pair(role: role, message: "pong", phase: phase))
                // A filter can trap any child at any time; the supervisor has nobody to tell.
                if role != .supervisor { allowed.insert(Pair(role: role, message: "violation", phase: phase)) }
            }
        }
        // Only a proxy drains.
        allowed.insert(Pair(role: .proxy, message: "drained", phase: .draining))
        allowed.insert(Pair(role: .proxy, message: "drained", phase: .stopping))
        // Only a watcher asks for files, for two of them, and only a watcher that is ready knows the pool.
        for phase in [ChildPhase.starting, .serving, .stopping] {
            for file in ["token", "certificateAuthority"] {
                allowed.insert(Pair(role: .watcher, message: "file-wanted \(file)", phase: phase))
            }
            if phase == .starting { continue }
            allowed.insert(Pair(role: .watcher, message: "allowlist", phase: phase))
            allowed.insert(Pair(role: .watcher, message: "allowlist-confirmed", phase: phase))
        }
        // Both are given the snapshot before they are ready.
        for phase in ChildPhase.allCases {
            allowed.insert(Pair(role: .dialer, message: "allowlist-in-force", phase: phase))
            allowed.insert(Pair(role: .proxy, message: "allowlist-in-force", phase: phase))
        }

        // A proxy says of certificates what it makes of them, whenever they reach it.
        for phase in ChildPhase.allCases {
            allowed.insert(Pair(role: .proxy, message: "certificates-judged", phase: phase))
        }
        // A signer judges keys whenever it is given some, also before it is ready.
        for phase in [ChildPhase.starting, .serving, .stopping] {
            allowed.insert(Pair(role: .signer, message: "key-judged", phase: phase))
            allowed.insert(Pair(role: .signer, message: "certificate-made", phase: phase))
        }

        // Those who have a channel to a sibling may miss it once they serve.
        for phase in [ChildPhase.serving, .draining, .stopping] {
            allowed.insert(Pair(role: .proxy, message: "unlinked dialer", phase: phase))
            allowed.insert(Pair(role: .proxy, message: "unlinked signer", phase: phase))
            allowed.insert(Pair(role: .dialer, message: "unlinked resolver", phase: phase))
        }

        // A transfer that ends while the agent is told to end is told all the same.
        for phase in [ChildPhase.serving, .stopping] {
            allowed.insert(Pair(role: .kvAgent, message: "kv-transfer-ended", phase: phase))
        }

        var found: Set<Pair> = []
        var checked = 0
        for role in Role.allCases {
            for message in Samples.fromChild {
                for phase in ChildPhase.allCases {
                    checked += 1
                    let pair = Pair(role: role, message: label(message), phase: phase)
                    if Permissions.allows(role, message, phase) { found.insert(pair) }
                    // The content of a message changes nothing.
                    XCTAssertEqual(Permissions.allows(role, message, phase), allowed.contains(pair), "\(pair)")
                }
            }
        }
        XCTAssertEqual(found, allowed)
        XCTAssertEqual(checked, Role.allCases.count * Samples.fromChild.count * ChildPhase.allCases.count)
        XCTAssertEqual(allowed.count, 117)
    }

    func testToChild() {
        let everyone: Set<String> = ["stop", "ping"]
        // Those that count are given something to count in.
        let counting = everyone.union(["segment"])
        let allowed: [Role: Set<String>] = [
            .supervisor: everyone,
            .dialer: counting.union(["settings", "proxy-channel", "resolver", "allowlist", "allowlist-confirmed"]),
            .proxy: counting.union([
                "settings", "dialer", "listener", "drain", "allowlist", "allowlist-confirmed", "signer",
                "certificates",
            ]),
            .admin: everyone.union(["settings", "listener", "status-page", "peer-segment", "peer-gone"]),
            .watcher: counting.union([
                "settings", "file token", "file certificateAuthority", "file-unavailable token",
                "file-unavailable certificateAuthority",
            ]),
            .kvAgent: counting.union([
                "settings", "kv-region", "kv-transfer", "kv-cancel", "allowlist", "allowlist-confirmed",
            ]),
            .signer: everyone.union([
                "settings", "signer-client", "certificate", "private-key", "make-certificate", "forget-key",
            ]),
            .resolver: everyone.union(["settings", "file resolvConf", "file hosts", "resolver-client"]),
        ]
        // The resolver asks for nothing, so nobody tells it that something can't be had.
        let forNobody: Set<String> = ["file-unavailable resolvConf", "file-unavailable hosts"]
        for role in Role.allCases {
            for message in Samples.toChild {
                var expected = allowed[role]?.contains(label(message)) ?? false
                // Settings are for one role, and another child that gets them refuses them.
                if case .settings(let settings) = message { expected = expected && settings.role == role }
                XCTAssertEqual(Permissions.accepts(role, message), expected, "\(role) \(label(message))")
            }
        }
        // Every name above is a message's, so that a misspelt one is no hole.
        XCTAssertEqual(Set(allowed.values.joined()).union(forNobody), Set(Samples.toChild.map(label)))
    }

    func testRolesHaveNames() {
        for role in Role.allCases { XCTAssertEqual(Role(name: role.name), role) }
        XCTAssertEqual(Set(Role.allCases.map(\.name)).count, Role.allCases.count)
        for name in ["", "Proxy", "proxy ", "prox", "unknown"] { XCTAssertNil(Role(name: name), name) }
    }
}
