import HTTP
import XCTest

@testable import Proxy

/// Which bodies must be valid JSON before they go anywhere: all that an engine could read as JSON.
final class BodyKindTests: XCTestCase {
    private func mustBeJSON(_ type: String?, _ body: [UInt8]) -> Bool? {
        let fields = type.map { ["content-type: " + $0] } ?? []
        return parsing(request("POST", "/v1/embeddings", fields)) { head, bytes in
            withBytes(body) { Route.mustBeJSON(head, bytes, body: $0) }
        }
    }

    private func mustBeJSON(_ type: String?, _ body: String) -> Bool? { mustBeJSON(type, Array(body.utf8)) }

    func testABodyWithoutAContentTypeIsHeldToBeJSON() {
        for body in ["{}", "x", "", "----boundary", "%PDF", "12"] { XCTAssertEqual(mustBeJSON(nil, body), true, body) }
    }

    func testABodyThatClaimsToBeJSONMustBe() {
        for type in [
            "application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/problem+json",
            "text/json", "application/x-json", "application/jsonlines", "application/x-ndjson", "json", "xJsOnx/y",
            "application/vnd.api+json;q=1",
        ] {
            XCTAssertEqual(mustBeJSON(type, "not json"), true, type)
        }
    }

    func testJSONInAParameterIsNoClaim() {
        for type in ["text/plain; name=json", "text/plain;json", "multipart/form-data; boundary=json"] {
            XCTAssertEqual(mustBeJSON(type, "not json"), false, type)
        }
    }

    func testWhateverTheTypeAnObjectOrAnArrayMustBeJSON() {
        for type in ["text/plain", "application/octet-stream", "multipart/form-data; boundary=x", "*/*", "x", ""] {
            for body in ["{", "[", "{}", " {", "\t\r\n {\"a\":1}", "\n[1]", "\r[", "{not json", "[----"] {
                XCTAssertEqual(mustBeJSON(type, body), true, "\(type): \(body)")
            }
        }
    }

    func testAByteOrderMarkIsNoWayAround() {
        for mark: [UInt8] in [
            [0xEF, 0xBB, 0xBF], [0xFE, 0xFF], [0xFF, 0xFE], [0xFF, 0xFE, 0, 0], [0, 0, 0xFE, 0xFF],
        ] {
            XCTAssertEqual(mustBeJSON("text/plain", mark + Array("{}".utf8)), true, "\(mark)")
            XCTAssertEqual(mustBeJSON("text/plain", mark), true, "\(mark)")
        }
        for body: [UInt8] in [[0xEF, 0xBB, 0x41, 0x7B], [0, 0, 0xFE, 0x7B], [0, 0, 0xFE], [0, 0xFE, 0xFF, 0x7B]] {
            XCTAssertEqual(mustBeJSON("text/plain", body), false, "\(body)")
        }
    }

    func testUTF16AndUTF32AreNoWayAround() {
        for brace: UInt8 in [0x7B, 0x5B] {
            for body: [UInt8] in [
                [0, brace, 0, 0x7D], [brace, 0, 0x7D, 0], [0, 0, 0, brace], [brace, 0, 0, 0], [0, 0x20, 0, brace],
                [0x20, 0, 0x0A, 0, brace, 0], [0, 0, 0, 0x0A, 0, 0, 0, brace],
            ] {
                XCTAssertEqual(mustBeJSON("text/plain", body), true, "\(body)")
            }
        }
    }

    func testOtherBodiesPassUnread() {
        for type in ["text/plain", "multipart/form-data; boundary=x", "application/octet-stream"] {
            for body in [
                "--x\r\n", "hello {", "RIFF", "\"text\"", "12", "true", "", "   ", "\n\n", "<xml/>", "a[", "\u{FEFE}",
            ] {
                XCTAssertEqual(mustBeJSON(type, body), false, "\(type): \(body)")
            }
        }
    }

    func testTheFirstByteThatIsNoBlankDecidesForAll256() {
        for byte in UInt8.min...UInt8.max {
            let isBlank = [0x00, 0x09, 0x0A, 0x0D, 0x20].contains(byte)
            let opens = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
            XCTAssertEqual(mustBeJSON("text/plain", [0x20, byte, 0x7B]), isBlank || opens, "byte \(byte)")
        }
    }
}
