import CLinux

@testable import Sandbox

/// What a filter must answer, told from the rights alone and without a program.
struct Model: Sendable {
    let rules: [String: CallRule]
    /// The answer to a call that no rule names.
    let others: @Sendable (String?) -> UInt32

    /// A role's filter.
    static func of(_ rights: Rights) -> Model {
        Model(rules: byName(rights.mergedCalls)) { name in
            name.map(Dangerous.calls.contains) == true ? Answer.kill : Answer.trap
        }
    }

    /// The supervisor's filter.
    static let supervisor = Model(rules: byName(SupervisorFilter.refused)) { _ in Answer.allow }

    private static func byName(_ rules: [CallRule]) -> [String: CallRule] {
        Dictionary(rules.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func answer(_ call: Call) -> UInt32 {
        guard call.architecture == cl_audit_arch() else { return Answer.kill }
        if isX86, call.number >= 0x4000_0000 { return Answer.kill }
        let name = cl_syscall_name(Int32(bitPattern: call.number)).map { String(cString: $0) }
        guard let name, let rule = rules[name] else { return others(name) }
        if rule.when.isEmpty || rule.when.contains(where: { $0.allSatisfy { $0.holds(call.arguments) } }) {
            return Answer.allow
        }
        switch rule.otherwise {
        case .kill: return Answer.kill
        case .report: return Answer.trap
        case .fail(let errno): return Answer.fail(errno)
        }
    }
}

#if arch(x86_64)
    let isX86 = true
#else
    let isX86 = false
#endif

extension ArgumentTest {
    /// As the kernel reads the argument: an int's upper half doesn't exist.
    func holds(_ arguments: [UInt64]) -> Bool {
        let value = isLong ? arguments[argument] : arguments[argument] & 0xFFFF_FFFF
        switch comparison {
        case .equals(let wanted): return value == wanted
        case .lacks(let bits): return value & bits == 0
        case .masked(let mask, let wanted): return value & mask == wanted
        }
    }

    /// Makes the argument hold; bits that don't matter stay as they are.
    func fulfil(_ arguments: inout [UInt64]) {
        let reach: UInt64 = isLong ? .max : 0xFFFF_FFFF
        switch comparison {
        case .equals(let wanted): arguments[argument] = arguments[argument] & ~reach | wanted
        case .lacks(let bits): arguments[argument] &= ~bits
        case .masked(let mask, let wanted): arguments[argument] = arguments[argument] & ~mask | wanted
        }
    }
}

extension CallRule {
    /// The call's number here; nil = this architecture doesn't have it.
    var number: UInt32? {
        let number = cl_syscall_number(name)
        return number < 0 ? nil : UInt32(number)
    }

    /// Name and conditions on one line: `name`, or `name(1=6,2=1 | 1=1,2=13)`. `!` = lacks, `&` = masked, `L` = 64 bits.
    var inBrief: String {
        if when.isEmpty { return name }
        let alternatives = when.map { tests in
            tests.map { test in
                let argument = "\(test.argument)\(test.isLong ? "L" : "")"
                switch test.comparison {
                case .equals(let value): return "\(argument)=\(value)"
                case .lacks(let bits): return "\(argument)!\(bits)"
                case .masked(let mask, let value): return "\(argument)&\(mask)=\(value)"
                }
            }.joined(separator: ",")
        }
        return "\(name)(\(alternatives.joined(separator: " | ")))"
    }
}
