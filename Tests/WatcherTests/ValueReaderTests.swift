import JSON
import XCTest

@testable import Watcher

/// The reader that pulls values out of JSON: on good texts what is there, on bad ones a fault and no crash.
final class ValueReaderTests: XCTestCase {
    func testValuesComeOutAndTheRestIsPassedOver() {
        let json = #" {"a":"x\n\u00e9","b":[1,-2,{"c":[[]]}],"skip":{"a":[1,{"b":null}]},"t":true,"f":false,"n":null} "#
        var text: String?
        var numbers: [Int?] = []
        var flags: [Bool?] = []
        let isWhole = read(json) { reader -> Bool in
            reader.readObject { name, reader in
                switch name {
                case "a": text = reader.readString()
                case "b": reader.readArray { numbers.append($0.readInteger()) }
                case "t", "f", "n": flags.append(reader.readBool())
                default: break
                }
            }
            return reader.isWhole
        }
        XCTAssertTrue(isWhole)
        XCTAssertEqual(text, "x\né")
        XCTAssertEqual(numbers, [1, -2, nil])
        XCTAssertEqual(flags, [true, false, nil])
    }

    func testNamesAreComparedWithTheirEscapesResolved() {
        var found = 0
        read(#"{"n\u0061me":1,"nam":2,"names":3,"name":4}"#) { reader in
            _ = reader.readObject { name, reader in
                if case "name" = name { found += reader.readInteger() ?? 0 }
            }
        }
        XCTAssertEqual(found, 5)
    }

    func testEveryCutOfATextIsAFault() {
        let json = Array(#"{"a":[{"b":"c"},[true,null,-1.5e3]],"d":{}}"#.utf8)
        let nesting = ValueReader.Nesting()
        for count in 0...json.count {
            let isWhole = json[..<count].withUnsafeBytes { bytes -> Bool in
                var reader = ValueReader(bytes, nesting)
                reader.readObject { _, reader in
                    reader.readArray { reader in reader.readObject { _, reader in _ = reader.readString() } }
                }
                return reader.isWhole
            }
            XCTAssertEqual(isWhole, count == json.count, "cut at \(count)")
        }
    }

    func testDepthIsBounded() {
        for (depth, isSound) in [(100, true), (128, true), (129, false), (100_000, false)] {
            let json = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            XCTAssertEqual(
                read(json) { reader -> Bool in
                    reader.skip()
                    return reader.isWhole
                }, isSound, "\(depth)")
        }
    }

    func testIntegersAreExactOrNone() {
        let table: [(String, Int?)] = [
            ("0", 0), ("65535", 65535), ("-7", -7), ("1.0", nil), ("1e3", nil), ("9223372036854775807", .max),
            ("9223372036854775808", nil), ("99999999999999999999999", nil), (#""5""#, nil), ("", nil),
        ]
        for (json, value) in table { XCTAssertEqual(read(json) { $0.readInteger() }, value, json) }
    }
}
