import Glibc
import Linux
import TestSupport
import XCTest

@testable import Allowlist

/// What was added is what is answered, and nothing else.
final class SnapshotTests: XCTestCase {
    func testAnEmptySnapshotAllowsNothing() throws {
        let empty = try snapshot([])
        XCTAssertEqual(empty.entryCount, 0)
        XCTAssertEqual(empty.podCount, 0)
        XCTAssertEqual(empty.verdict(on: endpoint("10.0.0.1", 80)), .addressNotAllowed)
        XCTAssertEqual(empty.verdict(on: Endpoint(.any, 0)), .addressNotAllowed)
        XCTAssertFalse(empty.holds(.any))
        XCTAssertNil(empty.podName(at: .any))
        XCTAssertEqual(addresses(empty, ""), [])
        XCTAssertEqual(addresses(empty, "pod-0"), [])
    }

    func testEveryAddressOfAMemberIsAllowedAtEveryOneOfItsPorts() throws {
        let pool = try snapshot([Member("pod-0", ["10.0.0.1", "2001:db8::1"], [8000, 8001])])
        XCTAssertEqual(pool.entryCount, 4)
        for host in ["10.0.0.1", "2001:db8::1"] {
            for port: UInt16 in [8000, 8001] { XCTAssertEqual(pool.verdict(on: endpoint(host, port)), .allowed) }
            for port: UInt16 in [0, 1, 7999, 8002, .max] {
                XCTAssertEqual(pool.verdict(on: endpoint(host, port)), .portNotAllowed, "\(host) \(port)")
            }
            XCTAssertTrue(pool.holds(endpoint(host, 0).address))
            XCTAssertEqual(pool.podName(at: endpoint(host, 0).address), "pod-0")
        }
        for host in ["10.0.0.0", "10.0.0.2", "2001:db8::", "2001:db8::2", "::10.0.0.1", "64:ff9b::10.0.0.1", "::"] {
            XCTAssertEqual(pool.verdict(on: endpoint(host, 8000)), .addressNotAllowed, host)
            XCTAssertFalse(pool.holds(endpoint(host, 0).address), host)
            XCTAssertNil(pool.podName(at: endpoint(host, 0).address), host)
        }
    }

    func testWithoutPortsEveryPortIsAllowed() throws {
        let pool = try snapshot([Member("", ["10.0.0.1"], [])])
        XCTAssertEqual(pool.entryCount, 1)
        for port: UInt16 in [1, 80, 8000, .max] {
            XCTAssertEqual(pool.verdict(on: endpoint("10.0.0.1", port)), .allowed)
        }
        XCTAssertNil(pool.podName(at: endpoint("10.0.0.1", 0).address))
        XCTAssertEqual(pool.podCount, 0)
    }

    func testAnAddressThatTwoMembersShareHasThePortsOfBoth() throws {
        let pool = try snapshot([
            Member("a", ["10.0.0.1"], [8000]), Member("b", ["10.0.0.1"], [8001, 8000]), Member("c", ["10.0.0.2"], []),
            Member("d", ["10.0.0.2"], [80]),
        ])
        XCTAssertEqual(pool.entryCount, 4)
        XCTAssertEqual(pool.verdict(on: endpoint("10.0.0.1", 8000)), .allowed)
        XCTAssertEqual(pool.verdict(on: endpoint("10.0.0.1", 8001)), .allowed)
        XCTAssertEqual(pool.verdict(on: endpoint("10.0.0.1", 8002)), .portNotAllowed)
        XCTAssertEqual(pool.verdict(on: endpoint("10.0.0.2", 9999)), .allowed)
    }

    func testRepetitionsAreOneEntry() throws {
        var builder = SnapshotBuilder()
        for _ in 0..<3 {
            builder.add(name: [], addresses: [.loopback4, .loopback4], ports: [80, 80])
        }
        XCTAssertEqual(builder.count, 12)
        let fd = try builder.seal()
        defer { close(fd) }
        XCTAssertEqual(builder.count, 1)
        XCTAssertEqual(Snapshot(fd: fd)?.entryCount, 1)
    }

    func testAPodIsFoundByItsWholeNameAndItsPrimaryAddressComesFirst() throws {
        let members = [
            Member("prefill-1", ["10.0.0.9", "2001:db8::9"], [8000]), Member("prefill-10", ["10.0.0.3"], [8000]),
            Member("prefill-0", ["2001:db8::1", "10.0.0.1"], [8000]), Member("a.b-c.0", ["10.0.0.4"], [8000]),
            Member("", ["10.0.0.5"], [8000]), Member("without-addresses", [], [8000]),
            Member(String(repeating: "n", count: SnapshotLayout.longestName), ["10.0.0.6"], [8000]),
        ]
        let pool = try snapshot(members)
        XCTAssertEqual(pool.podCount, 6)
        for member in members where !member.name.isEmpty {
            XCTAssertEqual(addresses(pool, member.name), member.addresses, member.name)
        }
        for name in [
            "", "p", "prefill", "prefill-", "prefill-2", "prefill-00", "PREFILL-0", "prefill-0 ", "prefill-0\0", "z",
            String(repeating: "n", count: 252), String(repeating: "n", count: 254),
        ] { XCTAssertEqual(addresses(pool, name), [], name) }
    }

    func testOfSeveralPodsWithOneNameTheFirstAddedIsMeant() throws {
        let pool = try snapshot([
            Member("b", ["10.0.0.1"], [80]), Member("a", ["10.0.0.2"], [80]), Member("b", ["10.0.0.3"], [80]),
            Member("b", [], [80]),
        ])
        XCTAssertEqual(addresses(pool, "b"), [endpoint("10.0.0.1", 0).address])
        // Each address is allowed all the same.
        for host in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
            XCTAssertEqual(pool.verdict(on: endpoint(host, 80)), .allowed)
        }
    }

    /// A name that no pod can have must not make the whole snapshot unusable: it counts as none.
    func testAMemberWithAnImpossibleNameIsAllowedAndHasNoName() throws {
        for name in ["Pod-0", "pod_0", "pod 0", "pod\n", "pöd", "pod/0", "pod\0", String(repeating: "n", count: 254)] {
            let pool = try snapshot([Member(name, ["10.0.0.1"], [80]), Member("good", ["10.0.0.2"], [80])])
            XCTAssertEqual(pool.podCount, 1, name.debugDescription)
            XCTAssertEqual(pool.verdict(on: endpoint("10.0.0.1", 80)), .allowed)
            XCTAssertEqual(addresses(pool, name), [])
            XCTAssertNil(pool.podName(at: endpoint("10.0.0.1", 0).address))
            XCTAssertEqual(pool.podName(at: endpoint("10.0.0.2", 0).address), "good")
        }
    }

    func testSealingTwiceGivesTheSameBytes() throws {
        var builder = SnapshotBuilder()
        builder.add(name: Array("b".utf8), addresses: [.loopback6, .loopback4], ports: [2, 1])
        builder.add(name: Array("a".utf8), addresses: [.loopback4], ports: [1])
        let first = try builder.seal()
        defer { close(first) }
        let second = try builder.seal()
        defer { close(second) }
        XCTAssertEqual(bytes(of: first), bytes(of: second))
        XCTAssertNotNil(Snapshot(fd: second))
    }

    // MARK: Against a dictionary

    /// Members with few different addresses, ports and names, so that they collide often.
    private func randomMembers(_ random: inout SeededGenerator, _ count: Int, spread: Int) -> [Member] {
        (0..<count).map { _ in
            let addresses = (0..<random.below(4)).map { _ -> Address in
                let number = random.below(spread)
                return random.below(2) == 0
                    ? Address(v4: 0x0A00_0000 + UInt32(number))
                    : Address(high: 0x2001_0DB8_0000_0000 + UInt64(number % 3), low: UInt64(number))
            }
            let ports = (0..<random.below(4)).map { _ in UInt16(8000 + random.below(4)) }
            let name = random.below(4) == 0 ? "" : "pod-\(random.below(spread))"
            return Member(name: name, addresses: addresses, ports: ports)
        }
    }

    func testRandomPoolsAnswerAsADictionaryDoes() throws {
        var random = SeededGenerator(seed: 31)
        for round in 0..<300 {
            let members = randomMembers(&random, random.below(30), spread: 1 + random.below(40))
            let pool = try snapshot(members)
            var ports: [Address: Set<UInt16>] = [:]
            var names: [String: [Address]] = [:]
            for member in members {
                for address in member.addresses {
                    // 0 stands for every port.
                    ports[address, default: []].formUnion(member.ports.isEmpty ? [0] : member.ports)
                }
                if !member.name.isEmpty && names[member.name] == nil { names[member.name] = member.addresses }
            }
            XCTAssertEqual(pool.entryCount, ports.values.reduce(0) { $0 + $1.count }, "round \(round)")
            for number in 0..<45 {
                for address in [
                    Address(v4: 0x0A00_0000 + UInt32(number)),
                    Address(high: 0x2001_0DB8_0000_0000, low: UInt64(number)),
                    Address(high: 0x2001_0DB8_0000_0001, low: UInt64(number)),
                ] {
                    let known = ports[address]
                    XCTAssertEqual(pool.holds(address), known != nil, "round \(round): \(address)")
                    for port: UInt16 in 7999...8004 {
                        let expected: Snapshot.Verdict
                        if let known {
                            expected = known.contains(0) || known.contains(port) ? .allowed : .portNotAllowed
                        } else {
                            expected = .addressNotAllowed
                        }
                        XCTAssertEqual(
                            pool.verdict(on: Endpoint(address, port)), expected, "round \(round): \(address)")
                    }
                    let there = members.filter { $0.addresses.contains(address) }
                    if let name = pool.podName(at: address) {
                        XCTAssertTrue(there.contains { $0.name == name }, "round \(round): \(address) is \(name)")
                    } else {
                        XCTAssertTrue(there.isEmpty || there.contains { $0.name.isEmpty }, "round \(round): \(address)")
                    }
                }
                XCTAssertEqual(addresses(pool, "pod-\(number)"), names["pod-\(number)"] ?? [], "round \(round)")
            }
        }
    }

    func testTenThousandPodsComeBackWhole() throws {
        var members = (0..<10_000).map { i in
            Member(
                name: "prefill-\(i)-abcde",
                addresses: [Address(v4: 0x0A00_0000 + UInt32(i) * 3), Address(high: 0xFD00 << 48, low: UInt64(i) * 3)],
                ports: [8000, 8001])
        }
        var random = SeededGenerator(seed: 10)
        members.shuffle(using: &random)
        let pool = try snapshot(members)
        XCTAssertEqual(pool.entryCount, 40_000)
        XCTAssertEqual(pool.podCount, 10_000)
        for member in members {
            XCTAssertEqual(addresses(pool, member.name), member.addresses)
            for address in member.addresses {
                XCTAssertEqual(pool.verdict(on: Endpoint(address, 8001)), .allowed)
                XCTAssertEqual(pool.verdict(on: Endpoint(address, 8002)), .portNotAllowed)
                XCTAssertEqual(pool.podName(at: address), member.name)
                let neighbour = Address(high: address.high, low: address.low + 1)
                XCTAssertEqual(pool.verdict(on: Endpoint(neighbour, 8000)), .addressNotAllowed)
            }
        }
    }
}
