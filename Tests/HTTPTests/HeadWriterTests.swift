import XCTest

@testable import HTTP

/// Writing heads: numbers, and memory that is too small.
final class HeadWriterTests: XCTestCase {
    private func write(_ capacity: Int, _ body: (inout HeadWriter) -> Void) -> (text: String, overflowed: Bool) {
        // A page of canaries behind the memory shows a byte too many.
        var memory = [UInt8](repeating: 0xAA, count: capacity + 64)
        var overflowed = false
        var count = 0
        memory.withUnsafeMutableBytes { bytes in
            var writer = HeadWriter(UnsafeMutableRawBufferPointer(rebasing: bytes[..<capacity]))
            body(&writer)
            overflowed = writer.overflowed
            count = writer.count
        }
        XCTAssertLessThanOrEqual(count, capacity)
        XCTAssertTrue(memory[count...].allSatisfy { $0 == 0xAA }, "nothing is written behind the count")
        return (latin1(memory[..<count]), overflowed)
    }

    private let numbers: [UInt64] = [
        0, 1, 9, 10, 11, 99, 100, 255, 256, 1023, 65_535, 65_536, 999_999_999, 4_294_967_296, .max / 10, .max - 1, .max,
    ]

    func testNumbers() {
        for number in numbers {
            XCTAssertEqual(write(32) { $0.append(decimal: number) }.text, String(number))
            XCTAssertEqual(write(32) { $0.append(hexadecimal: number) }.text, String(number, radix: 16))
        }
        var value: UInt64 = 1
        for _ in 0..<64 {
            XCTAssertEqual(write(32) { $0.append(hexadecimal: value) }.text, String(value, radix: 16))
            XCTAssertEqual(write(32) { $0.append(decimal: value &- 1) }.text, String(value &- 1))
            value <<= 1
        }
    }

    func testPartsFollowEachOther() {
        let (text, overflowed) = write(64) { writer in
            writer.append("HTTP/1.1 ")
            writer.append(decimal: 200)
            writer.append(" OK\r\n")
            latin1("X: y\r\n").withUnsafeBytes { writer.append($0.baseAddress!, $0.count) }
            writer.append(hexadecimal: 4096)
        }
        XCTAssertEqual(text, "HTTP/1.1 200 OK\r\nX: y\r\n1000")
        XCTAssertFalse(overflowed)
    }

    func testOverflowIsRememberedAndWritesNothing() {
        for number in numbers {
            let digits = String(number)
            XCTAssertFalse(write(digits.utf8.count) { $0.append(decimal: number) }.overflowed)
            let short = write(digits.utf8.count - 1) { $0.append(decimal: number) }
            XCTAssertTrue(short.overflowed)
            XCTAssertEqual(short.text, "")
            let hexadecimal = String(number, radix: 16)
            XCTAssertFalse(write(hexadecimal.utf8.count) { $0.append(hexadecimal: number) }.overflowed)
            XCTAssertTrue(write(hexadecimal.utf8.count - 1) { $0.append(hexadecimal: number) }.overflowed)
        }
        // A part that fits after one that did not must not hide the gap.
        let (text, overflowed) = write(4) { writer in
            writer.append("ab")
            writer.append("cdefg")
            writer.append("h")
        }
        XCTAssertEqual(text, "abh")
        XCTAssertTrue(overflowed)
        XCTAssertFalse(write(3) { $0.append("abc") }.overflowed)
    }
}
