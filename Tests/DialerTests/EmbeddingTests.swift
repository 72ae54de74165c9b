import IPC
import Linux
import TestSupport
import XCTest

@testable import Dialer

/// An IPv4 address has many spellings in IPv6. None of them may lead where the plain one may not.
final class EmbeddingTests: XCTestCase {
    /// Edges of every forbidden IPv4 block, from inside.
    private static let forbidden: [UInt32] = [
        0x0000_0000, 0x0000_0001, 0x00FF_FFFF, 0x7F00_0000, 0x7F00_0001, 0x7FFF_FFFF, 0xA9FE_0000, 0xA9FE_A9FE,
        0xA9FE_FFFF, 0x6464_64C8, 0xA83F_8110, 0xE000_0000, 0xEFFF_FFFF, 0xF000_0000, 0xFFFF_FFFF,
    ]

    func testARefusedIPv4AddressIsRefusedInEveryEmbedding() {
        let policy = policy()
        var generator = SeededGenerator(seed: 4)
        var refused = Self.forbidden
        while refused.count < 3000 {
            let v4 = UInt32(truncatingIfNeeded: generator.next())
            if policy.refuses(Address(v4: v4)) { refused.append(v4) }
        }
        for v4 in refused {
            XCTAssertTrue(policy.refuses(Address(v4: v4)), "\(Address(v4: v4))")
            for (name, target) in embeddings(of: v4) {
                XCTAssertTrue(policy.refuses(target), "\(Address(v4: v4)) as \(name): \(target)")
            }
        }
    }

    func testAnAllowedIPv4AddressIsAllowedInEveryEmbedding() {
        let policy = policy()
        var generator = SeededGenerator(seed: 5)
        var checked = 0
        while checked < 3000 {
            let v4 = UInt32(truncatingIfNeeded: generator.next())
            if policy.refuses(Address(v4: v4)) { continue }
            checked += 1
            for (name, target) in embeddings(of: v4) {
                XCTAssertFalse(policy.refuses(target), "\(Address(v4: v4)) as \(name): \(target)")
            }
        }
    }

    func testTheMoreIsForbiddenTheMoreIsRefused() {
        // What a policy refuses, a stricter one refuses too: no rule ever opens what another has shut.
        var generator = SeededGenerator(seed: 6)
        let strict = policy(denied: [block("10.0.0.0", 8), block("2001:db8::", 32)], own: [address("192.0.2.1")])
        let open = policy(allowLoopback: true, allowLinkLocal: true)
        for _ in 0..<20_000 {
            let v4 = UInt32(truncatingIfNeeded: generator.next())
            let candidates =
                embeddings(of: v4).map(\.address) + [Address(high: generator.next(), low: generator.next())]
            for target in candidates {
                let normal = policy().refuses(target)
                if open.refuses(target) { XCTAssertTrue(normal, "\(target)") }
                if normal { XCTAssertTrue(strict.refuses(target), "\(target)") }
            }
        }
    }

    func testAnAddressIsItsOwnFirstReadingAndReadingsAreIPv4() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<1000 {
            let v4 = UInt32(truncatingIfNeeded: generator.next())
            for (name, target) in embeddings(of: v4) {
                let readings = target.readings
                XCTAssertEqual(readings.first, target, name)
                XCTAssertTrue(readings.contains(Address(v4: v4)), "\(name) \(target): \(readings)")
                XCTAssertTrue(readings.dropFirst().allSatisfy(\.isV4), name)
            }
        }
        XCTAssertEqual(address("10.1.2.3").readings, [address("10.1.2.3")])
        XCTAssertEqual(address("2001:db8::1").readings, [address("2001:db8::1")])
    }
}
