import IPC
import XCTest

@testable import KVAgent

/// What agents say to each other: it survives the way, and a frame that is damaged in any way is refused or another
/// whole message.
final class PeerMessageTests: XCTestCase {
    private static let longest = Announcement(
        request: String(repeating: "é", count: KVTransfer.longestRequest / 2), blocks: .max, blockSize: .max,
        offset: .max)

    private static var samples: [PeerMessage] {
        [
            .hello, .welcome(regionSize: 1, base: .max, key: []),
            .welcome(regionSize: 2, base: 3, key: [UInt8](repeating: 0xA7, count: PeerMessage.longestKey)),
            .announce(Announcement(request: "", blocks: 4, blockSize: 5, offset: 6)), .announce(longest), .accepted,
            .verify, .checksum(0x0102_0304), .checksum(.max),
        ] + PeerRefusal.allCases.map { .refused($0) } + KVOutcome.allCases.map { .acknowledge($0) }
    }

    private func read(_ frame: [UInt8]) -> PeerMessage.Read { frame.withUnsafeBytes(PeerMessage.read) }

    func testEveryMessageArrivesAsItWasSent() {
        var types: Set<UInt8> = []
        for message in Self.samples {
            types.insert(message.type)
            let frame = message.encoded()
            XCTAssertLessThanOrEqual(frame.count, PeerMessage.longest, "\(message)")
            XCTAssertEqual(read(frame), .message(message))
        }
        XCTAssertEqual(types, Set(1...8), "every type has a sample")
    }

    func testOneOfThemIsAsLongAsTheyMayBe() {
        XCTAssertEqual(PeerMessage.announce(Self.longest).encoded().count, PeerMessage.longest)
        XCTAssertEqual(
            PeerMessage.welcome(
                regionSize: 1, base: 1, key: [UInt8](repeating: 1, count: PeerMessage.longestKey)
            ).encoded().count, 8 + 8 + 8 + 1 + 128)
    }

    func testFewerBytesAndMoreBytesAreRefused() {
        for message in Self.samples {
            let frame = message.encoded()
            for count in 0..<frame.count { XCTAssertEqual(read(Array(frame[..<count])), .malformed, "\(message)") }
            XCTAssertEqual(read(frame + [0]), .malformed, "\(message)")
            XCTAssertEqual(read(frame + [UInt8](repeating: 0, count: 4096)), .malformed, "\(message)")
        }
    }

    func testEveryBitThatFlipsIsRefusedOrAnotherWholeMessage() {
        for message in Self.samples {
            let frame = message.encoded()
            for bit in 0..<frame.count * 8 {
                var changed = frame
                changed[bit / 8] ^= 1 << (bit % 8)
                switch read(changed) {
                case .malformed: break
                case .otherVersion(let version):
                    XCTAssertTrue((4..<6).contains(bit / 8), "\(message) \(bit)")
                    XCTAssertNotEqual(version, PeerMessage.version)
                case .message(let other):
                    XCTAssertNotEqual(other, message, "bit \(bit) of \(message) means nothing")
                    XCTAssertEqual(other.encoded(), changed, "a message has one spelling")
                }
            }
        }
    }

    func testOtherVersionsAreRecognisedWhateverTheySay() {
        for version in [UInt16](0...3) + [.max] where version != PeerMessage.version {
            let frame = PeerMessage.hello.encoded(version: version)
            XCTAssertEqual(read(frame), .otherVersion(version))
            XCTAssertEqual(read(Array(frame[..<8])), .otherVersion(version), "their fields may be others")
        }
    }

    func testNumbersThatStandForNothingAreRefused() {
        for type in UInt8.min...UInt8.max where !(1...8).contains(type) {
            var frame = PeerMessage.accepted.encoded()
            frame[6] = type
            XCTAssertEqual(read(frame), .malformed, "\(type)")
        }
        for value in UInt8.min...UInt8.max {
            var frame = PeerMessage.refused(.busy).encoded()
            frame[8] = value
            XCTAssertEqual(read(frame) == .malformed, PeerRefusal(rawValue: value) == nil, "\(value)")
            frame = PeerMessage.acknowledge(.done).encoded()
            frame[8] = value
            XCTAssertEqual(read(frame) == .malformed, KVOutcome(rawValue: value) == nil, "\(value)")
        }
    }

    func testAKeyThatIsTooLongIsRefusedWhole() {
        var frame = PeerMessage.welcome(
            regionSize: 2, base: 3, key: [UInt8](repeating: 1, count: PeerMessage.longestKey)
        ).encoded()
        frame[24] = UInt8(PeerMessage.longestKey + 1)
        XCTAssertEqual(read(frame + [1]), .malformed)
    }

    func testRandomBytesNeverDoAnythingElse() {
        var state: UInt64 = 42
        func random() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        for round in 0..<20_000 {
            var frame = (0..<Int(random())).map { _ in random() }
            // Every other one gets past the header.
            if round % 2 == 0 {
                frame = Array(PeerMessage.accepted.encoded()[..<6]) + [random() % 10, 0] + frame
            }
            if case .message(let message) = read(frame) { XCTAssertEqual(message.encoded(), frame) }
        }
    }

    func testTheLengthOfAnAnnouncementIsANumberOrNone() {
        let rows: [(UInt64, UInt32, UInt64?)] = [
            (1, 1, 1), (0, 1, nil), (1, 0, nil), (.max, 1, .max), (.max, 2, nil), (1 << 32, .max, nil),
            (1 << 31, .max, (1 << 31) * UInt64(UInt32.max)),
        ]
        for (blocks, size, length) in rows {
            let announcement = Announcement(request: "", blocks: blocks, blockSize: size, offset: 0)
            XCTAssertEqual(
                announcement.length, blocks == 1 << 32 ? UInt64(UInt32.max) << 32 : length, "\(blocks) \(size)")
        }
    }
}
