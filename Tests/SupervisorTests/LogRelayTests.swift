import IPC
import Linux
import TestSupport
import XCTest

@testable import Supervisor

/// Lines of children become JSON, whatever a child that was taken over writes into them.
final class LogRelayTests: XCTestCase {
    private func line(_ level: String, _ rest: String) -> String {
        #"{"level":"\#(level)","component":"proxy","pid":42,"message":\#(rest)}"#
    }

    func testTheLetterInFrontIsTheLevel() {
        for (letter, name) in [("E", "error"), ("W", "warning"), ("I", "info"), ("D", "debug"), ("T", "trace")] {
            XCTAssertEqual(relayed("\(letter) it happened"), [line(name, #""it happened""#)])
        }
    }

    func testALineWithoutALevelIsAnErrorAndKeptWhole() {
        for text in ["", "x", "E", "Ehello", "X hello", "e hello", "Fatal error: Index out of range", " E x", "EE x"] {
            XCTAssertEqual(relayed(text), [line("error", "\"\(text)\"")], text)
        }
        XCTAssertEqual(relayed("E "), [line("error", "\"\"")])
    }

    func testComponentAndPidAreTheSupervisorsOwnKnowledge() {
        XCTAssertEqual(
            relayed("W x", role: .dialer), [#"{"level":"warning","component":"dialer","pid":42,"message":"x"}"#])
        XCTAssertEqual(
            relayed("W x", role: .admin), [#"{"level":"warning","component":"admin","pid":42,"message":"x"}"#])
    }

    func testFieldsStandBehindTabs() {
        XCTAssertEqual(
            relayed("I done\tcount=3\tpath=/a=b\tempty=\tx_1=ü"),
            [line("info", #""done","count":"3","path":"/a=b","empty":"","x_1":"ü""#)])
    }

    func testForgedFieldsAreDropped() {
        let names = [
            "time", "level", "component", "pid", "message", "", "Level", "LEVEL", "a-b", "a.b", "a b", "a\"b", "ü",
            "a\u{0}",
            String(repeating: "a", count: 33),
        ]
        for name in names {
            XCTAssertEqual(relayed("I x\t\(name)=forged\tgood=1"), [line("info", #""x","good":"1""#)], name)
        }
        let longest = String(repeating: "a", count: 32)
        XCTAssertEqual(relayed("I x\t\(longest)=1"), [line("info", #""x","\#(longest)":"1""#)])
        XCTAssertEqual(relayed("I x\tno field\tgood=1\t"), [line("info", #""x","good":"1""#)])
    }

    func testQuotesCannotEndTheMessage() {
        XCTAssertEqual(
            relayed(#"I x","level":"error","a":"\"#), [line("info", #""x\",\"level\":\"error\",\"a\":\"\\""#)])
        XCTAssertEqual(relayed("I x\tf=\"},{\""), [line("info", #""x","f":"\"},{\"""#)])
    }

    func testControlCharactersAreEscaped() {
        for value in Array(UInt8(0)...0x1F) + [0x7F] where value != 0x09 && value != 0x0A {
            let digits = (value < 16 ? "000" : "00") + String(value, radix: 16)
            XCTAssertEqual(
                relayed([0x49, 0x20, 0x61, value, 0x62]), [line("info", #""a\u\#(digits)b""#)], "byte \(value)")
            XCTAssertEqual(
                relayed(Array("I x\tf=".utf8) + [value]), [line("info", #""x","f":"\u\#(digits)""#)], "byte \(value)")
        }
        XCTAssertEqual(relayed("I a\u{2028}b\u{2029}c"), [line("info", #""a\u2028b\u2029c""#)])
    }

    func testBytesThatAreNoUTF8AreReplaced() {
        for bad: [UInt8] in [[0xFF], [0x80], [0xC0], [0xE2, 0x82], [0xF0, 0x9F, 0x98]] {
            let out = relayed(Array("I a".utf8) + bad + Array("b".utf8))
            XCTAssertEqual(out.count, 1)
            XCTAssertTrue(isJSONObject(out.first ?? ""), "\(bad): \(out)")
            XCTAssertTrue(out.first?.contains("\u{FFFD}") ?? false, "\(bad): \(out)")
        }
        XCTAssertEqual(relayed(Array("I x\tf".utf8) + [0xFF, 0x3D, 0x31]), [line("info", #""x""#)])
    }

    func testWhatIsLighterThanTheLevelIsNotWritten() {
        let letters = ["E", "W", "I", "D", "T"]
        for (i, level) in [ChildLog.Level.error, .warning, .info, .debug, .trace].enumerated() {
            for (j, letter) in letters.enumerated() {
                XCTAssertEqual(relayed("\(letter) x", level: level).isEmpty, j > i, "\(letter) at \(level)")
            }
        }
        // Without a level it is an error, which is never held back.
        XCTAssertEqual(relayed("no level", level: .error).count, 1)
    }

    func testAnOverlongLineIsCutAndStaysAnObject() {
        let long = String(repeating: "m", count: 10_000)
        for text in ["I \(long)", long, "I x\tf=\(long)\tg=\(long)\th=\(long)", "I \(long)\tf=\(long)\tg=1"] {
            let out = relayed(text)
            XCTAssertEqual(out.count, 1)
            XCTAssertTrue(isJSONObject(out.first ?? ""))
            XCTAssertLessThan(out.first?.utf8.count ?? .max, ChildLog.longestLine)
        }
        let escapes = String(repeating: "\u{1}", count: 4000)
        XCTAssertTrue(isJSONObject(relayed("I \(escapes)\tf=\(escapes)\tg=\(escapes)").first ?? ""))
    }

    func testEmptyAndManyFieldsAreBounded() {
        let many = (0..<1000).map { "f\($0)=\($0)" }.joined(separator: "\t")
        let out = relayed("I x\t\(many)")
        XCTAssertEqual(out.count, 1)
        XCTAssertTrue(isJSONObject(out.first ?? ""))
        XCTAssertTrue(out.first?.contains(#""f14":"14""#) ?? false)
        XCTAssertFalse(out.first?.contains(#""f17""#) ?? true)
    }

    func testRandomBytesAlwaysBecomeOneObjectOnOneLine() {
        var generator = SeededGenerator(seed: 12)
        let favourites: [UInt8] = Array("EWIDT \t=\"\\{}:,abc_09".utf8) + [0, 0x1B, 0x7F, 0xE2, 0x80, 0xA8, 0xFF]
        for _ in 0..<3000 {
            let length = Int.random(in: 0...Int.random(in: 1...4096, using: &generator), using: &generator)
            let bytes = (0..<length).map { _ in
                let random = generator.next()
                let byte = random & 1 == 0 ? favourites[Int(random >> 8) % favourites.count] : UInt8(random >> 8 & 0xFF)
                return byte == 0x0A ? 0x20 : byte
            }
            let out = relayed(bytes)
            XCTAssertEqual(out.count, 1)
            XCTAssertTrue(isJSONObject(out.first ?? ""), "\(bytes)")
            XCTAssertTrue(out.first?.contains(#""component":"proxy","pid":42,"message":"#) ?? false)
        }
    }

    func testLinesOfOurOwnAreEscapedToo() {
        let out = lines(
            standardError {
                var sink = LogSink(level: .info)
                sink.write(.info, "a\nb", [("k", "\"v\"")])
                sink.write(.debug, "not this one")
            })
        XCTAssertEqual(
            out, [#"{"level":"info","component":"supervisor","pid":\#(processID()),"message":"a\u000ab","k":"\"v\""}"#])
    }
}
