import Linux
import XCTest

@testable import IPC

/// Fields and frames at their limits.
final class FrameTests: XCTestCase {
    private func read<R>(_ bytes: [UInt8], _ body: (inout WireReader) -> R) -> (value: R, complete: Bool) {
        bytes.withUnsafeBytes { buffer in
            var reader = WireReader(buffer)
            let value = body(&reader)
            return (value, reader.isComplete)
        }
    }

    func testTheWireFormIsAsDescribed() {
        // version, type, descriptors, reserved, length in little-endian order, payload.
        XCTAssertEqual(frame(FromChild.ready), [1, 1, 0, 0, 0, 0, 0, 0])
        XCTAssertEqual(frame(FromChild.pong(0x0102_0304)), [1, 2, 0, 0, 4, 0, 0, 0, 4, 3, 2, 1])
        XCTAssertEqual(frame(ToChild.segment(stripes: 258)), [1, 2, 1, 0, 2, 0, 0, 0, 2, 1])
        XCTAssertEqual(
            frame(ControlRequest.restart(name: "proxy")),
            [1, 2, 0, 0, 7, 0, 0, 0, 5, 0] + Array("proxy".utf8))
    }

    func testNumbers() {
        XCTAssertEqual(read([0x34, 0x12]) { $0.read(UInt16.self) }.value, 0x1234)
        let short = read([1, 2, 3]) { $0.read(UInt32.self) }
        XCTAssertEqual(short.value, 0)
        XCTAssertFalse(short.complete)
        XCTAssertFalse(read([1, 2, 3]) { $0.read(UInt16.self) }.complete, "bytes left over")
        // After a failure nothing is read any more, even what would fit.
        let after = read([7, 8, 9]) { reader in
            _ = reader.read(UInt32.self)
            return reader.read(UInt8.self)
        }
        XCTAssertEqual(after.value, 0)
        XCTAssertFalse(after.complete)
    }

    func testBooleansAreZeroOrOne() {
        for byte in UInt8.min...UInt8.max {
            let (value, complete) = read([byte]) { $0.readBool() }
            XCTAssertEqual(complete, byte <= 1)
            XCTAssertEqual(value, byte == 1)
        }
    }

    func testEnumerationsHaveNoOtherValues() {
        for byte in UInt8.min...UInt8.max {
            XCTAssertEqual(read([byte]) { $0.read(case: Role.self, fallback: .proxy) }.complete, byte <= 7)
            XCTAssertEqual(read([byte]) { $0.read(case: DialPurpose.self, fallback: .decoder) }.complete, byte <= 1)
            XCTAssertEqual(
                read([byte]) { $0.read(case: DialRefusal.self, fallback: .tooMany) }.complete,
                (1...UInt8(DialRefusal.allCases.count)).contains(byte))
        }
    }

    func testTexts() {
        func text(_ bytes: [UInt8], limit: Int = 4) -> String? {
            let (value, complete) = read(bytes) { $0.readText(limit: limit) }
            return complete ? value : nil
        }
        XCTAssertEqual(text([0, 0]), "")
        XCTAssertEqual(text([2, 0, 0x61, 0x62]), "ab")
        XCTAssertEqual(text([4, 0, 0x61, 0x62, 0xC3, 0xA9]), "abé")
        XCTAssertEqual(text([1, 0, 0]), "\0")
        XCTAssertNil(text([]))
        XCTAssertNil(text([1]))
        XCTAssertNil(text([1, 0]), "the text is missing")
        XCTAssertNil(text([2, 0, 0x61]), "a byte is missing")
        XCTAssertNil(text([1, 0, 0x61, 0x62]), "a byte is left over")
        XCTAssertNil(text([5, 0, 0x61, 0x61, 0x61, 0x61, 0x61]), "over the limit")
        XCTAssertNil(text([0xFF, 0xFF, 0x61]))
        XCTAssertNil(text([0, 0], limit: -1))
        for invalid: [UInt8] in [[0xC3], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x80], [0xF8, 0x88, 0x80, 0x80]] {
            XCTAssertNil(text([UInt8(invalid.count), 0] + invalid), "\(invalid) is not UTF-8")
        }
    }

    func testAWriterRemembersWhatDidNotFit() {
        for capacity in 0..<13 {
            var memory = [UInt8](repeating: 0xAA, count: 16)
            memory.withUnsafeMutableBytes { bytes in
                var writer = WireWriter(UnsafeMutableRawBufferPointer(rebasing: bytes[..<capacity]))
                writer.write(UInt64.max)
                writer.write("abc")
                XCTAssertEqual(writer.overflowed, true)
                XCTAssertLessThanOrEqual(writer.count, capacity)
            }
            XCTAssertTrue(memory[capacity...].allSatisfy { $0 == 0xAA })
        }
        var memory = [UInt8](repeating: 0, count: 13)
        memory.withUnsafeMutableBytes { bytes in
            var writer = WireWriter(bytes)
            writer.write(UInt64.max)
            writer.write("abc")
            XCTAssertFalse(writer.overflowed)
            XCTAssertEqual(writer.count, 13)
        }
    }

    func testAMessageThatDoesNotFitIsNotSent() {
        XCTAssertFalse(frame(ControlAnswer.done(text: String(repeating: "x", count: Frame.largestPayload - 2))).isEmpty)
        for count in [Frame.largestPayload - 1, Frame.largestPayload, 65_535, 65_536, 1_000_000] {
            XCTAssertTrue(frame(ControlAnswer.done(text: String(repeating: "x", count: count))).isEmpty, "\(count)")
        }
    }

    func testAPayloadOverTheCapOfItsTypeIsRefusedBeforeItIsRead() {
        XCTAssertEqual(
            decode(header(1, 12_289, descriptors: 0) + [UInt8](repeating: 0, count: 12_289), 0, as: ToChild.self),
            .violation(.tooLong("type 1")))
        let over = Frame.largestPayload + 1
        XCTAssertEqual(
            decode(header(1, over) + [UInt8](repeating: 0, count: over), 0, as: ControlAnswer.self),
            .violation(.wrongLength(declared: over, actual: over)))
        let huge = [Frame.version, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
        XCTAssertEqual(
            decode(huge, 0, as: FromChild.self), .violation(.wrongLength(declared: Int(UInt32.max), actual: 0)))
    }

    func testViolationsSayWhatWasWrong() {
        let texts: [(Frame.Violation, String)] = [
            (.short, "shorter"), (.truncated, "did not fit"), (.wrongVersion(9), "9 instead of 1"),
            (.reservedBits, "reserved"),
            (.wrongLength(declared: 3, actual: 4), "3 bytes, the packet holds 4"), (.unknownType(99), "99"),
            (.tooLong("x"), "'x'"), (.malformed("y"), "'y'"), (.unexpectedDescriptor("z"), "'z'"),
            (.missingDescriptor("v"), "'v' lacks"), (.notAllowed("w"), "'w' is not allowed"),
            (.overdue("x"), "'x' did not come in time"),
        ]
        for (violation, part) in texts { XCTAssertTrue(violation.description.contains(part), violation.description) }
        XCTAssertEqual(Set(texts.map(\.0.description)).count, texts.count)
    }
}
