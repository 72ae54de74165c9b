import CLinux

/// What the kernel shows a filter of one system call.
struct Call {
    var number: UInt32
    var architecture = cl_audit_arch()
    var arguments: [UInt64] = [0, 0, 0, 0, 0, 0]

    /// Word `offset` of `struct seccomp_data`: number, architecture, the instruction's address (two words), arguments.
    func word(at offset: UInt32) throws(Fault) -> UInt32 {
        guard offset % 4 == 0, offset < 64 else { throw .load(offset) }
        switch offset {
        case 0: return number
        case 4: return architecture
        case 8, 12: return 0
        default:
            let argument = arguments[Int(offset - 16) / 8]
            return UInt32(truncatingIfNeeded: offset % 8 == 0 ? argument : argument >> 32)
        }
    }
}

/// Why a program is none.
enum Fault: Error {
    /// A load from outside the data, or across words.
    case load(UInt32)
    /// A code that filters of ours don't use.
    case unknownCode(UInt16)
    /// An end without an answer, or a jump behind the end.
    case ranOut(Int)
}

/// The kernel's machine for classic packet filters, as far as seccomp takes it and our filters use it. Written from
/// the codes' meaning in linux/filter.h, not from Filter.swift.
func execute(_ program: [cl_bpf], _ call: Call) throws(Fault) -> UInt32 {
    var accumulator: UInt32 = 0
    var place = 0
    // Every jump is forward, so a program ends within as many steps as it has instructions.
    while program.indices.contains(place) {
        let instruction = program[place]
        place += 1
        switch instruction.code {
        case 0x20: accumulator = try call.word(at: instruction.k)
        case 0x54: accumulator &= instruction.k
        case 0x15: place += Int(accumulator == instruction.k ? instruction.jt : instruction.jf)
        case 0x35: place += Int(accumulator >= instruction.k ? instruction.jt : instruction.jf)
        case 0x06: return instruction.k
        default: throw .unknownCode(instruction.code)
        }
    }
    throw .ranOut(place)
}

/// The kernel's answers, from linux/seccomp.h.
enum Answer {
    static let allow: UInt32 = 0x7FFF_0000
    static let kill: UInt32 = 0x8000_0000
    static let trap: UInt32 = 0x0003_0000
    static func fail(_ errno: UInt16) -> UInt32 { 0x0005_0000 | UInt32(errno) }
}
