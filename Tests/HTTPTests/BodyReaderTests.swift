import TestSupport
import XCTest

@testable import HTTP

/// How long a body is, by the head before it, and what of the input belongs to it.
final class BodyReaderTests: XCTestCase {
    private func requestFraming(_ lines: String...) -> BodyReader.Framing {
        let guarded = GuardedBytes(
            latin1("POST / HTTP/1.1\r\nHost: h\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"))
        var head = Head()
        XCTAssertNil(head.parseRequest(guarded.bytes))
        return BodyReader.request(head).framing
    }

    private func responseFraming(_ status: Int, _ lines: String..., toHead: Bool = false) -> BodyReader.Framing {
        let guarded = GuardedBytes(latin1("HTTP/1.1 \(status) X\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"))
        var head = Head()
        XCTAssertNil(head.parseResponse(guarded.bytes))
        return BodyReader.response(head, toHead: toHead).framing
    }

    func testRequests() {
        XCTAssertEqual(requestFraming(), .none)
        XCTAssertEqual(requestFraming("Content-Length: 0"), .none)
        XCTAssertEqual(requestFraming("Content-Length: 7"), .length(7))
        XCTAssertEqual(requestFraming("Content-Length: 999999999999999999"), .length(999_999_999_999_999_999))
        XCTAssertEqual(requestFraming("Transfer-Encoding: chunked"), .chunked)
    }

    /// RFC 9112, 6.3: first the statuses without a body, then chunked, then a length, then the end of the connection.
    func testResponses() {
        for status in [100, 101, 103, 199, 204, 304] {
            XCTAssertEqual(responseFraming(status), .none)
            XCTAssertEqual(responseFraming(status, "Content-Length: 5"), .none)
            XCTAssertEqual(responseFraming(status, "Transfer-Encoding: chunked"), .none)
        }
        for status in [200, 201, 205, 206, 301, 303, 305, 400, 404, 500, 599] {
            XCTAssertEqual(responseFraming(status), .untilClose)
            XCTAssertEqual(responseFraming(status, "Content-Length: 5"), .length(5))
            XCTAssertEqual(responseFraming(status, "Content-Length: 0"), .none)
            XCTAssertEqual(responseFraming(status, "Transfer-Encoding: chunked"), .chunked)
            XCTAssertEqual(responseFraming(status, toHead: true), .none)
            XCTAssertEqual(responseFraming(status, "Content-Length: 5", toHead: true), .none)
            XCTAssertEqual(responseFraming(status, "Transfer-Encoding: chunked", toHead: true), .none)
        }
    }

    func testNoBody() {
        var reader = BodyReader(.none)
        XCTAssertTrue(reader.isDone)
        XCTAssertEqual(drain(latin1("next"), &reader), .complete(body: [], used: 0))
    }

    func testLengthAtEverySplit() {
        let input = latin1("hellonext")
        for first in 0...input.count {
            for second in first...input.count {
                var reader = BodyReader(.length(5))
                XCTAssertFalse(reader.isDone)
                XCTAssertEqual(
                    drain(input, cuts: [first, second], &reader), .complete(body: latin1("hello"), used: 5),
                    "cut at \(first) and \(second)")
                XCTAssertTrue(reader.isDone)
            }
        }
        for count in 0..<5 {
            var reader = BodyReader(.length(5))
            XCTAssertEqual(drain(Array(input[..<count]), &reader), .incomplete(body: Array(input[..<count])))
            XCTAssertFalse(reader.isDone)
        }
    }

    func testWhatIsMissing() {
        var reader = BodyReader(.length(5))
        XCTAssertEqual(reader.missing, 5)
        XCTAssertEqual(drain(latin1("abc"), &reader), .incomplete(body: latin1("abc")))
        XCTAssertEqual(reader.missing, 2)
        XCTAssertEqual(drain(latin1("defg"), &reader), .complete(body: latin1("de"), used: 2))
        XCTAssertEqual(reader.missing, 0)
    }

    func testTheLargestLength() {
        var reader = BodyReader(.length(.max))
        XCTAssertEqual(drain(latin1("abc"), &reader), .incomplete(body: latin1("abc")))
        XCTAssertFalse(reader.isDone)
    }

    func testUntilClose() {
        var reader = BodyReader(.untilClose)
        XCTAssertEqual(drain(latin1("abc"), cuts: [0, 1, 1], &reader), .incomplete(body: latin1("abc")))
        XCTAssertEqual(drain([], &reader), .incomplete(body: []))
        XCTAssertFalse(reader.isDone, "only the sender's close ends it")
    }

    func testADoneChunkedBodyStaysDone() {
        var reader = BodyReader(.chunked)
        XCTAssertFalse(reader.isDone)
        XCTAssertEqual(drain(latin1("0\r\n\r\nrest"), &reader), .complete(body: [], used: 5))
        XCTAssertTrue(reader.isDone)
        XCTAssertEqual(drain(latin1("rest"), &reader), .complete(body: [], used: 0))
    }
}
