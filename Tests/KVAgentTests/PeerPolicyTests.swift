import Allowlist
import CLinux
import Glibc
import IPC
import Linux
import XCTest

@testable import KVAgent

/// Whom an agent calls, and who may call it.
final class PeerPolicyTests: XCTestCase {
    private func policy(_ change: (inout KVAgentSettings) -> Void = { _ in }) -> PeerPolicy {
        var settings = KVAgentSettings()
        settings.firstPeerPort = 7800
        settings.lastPeerPort = 7801
        change(&settings)
        return PeerPolicy(settings: settings, own: [Address.parse("10.0.0.9")!, .loopback4])
    }

    private func endpoint(_ text: String, _ port: UInt16 = 7800) -> Endpoint { Endpoint(Address.parse(text)!, port) }

    private func snapshot(_ addresses: [String]) throws -> Snapshot {
        var builder = SnapshotBuilder()
        for address in addresses { builder.add(name: [], addresses: [Address.parse(address)!], ports: [8000]) }
        let fd = try builder.seal()
        defer { close(fd) }
        return try XCTUnwrap(Snapshot(fd: fd))
    }

    func testWithoutProtectionAnyOrdinaryAddressIsCalledAtTheAgentsPorts() {
        let policy = policy()
        for text in ["10.0.0.1", "192.168.1.1", "2001:db8::1"] {
            XCTAssertNil(policy.refusal(of: endpoint(text), now: 0), text)
            XCTAssertNil(policy.refusal(of: endpoint(text, 7801), now: 0), text)
            for port: UInt16 in [1, 443, 7799, 7802, .max] {
                XCTAssertEqual(policy.refusal(of: endpoint(text, port), now: 0), .portNotAllowed, "\(text):\(port)")
            }
        }
    }

    func testAddressesThatNobodyConnectsToAreForbiddenInEverySpelling() {
        let policy = policy()
        for text in [
            "0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "169.254.169.254", "fe80::1", "127.0.0.1",
            "::1",
            "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "100.100.100.200", "fd00:ec2::254", "10.0.0.9",
        ] {
            XCTAssertEqual(policy.refusal(of: endpoint(text), now: 0), .forbiddenAddress, text)
            XCTAssertFalse(policy.admits(endpoint(text, 40_000), now: 0), text)
        }
    }

    func testWhatIsAllowedByTheDialersSettingsIsAllowedHere() {
        let policy = policy {
            $0.reach.allowLoopback = true
            $0.reach.allowLinkLocal = true
            $0.reach.denied = [AddressBlock(Address.parse("10.9.0.0")!, prefixLength: 112)]
        }
        for text in ["127.0.0.1", "::1", "169.254.1.1"] {
            XCTAssertNil(policy.refusal(of: endpoint(text), now: 0), text)
        }
        XCTAssertEqual(policy.refusal(of: endpoint("10.9.1.1"), now: 0), .forbiddenAddress)
        XCTAssertFalse(policy.admits(endpoint("10.9.1.1"), now: 0))
    }

    func testWithProtectionOnlyMembersAreCalledAndAdmittedWhateverTheirPorts() throws {
        var policy = policy { $0.reach.protection = true }
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.1"), now: 0), .notInPool, "no list yet")
        XCTAssertFalse(policy.admits(endpoint("10.0.0.1"), now: 0))
        policy.allowlist = try snapshot(["10.0.0.1"])
        XCTAssertNil(policy.refusal(of: endpoint("10.0.0.1"), now: 0))
        XCTAssertTrue(policy.admits(endpoint("10.0.0.1", 55_555), now: 0))
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.2"), now: 0), .notInPool)
        XCTAssertFalse(policy.admits(endpoint("10.0.0.2", 55_555), now: 0))
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.1", 8000), now: 0), .portNotAllowed)
    }

    func testAMemberThatIsForbiddenStaysForbidden() throws {
        var policy = policy { $0.reach.protection = true }
        policy.allowlist = try snapshot(["127.0.0.1", "169.254.169.254"])
        for text in ["127.0.0.1", "169.254.169.254"] {
            XCTAssertEqual(policy.refusal(of: endpoint(text), now: 0), .forbiddenAddress, text)
        }
    }

    func testAListThatIsTooOldAllowsNobody() throws {
        var policy = policy {
            $0.reach.protection = true
            $0.reach.allowlistMaximumAge = 1000
        }
        policy.allowlist = try snapshot(["10.0.0.1"])
        policy.confirmedAt = 5000
        XCTAssertNil(policy.refusal(of: endpoint("10.0.0.1"), now: 6000))
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.1"), now: 6001), .notInPool)
        XCTAssertFalse(policy.admits(endpoint("10.0.0.1"), now: 6001))
    }
}
