import JSON
import XCTest

@testable import Watcher

final class AnswerTests: XCTestCase {
    private let nesting = ValueReader.Nesting()

    private func page(_ json: String) -> (page: ListPage?, items: Int) {
        var items = 0
        let page = Array(json.utf8).withUnsafeBytes { ListPage($0, nesting) { _ in items += 1 } }
        return (page, items)
    }

    private func line(_ json: String) -> WatchLine.Kind? {
        Array(json.utf8).withUnsafeBytes { WatchLine($0, nesting)?.kind }
    }

    private func refusal(_ status: Int?, _ body: String) -> Failure.Refusal {
        Array(body.utf8).withUnsafeBytes { Failure.Refusal(status: status, $0, nesting) }
    }

    func testAPageHasAVersionAndPerhapsAContinuation() {
        let (last, count) = page(
            #"{"kind":"PodList","metadata":{"resourceVersion":"9","remainingItemCount":3},"items":[{},{"a":[1]}]}"#)
        XCTAssertEqual(last?.version, "9")
        XCTAssertEqual(last?.more, "")
        XCTAssertEqual(count, 2)
        XCTAssertEqual(page(#"{"items":null,"metadata":{"resourceVersion":"9","continue":"x"}}"#).page?.more, "x")
    }

    func testWhatIsNoListIsNotTakenForAnEmptyOne() {
        for body in [
            "", "{}", "[]", "null", #"{"kind":"Status","metadata":{},"code":200}"#, "<html></html>",
            #"{"metadata":{"resourceVersion":"9"},"items":[{}"#, #"{"metadata":{"resourceVersion":"9"},"items":[{},]}"#,
            #"{"metadata":{"resourceVersion":"9"},"items":[]}x"#,
        ] {
            XCTAssertNil(page(body).page, body)
        }
    }

    func testKindsOfLines() {
        let table: [(String, WatchLine.Kind?)] = [
            (#"{"type":"ADDED","object":{}}"#, .present),
            (#"{"object":{},"type":"MODIFIED"}"#, .present),
            (#"{"type":"DELETED","object":{}}"#, .deleted),
            (#"{"type":"BOOKMARK","object":{}}"#, .bookmark),
            (#"{"type":"ERROR","object":{}}"#, .error),
            (#"{"type":"SHINY","object":{}}"#, .other),
            (#"{"type":"ADDED"}"#, nil),
            (#"{"object":{}}"#, nil),
            (#"{"type":"ADDED","object":{}"#, nil),
            (#"{"type":"ADDED","object":{}}{"#, nil),
            ("ADDED", nil),
        ]
        for (json, kind) in table { XCTAssertEqual(line(json), kind, json) }
    }

    func testAStatusIsReadWhereverItComesFrom() {
        let body = """
            {"kind":"Status","status":"Failure","message":"Timeout: Too large resource version: 9, current: 5",
             "reason":"Timeout","details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large"}],
             "retryAfterSeconds":1},"code":504}
            """
        for status in [nil, 504] {
            let refusal = refusal(status, body)
            XCTAssertEqual(refusal.status, 504)
            XCTAssertEqual(refusal.reason, "Timeout")
            XCTAssertEqual(refusal.retryAfter, 1_000)
            XCTAssertTrue(refusal.isVersionTooLarge)
        }
        XCTAssertEqual(refusal(404, "404 page not found\n").message, "404 page not found\n")
        XCTAssertEqual(refusal(500, "").message, "")
        XCTAssertEqual(Failure.refusal(refusal(nil, #"{"code":410,"reason":"Expired"}"#)), .expired)
        XCTAssertEqual(Failure.refusal(refusal(410, "")), .expired)
        XCTAssertLessThanOrEqual(refusal(500, String(repeating: "x", count: 100_000)).message.count, 300)
    }

    func testATokenIsTrimmedAndNeverEmptyOrOddlyMade() throws {
        func token(_ text: String) throws -> String? {
            try withFile(Array(text.utf8)) { fd in
                (try? Secret(reading: fd, longest: 64)).map { String(decoding: $0.bytes, as: UTF8.self) }
            }
        }
        XCTAssertEqual(try token("abc.d-e_f"), "abc.d-e_f")
        XCTAssertEqual(try token(" \t abc\r\n\n"), "abc")
        XCTAssertEqual(try token(String(repeating: "x", count: 64)), String(repeating: "x", count: 64))
        for text in ["", " \n", "a b", "a\nb", "a\0b", "é", String(repeating: "x", count: 65)] {
            XCTAssertNil(try token(text), text)
        }
    }

    func testOneKindOfOutageIsSaidOnceAMinuteAndItsEndOnce() {
        var log = OutageLog()
        XCTAssertTrue(log.failed("refused", now: 0))
        XCTAssertFalse(log.failed("refused", now: 59_999))
        XCTAssertTrue(log.failed("forbidden", now: 59_999))
        XCTAssertTrue(log.failed("refused", now: 60_000))
        XCTAssertEqual(log.recovered(now: 61_000), 61_000)
        XCTAssertNil(log.recovered(now: 62_000))
        for kind in 0..<1_000 { _ = log.failed("kind \(kind)", now: 65_000) }
        XCTAssertFalse(log.failed("one more", now: 65_000))
    }

    func testEachOutageIsSaidAndItsEndUnlessTheyFollowEachOtherClosely() {
        var log = OutageLog()
        for start in [Int64(0), 2_000, 4_000] {
            XCTAssertTrue(log.failed("refused", now: start), "\(start)")
            XCTAssertFalse(log.failed("refused", now: start + 500))
            XCTAssertEqual(log.recovered(now: start + 1_000), 1_000)
        }
        // The fourth within a minute is not, and so on for one that comes and goes all day: three lines, and one a minute.
        XCTAssertFalse(log.failed("refused", now: 6_000))
        XCTAssertNil(log.recovered(now: 7_000))
        var said = 0
        for second in stride(from: Int64(8_000), to: 3_608_000, by: 2_000) {
            if log.failed("refused", now: second) { said += 1 }
            _ = log.recovered(now: second + 1_000)
        }
        XCTAssertEqual(said, 60)
        // Another kind has its own account.
        XCTAssertTrue(log.failed("forbidden", now: 3_608_000))
    }

    func testOneOutageThatLastsIsSaidOnceAMinute() {
        var log = OutageLog()
        var said = 0
        for now in stride(from: Int64(0), to: 600_000, by: 500) where log.failed("refused", now: now) { said += 1 }
        XCTAssertEqual(said, 10)
    }
}
