import TestSupport
import XCTest

@testable import HTTP

/// Chunked coding: what is accepted, every way to break it, the bounds, and every way the bytes can arrive.
final class ChunkDecoderTests: XCTestCase {
    private func complete(_ text: String, _ used: Int) -> ReferenceChunks.Outcome {
        .complete(body: latin1(text), used: used)
    }

    func testAccepted() {
        for (text, body) in [
            ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"),
            ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
            ("0005\r\nhello\r\n000\r\n\r\n", "hello"), ("000000000000005\r\nhello\r\n000000000000000\r\n\r\n", "hello"),
            // Data may hold anything, line ends and what looks like the end of the body too.
            ("7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n\r\n"), ("1\r\n\0\r\n0\r\n\r\n", "\0"),
            ("1;a=b\r\nx\r\n0;c\r\n\r\n", "x"), ("1;\r\nx\r\n0;\r\n\r\n", "x"),
            ("1; a = \"q;\t\u{e9}\"\r\nx\r\n0\r\n\r\n", "x"),
            ("0\r\nX: y\r\n\r\n", ""), ("0\r\nX: y\r\nZ:\r\n\r\n", ""),
            ("1\r\nx\r\n0\r\nTrailer: \u{e9}\t\r\n\r\n", "x"),
        ] {
            XCTAssertEqual(decode(text), complete(body, latin1(text).count), text)
            // What follows belongs to the next message.
            XCTAssertEqual(decode(text + "0\r\nGET"), complete(body, latin1(text).count), text)
            XCTAssertEqual(ReferenceChunks.decode(latin1(text)), complete(body, latin1(text).count), text)
        }
    }

    func testBroken() {
        for text in [
            // The size line.
            "\r\n", "\n", " 5\r\n", "\t5\r\n", "5 \r\n", "5\t\r\n", "5 ;a\r\n", "g\r\n", "0x5\r\n", "-1\r\n", "+5\r\n",
            "5,5\r\n",
            "5\n", "5\rx", "5\r\r\n", ";a\r\n", "5:\r\n", "\0", "5\0", "5h\r\n", "\"5\"\r\n", "5.\r\n", "\u{ff}",
            "1;a\nx", "1;a\0\r\n", "1;\u{7f}\r\n", "1;a\u{1}\r\n", "1;a\rb\r\n", "0\n\r\n", "0\r\r\n", "0 \r\n\r\n",
            // Sizes beyond 15 digits.
            "0000000000000000\r\n", "1000000000000000\r\n", "FFFFFFFFFFFFFFFF\r\n", "FFFFFFFFFFFFFFFFFF\r\n",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            // The end of data.
            "1\r\nxx", "1\r\nx\n", "1\r\nx\rx", "1\r\nx0\r\n\r\n", "1\r\nx\r\r\n", "5\r\nhello!\r\n", "1\r\nx \r\n",
            "1\r\nx\r\n\r\n", "1\r\nx\r\n\n", "1\r\nx\r\nx",
            // Trailers and the end.
            "0\r\n\n", "0\r\n\rx", "0\r\n\r\r\n", "0\r\n: x\r\n\r\n", "0\r\n X: y\r\n\r\n",
            "0\r\nX: y\r\n folded\r\n\r\n",
            "0\r\nX: y\n\r\n", "0\r\nX: \0\r\n\r\n", "0\r\nX: \u{7f}\r\n\r\n", "0\r\nX: y\rz\r\n",
            "0\r\n\tX: y\r\n\r\n",
            "0\r\n\u{e9}\r\n\r\n", "0\r\nX: y\r\n\n", "0\r\n(x): y\r\n\r\n", "0\r\nnocolon\r\n\r\n",
            "0\r\nX : y\r\n\r\n", "0\r\nX\r\n: y\r\n\r\n", "0\r\nX\u{e9}: y\r\n\r\n",
        ] {
            XCTAssertEqual(decode(text), .broken, text.debugDescription)
            XCTAssertEqual(ReferenceChunks.decode(latin1(text)), .broken, text.debugDescription)
        }
    }

    func testLargestSize() {
        // 15 digits are within 60 bits: nothing can overflow, and the data simply goes on.
        XCTAssertEqual(decode("FFFFFFFFFFFFFFF\r\nabc"), .incomplete(body: latin1("abc")))
        var reader = BodyReader(.chunked)
        XCTAssertEqual(drain(latin1("fffffffffffffff\r\n"), &reader), .incomplete(body: []))
        for _ in 0..<100 { XCTAssertEqual(drain(latin1("xy"), &reader), .incomplete(body: latin1("xy"))) }
    }

    func testEverySplit() {
        for text in [
            "5\r\nhello\r\n0\r\n\r\n", "1;e=f\r\nx\r\n00a;\r\n0123\r\n6789\r\n0\r\nX: y\r\nZ: w\r\n\r\n",
            "2\r\n\r\n\r\n0\r\n\r\n",
            "3\r\nabcX0\r\n\r\n", "1\r\nx\r\n0\r\nX: y\n\r\n",
        ] {
            let input = latin1(text + "next")
            let whole = ReferenceChunks.decode(input)
            XCTAssertEqual(decode(input), whole)
            for first in 0...input.count {
                for second in first...input.count {
                    XCTAssertEqual(decode(input, cuts: [first, second]), whole, "\(text) at \(first) and \(second)")
                }
            }
            XCTAssertEqual(decode(input, cuts: Array(0..<input.count)), whole, "\(text) byte by byte")
        }
    }

    func testEveryTruncationIsIncomplete() {
        let input = latin1("1;e=f\r\nx\r\n00a;\r\n0123\r\n6789\r\n0\r\nX: y\r\nZ: w\r\n\r\n")
        for count in 0..<input.count {
            guard case .incomplete = decode(Array(input[..<count])) else {
                XCTFail("\(count) bytes")
                continue
            }
        }
        XCTAssertEqual(decode(input), complete("x0123\r\n6789", input.count))
    }

    /// Extensions and trailers count together, over the whole message.
    func testOverheadIsBounded() {
        let filling = String(repeating: "e", count: ChunkDecoder.overhead - 1)
        XCTAssertEqual(decode("1;\(filling)\r\nx\r\n0\r\n\r\n"), complete("x", filling.utf8.count + 12))
        XCTAssertEqual(decode("1;\(filling)e\r\nx\r\n0\r\n\r\n"), .broken)
        XCTAssertEqual(decode("0\r\n\(filling):\r\n\r\n"), complete("", filling.utf8.count + 8))
        XCTAssertEqual(decode("0\r\n\(filling)e:\r\n\r\n"), .broken)
        XCTAssertEqual(decode("0\r\nX:\(filling.dropLast())\r\n\r\n"), complete("", filling.utf8.count + 8))
        XCTAssertEqual(decode("0\r\nX:\(filling)\r\n\r\n"), .broken)
        XCTAssertEqual(decode("1;\(filling)\r\nx\r\n0;\r\n\r\n"), .broken)
        XCTAssertEqual(decode("1;\(filling)\r\nx\r\n0\r\nX:\r\n\r\n"), .broken)
        // One byte of extension in each chunk.
        let chunk = "1;\r\nx\r\n"
        let many = String(repeating: chunk, count: ChunkDecoder.overhead)
        guard case .complete(let body, _) = decode(many + "0\r\n\r\n") else {
            return XCTFail("the bound itself is allowed")
        }
        XCTAssertEqual(body.count, ChunkDecoder.overhead)
        XCTAssertEqual(decode(many + chunk + "0\r\n\r\n"), .broken)
        // A flood goes on being refused: the counter does not come round.
        var reader = BodyReader(.chunked)
        let flood = latin1("1;" + String(repeating: "e", count: 200_000))
        XCTAssertEqual(drain(flood, &reader), .broken)
        XCTAssertEqual(drain(flood, &reader), .broken)
    }

    func testGeneratedAgainstTheReference() {
        var random = SeededGenerator(seed: 0x5EED)
        var seen = (complete: 0, incomplete: 0, broken: 0)
        for round in 0..<20_000 {
            let input = Self.generate(&random)
            let expected = ReferenceChunks.decode(input)
            switch expected {
            case .complete: seen.complete += 1
            case .incomplete: seen.incomplete += 1
            case .broken: seen.broken += 1
            }
            let cuts = (0..<random.below(6)).map { _ in random.below(input.count + 1) }.sorted()
            let found = decode(input, cuts: cuts)
            if found != expected { return XCTFail("round \(round): \(latin1(input).debugDescription) cut at \(cuts)") }
        }
        // The generator is worth its name only when every outcome is frequent.
        XCTAssertGreaterThan(seen.complete, 2000)
        XCTAssertGreaterThan(seen.incomplete, 2000)
        XCTAssertGreaterThan(seen.broken, 2000)
    }

    /// A sound body, and in two cases of three some damage to it.
    private static func generate(_ random: inout SeededGenerator) -> [UInt8] {
        func noise(_ count: Int, _ random: inout SeededGenerator) -> String {
            String((0..<count).map { _ in random.pick(Array("abcXYZ=\",;: \t\u{e9}")) })
        }
        var text = ""
        for _ in 0..<random.below(4) {
            let size = 1 + random.below(20)
            text +=
                String(repeating: "0", count: random.below(3))
                + String(size, radix: 16, uppercase: random.below(2) == 0)
            if random.below(3) == 0 { text += ";" + noise(random.below(8), &random) }
            text += "\r\n"
            for _ in 0..<size { text += random.pick(["a", "0", "\r", "\n", "\0", "\u{ff}"]) }
            text += "\r\n"
        }
        text += String(repeating: "0", count: 1 + random.below(3))
        if random.below(4) == 0 { text += ";" + noise(random.below(5), &random) }
        text += "\r\n"
        for _ in 0..<random.below(3) {
            text +=
                "T" + (random.below(8) == 0 ? noise(3, &random) : "") + ":" + noise(random.below(6), &random) + "\r\n"
        }
        text += "\r\n"
        var bytes = latin1(text)
        switch random.below(6) {
        case 0: bytes = Array(bytes[..<random.below(bytes.count + 1)])
        case 1: bytes[random.below(bytes.count)] = UInt8(random.below(256))
        case 2: bytes.remove(at: random.below(bytes.count))
        case 3: bytes.insert(random.pick(latin1("\r\n0;: \tfG\0")), at: random.below(bytes.count + 1))
        case 4: bytes += latin1("GET / HTTP/1.1\r\n")
        default: break
        }
        return bytes
    }
}
