import XCTest

@testable import Configuration

final class AddressTests: XCTestCase {
    func testAddressesAreSixteenBytesWithIPv4Mapped() throws {
        let v4 = try XCTUnwrap(IPAddress("10.1.2.3"))
        XCTAssertEqual(v4.bytes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3])
        XCTAssertTrue(v4.isV4)
        XCTAssertEqual(IPAddress("::ffff:10.1.2.3"), v4)
        let v6 = try XCTUnwrap(IPAddress("2001:DB8::1"))
        XCTAssertEqual(v6.bytes, [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        XCTAssertFalse(v6.isV4)
    }

    func testTheCanonicalSpellingReadsBackAsTheSame() throws {
        for (text, canonical) in [
            ("127.0.0.1", "127.0.0.1"), ("::FFFF:7f00:1", "127.0.0.1"), ("0:0:0:0:0:0:0:1", "::1"),
            ("2001:0db8:0:0::1", "2001:db8::1"), ("::", "::"), ("0.0.0.0", "0.0.0.0"),
        ] {
            let address = try XCTUnwrap(IPAddress(text))
            XCTAssertEqual(address.description, canonical)
            XCTAssertEqual(IPAddress(canonical), address)
        }
    }

    func testOddSpellingsAreNoAddresses() {
        for text in [
            "", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "256.0.0.1", "1.2.3.4.5", " 1.2.3.4",
            "1.2.3.4 ", "1.2.3.4\n", "[::1]", "fe80::1%eth0", "::1::", "12345::", "localhost", "1.2.3.4/8",
            "1.2.3.4\0x",
        ] {
            XCTAssertNil(IPAddress(text), text)
        }
    }

    func testKindsOfAddressesAreTold() throws {
        func address(_ text: String) throws -> IPAddress { try XCTUnwrap(IPAddress(text), text) }
        for text in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"] {
            XCTAssertTrue(try address(text).isLoopback)
        }
        for text in ["128.0.0.1", "::2", "::", "126.0.0.1"] { XCTAssertFalse(try address(text).isLoopback) }
        for text in ["0.0.0.0", "::"] { XCTAssertTrue(try address(text).isUnspecified) }
        for text in ["0.0.0.1", "::1"] { XCTAssertFalse(try address(text).isUnspecified) }
        for text in ["224.0.0.1", "239.1.1.1", "ff02::1"] { XCTAssertTrue(try address(text).isMulticast) }
        for text in ["223.0.0.1", "240.0.0.1", "fe80::1"] { XCTAssertFalse(try address(text).isMulticast) }
    }

    func testMaskingClearsWhatFollowsThePrefix() throws {
        let all = IPAddress(high: .max, low: .max)
        for length in 0...128 {
            let masked = all.masked(to: length)
            XCTAssertEqual(masked.high.nonzeroBitCount + masked.low.nonzeroBitCount, length)
            XCTAssertEqual(masked.high.leadingZeroBitCount, length == 0 ? 64 : 0)
        }
    }

    func testDeniedTargetsAreReadInEverySpelling() throws {
        for (text, network, prefix, port, canonical) in [
            ("10.0.0.1", "10.0.0.1", 128, UInt16(0), "10.0.0.1"),
            ("10.0.0.1:443", "10.0.0.1", 128, 443, "10.0.0.1:443"),
            ("10.0.0.0/8", "10.0.0.0", 104, 0, "10.0.0.0/8"),
            ("10.0.0.0/8:443", "10.0.0.0", 104, 443, "10.0.0.0/8:443"),
            ("0.0.0.0/0", "0.0.0.0", 96, 0, "0.0.0.0/0"),
            ("2001:db8::1", "2001:db8::1", 128, 0, "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::", 32, 0, "2001:db8::/32"),
            ("[2001:db8::1]", "2001:db8::1", 128, 0, "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1", 128, 443, "[2001:db8::1]:443"),
            ("[2001:db8::]/32:443", "2001:db8::", 32, 443, "[2001:db8::]/32:443"),
            ("::ffff:10.0.0.0/104", "10.0.0.0", 104, 0, "10.0.0.0/8"),
            ("::/0", "::", 0, 0, "::/0"),
        ] {
            let target = try DeniedTarget(parsing: text)
            XCTAssertEqual(target.network, IPAddress(network), text)
            XCTAssertEqual(target.prefixLength, prefix, text)
            XCTAssertEqual(target.port, port, text)
            XCTAssertEqual(target.description, canonical, text)
            XCTAssertEqual(try DeniedTarget(parsing: canonical), target, text)
        }
    }

    func testWhatIsNoDeniedTargetIsRefused() {
        for text in [
            "", "name", "name:80", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.1:",
            "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:80:80", "[10.0.0.1]:80", "[::1", "::1]", "[::1]x", "[::1]80",
            "2001:db8::/32:443", "2001:db8::1/32", "::/129", "10.0.0.0/8/8", "10.0.0.0:80/8", "[]", "[]:80",
            "10.0.0.1x",
        ] {
            XCTAssertThrowsError(try DeniedTarget(parsing: text), text)
        }
    }

    func testADeniedTargetCoversItsNetworkAndPort() throws {
        func covers(_ target: String, _ address: String, _ port: UInt16) throws -> Bool {
            try DeniedTarget(parsing: target).covers(try XCTUnwrap(IPAddress(address)), port: port)
        }
        XCTAssertTrue(try covers("10.0.0.0/8", "10.255.0.1", 1))
        XCTAssertTrue(try covers("10.0.0.0/8", "::ffff:10.255.0.1", 1))
        XCTAssertFalse(try covers("10.0.0.0/8", "11.0.0.0", 1))
        XCTAssertTrue(try covers("10.0.0.1:443", "10.0.0.1", 443))
        XCTAssertFalse(try covers("10.0.0.1:443", "10.0.0.1", 80))
        XCTAssertTrue(try covers("0.0.0.0/0", "1.2.3.4", 1))
        XCTAssertFalse(try covers("0.0.0.0/0", "2001:db8::1", 1))
        XCTAssertTrue(try covers("::/0", "1.2.3.4", 1))
        XCTAssertTrue(try covers("2001:db8::/33", "2001:db8:7fff::1", 1))
        XCTAssertFalse(try covers("2001:db8::/33", "2001:db8:8000::1", 1))
    }

    func testTheListOfDeniedTargetsIsCommaSeparatedWithoutRepetitions() throws {
        let settings = try parsed([plain, "--deny", "10.0.0.0/8,[::1]:80,10.0.0.0/8,::ffff:10.0.0.0/104"]).settings
        XCTAssertEqual(settings.deny, ["10.0.0.0/8", "[::1]:80"])
        XCTAssertEqual(settings.denied.map(\.port), [0, 80])
        XCTAssertEqual(try parsed([plain, "--deny="]).settings.denied, [])
        assertMistakes([plain, "--deny=10.0.0.1,,10.0.0.2"], [["empty entry"]])
        assertMistakes([plain, "--deny=10.0.0.2,10.0.0.1/8"], [["\"10.0.0.1/8\"", "write 10.0.0.0/8"]])
        let many = (0..<257).map { "10.0.\($0 / 256).\($0 % 256)" }
        XCTAssertEqual(
            try parsed([plain, "--deny=\(many.dropLast().joined(separator: ","))"]).settings.denied.count, 256)
        assertMistakes([plain, "--deny=\(many.joined(separator: ","))"], [["257 entries, and 256 are the most"]])
    }
}
