import XCTest

@testable import JSON

/// RFC 3629: which bytes are characters.
final class UTF8Tests: XCTestCase {
    private func inString(_ bytes: [UInt8], before: Int = 0, after: Int = 0) -> [UInt8] {
        [0x22] + [UInt8](repeating: 0x61, count: before) + bytes + [UInt8](repeating: 0x62, count: after) + [0x22]
    }

    func testTheFirstAndLastCharactersOfEveryLengthAreAccepted() {
        let characters: [[UInt8]] = [
            [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xE0, 0xBF, 0xBF], [0xEC, 0xBF, 0xBF], [0xED, 0x80, 0x80],
            [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBD], [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80],
            [0xF0, 0xBF, 0xBF, 0xBF], [0xF3, 0xBF, 0xBF, 0xBF], [0xF4, 0x80, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
        ]
        for character in characters {
            for before in 0..<20 {
                for after in [0, 1, 2, 3, 4, 9, 40] {
                    XCTAssertEqual(scan(inString(character, before: before, after: after)).fault, .none)
                }
            }
            // Pairs take another way through the scanner than single characters.
            for other in characters {
                XCTAssertEqual(scan(inString(character + other, after: 8)).fault, .none, "\(character) \(other)")
                XCTAssertEqual(scan(inString(character + other + character)).fault, .none)
            }
        }
    }

    func testWhatIsNotACharacterIsRefusedWhereItBegins() {
        let faulty: [[UInt8]] = [
            [0x80], [0xBF], [0xC0, 0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xC2, 0x7F], [0xC2, 0xC0], [0xC2], [0xDF],
            [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE0, 0xA0], [0xE1, 0x80], [0xE1, 0x80, 0x7F], [0xE1, 0x80, 0xC0],
            [0xE1, 0x7F, 0x80], [0xE1, 0xC0, 0x80], [0xED, 0xA0, 0x80], [0xED, 0xAF, 0xBF], [0xED, 0xB0, 0x80],
            [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
            [0xF0, 0x90, 0x80, 0x7F], [0xF0, 0x90, 0xC0, 0x80], [0xF1, 0x7F, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF4, 0xBF, 0xBF, 0xBF], [0xF5, 0x80, 0x80, 0x80], [0xF7, 0xBF, 0xBF, 0xBF],
            [0xF8, 0x88, 0x80, 0x80, 0x80],
            [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xFE, 0xFF], [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80],
        ]
        let sound: [[UInt8]] = [
            [], [0xC3, 0xA9], [0xE6, 0x97, 0xA5], [0xE6, 0x97, 0xA5, 0xE6, 0x9C, 0xAC], [0xF0, 0x9F, 0x98, 0x80],
        ]
        for bytes in faulty {
            for lead in sound {
                for before in [0, 1, 5, 7, 8, 31, 33] {
                    for after in [0, 1, 2, 3, 9] {
                        let body = inString(lead + bytes, before: before, after: after)
                        let scanned = scan(body)
                        XCTAssertEqual(scanned.fault, .invalidUTF8, "\(lead) \(bytes)")
                        XCTAssertEqual(scanned.offset, 1 + before + lead.count, "\(lead) \(bytes)")
                    }
                }
            }
            XCTAssertEqual(scan([0x7B] + inString(bytes) + Array(":1}".utf8)).fault, .invalidUTF8, "in a name")
        }
    }

    func testEveryTwoByteStartIsJudgedAsByTheReference() {
        for first in UInt8(0x80)...0xFF {
            for second in UInt8(0x20)...0xFF {
                for tail: [UInt8] in [[], [0x80], [0x80, 0x80], [0xBF, 0xBF]] {
                    let body = inString([first, second] + tail)
                    let sound = (try? ReferenceParser.parse(body)) != nil
                    var scanner = BodyScanner()
                    let fault = body.withUnsafeBytes { scanner.scan($0, refuseDuplicateEdited: false) }
                    if sound != (fault == .none) { XCTFail("\(first) \(second) \(tail): \(fault)") }
                }
            }
        }
    }

    func testACharacterCutOffByTheEndIsRefusedAtItsFirstByte() {
        for bytes: [UInt8] in [[0xC3], [0xE6], [0xE6, 0x97], [0xF0], [0xF0, 0x9F], [0xF0, 0x9F, 0x98]] {
            for before in 0..<10 {
                let body = [0x22] + [UInt8](repeating: 0x61, count: before) + bytes
                XCTAssertEqual(scan(body).fault, .invalidUTF8)
                XCTAssertEqual(scan(body).offset, 1 + before)
            }
        }
    }

    func testNonASCIIOutsideAStringIsASyntaxFault() {
        for body: [UInt8] in [
            [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], [0xFF, 0xFE, 0x7B, 0x00], [0x7B, 0x00, 0x7D, 0x00], [0xC2, 0xA0, 0x31],
        ] {
            XCTAssertEqual(scan(body).fault, .syntax)
        }
    }
}
