import XCTest

@testable import JSON

/// An engine hands over the blocks of one prompt, so a body with several must be told from one with a single prompt.
final class SeveralPromptsTests: XCTestCase {
    private func several(_ text: String) -> Bool? {
        var scanner = BodyScanner()
        var body = text
        return body.withUTF8 { bytes in
            scanner.scan(UnsafeRawBufferPointer(bytes), refuseDuplicateEdited: true) == .none
                ? scanner.hasSeveralPrompts : nil
        }
    }

    func testOnePromptIsOne() {
        for prompt in [
            "\"a\"", "[\"a\"]", "[]", "[1]", "[1, 2, 3]", "[[1, 2, 3]]", "null", " [ \"a\" ] ",
            "{\"x\": [\"a\", \"b\"]}",
        ] {
            XCTAssertEqual(several("{\"prompt\": \(prompt), \"max_tokens\": 3}"), false, prompt)
        }
    }

    func testSeveralPromptsAreSeveral() {
        for prompt in [
            "[\"a\", \"b\"]", "[\"\",\"\"]", "[[1], [2]]", "[[1],\"b\"]", " [\n\"a\"\t,\"b\" ]", "[1, \"b\"]",
            "[[], []]",
            "[{}, {}]",
        ] {
            XCTAssertEqual(several("{\"max_tokens\": 3, \"prompt\": \(prompt)}"), true, prompt)
            XCTAssertEqual(several("{\"\\u0070rompt\": \(prompt)}"), true, "escaped name: \(prompt)")
        }
    }

    func testOnlyTheBodysOwnPromptCounts() {
        XCTAssertEqual(several("{\"x\": {\"prompt\": [\"a\", \"b\"]}}"), false)
        XCTAssertEqual(several("{\"prompts\": [\"a\", \"b\"]}"), false)
    }

    func testARepeatedPromptIsTakenAtItsWorst() {
        XCTAssertEqual(several("{\"prompt\": [\"a\", \"b\"], \"prompt\": \"a\"}"), true)
        XCTAssertEqual(several("{\"prompt\": \"a\", \"prompt\": [\"a\", \"b\"]}"), true)
    }

    func testABrokenArrayIsRefused() {
        for prompt in ["[", "[\"a\"", "[\"a\",]", "[,]", "[\"a\" \"b\"]", "[1,]", "[\"a\",\"b\"}", "[\"a\",,\"b\"]"] {
            XCTAssertNil(several("{\"prompt\": \(prompt)}"), prompt)
        }
    }
}
