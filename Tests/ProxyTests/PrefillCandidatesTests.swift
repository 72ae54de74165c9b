import HTTP
import Linux
import TestSupport
import XCTest

@testable import Proxy

/// How the field lines of x-prefiller-host-port become the prefillers that a request names.
final class PrefillCandidatesTests: XCTestCase {
    /// What a head's lines come to.
    private enum Outcome: Equatable {
        case targets([PrefillTarget])
        /// The value is a mistake.
        case malformed
        /// The head itself is.
        case noHead
    }

    private static let one = PrefillTarget.endpoint(Endpoint(Address(v4: 0x0A01_0203), 8000))
    private static let two = PrefillTarget.endpoint(Endpoint(Address(v4: 0x0A09_0909), 1))
    private static let six = PrefillTarget.endpoint(Endpoint(Address(high: 0x2001_0DB8 << 32, low: 1), 80))
    private static let pod = PrefillTarget.name("pod-0", port: 8000)

    private func outcome(_ lines: [String], name: String = "x-prefiller-host-port") -> Outcome {
        outcome(ofFields: lines.map { name + ":" + $0 })
    }

    private func outcome(ofFields fields: [String]) -> Outcome {
        parsing(request("POST", "/v1/completions", fields)) { head, bytes -> Outcome in
            guard let candidates = PrefillCandidates.parse(head, bytes) else { return .malformed }
            if candidates.first == .none {
                XCTAssertEqual(candidates.others, [], "nobody is first, and somebody follows")
                return .targets([])
            }
            return .targets([candidates.first] + candidates.others)
        } ?? .noHead
    }

    func testWithoutTheFieldNobodyIsNamed() { XCTAssertEqual(outcome([]), .targets([])) }

    func testTheFieldIsFoundInAnyCase() {
        for name in ["X-Prefiller-Host-Port", "X-PREFILLER-HOST-PORT", "x-prefiller-host-port"] {
            XCTAssertEqual(outcome([" 10.1.2.3:8000"], name: name), .targets([Self.one]))
        }
        for name in ["x-prefiller-url", "x-prefiller-host", "prefiller-host-port", "x_prefiller_host_port"] {
            XCTAssertEqual(outcome([" 10.1.2.3:8000"], name: name), .targets([]))
        }
    }

    func testBlanksAroundAnElementAreNotPartOfIt() {
        for line in ["10.1.2.3:8000", " 10.1.2.3:8000", "\t10.1.2.3:8000", "  10.1.2.3:8000  \t", " \t 10.1.2.3:8000 "]
        {
            XCTAssertEqual(outcome([line]), .targets([Self.one]), line.debugDescription)
        }
    }

    func testAWhollyEmptyValueNamesNobody() {
        for line in ["", " ", "\t", " \t "] {
            XCTAssertEqual(outcome([line]), .targets([]), line.debugDescription)
        }
    }

    func testACommaListNamesItsElementsInTheirOrder() {
        let rows: [(String, [PrefillTarget])] = [
            ("10.1.2.3:8000,10.9.9.9:1", [Self.one, Self.two]),
            ("10.9.9.9:1,10.1.2.3:8000", [Self.two, Self.one]),
            (" 10.1.2.3:8000 , 10.9.9.9:1 ", [Self.one, Self.two]),
            ("10.1.2.3:8000\t,\t10.9.9.9:1", [Self.one, Self.two]),
            ("10.1.2.3:8000,10.1.2.3:8000", [Self.one, Self.one]),
            ("http://10.1.2.3:8000,[2001:db8::1]:80,HTTP://10.9.9.9:1", [Self.one, Self.six, Self.two]),
            ("pod-0:8000,10.1.2.3:8000", [Self.pod, Self.one]),
            ("localhost:80,http://localhost:81", [.localhost(port: 80), .localhost(port: 81)]),
            ("[::ffff:10.1.2.3]:8000,[::FFFF:a01:203]:8000", [Self.one, Self.one]),
        ]
        for (line, targets) in rows { XCTAssertEqual(outcome([line]), .targets(targets), line) }
    }

    func testSeveralLinesMeanTheSameAsOneList() {
        let rows: [([String], [PrefillTarget])] = [
            (["10.1.2.3:8000", "10.9.9.9:1"], [Self.one, Self.two]),
            (["10.1.2.3:8000", "10.9.9.9:1", "pod-0:8000"], [Self.one, Self.two, Self.pod]),
            (["10.1.2.3:8000,10.9.9.9:1", "pod-0:8000"], [Self.one, Self.two, Self.pod]),
            (["10.1.2.3:8000", " 10.9.9.9:1 , pod-0:8000 "], [Self.one, Self.two, Self.pod]),
        ]
        for (lines, targets) in rows {
            XCTAssertEqual(outcome(lines), .targets(targets), "\(lines)")
            XCTAssertEqual(outcome([lines.joined(separator: ",")]), .targets(targets), "\(lines)")
        }
    }

    func testLinesOfOtherFieldsBetweenThemAreNothing() {
        let fields = [
            "a: 192.0.2.1:1", "x-prefiller-host-port: 10.1.2.3:8000", "b: 192.0.2.2:2",
            "X-Prefiller-Host-Port: 10.9.9.9:1", "c: 192.0.2.3:3",
        ]
        XCTAssertEqual(outcome(ofFields: fields), .targets([Self.one, Self.two]))
    }

    /// What the writer of an empty element meant is a guess.
    func testAnEmptyElementMakesTheWholeValueAMistake() {
        for line in [
            ",", ",,", " , ", "10.1.2.3:8000,", ",10.1.2.3:8000", " ,10.1.2.3:8000", "10.1.2.3:8000, ",
            "10.1.2.3:8000,,10.9.9.9:1", "10.1.2.3:8000,,,", "10.1.2.3:8000 ,\t, 10.9.9.9:1",
        ] { XCTAssertEqual(outcome([line]), .malformed, line.debugDescription) }
        for lines in [
            ["", ""], [" ", "\t"], ["10.1.2.3:8000", ""], ["", "10.1.2.3:8000"], ["10.1.2.3:8000", "", "10.9.9.9:1"],
            ["10.1.2.3:8000", ","], ["10.1.2.3:8000,", "10.9.9.9:1"],
        ] { XCTAssertEqual(outcome(lines), .malformed, "\(lines)") }
    }

    func testOneElementThatCannotBeReadMakesTheWholeValueAMistake() {
        for bad in [
            "evil", "@", "10.1.2.3", "10.1.2.3:0", "10.1.2.3:08000", "10.1.2.3:80 80", "https://10.1.2.3:80", "[::1",
        ] {
            for line in [bad, "\(bad),10.1.2.3:8000", "10.1.2.3:8000,\(bad)", "10.1.2.3:8000, \(bad) ,10.9.9.9:1"] {
                XCTAssertEqual(outcome([line]), .malformed, line)
            }
            XCTAssertEqual(outcome(["10.1.2.3:8000", bad]), .malformed)
            XCTAssertEqual(outcome([bad, "10.1.2.3:8000"]), .malformed)
        }
        // Blanks in the middle hold nothing together, and quotes hold no comma.
        for line in ["10.1.2.3:8000 10.9.9.9:1", "\"10.1.2.3:8000,10.9.9.9:1\"", "10.1.2.3:8000;10.9.9.9:1"] {
            XCTAssertEqual(outcome([line]), .malformed, line)
        }
    }

    func testTheMostCandidatesAreTakenAndOneMoreIsNot() {
        let most = PrefillCandidates.most
        XCTAssertEqual(most, 16)
        for count in [1, 2, most - 1, most] {
            let list = [String](repeating: "10.1.2.3:8000", count: count)
            let expected = Outcome.targets([PrefillTarget](repeating: Self.one, count: count))
            XCTAssertEqual(outcome([list.joined(separator: ",")]), expected, "\(count)")
            XCTAssertEqual(outcome(list), expected, "\(count) lines")
        }
        for count in [most + 1, most + 2, 90] {
            let list = [String](repeating: "10.1.2.3:8000", count: count)
            XCTAssertEqual(outcome([list.joined(separator: ",")]), .malformed, "\(count)")
            XCTAssertEqual(outcome(list), .malformed, "\(count) lines")
        }
        XCTAssertEqual(outcome([String(repeating: ",", count: 10_000)]), .malformed)
    }

    func testControlCharactersInTheFieldRefuseTheHead() {
        for byte in (0x00...0x1F).map({ UInt8($0) }) + [0x7F] where byte != 0x09 {
            for line in [" 10.1.2.3:8\(String(UnicodeScalar(byte)))000", "10.1.2.3:80,\(String(UnicodeScalar(byte)))"] {
                XCTAssertEqual(outcome([line]), .noHead, "byte \(byte)")
            }
        }
        XCTAssertEqual(outcome([" 10.1.2.3\r\n :8000"]), .noHead, "a folded line")
    }

    func testTheFieldCannotBeMovedOutOfTheWayByConnection() {
        let fields = ["connection: x-prefiller-host-port", "x-prefiller-host-port: 10.1.2.3:8000"]
        XCTAssertEqual(outcome(ofFields: fields), .noHead)
    }

    func testEveryValueOfTheTablesMeansTheSameBehindAFieldNameAndInAList() {
        for (value, host, port) in PrefillTargetTests.endpoints {
            let target = PrefillTarget.endpoint(Endpoint(address(host), port))
            XCTAssertEqual(outcome([" " + value + " "]), .targets([target]), value)
            XCTAssertEqual(outcome(["10.1.2.3:8000, \(value)"]), .targets([Self.one, target]), value)
        }
        for (value, name, port) in PrefillTargetTests.names {
            XCTAssertEqual(outcome([value + ",10.1.2.3:8000"]), .targets([.name(name, port: port), Self.one]), value)
        }
        for (kind, values) in PrefillTargetTests.malformed where !kind.hasPrefix("white space") {
            for value in values where !value.contains(",") && !value.hasPrefix(" ") && !value.hasSuffix(" ") {
                let isTooLong = value.utf8.count > 50_000
                let line = isTooLong ? String(value.suffix(1000)) : value
                XCTAssertEqual(outcome([line]), .malformed, "\(kind): \(line.debugDescription)")
                XCTAssertEqual(outcome(["10.1.2.3:8000," + line]), .malformed, "\(kind): \(line.debugDescription)")
            }
        }
    }

    /// Random elements, joined by commas and line ends at random, against each of them read alone.
    func testRandomListsAgainstTheirElements() {
        var generator = SeededGenerator(seed: 21)
        let parts = [
            "10.1.2.3:8000", "[2001:db8::1]:80", "pod-0:8000", "localhost:9", "http://10.9.9.9:1", "", " ", "evil",
            "10.1:80",
        ]
        var named = 0
        for _ in 0..<5000 {
            let elements = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                parts[Int.random(in: 0..<(Bool.random(using: &generator) ? 5 : parts.count), using: &generator)]
            }
            var lines = [elements[0]]
            for element in elements.dropFirst() {
                if Bool.random(using: &generator) {
                    lines.append(element)
                } else {
                    lines[lines.count - 1] += "," + element
                }
            }
            let targets = elements.map { element in
                withBytes(element == " " ? "" : element) { PrefillTarget.parse($0) }
            }
            let expected: Outcome
            if targets == [.none] {
                expected = .targets([])
            } else if targets.count > 16 || targets.contains(.none) || targets.contains(.malformed) {
                expected = .malformed
            } else {
                expected = .targets(targets)
                named += 1
            }
            XCTAssertEqual(outcome(lines), expected, "\(lines)")
        }
        XCTAssertGreaterThan(named, 500)
    }
}
