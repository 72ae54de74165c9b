import TestSupport
import XCTest

@testable import JSON

/// The decoder's cached-token count becomes the prefiller's.
final class UsageRewriterTests: XCTestCase {
    private func rewrite(_ object: String, _ count: Int = 17) -> String? {
        let memory = GuardedBytes(Array(object.utf8))
        var rewriter = UsageRewriter()
        var list = PieceList()
        let planned = rewriter.plan(memory.bytes, cachedTokens: count, into: &list)
        if !planned { XCTAssertEqual(list.count, 0) }
        return planned ? String(decoding: joined(list), as: UTF8.self) : nil
    }

    func testTheCountIsSetWhereverItBelongs() {
        let cases = [
            (#"{"usage":{}}"#, #"{"usage":{"prompt_tokens_details":{"cached_tokens":17}}}"#),
            (#"{"usage":{"a":1}}"#, #"{"usage":{"a":1,"prompt_tokens_details":{"cached_tokens":17}}}"#),
            (
                #"{"usage":{"prompt_tokens_details":null,"b":2}}"#,
                #"{"usage":{"prompt_tokens_details":{"cached_tokens":17},"b":2}}"#
            ),
            (#"{"usage":{"prompt_tokens_details":{}}}"#, #"{"usage":{"prompt_tokens_details":{"cached_tokens":17}}}"#),
            (
                #"{"usage":{"prompt_tokens_details": 5 }}"#,
                #"{"usage":{"prompt_tokens_details": {"cached_tokens":17} }}"#
            ),
            (
                #"{"usage":{"prompt_tokens_details":{"audio_tokens":3}}}"#,
                #"{"usage":{"prompt_tokens_details":{"audio_tokens":3,"cached_tokens":17}}}"#
            ),
            (
                #"{"id":1,"usage" : {"prompt_tokens_details" : {"cached_tokens" : 999999 , "x":[1]}},"z":[]}"#,
                #"{"id":1,"usage" : {"prompt_tokens_details" : {"cached_tokens" : 17 , "x":[1]}},"z":[]}"#
            ),
            (
                #"{"usage":{"prompt_tokens_details":{"cached_tokens":null}}}"#,
                #"{"usage":{"prompt_tokens_details":{"cached_tokens":17}}}"#
            ),
            (
                #"{"\u0075sage":{"prompt_tokens_details":{"cached_token\u0073":"x"}}} "#,
                #"{"\u0075sage":{"prompt_tokens_details":{"cached_token\u0073":17}}} "#
            ),
            (
                #"{"choices":[],"usage":{"prompt_tokens_details":{"cached_tokens":17}}}"#,
                #"{"choices":[],"usage":{"prompt_tokens_details":{"cached_tokens":17}}}"#
            ),
        ]
        for (before, after) in cases {
            XCTAssertEqual(rewrite(before), after)
        }
    }

    func testWithoutAUsageObjectThereIsNothingToRewrite() {
        for object in [
            "", "[DONE]", "null", "[]", "{}", #"{"usage":null}"#, #"{"usage":1}"#, #"{"usage":[{}]}"#,
            #"{"a":{"usage":{}}}"#,
            #"[{"usage":{}}]"#, #"{"usage":{}"#, #"{"usage":{}}x"#, #"{"usage":{"a":}}"#, #"{"usage":{},}"#,
            #"{"usage":{"a":1,}}"#,
            #"{"usage":{"prompt_tokens_details":{"a"}}}"#, #"{"usage":{},"usage":null}"#,
        ] {
            XCTAssertNil(rewrite(object), object)
        }
    }

    func testOfSeveralTheLastIsSet() {
        XCTAssertEqual(
            rewrite(#"{"usage":{"prompt_tokens_details":{"cached_tokens":1}},"usage":{}}"#),
            #"{"usage":{"prompt_tokens_details":{"cached_tokens":1}},"usage":{"prompt_tokens_details":{"cached_tokens":17}}}"#
        )
        XCTAssertEqual(
            rewrite(
                #"{"usage":null,"usage":{"prompt_tokens_details":{"cached_tokens":1},"prompt_tokens_details":null}}"#),
            #"{"usage":null,"usage":{"prompt_tokens_details":{"cached_tokens":1},"prompt_tokens_details":{"cached_tokens":17}}}"#
        )
        XCTAssertEqual(
            rewrite(#"{"usage":{"prompt_tokens_details":{"cached_tokens":1,"cached_tokens":2}}}"#),
            #"{"usage":{"prompt_tokens_details":{"cached_tokens":1,"cached_tokens":17}}}"#)
    }

    func testNumbersOfEverySize() {
        for (count, text) in [
            (0, "0"), (9, "9"), (10, "10"), (131072, "131072"), (-5, "0"), (Int.max, "9223372036854775807"),
        ] {
            XCTAssertEqual(
                rewrite(#"{"usage":{}}"#, count), #"{"usage":{"prompt_tokens_details":{"cached_tokens":\#(text)}}}"#)
        }
    }

    func testARewriterCanBeUsedAgain() {
        var rewriter = UsageRewriter()
        var list = PieceList()
        let memory = GuardedBytes(Array(#"{"usage":{}}"#.utf8))
        for count in [123_456_789, 7] {
            list.removeAll()
            XCTAssertTrue(list.append("data: "))
            XCTAssertTrue(rewriter.plan(memory.bytes, cachedTokens: count, into: &list))
            XCTAssertEqual(
                String(decoding: joined(list), as: UTF8.self),
                #"data: {"usage":{"prompt_tokens_details":{"cached_tokens":\#(count)}}}"#)
        }
        var small = PieceList(capacity: 2)
        XCTAssertTrue(small.append("x"))
        XCTAssertFalse(rewriter.plan(memory.bytes, cachedTokens: 1, into: &small))
        XCTAssertEqual(joined(small), Array("x".utf8))
    }

    func testTheCheapTestSeesTheWordAtEveryOffset() {
        func might(_ text: String) -> Bool {
            let memory = GuardedBytes(Array(text.utf8))
            return withExtendedLifetime(memory) { UsageRewriter.mightContainUsage(memory.bytes) }
        }
        for before in 0..<40 {
            for after in 0..<12 {
                let text = String(repeating: "u", count: before) + "\"usage\"" + String(repeating: "e", count: after)
                XCTAssertTrue(might(text), text)
                XCTAssertFalse(might(text.replacing("usage", with: "usagE")), text)
                XCTAssertFalse(might(text.replacing("\"usage", with: "usage")), text)
                XCTAssertFalse(might(text.replacing("usage\"", with: "usage")), text)
            }
        }
        for text in ["", "\"", "\"usage", "usage\"", "\"usa\"usag sage age\"", "\"usag\"usage"] {
            XCTAssertFalse(might(text), text)
        }
        XCTAssertTrue(might("\"usa\"usage\""))
        XCTAssertFalse(UsageRewriter.mightContainUsage(UnsafeRawBufferPointer(start: nil, count: 0)))
    }
}
