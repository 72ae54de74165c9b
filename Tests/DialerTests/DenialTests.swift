import IPC
import Linux
import TestSupport
import XCTest

@testable import Dialer

/// What is denied by configuration: `--deny`, the sidecar's own ports, the Kubernetes API, this pod's addresses.
final class DenialTests: XCTestCase {
    func testADeniedBlockCoversItsPrefixAndNothingBesides() {
        let policy = policy(denied: [block("10.8.0.0", 14), block("2001:db8:5::", 48), block("192.0.2.77", 32)])
        for text in ["10.8.0.0", "10.8.0.1", "10.11.255.255", "2001:db8:5::", "2001:db8:5:ffff::1", "192.0.2.77"] {
            XCTAssertTrue(policy.refuses(text), text)
        }
        for text in ["10.7.255.255", "10.12.0.0", "2001:db8:4:ffff::1", "2001:db8:6::", "192.0.2.76", "192.0.2.78"] {
            XCTAssertFalse(policy.refuses(text), text)
        }
    }

    func testADeniedPortIsDeniedAloneAndWithoutAPortAllAreDenied() {
        let policy = policy(denied: [block("10.1.0.0", 16, port: 10250), block("10.2.0.0", 16)])
        XCTAssertTrue(policy.refuses("10.1.2.3", port: 10250))
        XCTAssertFalse(policy.refuses("10.1.2.3", port: 10249))
        for port: UInt16 in [1, 80, 10250, 65535] { XCTAssertTrue(policy.refuses("10.2.3.4", port: port)) }
    }

    func testADeniedIPv4AddressIsDeniedInEveryEmbeddingAndWithItsPort() {
        let policy = policy(denied: [block("10.96.0.1", 32), block("203.0.113.0", 24, port: 443)])
        for (name, target) in embeddings(of: 0x0A60_0001) { XCTAssertTrue(policy.refuses(target), name) }
        for (name, target) in embeddings(of: 0xCB00_7109) {
            XCTAssertTrue(policy.refuses(target, port: 443), name)
            XCTAssertFalse(policy.refuses(target, port: 8443), name)
        }
        for (name, target) in embeddings(of: 0x0A60_0002) { XCTAssertFalse(policy.refuses(target), name) }
    }

    func testTheKubernetesAddressIsDeniedOnEveryPort() {
        let policy = policy(denied: [AddressBlock(address("10.96.0.1"), prefixLength: 128)])
        for port: UInt16 in [1, 443, 6443, 8000] { XCTAssertTrue(policy.refuses("10.96.0.1", port: port)) }
        XCTAssertFalse(policy.refuses("10.96.0.2", port: 443))
    }

    func testADeniedPrefixOfZeroBitsDeniesEverything() {
        let policy = policy(denied: [AddressBlock(.any, prefixLength: 0)])
        for text in ["10.0.0.1", "2001:db8::1", "1.1.1.1"] { XCTAssertTrue(policy.refuses(text), text) }
    }

    func testAllOfIPv4CanBeDeniedAndIPv6StaysOpen() {
        let policy = policy(denied: [block("0.0.0.0", 0)])
        XCTAssertTrue(policy.refuses("10.0.0.1"))
        XCTAssertTrue(policy.refuses("64:ff9b::10.0.0.1"))
        XCTAssertFalse(policy.refuses("2001:db8::1"))
    }

    func testOurOwnAddressesAreRefusedInEveryEmbedding() {
        let policy = policy(own: [address("10.244.3.17"), address("2001:db8::17"), .loopback4, .loopback6])
        for (name, target) in embeddings(of: 0x0AF4_0311) { XCTAssertTrue(policy.refuses(target), name) }
        XCTAssertTrue(policy.refuses("2001:db8::17"))
        XCTAssertFalse(policy.refuses("10.244.3.18"))
        XCTAssertFalse(policy.refuses("2001:db8::18"))
    }

    func testLoopbackAmongOurOwnAddressesIsJudgedAsLoopback() {
        let own = [Address.loopback4, .loopback6, address("10.244.3.17")]
        XCTAssertFalse(policy(allowLoopback: true, own: own).refuses("127.0.0.1"))
        XCTAssertTrue(policy(own: own).refuses("127.0.0.1"))
        XCTAssertTrue(policy(allowLoopback: true, own: own).refuses("10.244.3.17"))
    }

    func testABlockAgreesWithCountingBitsOneByOne() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<20_000 {
            let base = Address(high: generator.next(), low: generator.next())
            let length = UInt8.random(in: 0...128, using: &generator)
            // Differs from the base in one bit, or not at all.
            let flipped = Int.random(in: 0...128, using: &generator)
            var other = base
            if flipped < 64 { other.high ^= 1 << UInt64(63 - flipped) }
            if flipped >= 64 && flipped < 128 { other.low ^= 1 << UInt64(127 - flipped) }
            let port = UInt16.random(in: 0...2, using: &generator)
            let expected = flipped >= Int(length) && (port == 0 || port == 2)
            let block = AddressBlock(base, prefixLength: length, port: port)
            XCTAssertEqual(block.contains(Endpoint(other, 2)), expected, "/\(length), bit \(flipped), port \(port)")
        }
    }
}
