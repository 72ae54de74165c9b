import XCTest

@testable import Proxy

/// Ids from clients stand in log lines and headers; ids of our own must not repeat.
final class RequestIDTests: XCTestCase {
    private func isValid(_ id: String) -> Bool { withBytes(id) { RequestID.isValid($0) } }

    func testOnlyLettersDigitsDotUnderscoreAndHyphenAreTaken() {
        let taken = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-".utf8)
        for byte in UInt8.min...UInt8.max {
            for id in [[byte], [0x61, byte], [byte, 0x61], [0x61, byte, 0x61]] {
                XCTAssertEqual(withBytes(id) { RequestID.isValid($0) }, taken.contains(byte), "byte \(byte)")
            }
        }
    }

    func testAnIdHasOneTo128Characters() {
        XCTAssertFalse(isValid(""))
        XCTAssertTrue(isValid("a"))
        XCTAssertTrue(isValid(String(repeating: "a", count: 128)))
        XCTAssertFalse(isValid(String(repeating: "a", count: 129)))
        XCTAssertFalse(isValid(String(repeating: "a", count: 100_000)))
    }

    func testUsualIdsAreTaken() {
        for id in ["4bf92f3577b34da6a3ce929d0e0e4736", "cmpl-7QyqpwdfhqwajicIEznoc6Q47XAyW", "req_1.2.3", "-", "."] {
            XCTAssertTrue(isValid(id), id)
        }
        for id in ["a b", "a\r\nx: y", "a/../b", "a\"b", "ü", "a,b", "a;b", "{}", "%41", "a\u{0}", "a\tb"] {
            XCTAssertFalse(isValid(id), id)
        }
    }

    func testOurOwnIdsAreUUIDsOfVersion4AndNeverTheSame() {
        var ids = RequestIDs()
        var seen: Set<String> = []
        for _ in 0..<20_000 {
            var buffer = ids.next()
            let id = Array(buffer.bytes)
            buffer.free()
            XCTAssertEqual(id.count, 36)
            for (i, byte) in id.enumerated() {
                switch i {
                case 8, 13, 18, 23: XCTAssertEqual(byte, UInt8(ascii: "-"))
                case 14: XCTAssertEqual(byte, UInt8(ascii: "4"))
                case 19: XCTAssertTrue("89ab".utf8.contains(byte))
                default: XCTAssertTrue("0123456789abcdef".utf8.contains(byte))
                }
            }
            XCTAssertTrue(withBytes(id) { RequestID.isValid($0) })
            XCTAssertTrue(seen.insert(String(decoding: id, as: UTF8.self)).inserted)
        }
    }

    func testEveryRandomPlaceTakesEveryDigit() {
        var ids = RequestIDs()
        var digits = [Set<UInt8>](repeating: [], count: 36)
        for _ in 0..<2000 {
            var buffer = ids.next()
            for (i, byte) in buffer.bytes.enumerated() { digits[i].insert(byte) }
            buffer.free()
        }
        for i in 0..<36 where ![8, 13, 14, 18, 19, 23].contains(i) { XCTAssertEqual(digits[i].count, 16, "place \(i)") }
        XCTAssertEqual(digits[19].count, 4)
    }
}
