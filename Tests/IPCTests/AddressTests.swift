import Glibc
import Linux
import TestSupport
import XCTest

/// IP literals: one strict spelling each way. The system's own parser, which is the one a connection would meet, is the
/// second opinion.
final class AddressTests: XCTestCase {
    func testIPv4() {
        for (text, number) in [
            ("0.0.0.0", 0), ("127.0.0.1", 0x7F00_0001), ("255.255.255.255", .max), ("10.20.30.40", 0x0A14_1E28),
            ("1.2.3.4", 0x0102_0304), ("192.168.100.200", 0xC0A8_64C8),
        ] as [(String, UInt32)] {
            XCTAssertEqual(Address.parse(text), Address(v4: number), text)
            XCTAssertEqual(Address(v4: number).description, text)
        }
        for text in [
            "", ".", "1", "1.2", "1.2.3", "1.2.3.", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5", "1..2.3", "1.2.3.256",
            "256.1.1.1",
            "1.2.3.999", "1.2.3.1000", "01.2.3.4", "1.2.3.04", "00.0.0.0", "0x7f.0.0.1", "0177.0.0.1", "2130706433",
            "0x7f000001", "127.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.+4", "1.2.3.-4", "1.2.3.4a", "a.b.c.d", "1,2,3,4",
            "1.2.3.4/8", "1.2.3.4%1", "1.2.3.4:80", "１.2.3.4", "1.2.3.4\0", "1\n.2.3.4", "1.2.3.0x4", "localhost",
        ] { XCTAssertNil(Address.parse(text), text.debugDescription) }
    }

    func testIPv6() {
        for (text, high, low) in [
            ("::", 0, 0), ("::1", 0, 1), ("1::", 0x0001_0000_0000_0000, 0),
            ("2001:db8::1", 0x2001_0DB8_0000_0000, 1),
            ("1:2:3:4:5:6:7:8", 0x0001_0002_0003_0004, 0x0005_0006_0007_0008),
            ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004, 0x0005_0006_0007_0000),
            ("::2:3:4:5:6:7:8", 0x0000_0002_0003_0004, 0x0005_0006_0007_0008),
            ("FFFF:ffff:FfFf:ffff:ffff:ffff:ffff:ffff", .max, .max), ("0001:0:0:0::2", 0x0001_0000_0000_0000, 2),
            ("::ffff:1.2.3.4", 0, 0xFFFF_0102_0304), ("::1.2.3.4", 0, 0x0102_0304),
            ("64:ff9b::1.2.3.4", 0x0064_FF9B_0000_0000, 0x0102_0304),
            ("1:2:3:4:5:6:1.2.3.4", 0x0001_0002_0003_0004, 0x0005_0006_0102_0304),
            ("::ffff:102:304", 0, 0xFFFF_0102_0304),
        ] as [(String, UInt64, UInt64)] { XCTAssertEqual(Address.parse(text), Address(high: high, low: low), text) }
        for text in [
            ":", ":::", "::::", "1", "1:", ":1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
            "::1:2:3:4:5:6:7:8", "1::2::3", "1:::2", "::1:", ":1::", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "12345::",
            "::12345",
            "00001::", "::g", "::-1", "::+1", ":: 1", " ::1", "::1 ", "::1%eth0", "fe80::1%1", "[::1]", "::1/64",
            "::1.2.3",
            "::1.2.3.4.5", "::01.2.3.4", "::256.1.1.1", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
            "::a1.2.3.4",
            "::1.2.3.a", "::ffff:0x7f.0.0.1", "::\0", "1:2:3:4:5:6:7:8 ", "1.2.3.4:5::", "::1]:80", "::.1.2.3",
            "::1.2.3.4.",
        ] { XCTAssertNil(Address.parse(text), text.debugDescription) }
    }

    /// RFC 5952: the longest run of zero groups, the first of equals, never a single one; lower case, no leading zeros.
    func testDescriptions() {
        for (text, expected) in [
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8::0001", "2001:db8::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"), ("0:0:0:0:0:0:0:0", "::"),
            ("0:0:0:0:0:0:0:1", "::1"), ("1:0:0:0:0:0:0:0", "1::"), ("0:1:0:0:0:0:0:0", "0:1::"),
            ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"),
            ("0:0:1:0:0:0:0:0", "0:0:1::"), ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"), ("0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"),
            ("0:2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("::1.2.3.4", "::102:304"), ("fe80::0:1", "fe80::1"),
        ] { XCTAssertEqual(Address.parse(text)?.description, expected, text) }
        XCTAssertEqual(Endpoint(.loopback4, 80).description, "127.0.0.1:80")
        XCTAssertEqual(Endpoint(.loopback6, 65_535).description, "[::1]:65535")
        XCTAssertEqual(Endpoint(Address.any, 0).description, "[::]:0")
    }

    /// What the system's parser takes for an address; nil when it refuses.
    private func system(_ text: String) -> Address? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if text.utf8.contains(0x3A) {
            guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        } else {
            guard inet_pton(AF_INET, text, &bytes) == 1 else { return nil }
            bytes = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes[..<4]
        }
        return bytes.withUnsafeBytes { Address(bytes: $0) }
    }

    func testGeneratedSpellingsAgainstTheSystem() {
        var random = SeededGenerator(seed: 11)
        let parts = [
            "0", "1", "a", "ff", "db8", "2001", "FFFF", ":", ":", ":", "::", ".", "1.2.3.4", "255", "256", "00", "01",
        ]
        var accepted = 0
        for _ in 0..<60_000 {
            var text = ""
            for _ in 0..<(1 + random.below(12)) { text += parts[random.below(parts.count)] }
            let expected = system(text)
            let found = Address.parse(text)
            XCTAssertEqual(found, expected, text)
            if found != nil { accepted += 1 }
        }
        XCTAssertGreaterThan(accepted, 300)
    }

    func testEveryAddressIsReadAsItWasWritten() {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<20_000 {
            // Groups are zero often, so that runs of all lengths come up.
            var halves: [UInt64] = [0, 0]
            for i in 0..<8 where random.below(2) == 0 {
                halves[i / 4] |= UInt64(random.below(65_536)) << UInt64(16 * (i % 4))
            }
            let address = Address(high: halves[0], low: halves[1])
            let text = address.description
            XCTAssertEqual(Address.parse(text), address, text)
            XCTAssertEqual(system(text), address, text)
            var bytes = [UInt8](repeating: 0, count: 16)
            address.withBytes { source in for i in 0..<16 { bytes[i] = source[i] } }
            XCTAssertEqual(bytes.withUnsafeBytes { Address(bytes: $0) }, address)
        }
        for _ in 0..<2000 {
            let address = Address(v4: UInt32(truncatingIfNeeded: random.next()))
            XCTAssertTrue(address.isV4)
            XCTAssertEqual(Address.parse(address.description), address)
        }
    }

    func testTheInterfaceOfAnAddressIsTheOneThatHasIt() throws {
        XCTAssertEqual(Address.loopback4.interface, "lo")
        XCTAssertEqual(Address(v4: 0x7F00_0002).interface, "lo", "no interface's own, but where it leads")
        for text in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1"] {
            XCTAssertNil(try XCTUnwrap(Address.parse(text)).interface, text)
        }
        for address in try Address.ofThisHost() { XCTAssertNotNil(address.interface, "\(address)") }
    }
}
