import Allowlist
import Glibc
import IPC
import Linux
import TestSupport
import XCTest

@testable import Dialer

/// With protection on, only what a snapshot holds is dialled, and what is always refused is refused first.
final class AllowlistPolicyTests: XCTestCase {
    /// A snapshot of these endpoints; port 0 is every port.
    private func snapshot(_ endpoints: [Endpoint]) throws -> Snapshot {
        var builder = SnapshotBuilder()
        for endpoint in endpoints {
            builder.add(name: [], addresses: [endpoint.address], ports: endpoint.port == 0 ? [] : [endpoint.port])
        }
        let fd = try builder.seal()
        defer { close(fd) }
        return try XCTUnwrap(Snapshot(fd: fd))
    }

    /// A policy with protection on, and the snapshot of these endpoints.
    private func policy(
        _ endpoints: [Endpoint]?, maximumAge: UInt32 = 0, allowLoopback: Bool = false, allowLinkLocal: Bool = false,
        denied: [AddressBlock] = [], own: [Address] = []
    ) throws -> Policy {
        var settings = DialerSettings()
        settings.protection = true
        settings.allowlistMaximumAge = maximumAge
        settings.allowLoopback = allowLoopback
        settings.allowLinkLocal = allowLinkLocal
        settings.denied = denied
        var policy = Policy(settings: settings, own: own)
        if let endpoints {
            policy.allowlist = try snapshot(endpoints)
            policy.generation = 1
            policy.confirmedAt = 1000
        }
        return policy
    }

    private func endpoint(_ text: String, _ port: UInt16) -> Endpoint { Endpoint(address(text), port) }

    func testAMemberIsAllowedAtItsPortAndNothingElseIs() throws {
        let policy = try policy([endpoint("10.0.0.5", 8000), endpoint("2001:db8::5", 8000), endpoint("10.0.0.6", 0)])
        for (text, port, refusal) in [
            ("10.0.0.5", 8000, nil), ("2001:db8::5", 8000, nil), ("10.0.0.6", 1, nil), ("10.0.0.6", 65_535, nil),
            ("::ffff:10.0.0.5", 8000, nil), ("10.0.0.5", 8001, .portNotAllowed), ("10.0.0.5", 1, .portNotAllowed),
            ("2001:db8::5", 80, .portNotAllowed), ("10.0.0.4", 8000, .notInPool), ("2001:db8::6", 8000, .notInPool),
            ("8.8.8.8", 53, .notInPool), ("10.0.0.5", 0, .forbiddenAddress), ("10.0.0.6", 0, .forbiddenAddress),
        ] as [(String, UInt16, DialRefusal?)] {
            XCTAssertEqual(policy.refusal(of: endpoint(text, port), now: 1000), refusal, "\(text) \(port)")
        }
    }

    /// Some network may translate them, but nobody has listed them.
    func testAMembersAddressInAnotherFormIsNoMember() throws {
        let policy = try policy([endpoint("10.0.0.5", 0)])
        for (name, target) in embeddings(of: 0x0A00_0005) where !target.isV4 {
            XCTAssertEqual(policy.refusal(of: Endpoint(target, 8000), now: 0), .notInPool, name)
        }
    }

    func testWithoutProtectionASnapshotChangesNothing() throws {
        var open = try policy([endpoint("10.0.0.5", 8000)], maximumAge: 1)
        var settings = open.settings
        settings.protection = false
        let list = open.allowlist
        open = Policy(settings: settings, own: [])
        for hasList in [false, true] {
            open.allowlist = hasList ? list : nil
            for (text, port) in [("10.0.0.5", 8000), ("10.0.0.5", 1), ("8.8.8.8", 53)] as [(String, UInt16)] {
                XCTAssertNil(open.refusal(of: endpoint(text, port), now: 1_000_000), text)
            }
            XCTAssertEqual(open.refusal(of: endpoint("169.254.169.254", 80), now: 0), .forbiddenAddress)
        }
    }

    func testWithoutASnapshotNobodyIsAllowed() throws {
        let policy = try policy(nil)
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.5", 8000), now: 0), .allowlistMissing)
        XCTAssertEqual(policy.refusal(of: endpoint("169.254.169.254", 80), now: 0), .forbiddenAddress)
        let empty = try self.policy([])
        XCTAssertEqual(empty.refusal(of: endpoint("10.0.0.5", 8000), now: 0), .notInPool)
    }

    // MARK: What is always refused

    func testNoSnapshotOpensWhatIsAlwaysRefused() throws {
        let texts = AddressTableTests.refused.flatMap(\.1)
        let policy = try policy(texts.flatMap { [endpoint($0, 0), endpoint($0, 8000)] })
        for text in texts {
            XCTAssertEqual(policy.allowlist?.verdict(on: endpoint(text, 8000)), .allowed, "\(text) is listed")
            XCTAssertEqual(policy.refusal(of: endpoint(text, 8000), now: 1000), .forbiddenAddress, text)
        }
    }

    func testNoSnapshotOpensOurselvesNorWhatIsDeniedInWhateverForm() throws {
        let forms = [0x0A60_0001, 0x0AF4_0311].flatMap { embeddings(of: $0).map(\.address) }
        let policy = try policy(
            forms.map { Endpoint($0, 0) } + [endpoint("2001:db8::17", 0)],
            denied: [AddressBlock(address("10.96.0.1"), prefixLength: 128)],
            own: [address("10.244.3.17"), address("2001:db8::17")])
        for form in forms + [address("2001:db8::17")] {
            XCTAssertEqual(policy.refusal(of: Endpoint(form, 443), now: 0), .forbiddenAddress, "\(form)")
        }
    }

    func testADeniedPortOfAMemberIsDeniedAndItsOthersAreNot() throws {
        let policy = try policy([endpoint("10.0.0.5", 0)], denied: [block("10.0.0.5", 32, port: 10_250)])
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.5", 10_250), now: 0), .forbiddenAddress)
        XCTAssertNil(policy.refusal(of: endpoint("10.0.0.5", 10_251), now: 0))
    }

    func testTheFlagsThatOpenAddressesOpenMembersOnly() throws {
        let listed = [endpoint("127.0.0.2", 8000), endpoint("169.254.1.1", 8000)]
        let shut = try policy(listed)
        let open = try policy(listed, allowLoopback: true, allowLinkLocal: true)
        for target in listed {
            XCTAssertEqual(shut.refusal(of: target, now: 0), .forbiddenAddress)
            XCTAssertNil(open.refusal(of: target, now: 0))
        }
        XCTAssertEqual(open.refusal(of: endpoint("127.0.0.3", 8000), now: 0), .notInPool)
        XCTAssertEqual(open.refusal(of: endpoint("127.0.0.2", 8001), now: 0), .portNotAllowed)
        XCTAssertEqual(open.refusal(of: endpoint("::1", 8000), now: 0), .notInPool)
    }

    // MARK: Age

    func testASnapshotThatIsTooOldAllowsNobody() throws {
        let policy = try policy([endpoint("10.0.0.5", 8000)], maximumAge: 500)
        for (now, refusal) in [
            (0, nil), (1000, nil), (1499, nil), (1500, nil), (1501, .allowlistStale), (.max, .allowlistStale),
        ] as [(Int64, DialRefusal?)] {
            XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.5", 8000), now: now), refusal, "at \(now)")
        }
        // What an old list says of others is no news either.
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.6", 8000), now: 1501), .allowlistStale)
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.5", 1), now: 1501), .allowlistStale)
        XCTAssertEqual(policy.refusal(of: endpoint("169.254.169.254", 80), now: 1501), .forbiddenAddress)
    }

    func testAConfirmationMakesItYoungAgain() throws {
        var policy = try policy([endpoint("10.0.0.5", 8000)], maximumAge: 500)
        XCTAssertEqual(policy.refusal(of: endpoint("10.0.0.5", 8000), now: 1501), .allowlistStale)
        policy.confirmedAt = 1400
        XCTAssertNil(policy.refusal(of: endpoint("10.0.0.5", 8000), now: 1501))
    }

    func testWithoutALimitASnapshotNeverGrowsTooOld() throws {
        let policy = try policy([endpoint("10.0.0.5", 8000)])
        for now: Int64 in [0, 1000, 1_000_000_000_000, .max] {
            XCTAssertNil(policy.refusal(of: endpoint("10.0.0.5", 8000), now: now))
        }
    }

    // MARK: Both together

    /// Allowed with protection on is exactly: allowed with it off, and listed.
    func testProtectionOnlyEverTakesAway() throws {
        var generator = SeededGenerator(seed: 5)
        let texts = AddressTableTests.refused.flatMap(\.1) + AddressTableTests.allowed
        let hosts = texts.map { address($0) }
        let ports: [UInt16] = [0, 80, 8000]
        for _ in 0..<20 {
            var listed: [Endpoint] = []
            for host in hosts where Bool.random(using: &generator) {
                listed.append(Endpoint(host, ports[Int.random(in: 0..<ports.count, using: &generator)]))
            }
            let protected = try policy(listed)
            let open = Policy(settings: DialerSettings(), own: [])
            for host in hosts {
                for port: UInt16 in [0, 80, 8000, 9999] {
                    let target = Endpoint(host, port)
                    let isListed = listed.contains { $0.address == host && ($0.port == 0 || $0.port == port) }
                    let isOpen = open.refusal(of: target, now: 0) == nil
                    let isAllowed = protected.refusal(of: target, now: 0) == nil
                    XCTAssertEqual(isAllowed, isOpen && isListed, "\(target)")
                }
            }
        }
    }
}
