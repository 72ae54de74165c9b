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

    func testFromChild() {
        var allowed: Set<Pair> = []
        // Any child may say once that it is ready, and may answer a ping whenever it comes.
        for role in Role.allCases {
            allowed.insert(Pair(role: role, message: "ready", phase: .starting))
            for phase in [ChildPhase.starting, .serving, .draining, .stopping] {
                allowed.insert(Pair(role: role, message: "pong", phase: phase))
            }
        }
        // Only a proxy drains.
        allowed.insert(Pair(role: .proxy, message: "drained", phase: .draining))
        allowed.insert(Pair(role: .proxy, message: "drained", phase: .stopping))

        var found: Set<Pair> = []
        var checked = 0
        for role in Role.allCases {
            for message in Samples.fromChild {
                for phase in ChildPhase.allCases {
                    checked += 1
                    let pair = Pair(role: role, message: message.name, phase: phase)
                    if Permissions.allows(role, message, phase) { found.insert(pair) }
                    // The content of a message changes nothing.
                    XCTAssertEqual(Permissions.allows(role, message, phase), allowed.contains(pair), "\(pair)")
                }
            }
        }
        XCTAssertEqual(found, allowed)
        XCTAssertEqual(checked, Role.allCases.count * Samples.fromChild.count * ChildPhase.allCases.count)
        XCTAssertEqual(Role.allCases.count * Samples.fromChildCases * ChildPhase.allCases.count, 96)
        XCTAssertEqual(allowed.count, 42)
    }

    func testToChild() {
        let everyone: Set<String> = ["segment", "stop", "ping"]
        let allowed: [Role: Set<String>] = [
            .supervisor: everyone,
            .dialer: everyone.union(["settings", "proxy-channel", "resolver"]),
            .proxy: everyone.union(["settings", "dialer", "listener", "drain"]),
            .admin: everyone.union(["settings", "listener", "status-page", "peer-segment", "peer-gone"]),
            .watcher: everyone,
            .kvAgent: everyone,
            .signer: everyone,
            .resolver: everyone.union(["settings", "file", "resolver-client"]),
        ]
        for role in Role.allCases {
            for message in Samples.toChild {
                var expected = allowed[role]?.contains(message.name) ?? false
                // Settings are for one role, and another child that gets them refuses them.
                if case .settings(let settings) = message { expected = expected && settings.role == role }
                XCTAssertEqual(Permissions.accepts(role, message), expected, "\(role) \(message.name)")
            }
        }
        // Every name above is a message's, so that a misspelt one is no hole.
        XCTAssertEqual(Set(allowed.values.joined()), Set(Samples.toChild.map(\.name)))
    }

    func testRolesHaveNames() {
        for role in Role.allCases { XCTAssertEqual(Role(name: role.name), role) }
        XCTAssertEqual(Set(Role.allCases.map(\.name)).count, Role.allCases.count)
        for name in ["", "Proxy", "proxy ", "prox", "unknown"] { XCTAssertNil(Role(name: name), name) }
    }
}
