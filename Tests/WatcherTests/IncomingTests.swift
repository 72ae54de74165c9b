import XCTest

@testable import Watcher

final class IncomingTests: XCTestCase {
    private static func line(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    func testLinesAreWholeWhereverTheyAreCut() {
        let text = Array("{\"a\":1}\n\n{\"ü\":\"\u{1F600}\"}\nlast".utf8)
        for first in 0...text.count {
            for second in first...text.count {
                var incoming = Incoming()
                var lines: [String] = []
                for piece in [text[..<first], text[first..<second], text[second...]] {
                    XCTAssertTrue(Array(piece).withUnsafeBytes { incoming.append($0) })
                    while let line = incoming.withNextLine(Self.line) { lines.append(line) }
                }
                XCTAssertEqual(lines, ["{\"a\":1}", "", "{\"ü\":\"\u{1F600}\"}"], "cut at \(first) and \(second)")
                XCTAssertEqual(incoming.withAll(Self.line), "last")
            }
        }
    }

    func testManyLinesOfManySizesComeOutAsTheyWentIn() {
        var generator = SystemRandomNumberGenerator()
        var sent: [String] = []
        var received: [String] = []
        var incoming = Incoming()
        for round in 0..<400 {
            let length = Int.random(in: 0...(round % 50 == 0 ? 200_000 : 300), using: &generator)
            let line = String(repeating: "abcdefg\(round)", count: length / 8 + 1)
            sent.append(line)
            var rest = Array((line + "\n").utf8)[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...70_000, using: &generator))
                rest = rest.dropFirst(piece.count)
                XCTAssertTrue(Array(piece).withUnsafeBytes { incoming.append($0) })
                if Bool.random(using: &generator) {
                    while let line = incoming.withNextLine(Self.line) { received.append(line) }
                }
            }
        }
        while let line = incoming.withNextLine(Self.line) { received.append(line) }
        XCTAssertEqual(sent, received)
        XCTAssertEqual(incoming.count, 0)
    }

    func testWhatIsClearedIsGone() {
        var incoming = Incoming()
        XCTAssertTrue([UInt8](repeating: 65, count: 100_000).withUnsafeBytes { incoming.append($0) })
        incoming.clear()
        XCTAssertEqual(incoming.count, 0)
        XCTAssertTrue(Array("x\n".utf8).withUnsafeBytes { incoming.append($0) })
        XCTAssertEqual(incoming.withNextLine(Self.line), "x")
    }
}
