import XCTest

@testable import Resolver

final class NameTests: XCTestCase {
    private static let label63 = String(repeating: "a", count: 63)
    private static let threeLabels = [label63, label63, label63].joined(separator: ".")

    func testNamesThatMayBeLookedUp() {
        let longest = Self.threeLabels + "." + String(repeating: "b", count: 61)
        XCTAssertEqual(longest.utf8.count, 253)
        let accepted = [
            "a", "prefill-0", "a.b.c", "A.b", "x_y.z", "_tcp.a", "3com.example", "a.1b", "10.0.0.1x", longest,
        ]
        for text in accepted { XCTAssertNotNil(HostName(text), text) }
    }

    func testNamesThatMayNot() {
        let tooLong = Self.threeLabels + "." + String(repeating: "b", count: 62)
        XCTAssertEqual(tooLong.utf8.count, 254)
        let refused = [
            "", ".", "..", "a..b", ".a", "a..", Self.label63 + "a", tooLong, "-a", "a-", "a.-b.c", "a-.b",
            "10.0.0.1", "1", "a.0", "0177.1", "10.0.0.1.", "a b", "a/b", "a\u{0}b", "a:b", "[::1]", "bücher.de", "a%b",
            "a\n", "a\\.b", "*", "*.a",
        ]
        for text in refused { XCTAssertNil(HostName(text), text) }
    }

    func testCaseIsIgnoredAndAClosingDotIsNot() {
        XCTAssertEqual(HostName("Prefill.Example"), HostName("prefill.example"))
        XCTAssertNotEqual(HostName("a.b"), HostName("a.b."))
        XCTAssertEqual(HostName("a.b")?.domain, HostName("a.b.")?.domain)
        XCTAssertEqual(HostName("a.b.")?.isAbsolute, true)
        XCTAssertEqual(HostName("a.b")?.isAbsolute, false)
    }

    func testLabelsOnTheWire() {
        XCTAssertEqual(domain("Ab.c").labels, [2, 0x61, 0x62, 1, 0x63])
        XCTAssertEqual(domain("ab.c").depth, 2)
        XCTAssertEqual(domain("ab.c").description, "ab.c")
        XCTAssertEqual(DomainName(checkedLabels: []).description, ".")
    }

    func testALabelWithADotIsAnotherNameThanTwoLabels() {
        XCTAssertNotEqual(DomainName(checkedLabels: [3, 0x61, 0x2E, 0x62]), domain("a.b"))
    }

    func testASuffixThatMakesTheNameTooLongIsRefused() {
        let long = domain(Self.threeLabels)
        XCTAssertNotNil(long.within(domain(String(repeating: "b", count: 61))))
        XCTAssertNil(long.within(domain(String(repeating: "b", count: 62))))
    }
}
