import Glibc
import Linux
import TestSupport
import XCTest

@testable import Allowlist

/// Images that something else wrote, or damaged: each is refused, or answers exactly what its bytes say. Nothing crashes.
final class DamageTests: XCTestCase {
    /// Small, with everything in it: both families, several ports, every port, no name, one name twice, no address.
    private static let members = [
        Member("b", ["10.0.0.1", "2001:db8::1"], [80]), Member("", ["10.0.0.2"], []),
        Member("b", ["10.0.0.3"], [80]), Member("a.0-z", [], [80]), Member("c", ["10.0.0.1"], [81]),
    ]

    private func image() throws -> [UInt8] {
        let fd = try seal(Self.members)
        defer { close(fd) }
        return bytes(of: fd)
    }

    /// Refused by both, or accepted by both with the same answers to everything. True: accepted.
    @discardableResult
    private func check(_ image: [UInt8], _ label: @autoclosure () -> String) -> Bool {
        let found = snapshot(ofImage: image)
        let expected = CarefulReader(image)
        guard let found, let expected else {
            XCTAssertEqual(found == nil, expected == nil, label())
            return false
        }
        XCTAssertEqual(found.entryCount, expected.entries.count, label())
        XCTAssertEqual(found.podCount, expected.pods.count, label())
        let questions = expected.questions
        for endpoint in questions.endpoints {
            if found.verdict(on: endpoint) != expected.verdict(on: endpoint)
                || found.holds(endpoint.address) != (expected.verdict(on: endpoint) != .addressNotAllowed)
                || found.podName(at: endpoint.address) != expected.podName(at: endpoint.address)
            {
                XCTFail("\(label()): another answer about \(endpoint)")
            }
        }
        for name in questions.names {
            let addresses = name.withUnsafeBytes { found.addresses(ofPod: $0) }
            if addresses != expected.addresses(ofPod: name) { XCTFail("\(label()): another answer about \(name)") }
        }
        return true
    }

    func testTheImageItselfIsAccepted() throws {
        XCTAssertTrue(check(try image(), "the image"))
        XCTAssertTrue(
            check(
                try {
                    let fd = try seal([]); defer { close(fd) }; return bytes(of: fd)
                }(), "nobody"))
    }

    func testEveryByteWithEveryOtherValueIsRefusedOrMeansWhatItSays() throws {
        let image = try image()
        var accepted = 0
        for place in image.indices {
            for value in UInt8.min...UInt8.max where value != image[place] {
                var changed = image
                changed[place] = value
                if check(changed, "byte \(place) is \(value)") { accepted += 1 }
            }
        }
        // Ports and the low bits of addresses may be anything; if none were, this would have checked nothing.
        XCTAssertGreaterThan(accepted, 1000)
        XCTAssertLessThan(accepted, image.count * 255 / 2, "most bytes have a meaning that can be wrong")
    }

    func testEveryOtherLengthIsRefused() throws {
        let image = try image()
        for count in 0..<image.count { XCTAssertNil(snapshot(ofImage: Array(image[..<count])), "\(count) bytes") }
        for extra in [1, 2, 8, 16, 24, 64, 4096, 1 << 20] {
            XCTAssertNil(snapshot(ofImage: image + [UInt8](repeating: 0, count: extra)), "\(extra) bytes more")
        }
        for count in [0, 1, 63, 64, 65, 4096] {
            for byte: UInt8 in [0, 0xFF] { XCTAssertNil(snapshot(ofImage: [UInt8](repeating: byte, count: count))) }
        }
    }

    private func set(_ value: UInt64, _ size: Int, at place: Int, in image: inout [UInt8]) {
        for i in 0..<size { image[place + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i)) }
    }

    /// Sums that wrap around would be the classic way past a check.
    func testExtremeNumbersInEveryFieldAreRefusedOrMeanWhatTheySay() throws {
        let image = try image()
        let extremes: [UInt64] = [
            0, 1, 2, 253, 254, 65_536, 65_537, 262_144, 262_145, 16 << 20, (16 << 20) + 1, 0x7FFF_FFFF, 0x8000_0000,
            0xFFFF_FFFE, 0xFFFF_FFFF, 1 << 32, 1 << 59, 1 << 60, 1 << 62, 1 << 63, .max - 63, .max - 1, .max,
        ]
        for place in stride(from: 0, to: image.count - 8, by: 2) {
            for value in extremes {
                for size in [4, 8] {
                    var changed = image
                    set(value, size, at: place, in: &changed)
                    check(changed, "\(size) bytes at \(place) are \(value)")
                }
            }
        }
        // Counts that wrap around to the right size together.
        for word in 1...4 {
            for other in 1...4 where other != word {
                for value in extremes {
                    var changed = image
                    set(value, 8, at: word * 8, in: &changed)
                    set(0 &- value, 8, at: other * 8, in: &changed)
                    check(changed, "words \(word) and \(other), \(value)")
                }
            }
        }
    }

    func testManyBytesChangedAtOnceAreRefusedOrMeanWhatTheySay() throws {
        let image = try image()
        var random = SeededGenerator(seed: 77)
        for round in 0..<20_000 {
            var changed = image
            for _ in 0..<(1 + random.below(6)) {
                // The header is left alone most of the time, so that the rest is looked at.
                let start = random.below(8) == 0 ? 0 : SnapshotLayout.headerSize
                let place = start + random.below(changed.count - start)
                changed[place] =
                    random.below(2) == 0
                    ? UInt8(truncatingIfNeeded: random.next()) : changed[random.below(changed.count)]
            }
            if random.below(4) == 0 { changed.removeLast(random.below(changed.count)) }
            check(changed, "round \(round)")
        }
    }

    func testBytesThatNeverWereASnapshotAreRefused() {
        var random = SeededGenerator(seed: 78)
        for _ in 0..<2000 {
            let image = (0..<random.below(600)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            XCTAssertNil(snapshot(ofImage: image))
        }
    }

    func testNothingStaysMappedOfWhatWasRefusedOrIsNoLongerUsed() throws {
        let image = try image()
        for i in 0..<500 {
            var changed = image
            changed[i % changed.count] ^= 0xFF
            _ = snapshot(ofImage: changed)
            _ = snapshot(ofImage: image)
        }
        XCTAssertEqual(mappings(named: "damaged-allowlist"), 0)
        let kept = snapshot(ofImage: image)
        XCTAssertEqual(mappings(named: "damaged-allowlist"), 1, "what is in use is seen, or this test sees nothing")
        XCTAssertEqual(kept?.entryCount, 5)
    }
}
