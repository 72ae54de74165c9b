import CLinux
import Glibc

/// Rights as a seccomp program. The kernel runs it before every system call.
public struct Filter: Sendable {
    /// The instructions.
    public let program: [cl_bpf]

    /// Codes of the classic packet filter machine, as far as they are used.
    enum Code {
        static let load: UInt16 = 0x20  // BPF_LD | BPF_W | BPF_ABS
        static let and: UInt16 = 0x54  // BPF_ALU | BPF_AND | BPF_K
        static let ifEqual: UInt16 = 0x15  // BPF_JMP | BPF_JEQ | BPF_K
        static let ifAtLeast: UInt16 = 0x35  // BPF_JMP | BPF_JGE | BPF_K
        static let answer: UInt16 = 0x06  // BPF_RET | BPF_K
    }

    /// What the filter answers the kernel.
    enum Answer {
        static let allow: UInt32 = 0x7FFF_0000
        static let kill: UInt32 = 0x8000_0000
        static let trap: UInt32 = 0x0003_0000
        static let fail: UInt32 = 0x0005_0000
    }

    /// Offsets in `struct seccomp_data`.
    private enum Offset {
        static let number: UInt32 = 0
        static let architecture: UInt32 = 4
        static let arguments: UInt32 = 16
    }

    /// The filter for these calls. What isn't listed is killed for when it is one of `Dangerous`, else reported.
    public init(_ calls: [CallRule]) {
        self.init(calls, others: .report, killed: Dangerous.calls)
    }

    /// A filter that refuses some calls and allows all others: for the supervisor, whose filter its children inherit.
    public init(refusing calls: [CallRule]) {
        var program = Self.prologue()
        for rule in calls { Self.append(rule, allowed: Answer.allow, to: &program) }
        program.append(Self.ret(Answer.allow))
        self.program = program
    }

    private init(_ calls: [CallRule], others: Refusal, killed: [String]) {
        var program = Self.prologue()
        // The kernel remembers calls whose answer doesn't depend on arguments and asks no more; those that do are asked
        // each time and stand first.
        for rule in calls where !rule.when.isEmpty { Self.append(rule, allowed: Answer.allow, to: &program) }
        for rule in calls where rule.when.isEmpty { Self.append(rule, allowed: Answer.allow, to: &program) }
        let listed = Set(calls.map(\.name))
        for name in killed where !listed.contains(name) {
            Self.append(number: name, [Self.ret(Answer.kill)], to: &program)
        }
        program.append(Self.ret(Self.answer(others)))
        self.program = program
    }

    /// Calls of another architecture, and x32's, have other numbers: they are killed for.
    private static func prologue() -> [cl_bpf] {
        var program = [
            statement(Code.load, Offset.architecture), jump(Code.ifEqual, cl_audit_arch(), 1, 0), ret(Answer.kill),
            statement(Code.load, Offset.number),
        ]
        #if arch(x86_64)
            program += [jump(Code.ifAtLeast, 0x4000_0000, 0, 1), ret(Answer.kill)]
        #endif
        return program
    }

    /// One call: if the number is this, decide; else on to the next.
    private static func append(_ rule: CallRule, allowed: UInt32, to program: inout [cl_bpf]) {
        if rule.when.isEmpty {
            append(number: rule.name, [ret(allowed)], to: &program)
            return
        }
        var block: [cl_bpf] = []
        for alternative in rule.when { block += code(alternative, allowed) }
        block.append(ret(answer(rule.otherwise)))
        append(number: rule.name, block, to: &program)
    }

    private static func append(number name: String, _ block: [cl_bpf], to program: inout [cl_bpf]) {
        // A call that this architecture doesn't have needs no rule.
        let number = cl_syscall_number(name)
        guard number >= 0 else { return }
        precondition(block.count <= 255, "the rule for \(name) is longer than a jump")
        program.append(jump(Code.ifEqual, UInt32(number), 0, UInt8(block.count)))
        program += block
    }

    /// All tests of one combination hold: allow. Else fall through to the next combination.
    private static func code(_ tests: [ArgumentTest], _ allowed: UInt32) -> [cl_bpf] {
        // Each test is a few loads and comparisons; the first that fails jumps behind this combination.
        var pieces: [[cl_bpf]] = tests.map(code)
        pieces.append([ret(allowed)])
        var result: [cl_bpf] = []
        for (i, piece) in pieces.enumerated() {
            let after = pieces[(i + 1)...].reduce(0) { $0 + $1.count }
            for (j, var instruction) in piece.enumerated() {
                // `jf` 255 stands for "behind the combination".
                if instruction.code == Code.ifEqual && instruction.jf == 255 {
                    instruction.jf = UInt8(piece.count - j - 1 + after)
                }
                result.append(instruction)
            }
        }
        return result
    }

    private static func code(_ test: ArgumentTest) -> [cl_bpf] {
        // Little endian: the low half of an argument comes first.
        let low = Offset.arguments + UInt32(test.argument) * 8
        let value: UInt64
        var mask: UInt64 = .max
        switch test.comparison {
        case .equals(let number): value = number
        case .lacks(let bits): (value, mask) = (0, bits)
        case .masked(let bits, let number): (value, mask) = (number, bits)
        }
        var program = half(low, UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: mask))
        if test.isLong { program += half(low + 4, UInt32(value >> 32), UInt32(mask >> 32)) }
        return program
    }

    private static func half(_ offset: UInt32, _ value: UInt32, _ mask: UInt32) -> [cl_bpf] {
        var program = [statement(Code.load, offset)]
        if mask != .max { program.append(statement(Code.and, mask)) }
        program.append(jump(Code.ifEqual, value, 0, 255))
        return program
    }

    private static func answer(_ refusal: Refusal) -> UInt32 {
        switch refusal {
        case .kill: Answer.kill
        case .report: Answer.trap
        case .fail(let errno): Answer.fail | UInt32(errno)
        }
    }

    private static func statement(_ code: UInt16, _ k: UInt32) -> cl_bpf { cl_bpf(code: code, jt: 0, jf: 0, k: k) }
    private static func jump(_ code: UInt16, _ k: UInt32, _ yes: UInt8, _ no: UInt8) -> cl_bpf {
        cl_bpf(code: code, jt: yes, jf: no, k: k)
    }
    private static func ret(_ answer: UInt32) -> cl_bpf { statement(Code.answer, answer) }
}
