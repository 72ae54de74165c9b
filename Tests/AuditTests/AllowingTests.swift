import IPC
import Sandbox
import XCTest

@testable import Audit

/// The audit reads rights as the filter does.
final class AllowingTests: XCTestCase {
    private let flags: UInt64 = 0o4000 | 0o2000000

    func testTheDialerMayMakeTCPSocketsAndNoOthers() throws {
        let dialer = try XCTUnwrap(Rights.of(.dialer))
        XCTAssertTrue(dialer.allows("socket", [2, 1 | flags, 0]))
        XCTAssertTrue(dialer.allows("socket", [10, 1 | flags, 6]))
        XCTAssertFalse(dialer.allows("socket", [2, 1 | flags, 262]), "MPTCP")
        XCTAssertFalse(dialer.allows("socket", [2, 2 | flags, 0]), "UDP")
        XCTAssertFalse(dialer.allows("socket", [16, 3 | flags, 0]), "netlink")
        XCTAssertFalse(dialer.allows("openat"))
    }

    func testFastOpenIsDeclaredForNobody() {
        for rights in Rights.all {
            XCTAssertFalse(rights.allows("sendto", [0, 0, 0, 0x2000_0000]), rights.role.name)
            XCTAssertFalse(rights.allows("sendmsg", [0, 0, 0x2000_0000]), rights.role.name)
        }
    }

    func testAnIntIsComparedByItsLowHalfAndAPointerAsAWhole() throws {
        let proxy = try XCTUnwrap(Rights.of(.proxy))
        XCTAssertTrue(proxy.allows("fcntl", [0, 1 << 32 | 1034]))
        XCTAssertFalse(proxy.allows("sendto", [0, 0, 0, 0, 1 << 32]))
    }

    func testTheSupervisorsFilterLetsThroughWhatItDoesNotRefuse() {
        XCTAssertTrue(SupervisorFilter.allows("execve"))
        XCTAssertFalse(SupervisorFilter.allows("ptrace"))
        XCTAssertTrue(SupervisorFilter.allows("socket", [2, 1, 0]))
        XCTAssertFalse(SupervisorFilter.allows("socket", [2, 3, 1]))
    }

    func testWhatTheProxyMayDoOfAllAttacksIsAboutTheListenerItShares() {
        XCTAssertEqual(
            Attack.all.filter { $0.isDeclared(for: .proxy) }.map(\.name), ["shutdown-listener", "linger-listener"])
    }

    func testWhatTheDialerMayDoOfAllAttacksIsToConnect() {
        XCTAssertEqual(
            Attack.all.filter { $0.isDeclared(for: .dialer) }.map(\.name),
            ["tcp-socket", "connect-api", "connect-metadata", "connect-outside"])
    }

    func testAttacksHaveDifferentNames() {
        XCTAssertEqual(Set(Attack.all.map(\.name)).count, Attack.all.count)
    }
}
