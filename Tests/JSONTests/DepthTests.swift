import XCTest

@testable import JSON

/// Depth is bounded by a setting, not by the call stack.
final class DepthTests: XCTestCase {
    private func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
        let opening = [UInt8](open.utf8)
        let closing = [UInt8](close.utf8)
        return [UInt8](repeatElement(opening, count: depth).joined()) + [0x31]
            + [UInt8](repeatElement(closing, count: depth).joined())
    }

    func testAsManyBracketsAsAllowedAreAccepted() {
        XCTAssertEqual(scan(nested(512, "[", "]")).fault, .none)
        XCTAssertEqual(scan(nested(512, "{\"a\":", "}")).fault, .none)
        XCTAssertEqual(scan(nested(256, "[{\"a\":", "}]")).fault, .none)
    }

    func testOneBracketMoreIsRefusedAtThatBracket() {
        let scanned = scan(nested(513, "[", "]"))
        XCTAssertEqual(scanned.fault, .tooDeep)
        XCTAssertEqual(scanned.offset, 512)
        XCTAssertEqual(scan(nested(513, "{\"a\":", "}")).fault, .tooDeep)
        XCTAssertEqual(scan(nested(513, "{\"a\":", "}")).offset, 512 * 5)
        XCTAssertEqual(scan(nested(257, "[{\"a\":", "}]")).fault, .tooDeep)
    }

    func testAHundredThousandBracketsAreRefusedOrAcceptedWithoutHarm() {
        XCTAssertEqual(scan(nested(100_000, "[", "]")).fault, .tooDeep)
        XCTAssertEqual(scan([UInt8](repeating: 0x5B, count: 100_000)).fault, .tooDeep)
        XCTAssertEqual(scan(nested(100_000, "[", "]"), maximumDepth: 100_000).fault, .none)
        XCTAssertEqual(scan(nested(100_000, "{\"a\":", "}"), maximumDepth: 100_000).fault, .none)
        XCTAssertEqual(scan([UInt8](repeating: 0x5B, count: 100_000), maximumDepth: 100_000).fault, .syntax)
    }

    func testIndexedPlacesCountLikeEveryOtherContainer() {
        for depth in 1...5 {
            let fits = depth >= 3
            let body = Array(#"{"sampling_params":{"extra_args":{"a":1}}}"#.utf8)
            XCTAssertEqual(scan(body, maximumDepth: depth).fault, fits ? .none : .tooDeep)
            let batch = Array(#"[{"sampling_params":{"extra_args":{"remote_x":[1]}}}]"#.utf8)
            XCTAssertEqual(scan(batch, maximumDepth: depth).fault, depth >= 5 ? .none : .tooDeep)
        }
    }

    func testBracketsOfBothKindsCloseInTheirOrder() {
        // Every pattern of eight nested brackets, closed as opened and with one closing bracket of the wrong kind.
        for pattern in 0..<256 {
            var opening = ""
            var closing: [String] = []
            for bit in 0..<8 {
                let isObject = pattern >> bit & 1 == 1
                opening += isObject ? "{\"a\":" : "["
                closing.insert(isObject ? "}" : "]", at: 0)
            }
            XCTAssertEqual(scan(opening + "1" + closing.joined()).fault, .none)
            for k in 0..<8 {
                var wrong = closing
                wrong[k] = wrong[k] == "}" ? "]" : "}"
                XCTAssertEqual(scan(opening + "1" + wrong.joined()).fault, .syntax)
            }
        }
    }
}
