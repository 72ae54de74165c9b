import XCTest

@testable import HTTP

/// Character classes against their definitions, for every byte.
final class BytesTests: XCTestCase {
    func testTokens() {
        let token = Set(latin1("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
        for byte in UInt8.min...UInt8.max { XCTAssertEqual(Bytes.isToken(byte), token.contains(byte), "\(byte)") }
    }

    func testHexadecimal() {
        for byte in UInt8.min...UInt8.max {
            let digit = byte < 128 ? Character(Unicode.Scalar(byte)).hexDigitValue : nil
            XCTAssertEqual(Bytes.hexadecimal(byte).map(Int.init), digit, "\(byte)")
        }
    }

    func testControlsInEveryPlace() {
        for byte in UInt8.min...UInt8.max {
            let isControl = (byte < 0x20 && byte != 0x09) || byte == 0x7F
            XCTAssertEqual(Bytes.isControl(byte), isControl)
            for around: UInt8 in [0x20, 0x80, 0xFF, 0x7E, 0x09] {
                for place in 0..<19 {
                    var content = [UInt8](repeating: around, count: 19)
                    content[place] = byte
                    let found = content.withUnsafeBytes { Bytes.hasControl($0.baseAddress!, $0.count) }
                    XCTAssertEqual(found, isControl, "\(byte) among \(around) at \(place)")
                }
            }
        }
    }

    func testEqualFoldsLettersOnly() {
        func equal(_ text: String, _ literal: StaticString) -> Bool {
            latin1(text).withUnsafeBytes { Bytes.equal($0.baseAddress!, $0.count, literal) }
        }
        XCTAssertTrue(equal("CHUNKED", "chunked"))
        XCTAssertTrue(equal("100-Continue", "100-continue"))
        XCTAssertFalse(equal("chunke", "chunked"))
        XCTAssertFalse(equal("chunkedd", "chunked"))
        // These differ from the literal only in the bit that tells upper from lower case.
        XCTAssertFalse(equal("100\rcontinue", "100-continue"))
        XCTAssertFalse(equal("a[", "a{"))
    }
}
