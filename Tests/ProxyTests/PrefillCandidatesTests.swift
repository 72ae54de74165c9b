import HTTP
import Linux
import XCTest

@testable import Proxy

/// How the field lines of x-prefiller-host-port become one target.
final class PrefillFieldTests: XCTestCase {
    private static let first = PrefillTarget.endpoint(Endpoint(Address(v4: 0x0A01_0203), 8000))

    /// The target that these lines name; nil when the head was refused.
    private func target(_ lines: String..., name: String = "x-prefiller-host-port") -> PrefillTarget? {
        let fields = lines.map { name + ":" + $0 }
        return parsing(request("POST", "/v1/completions", fields)) { PrefillTarget.parse($0, $1) }
    }

    func testWithoutTheFieldThereIsNoTarget() { XCTAssertEqual(target(), PrefillTarget.none) }

    func testTheFieldIsFoundInAnyCase() {
        for name in ["X-Prefiller-Host-Port", "X-PREFILLER-HOST-PORT", "x-prefiller-host-port"] {
            XCTAssertEqual(target(" 10.1.2.3:8000", name: name), Self.first)
        }
        for name in ["x-prefiller-url", "x-prefiller-host", "prefiller-host-port", "x_prefiller_host_port"] {
            XCTAssertEqual(target(" 10.1.2.3:8000", name: name), PrefillTarget.none)
        }
    }

    func testBlanksAroundTheValueAreNotPartOfIt() {
        for line in ["10.1.2.3:8000", " 10.1.2.3:8000", "\t10.1.2.3:8000", "  10.1.2.3:8000  \t", " \t 10.1.2.3:8000 "]
        {
            XCTAssertEqual(target(line), Self.first, line.debugDescription)
        }
    }

    func testAnEmptyValueIsNoTarget() {
        for line in ["", " ", "\t", " ,10.1.2.3:8000", ",", " , ", ",,"] {
            XCTAssertEqual(target(line), PrefillTarget.none, line.debugDescription)
        }
    }

    func testOfACommaListTheFirstElementIsTaken() {
        for line in [
            "10.1.2.3:8000,10.9.9.9:1", " 10.1.2.3:8000 , 10.9.9.9:1", "10.1.2.3:8000,", "10.1.2.3:8000,evil",
            "10.1.2.3:8000\t,\t@", "10.1.2.3:8000,,,",
        ] {
            XCTAssertEqual(target(line), Self.first, line.debugDescription)
        }
        for line in ["evil,10.1.2.3:8000", "10.1.2.3,10.1.2.3:8000", "[::1,10.1.2.3:8000"] {
            XCTAssertEqual(target(line), .malformed, line.debugDescription)
        }
    }

    func testOfSeveralLinesTheFirstIsTakenWhole() {
        XCTAssertEqual(target("10.1.2.3:8000", "10.9.9.9:1"), Self.first)
        XCTAssertEqual(target("10.1.2.3:8000", "evil"), Self.first)
        XCTAssertEqual(target("10.1.2.3:8000", ""), Self.first)
        XCTAssertEqual(target("", "10.1.2.3:8000"), PrefillTarget.none)
        XCTAssertEqual(target("evil", "10.1.2.3:8000"), .malformed)
        XCTAssertEqual(target("10.1.2.3:8000,10.9.9.9:1", "10.1.2.3:8000"), .malformed)
        XCTAssertEqual(target("10.1.2.3:8000", "10.9.9.9:1", "10.9.9.9:2"), Self.first)
    }

    func testControlCharactersInTheFieldRefuseTheHead() {
        for byte in (0x00...0x1F).map({ UInt8($0) }) + [0x7F] where byte != 0x09 {
            let line = " 10.1.2.3:8\(String(UnicodeScalar(byte)))000"
            XCTAssertNil(target(line), "byte \(byte)")
        }
        XCTAssertNil(target(" 10.1.2.3\r\n :8000"), "a folded line")
    }

    func testTheFieldCannotBeMovedOutOfTheWayByConnection() {
        let fields = ["connection: x-prefiller-host-port", "x-prefiller-host-port: 10.1.2.3:8000"]
        XCTAssertNil(parsing(request("POST", "/v1/completions", fields)) { PrefillTarget.parse($0, $1) })
    }

    func testEveryValueOfTheTablesMeansTheSameBehindAFieldName() {
        for (value, host, port) in PrefillTargetTests.endpoints {
            XCTAssertEqual(target(" " + value + " "), .endpoint(Endpoint(address(host), port)), value)
        }
        for (kind, values) in PrefillTargetTests.malformed where !kind.hasPrefix("white space") {
            for value in values where !value.contains(",") && !value.contains(" ") {
                XCTAssertEqual(target(value), .malformed, "\(kind): \(value.debugDescription)")
            }
        }
    }
}
