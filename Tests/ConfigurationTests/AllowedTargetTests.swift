import XCTest

@testable import Configuration

/// The entries of a fixed allowlist: an address and a port, in one strict spelling.
final class AllowedTargetTests: XCTestCase {
    func testAnEntryIsAnAddressAndAPortAndIsShownCanonically() throws {
        for (text, shown) in [
            ("10.0.0.1:80", "10.0.0.1:80"), ("255.255.255.255:65535", "255.255.255.255:65535"),
            ("[2001:db8::1]:8000", "[2001:db8::1]:8000"), ("[2001:DB8:0:0:0:0:0:1]:1", "[2001:db8::1]:1"),
            ("[::1]:1", "[::1]:1"), ("[::ffff:10.0.0.5]:80", "10.0.0.5:80"), ("[::FFFF:a00:5]:80", "10.0.0.5:80"),
        ] {
            let target = try AllowedTarget(parsing: text)
            XCTAssertEqual(target.description, shown, text)
            XCTAssertEqual(try AllowedTarget(parsing: shown), target, text)
        }
    }

    func testWhatIsNoEntryIsRefusedWithAReason() {
        let rows: [(String, [String])] = [
            ("has no port", ["", "10.0.0.1", "localhost"]),
            (
                "does not start with an IPv4 address, or an IPv6 address in brackets",
                [
                    ":80", "localhost:80", "pod-0:80", "2001:db8::1:80", "::1", "[::1]", "[10.0.0.1]:80", "[]:80",
                    "[::1:80", "::1]:80", "[[::1]]:80", "10.0.0.0/8:80", "http://10.0.0.1:80", "10.0.0:80",
                    "010.0.0.1:80", "0x7f.0.0.1:80", "2130706433:80", " 10.0.0.1:80", "10.0.0.1 :80",
                    "user@10.0.0.1:80",
                    "[fe80::1%eth0]:80", "*:80", "10.0.0.1:80:80", "\u{FF11}0.0.0.1:80", "10.0.0.1\0:80",
                ]
            ),
            (
                "has a port that is not a number from 1 to 65535",
                [
                    "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:080", "10.0.0.1:+80", "10.0.0.1:-1",
                    "10.0.0.1: 80", "10.0.0.1:80 ", "10.0.0.1:http", "10.0.0.1:8e1", "10.0.0.1:99999999999999999999",
                    "10.0.0.1:\u{0663}", "[::1]:0", "10.0.0.1:80/", "10.0.0.1:*",
                ]
            ),
        ]
        for (reason, texts) in rows {
            for text in texts {
                XCTAssertThrowsError(try AllowedTarget(parsing: text), text.debugDescription) {
                    XCTAssertEqual($0 as? Unacceptable, Unacceptable(reason), text.debugDescription)
                }
            }
        }
    }

    func testTheFlagTakesAListAndKeepsEachEntryOnce() throws {
        let list = "10.0.0.1:80,10.0.0.2:80,10.0.0.1:80,[::ffff:10.0.0.2]:80,10.0.0.1:81"
        let allow = try parsed([plain, "--enable-ssrf-protection", "--allow=\(list)"]).settings.allow
        XCTAssertEqual(allow.map(\.description), ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:81"])
    }

    func testAMistakeInTheListNamesItsEntry() {
        for (list, part) in [
            ("10.0.0.1:80,", "has an empty entry"), (",10.0.0.1:80", "has an empty entry"), (",", "has an empty entry"),
            ("10.0.0.1:80,,10.0.0.2:80", "has an empty entry"),
            ("10.0.0.1:80,evil", "has the entry \"evil\", which has"),
            ("10.0.0.1:80, 10.0.0.2:80", "has the entry \" 10.0.0.2:80\", which does not start"),
            ("10.0.0.1:0", "has the entry \"10.0.0.1:0\", which has a port"),
        ] {
            assertMistakes([plain, "--enable-ssrf-protection", "--allow=\(list)"], [["--allow=", part]])
        }
    }

    // MARK: Files

    private func entries(_ text: String) throws -> [String] { try parseAllowFile(text).map(\.description) }

    func testAFileHasOneEntryALineWithCommentsAndBlanks() throws {
        XCTAssertEqual(try entries(""), [])
        XCTAssertEqual(try entries("\n\n  \n\t\n# nothing\n"), [])
        XCTAssertEqual(try entries("10.0.0.1:80"), ["10.0.0.1:80"])
        XCTAssertEqual(
            try entries(
                """
                # Workers of the left rack.
                10.0.0.1:8000
                  10.0.0.2:8000\t
                \t[2001:db8::1]:8000 # the one with the new card
                10.0.0.3:8000#no space before
                #10.0.0.4:8000

                10.0.0.1:8001
                """),
            ["10.0.0.1:8000", "10.0.0.2:8000", "[2001:db8::1]:8000", "10.0.0.3:8000", "10.0.0.1:8001"])
    }

    func testAFileWrittenOnWindowsIsTheSameFile() throws {
        let lines = ["# rack", "10.0.0.1:80", "", "  10.0.0.2:80  ", "10.0.0.3:80 # last"]
        let expected = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]
        for end in ["\n", "\r\n"] {
            XCTAssertEqual(try entries(lines.joined(separator: end)), expected, end.debugDescription)
            XCTAssertEqual(try entries(lines.joined(separator: end) + end), expected, end.debugDescription)
        }
        // Line ends of both kinds in one file.
        XCTAssertEqual(try entries("10.0.0.1:80\r\n10.0.0.2:80\n#\r\n10.0.0.3:80"), expected)
    }

    func testAMistakeRefusesTheWholeFileAndNamesItsLine() {
        for (text, mistake) in [
            ("10.0.0.1:80\nevil\n", "line 2: \"evil\" has no port"),
            ("10.0.0.1:80\r\n\r\nevil\r\n10.0.0.2:80", "line 3: \"evil\" has no port"),
            ("# one\n\n10.0.0.1:80,10.0.0.2:80", "line 3: \"10.0.0.1:80,10.0.0.2:80\" does not start"),
            ("10.0.0.1:80 10.0.0.2:80", "line 1: \"10.0.0.1:80 10.0.0.2:80\" does not start"),
            ("10.0.0.1:0", "line 1: \"10.0.0.1:0\" has a port"),
            ("\u{FEFF}10.0.0.1:80", "line 1: "), ("10.0.0.1:80\r10.0.0.2:80", "line 1: "),
            ("10.0.0.1:80\u{2028}10.0.0.2:80", "line 1: "), ("10.0.0.1:80\0", "line 1: "),
            ("10.0.0.1:80 //comment", "line 1: "), ("; 10.0.0.1:80", "line 1: "),
        ] {
            XCTAssertThrowsError(try parseAllowFile(text), text.debugDescription) { error in
                let found = (error as? AllowListMistake)?.text ?? ""
                XCTAssertTrue(found.hasPrefix(mistake), "\(text.debugDescription): \(found)")
                XCTAssertFalse(found.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x2028 }, found)
            }
        }
    }

    func testALineThatIsMuchTooLongIsQuotedInPart() {
        XCTAssertThrowsError(try parseAllowFile(String(repeating: "x", count: 100_000))) { error in
            XCTAssertLessThan((error as? AllowListMistake)?.text.utf8.count ?? .max, 1000)
        }
    }
}
