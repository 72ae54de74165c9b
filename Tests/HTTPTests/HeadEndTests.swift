import TestSupport
import XCTest

@testable import HTTP

/// Finding the end of a head in bytes that arrive piecemeal.
final class HeadEndTests: XCTestCase {
    private func end(_ bytes: [UInt8], from: Int = 0) -> HeadResult {
        let guarded = GuardedBytes(bytes)
        return Head.end(of: guarded.bytes, from: from)
    }

    private func end(_ text: String, from: Int = 0) -> HeadResult { end(latin1(text), from: from) }

    func testWhole() {
        XCTAssertEqual(end(""), .incomplete)
        XCTAssertEqual(end("GET"), .incomplete)
        XCTAssertEqual(end("GET / HTTP/1.1\r\n"), .incomplete)
        XCTAssertEqual(end("GET / HTTP/1.1\r\n\r"), .incomplete)
        XCTAssertEqual(end("GET / HTTP/1.1\r\n\r\n"), .complete(18))
        XCTAssertEqual(end("GET / HTTP/1.1\r\nHost: h\r\n\r\nbody\n\r\n\r\n"), .complete(27))
        XCTAssertEqual(end("x\r\n\r\n"), .complete(5))
    }

    func testLinesThatCanNeverBeValidEndAtOnce() {
        for text in [
            "\n", "\r\n", "\r\n\r\n", "a\n", "a\r\nb\n", "a\r\n\n", "a\r\n\r\r\n\n", "GET / HTTP/1.1\nHost: h",
        ] {
            XCTAssertEqual(end(text), .failed(.malformed), text)
        }
        // A bare CR is the parser's to refuse: more may follow it.
        XCTAssertEqual(end("a\rb"), .incomplete)
        XCTAssertEqual(end("a\r\n\r\r\n"), .incomplete)
    }

    /// However the bytes arrive, the answer is the same, and it comes with the byte that decides it.
    func testEverySplit() {
        for text in [
            "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "x\r\n\r\ny\r\n\r\n", "a\r\nb\n\r\n\r\n", "\r\na", "a\r\n\r\r\n\r\n",
            "aaaaaaaaaaa",
            "01234567890123456789\r\n01234567890123\r\n\r\n",
        ] {
            let bytes = latin1(text)
            let whole = end(bytes)
            for first in 0...bytes.count {
                let one = end(Array(bytes[..<first]))
                if one != .incomplete {
                    XCTAssertEqual(one, whole, "\(text) at \(first)")
                    continue
                }
                for second in first...bytes.count {
                    let two = end(Array(bytes[..<second]), from: first)
                    if two != .incomplete {
                        XCTAssertEqual(two, whole, "\(text) at \(first) and \(second)")
                        continue
                    }
                    XCTAssertEqual(end(bytes, from: second), whole, "\(text) at \(first) and \(second)")
                }
            }
            var from = 0
            var result = HeadResult.incomplete
            while result == .incomplete && from < bytes.count {
                result = end(Array(bytes[..<(from + 1)]), from: from)
                from += 1
            }
            XCTAssertEqual(result, whole, "\(text) byte by byte")
        }
    }

    func testTheLargestHead() {
        func head(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x61, count: count - 4) + latin1("\r\n\r\n") }
        XCTAssertEqual(end(head(HeadLimits.bytes)), .complete(HeadLimits.bytes))
        XCTAssertEqual(end(head(HeadLimits.bytes + 1)), .failed(.tooLarge))
        let endless = [UInt8](repeating: 0x61, count: HeadLimits.bytes + 1)
        XCTAssertEqual(end(Array(endless.dropLast())), .incomplete)
        XCTAssertEqual(end(endless), .failed(.tooLarge))
        XCTAssertEqual(end(endless, from: HeadLimits.bytes), .failed(.tooLarge))
        // What follows a complete head does not count.
        XCTAssertEqual(end(head(100) + endless), .complete(100))
    }

    func testEveryPlaceOfALineEnd() {
        // The search looks at eight bytes at a time; each place within them must be found.
        for place in 0..<40 {
            let bytes =
                [UInt8](repeating: 0x61, count: place + 1) + latin1("\r\n\r\n") + [UInt8](repeating: 0x0B, count: 9)
            XCTAssertEqual(end(bytes), .complete(place + 5))
            XCTAssertEqual(end([UInt8](repeating: 0x8A, count: place) + [0x0A]), .failed(.malformed))
        }
    }
}
