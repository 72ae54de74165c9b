import Linux
import XCTest

@testable import Resolver

final class AnswerTests: XCTestCase {
    private let asked = Question(name: domain("p.example"), type: .a)

    private func parse(_ question: Question? = nil, _ write: (inout MessageWriter) -> Void) throws -> Answer {
        var writer = MessageWriter()
        write(&writer)
        return try Answer.parse(writer.bytes, id: 7, question: question ?? asked)
    }

    func testAQueryHasTheBytesOfTheStandard() {
        XCTAssertEqual(
            Question(name: domain("ab.c"), type: .aaaa).encoded(id: 0x1234),
            [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0x61, 0x62, 1, 0x63, 0, 0, 28, 0, 1])
    }

    func testAddressesInTheirOrderEachOnce() throws {
        let answer = try parse {
            $0.header(answers: 3)
            $0.question("P.Example")
            $0.a("p.example", "10.0.0.2", lifetime: 20)
            $0.a("p.EXAMPLE", "10.0.0.1", lifetime: 10)
            $0.a("p.example", "10.0.0.2", lifetime: 30)
        }
        XCTAssertEqual(answer, .addresses([numeric("10.0.0.2"), numeric("10.0.0.1")], lifetime: 10))
    }

    func testIPv6Addresses() throws {
        let answer = try parse(Question(name: domain("p.example"), type: .aaaa)) {
            $0.header(answers: 1)
            $0.question("p.example", .aaaa)
            $0.aaaa("p.example", "2001:db8::5")
        }
        XCTAssertEqual(answer, .addresses([numeric("2001:db8::5")], lifetime: 60))
    }

    func testACompressedOwnerName() throws {
        let answer = try parse {
            $0.header(answers: 1)
            $0.question("p.example")
            $0.pointer(12)
            $0.fields(type: 1, length: 4)
            $0.number32(0x0A00_0001)
        }
        XCTAssertEqual(answer, .addresses([numeric("10.0.0.1")], lifetime: 60))
    }

    func testAliasesAreFollowedInAnyOrderAndTheShortestLifetimeHolds() throws {
        let answer = try parse {
            $0.header(answers: 3)
            $0.question("p.example")
            $0.a("c.example", "10.0.0.3", lifetime: 40)
            $0.cname("b.example", "c.example", lifetime: 5)
            $0.cname("p.example", "B.example", lifetime: 50)
        }
        XCTAssertEqual(answer, .addresses([numeric("10.0.0.3")], lifetime: 5))
    }

    func testEightAliasesAreFollowedAndNotNine() throws {
        func chain(_ count: Int) throws -> Answer {
            try parse {
                $0.header(answers: count + 1)
                $0.question("p.example")
                for i in 0..<count { $0.cname(i == 0 ? "p.example" : "n\(i)", "n\(i + 1)") }
                $0.a("n\(count)", "10.0.0.9")
            }
        }
        XCTAssertEqual(try chain(8), .addresses([numeric("10.0.0.9")], lifetime: 60))
        XCTAssertThrowsError(try chain(9))
    }

    func testAnAliasLoopEnds() {
        XCTAssertThrowsError(
            try parse {
                $0.header(answers: 2)
                $0.question("p.example")
                $0.cname("p.example", "q.example")
                $0.cname("q.example", "p.example")
            })
    }

    func testAddressesOfOtherNamesTypesAndClassesDoNotCount() throws {
        let answer = try parse {
            $0.header(answers: 4)
            $0.question("p.example")
            $0.a("evil.example", "10.6.6.6")
            $0.aaaa("p.example", "2001:db8::6")
            $0.name("p.example")
            $0.fields(type: 1, kind: 3, length: 4)
            $0.number32(0x0A06_0606)
            $0.name("p.example")
            $0.fields(type: 16, length: 3)
            $0.bytes += [2, 0x68, 0x69]
        }
        XCTAssertEqual(answer, .nothing)
    }

    func testOnlyTheAnswerSectionCounts() throws {
        let answer = try parse {
            $0.header(answers: 0, others: 1)
            $0.question("p.example")
            $0.a("p.example", "10.6.6.6")
        }
        XCTAssertEqual(answer, .nothing)
    }

    func testCodes() throws {
        let cases: [(flags: Int, answer: Answer)] = [
            (0x0183, .nothing), (0x0182, .failure), (0x0181, .failure), (0x0184, .failure), (0x0185, .failure),
            (0x0180, .nothing), (0x0400, .nothing), (0x0380, .truncated), (0x0382, .failure), (0x0383, .nothing),
            // Neither recursion nor authority, and no record: a server that only refers elsewhere.
            (0x0100, .failure),
        ]
        for (flags, expected) in cases {
            let answer = try parse {
                $0.header(flags: flags, answers: 0)
                $0.question("p.example")
            }
            XCTAssertEqual(answer, expected, "flags \(String(flags, radix: 16))")
        }
    }

    func testALifetimeWithItsTopBitSetIsNone() throws {
        let answer = try parse {
            $0.header(answers: 1)
            $0.question("p.example")
            $0.a("p.example", "10.0.0.1", lifetime: 0x8000_0001)
        }
        XCTAssertEqual(answer, .addresses([numeric("10.0.0.1")], lifetime: 0))
    }

    func testNoMoreAddressesThanAnAnswerMayCarry() throws {
        let answer = try parse {
            $0.header(answers: 200)
            $0.question("p.example")
            for i in 0..<200 { $0.a("p.example", "10.0.0.\(i)") }
        }
        guard case .addresses(let addresses, _) = answer else { return XCTFail("\(answer)") }
        XCTAssertEqual(addresses.count, Answer.mostAddresses)
    }
}
