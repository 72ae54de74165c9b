import CLinux
import TestSupport
import XCTest

@testable import Sandbox

/// Every filter, run call by call in an interpreter and compared with what the rights say.
final class ProgramTests: XCTestCase {
    /// The filter of each role, and the supervisor's.
    private static let filters: [(name: String, program: [cl_bpf], model: Model)] =
        Rights.all.map { ($0.role.name, Filter($0.mergedCalls).program, Model.of($0)) }
        + [("supervisor", Filter(refusing: SupervisorFilter.refused).program, Model.supervisor)]

    private static let corners: [UInt64] = [
        0, 1, 2, 6, 0x1000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0xFFFF_FFFF_0000_0000, .max,
    ]

    private func check(_ filter: (name: String, program: [cl_bpf], model: Model), _ call: Call) throws {
        let found = try execute(filter.program, call)
        let wanted = filter.model.answer(call)
        if found != wanted {
            let name = cl_syscall_name(Int32(bitPattern: call.number)).map { String(cString: $0) } ?? "\(call.number)"
            let arguments = call.arguments.map { String($0, radix: 16) }
            XCTFail(
                "\(filter.name): \(name) of architecture \(call.architecture) with \(arguments) is answered"
                    + " \(String(found, radix: 16)) instead of \(String(wanted, radix: 16))")
        }
    }

    func testEveryNumberIsAnsweredAsTheRightsSay() throws {
        var dice = SeededGenerator(seed: 1)
        for filter in Self.filters {
            var numbers = Array(UInt32(0)...1100)
            numbers += (0..<500).map { _ in UInt32.random(in: 0...UInt32.max, using: &dice) }
            for number in numbers {
                for value in Self.corners {
                    try check(filter, Call(number: number, arguments: Array(repeating: value, count: 6)))
                }
                for _ in 0..<4 {
                    let arguments = (0..<6).map { _ in UInt64.random(in: 0...UInt64.max, using: &dice) }
                    try check(filter, Call(number: number, arguments: arguments))
                }
            }
        }
    }

    func testEveryAllowedCombinationPassesWhateverTheOtherArgumentsAre() throws {
        var dice = SeededGenerator(seed: 2)
        for rights in Rights.all {
            let program = Filter(rights.mergedCalls).program
            for rule in rights.mergedCalls {
                guard let number = rule.number else { continue }
                for tests in rule.when.isEmpty ? [[]] : rule.when {
                    for round in 0..<8 {
                        var arguments = (0..<6).map { _ in UInt64.random(in: 0...UInt64.max, using: &dice) }
                        if round == 0 { arguments = Array(repeating: 0, count: 6) }
                        for test in tests { test.fulfil(&arguments) }
                        let answer = try execute(program, Call(number: number, arguments: arguments))
                        XCTAssertEqual(answer, Answer.allow, "\(rights.role.name): \(rule.inBrief) with \(arguments)")
                    }
                }
            }
        }
    }

    func testOneBitBesideAnAllowedCombinationIsJudgedAsTheRightsSay() throws {
        for filter in Self.filters {
            for rule in filter.model.rules.values.sorted(by: { $0.name < $1.name }) {
                guard let number = rule.number else { continue }
                for tests in rule.when {
                    var inside = Call(number: number)
                    for test in tests { test.fulfil(&inside.arguments) }
                    for test in tests {
                        for bit in 0..<64 {
                            var beside = inside
                            beside.arguments[test.argument] ^= 1 << UInt64(bit)
                            try check(filter, beside)
                        }
                    }
                }
            }
        }
    }

    func testTheUpperHalfOfAnIntIsIgnoredAndThatOfAPointerIsNot() throws {
        for rights in Rights.all {
            let program = Filter(rights.mergedCalls).program
            for rule in rights.mergedCalls {
                guard let number = rule.number else { continue }
                for tests in rule.when {
                    var call = Call(number: number)
                    for test in tests { test.fulfil(&call.arguments) }
                    for test in tests {
                        var high = call
                        high.arguments[test.argument] |= 0xDEAD_BEEF << 32
                        let allowed = try execute(program, high) == Answer.allow
                        XCTAssertEqual(allowed, !test.isLong, "\(rights.role.name): \(rule.inBrief)")
                    }
                }
            }
        }
    }

    func testCallsThatNoRuleNamesAreKilledWhenDangerousAndElseReported() throws {
        for rights in Rights.all {
            let program = Filter(rights.mergedCalls).program
            let listed = Set(rights.calls.map(\.name))
            for index in 0..<cl_syscall_count() {
                let name = String(cString: cl_syscall_at(index))
                guard !listed.contains(name) else { continue }
                let answer = try execute(program, Call(number: UInt32(cl_syscall_number(name))))
                let wanted = Dangerous.calls.contains(name) ? Answer.kill : Answer.trap
                XCTAssertEqual(answer, wanted, "\(rights.role.name): \(name)")
            }
        }
    }

    func testAnotherArchitecturesCallsAreKilled() throws {
        // i386, x86-64, arm, aarch64, riscv64, and nonsense; our own left out.
        let others: [UInt32] = [0x4000_0003, 0xC000_003E, 0x4000_0028, 0xC000_00B7, 0xC000_00F3, 0, .max]
        for filter in Self.filters {
            for architecture in others where architecture != cl_audit_arch() {
                for number in UInt32(0)...600 {
                    let answer = try execute(filter.program, Call(number: number, architecture: architecture))
                    XCTAssertEqual(answer, Answer.kill, "\(filter.name): \(number) of \(architecture)")
                }
            }
        }
    }

    func testNumbersOfX32AreKilled() throws {
        guard isX86 else { return print("NOT CHECKED: x32 numbers: this machine is no x86-64") }
        for filter in Self.filters {
            for number in UInt32(0)...1100 {
                for bits: UInt32 in [0x4000_0000, 0x8000_0000, 0xC000_0000] {
                    let answer = try execute(filter.program, Call(number: number | bits))
                    XCTAssertEqual(answer, Answer.kill, "\(filter.name): \(number) with \(String(bits, radix: 16))")
                }
            }
        }
    }

    func testProgramsAreOnesThatTheKernelTakes() {
        for filter in Self.filters {
            XCTAssertLessThan(filter.program.count, 4096, filter.name)
            for (place, instruction) in filter.program.enumerated() {
                switch instruction.code {
                case 0x20:
                    XCTAssertTrue(instruction.k < 64 && instruction.k % 4 == 0, "\(filter.name) at \(place): load")
                case 0x15, 0x35:
                    let furthest = place + 1 + Int(max(instruction.jt, instruction.jf))
                    XCTAssertLessThan(furthest, filter.program.count, "\(filter.name) at \(place): jump")
                case 0x54, 0x06: break
                default: XCTFail("\(filter.name) at \(place): code \(instruction.code)")
                }
            }
            XCTAssertEqual(filter.program.last?.code, 0x06, "\(filter.name) must end with an answer")
        }
    }

    func testTheInterpreterRefusesWhatTheKernelWouldRefuse() {
        XCTAssertThrowsError(try execute([cl_bpf(code: 0x20, jt: 0, jf: 0, k: 64)], Call(number: 0)))
        XCTAssertThrowsError(try execute([cl_bpf(code: 0x20, jt: 0, jf: 0, k: 2)], Call(number: 0)))
        XCTAssertThrowsError(try execute([cl_bpf(code: 0x15, jt: 5, jf: 5, k: 0)], Call(number: 0)))
        XCTAssertThrowsError(try execute([cl_bpf(code: 0x30, jt: 0, jf: 0, k: 0)], Call(number: 0)))
        XCTAssertThrowsError(try execute([], Call(number: 0)))
    }
}
