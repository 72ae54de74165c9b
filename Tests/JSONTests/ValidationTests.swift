import TestSupport
import XCTest

@testable import JSON

/// RFC 8259, to the letter.
final class ValidationTests: XCTestCase {
    /// Every text here is refused as `syntax`, at the offset given.
    private let malformed: [(String, Int)] = [
        ("", 0), (" ", 1), ("\n\t", 2), ("{", 1), ("}", 0), ("[", 1), ("]", 0), (",", 0), (":", 0), ("\"", 1),
        ("{]", 1), ("[}", 1), ("[1}", 2), ("{\"a\":1]", 6), ("{\"a\"", 4), ("{\"a\":", 5), ("{\"a\":1", 6),
        ("{\"a\":1,", 7), ("{\"a\":1,}", 7), ("{,}", 1), ("{\"a\" 1}", 5), ("{\"a\":}", 5), ("{\"a\":1 \"b\":2}", 7),
        ("{a:1}", 1), ("{'a':1}", 1), ("{1:1}", 1), ("{null:1}", 1), ("{\"a\":1,,\"b\":2}", 7), ("{\"a\"::1}", 5),
        ("[1,]", 3), ("[,1]", 1), ("[1,,2]", 3), ("[1 2]", 3), ("[1", 2), ("[1,", 3), ("[[1]", 4), ("[1]]", 3),
        ("{}{}", 2), ("{} x", 3), ("1 2", 2), ("nul", 0), ("nulL", 0), ("nullx", 4), ("tru", 0), ("truE", 0),
        ("True", 0), ("fals", 0), ("falsy", 0), ("undefined", 0), ("NaN", 0), ("Infinity", 0), ("-Infinity", 1),
        ("01", 1), ("-01", 2), ("00", 1), ("-", 1), ("+1", 0), (".5", 0), ("1.", 2), ("-.5", 1), ("1.e5", 2),
        ("1e", 2), ("1e+", 3), ("1E-", 3), ("1.5e", 4), ("0x10", 1), ("1_000", 1), ("1,5", 1), ("--1", 1), ("1e5.5", 3),
        ("0.5.5", 3), ("\"abc", 4), ("\"abc\\\"", 6), ("\"\\", 1), ("\"\\u0041", 7), ("\"\\x41\"", 1), ("\"\\u\"", 1),
        ("\"\\u12\"", 1), ("\"\\u123\"", 1), ("\"\\u123g\"", 1), ("\"\\U0041\"", 1), ("\"\\'\"", 1), ("\"\\0\"", 1),
        ("\"\\u 123\"", 1), ("\"\\u+123\"", 1), ("\"a\nb\"", 2), ("\"\t\"", 1), ("\"\u{1}\"", 1), ("\"\u{1f}\"", 1),
        ("'a'", 0), ("// x\n1", 0), ("/* */1", 0), ("1 // x", 2), ("\u{FEFF}{}", 0), ("{}\u{FEFF}", 2),
        ("\u{A0}1", 0), ("\u{2028}1", 0), ("\u{B}1", 0), ("\u{C}1", 0), ("{\"a\":\u{7F}1}", 5), ("[\"a\",\n4\n,1,", 11),
        ("{\"a\":1}\0", 7), ("\0", 0), ("[1]\0\0", 3), ("{\"a\":tru}", 5), ("[-]", 2), ("[1.]", 3), ("[2e]", 3),
    ]

    func testMalformedTextsAreRefusedWhereTheyGoWrong() {
        XCTAssertGreaterThanOrEqual(malformed.count, 60)
        for (text, offset) in malformed {
            let scanned = scan(text)
            XCTAssertEqual(scanned.fault, .syntax, text)
            XCTAssertEqual(scanned.offset, offset, text)
            XCTAssertEqual(scanned.member, "", text)
            XCTAssertThrowsError(try ReferenceParser.parse(Array(text.utf8)), text)
        }
    }

    func testMalformedTextsAreRefusedInsideEveryIndexedPlace() {
        let wrappers = [
            ("[", "]"), ("{\"a\":", "}"), ("{\"vllm_xargs\":", "}"), ("{\"kv_transfer_params\":", "}"),
            ("{\"sampling_params\":{\"extra_args\":", "}}"), ("[{\"extra_args\":{\"remote_x\":", "}}]"),
        ]
        for (text, _) in malformed {
            for (before, after) in wrappers {
                let whole = before + text + after
                // A few of the texts become sound by what follows them ("1,5" in a list).
                let sound = (try? ReferenceParser.parse(Array(whole.utf8))) != nil
                XCTAssertEqual(scan(whole).fault == .none, sound, whole)
            }
        }
    }

    func testEveryPrefixOfATextIsRefused() {
        let text = Array(
            #"  {"model":"m\u00e9\n","n":-1.5e+10,"f":[true,false,null,{"k":"日本 😀"}],"vllm_xargs":{"a":{}}}"#.utf8)
        XCTAssertEqual(scan(text).fault, .none)
        for length in 0..<text.count {
            let scanned = scan(Array(text[..<length]))
            XCTAssertNotEqual(scanned.fault, .none, "\(length)")
            XCTAssertLessThanOrEqual(scanned.offset, length)
        }
    }

    func testWellFormedTextsAreAccepted() {
        let texts = [
            "0", "-0", "1", "-1", "10", "0.0", "-0.0", "1.5", "0e0", "1e5", "1E5", "1e+5", "1e-05", "1.25E-007",
            "123456789012345678901234567890", "1e999999", "\"\"", "\"a\"", "null", "true", "false", "[]", "{}",
            " [ ] ", " { } ", "[[]]", "[{}]", "{\"\":\"\"}", "\r\n\t {\r\n\t \"a\" \r\n\t : 1 }\r\n\t ",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uFFFF\\uabcd\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud83d\\ude00\"",
            "\"\\udc00\\ud800\"", "\"\u{7F}\"", "\"'\"", "[1,2 , 3\n]", "{\"a\":1,\"a\":2}", "[{\"a\":[{\"a\":[]}]}]",
        ]
        for text in texts {
            XCTAssertEqual(scan(text).fault, .none, text)
            XCTAssertNoThrow(try ReferenceParser.parse(Array(text.utf8)), text)
        }
    }

    func testEveryControlCharacterInAStringIsRefusedAndEveryOtherByteOfASCIIIsNot() {
        for byte in UInt8(0)..<0x80 where byte != 0x22 && byte != 0x5C {
            // At every place of a word, and in the tail after the last word.
            for before in 0..<40 {
                let filler = [UInt8](repeating: 0x61, count: before)
                let body = [0x22] + filler + [byte] + [UInt8](repeating: 0x61, count: 40 - before) + [0x22]
                XCTAssertEqual(scan(body).fault, byte < 0x20 ? .syntax : .none, "\(byte) after \(before)")
                if byte < 0x20 { XCTAssertEqual(scan(body).offset, 1 + before) }
            }
        }
    }

    func testQuotesAndBackslashesAreSeenAtEveryPlaceOfAWord() {
        for before in 0..<80 {
            for after in [0, 1, 3, 8, 70] {
                let a = String(repeating: "a", count: before)
                let b = String(repeating: "~", count: after)
                XCTAssertEqual(scan("\"\(a)\\\"\(b)\"").fault, .none)
                XCTAssertEqual(scan("\"\(a)\\\\\(b)\"").fault, .none)
                XCTAssertEqual(scan("\"\(a)\"\(b)\"").offset, before + 2)
                XCTAssertEqual(scan("\"\(a)\\q\(b)\"").offset, before + 1)
                XCTAssertEqual(scan("\"\(a)\\u00e9\\n\\t\(b)\"").fault, .none)
            }
        }
    }

    func testWhiteSpaceOfAnyLengthIsSkipped() {
        for count in 0..<70 {
            for space in [" ", "\n", "\t", "\r", " \n"] {
                let blank = String(repeating: space, count: count)
                let text =
                    "\(blank){\(blank)\"a\"\(blank):\(blank)[\(blank)1\(blank),\(blank)2\(blank)]\(blank)}\(blank)"
                XCTAssertEqual(scan(text).fault, .none, text)
                XCTAssertEqual(scan(text + "x").offset, text.utf8.count)
            }
        }
    }

    func testTheTopLevelKindIsTold() {
        XCTAssertTrue(scan(" {} ").isObject)
        XCTAssertTrue(scan("{}").isContainer)
        XCTAssertFalse(scan("[{}]").isObject)
        XCTAssertTrue(scan("[]").isContainer)
        for text in ["1", "null", "\"{}\"", "true"] {
            XCTAssertFalse(scan(text).isObject)
            XCTAssertFalse(scan(text).isContainer)
        }
    }

    func testABodyOfFourGibibytesIsRefusedUnread() {
        let small = GuardedBytes([0x31])
        var scanner = BodyScanner()
        let claimed = UnsafeRawBufferPointer(start: small.bytes.baseAddress, count: Int(UInt32.max))
        XCTAssertEqual(scanner.scan(claimed, refuseDuplicateEdited: false), .syntax)
        XCTAssertEqual(
            scanner.scan(UnsafeRawBufferPointer(start: nil, count: 0), refuseDuplicateEdited: false), .syntax)
    }

    func testAFaultLeavesNothingToPlan() {
        var scanner = BodyScanner()
        var list = PieceList()
        let good = GuardedBytes(Array(#"{"stream":true,"remote_x":1}"#.utf8))
        let bad = GuardedBytes(Array(#"{"stream":true,"remote_x":1]"#.utf8))
        guard let address = bad.bytes.baseAddress else { return XCTFail("no memory") }
        XCTAssertEqual(scanner.scan(good.bytes, refuseDuplicateEdited: true), .none)
        XCTAssertEqual(scanner.scan(bad.bytes, refuseDuplicateEdited: true), .syntax)
        XCTAssertEqual(scanner.hostileCount, 0)
        XCTAssertFalse(scanner.isObject)
        XCTAssertFalse(scanner.wantsStream)
        XCTAssertFalse(scanner.planPassThrough(address, into: &list))
        XCTAssertFalse(scanner.planPrefill(address, into: &list))
        XCTAssertFalse(scanner.planDecode(address, handoff: nil, into: &list))
        XCTAssertNil(scanner.decodePlan())
        XCTAssertEqual(list.count, 0)
    }
}
