import Linux
import XCTest

@testable import Resolver

/// Messages that no honest server sends. None may be taken, none may end the process, none may take long.
final class HostileMessageTests: XCTestCase {
    private let asked = Question(name: domain("p.example"), type: .a)

    private func fault(_ bytes: [UInt8]) -> DNSFault? {
        do throws(DNSFault) {
            _ = try Answer.parse(bytes, id: 7, question: asked)
            return nil
        } catch { return error }
    }

    private func message(_ write: (inout MessageWriter) -> Void) -> [UInt8] {
        var writer = MessageWriter()
        write(&writer)
        return writer.bytes
    }

    private var honest: [UInt8] {
        message {
            $0.header(answers: 2)
            $0.question("p.example")
            $0.cname("p.example", "q.example")
            $0.a("q.example", "10.0.0.1")
        }
    }

    func testTheHonestMessageIsTaken() { XCTAssertNil(fault(honest)) }

    func testWhatDoesNotAnswerTheQuestionIsAStray() {
        let strays: [(String, [UInt8])] = [
            ("empty", []),
            ("half a header", Array(honest[..<11])),
            (
                "another id",
                message {
                    $0.header(id: 8, answers: 1)
                    $0.question("p.example")
                    $0.a("p.example", "10.6.6.6")
                }
            ),
            ("a query", Question(name: domain("p.example"), type: .a).encoded(id: 7)),
            (
                "another opcode",
                message {
                    $0.header(flags: 0x2180, answers: 0)
                    $0.question("p.example")
                }
            ),
            (
                "another name",
                message {
                    $0.header(answers: 1)
                    $0.question("q.example")
                    $0.a("p.example", "10.6.6.6")
                }
            ),
            (
                "a longer name",
                message {
                    $0.header(answers: 0)
                    $0.question("p.example.x")
                }
            ),
            (
                "another type",
                message {
                    $0.header(answers: 0)
                    $0.question("p.example", .aaaa)
                }
            ),
            (
                "another class",
                message {
                    $0.header(answers: 0)
                    $0.question("p.example", kind: 3)
                }
            ),
            ("no question", message { $0.header(questions: 0, answers: 0) }),
            (
                "two questions",
                message {
                    $0.header(questions: 2, answers: 0)
                    $0.question("p.example")
                    $0.question("p.example")
                }
            ),
            ("a question that is cut", Array(honest[..<20])),
            (
                "a question that points to itself",
                message {
                    $0.header(answers: 0)
                    $0.pointer(12)
                    $0.number16(1)
                    $0.number16(1)
                }
            ),
        ]
        for (title, bytes) in strays { XCTAssertEqual(fault(bytes), .stray, title) }
    }

    func testBrokenRecordsAreMalformed() {
        func record(_ write: (inout MessageWriter) -> Void) -> [UInt8] {
            message {
                $0.header(answers: 1)
                $0.question("p.example")  // 12 to 26
                write(&$0)
            }
        }
        let start = 27
        let cases: [(String, [UInt8])] = [
            ("a record that isn't there", record { _ in }),
            ("65,535 records that aren't there", [0, 7, 0x81, 0x80, 0, 1, 0xFF, 0xFF] + honest[8...]),
            ("a pointer to itself", record { $0.pointer(start) }),
            ("a pointer forward", record { $0.pointer(start + 2) }),
            ("a pointer into the header", record { $0.pointer(0) }),
            ("a pointer beyond the end", record { $0.pointer(0x3FFF) }),
            ("half a pointer", record { $0.bytes.append(0xC0) }),
            (
                "a label and a pointer back to it",
                record {
                    $0.bytes += [1, 0x61]
                    $0.pointer(start)
                }
            ),
            ("a label of the type 01", record { $0.bytes += [0x41, 0x61, 0] }),
            ("a label of the type 10", record { $0.bytes += [0x81, 0x61, 0] }),
            ("a label that is cut", record { $0.bytes += [63, 0x61] }),
            (
                "a name of more than 255 bytes",
                record {
                    $0.name(Array(repeating: String(repeating: "a", count: 63), count: 4).joined(separator: "."))
                    $0.fields(type: 1, length: 4)
                    $0.number32(1)
                }
            ),
            (
                "an IPv4 address of five bytes",
                record {
                    $0.pointer(12)
                    $0.fields(type: 1, length: 5)
                    $0.bytes += [1, 2, 3, 4, 5]
                }
            ),
            (
                "an IPv4 address of three bytes",
                record {
                    $0.pointer(12)
                    $0.fields(type: 1, length: 3)
                    $0.bytes += [1, 2, 3]
                }
            ),
            (
                "data that is cut",
                record {
                    $0.pointer(12)
                    $0.fields(type: 16, length: 65_535)
                    $0.bytes += [1, 2, 3]
                }
            ),
            (
                "an alias that is longer than its data",
                record {
                    $0.pointer(12)
                    $0.fields(type: 5, length: 2)
                    $0.name("q.example")
                }
            ),
            (
                "an alias that is shorter than its data",
                record {
                    $0.pointer(12)
                    $0.fields(type: 5, length: 12)
                    $0.name("q.example")
                    $0.bytes.append(0)
                }
            ),
        ]
        for (title, bytes) in cases { XCTAssertEqual(fault(bytes), .malformed, title) }
    }

    func testEveryPrefixOfAnHonestMessageIsRefused() {
        for count in 0..<honest.count { XCTAssertNotNil(fault(Array(honest[..<count])), "\(count) bytes") }
    }

    func testALadderOfPointersIsCutOff() {
        // Each pointer leads to the one before it, all the way down: legal one by one, and a lot of work all together.
        let ladder = message {
            $0.header(answers: 1)
            $0.question("p.example")
            $0.name("p.example")
            $0.fields(type: 16, length: 2 + 2 * 4000)
            let start = $0.bytes.count
            $0.bytes += [0, 0]
            for i in 0..<4000 { $0.pointer(start + 2 * i) }
            $0.pointer(start + 2 * 3999)
        }
        var counted = ladder
        counted[7] = 2
        XCTAssertEqual(fault(counted), .malformed)
    }

    func testTheLargestMessageTakesNoTime() {
        // As many records as a message can hold, each with a name behind the longest chain of pointers that is allowed.
        let large = message {
            $0.header(answers: 4600)
            $0.question("p.example")
            $0.name("x")
            $0.fields(type: 16, length: 2 + 2 * 100)
            let start = $0.bytes.count
            $0.bytes += [0, 0]
            for i in 0..<100 { $0.pointer(start + 2 * i) }
            for _ in 1..<4600 {
                $0.pointer(start + 2 * 100)
                $0.fields(type: 5, length: 2)
                $0.pointer(start + 2 * 100)
            }
        }
        XCTAssertLessThanOrEqual(large.count, 65_535)
        let begin = Clock.milliseconds()
        XCTAssertNil(fault(large))
        XCTAssertLessThan(Clock.milliseconds() - begin, 2000)
    }

    func testTenThousandMutatedMessages() {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(below bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let seeds = [
            honest,
            message {
                $0.header(answers: 3)
                $0.question("p.example")
                $0.pointer(12)
                $0.fields(type: 5, length: 4)
                $0.bytes += [1, 0x71]
                $0.pointer(14)
                $0.pointer(39)
                $0.fields(type: 1, length: 4)
                $0.number32(0x0A00_0001)
                $0.aaaa("p.example", "2001:db8::1")
            },
        ]
        var taken = 0
        for _ in 0..<10_000 {
            var bytes = seeds[random(below: seeds.count)]
            for _ in 0...random(below: 4) {
                switch random(below: 5) {
                case 0: bytes[random(below: bytes.count)] = UInt8(random(below: 256))
                case 1: bytes[random(below: bytes.count)] ^= 1 << UInt8(random(below: 8))
                case 2: bytes.removeLast(random(below: bytes.count))
                case 3: bytes.insert(UInt8(random(below: 256)), at: random(below: bytes.count))
                default: bytes[random(below: bytes.count)] = [0, 0xC0, 0xFF, 0x3F, 0x40][random(below: 5)]
                }
                if bytes.isEmpty { bytes = [0] }
            }
            guard let answer = try? Answer.parse(bytes, id: 7, question: asked) else { continue }
            if case .addresses(let addresses, _) = answer {
                XCTAssertFalse(addresses.isEmpty)
                XCTAssertEqual(Set(addresses).count, addresses.count)
                taken += 1
            }
        }
        XCTAssertGreaterThan(taken, 100, "the mutations are too rough to reach the records")
    }
}
