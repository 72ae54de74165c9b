import CLinux
import Glibc
import IPC

/// What a child's end was, read from what the kernel reports.
enum Death: Equatable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)
    /// SIGSYS: a system call that its filter refuses. Which one is known only where the process reported it before it
    /// died, and then only by its own word.
    case sandboxViolation(reported: String?)
    /// SIGILL or SIGTRAP: a failed precondition of Swift.
    case trap(Int32)
    /// SIGKILL while the cgroup's count of out-of-memory kills went up.
    case outOfMemory
    /// We killed it, for this reason.
    case killed(String)
    /// It never became the program it was to be: the step between fork and exec that failed, and its error.
    case neverRan(stage: Int32, error: Int32)

    /// From the kernel's report.
    init(_ death: cl_death, killedBecause: String?, outOfMemory: Bool, reportedViolation: UInt32? = nil) {
        // CLD_EXITED is 1; CLD_KILLED and CLD_DUMPED carry a signal.
        guard death.code != 1 else {
            self = .exited(death.status)
            return
        }
        switch death.status {
        case SIGSYS:
            self = .sandboxViolation(
                reported: reportedViolation.map { number in
                    cl_syscall_name(Int32(bitPattern: number)).map { String(cString: $0) } ?? "number \(number)"
                })
        case SIGILL, SIGTRAP: self = .trap(death.status)
        case SIGKILL:
            if let killedBecause {
                self = .killed(killedBecause)
            } else {
                self = outOfMemory ? .outOfMemory : .signalled(SIGKILL)
            }
        default: self = .signalled(death.status)
        }
    }

    /// The wall that could not be put up, if that is what it died of: one of those between fork and exec, or its filter,
    /// which it puts up itself.
    var missingWall: String? {
        switch self {
        case .neverRan(let stage, let error) where [5, 7, 8, 9].contains(stage):
            "\(Self.name(ofStage: stage)) failed (\(String(cString: strerror(error))))"
        case .exited(ExitCode.missingSandbox.rawValue): "it could not close itself in; its own line says why"
        case .exited, .signalled, .sandboxViolation, .trap, .outOfMemory, .killed, .neverRan: nil
        }
    }

    /// Would another try end the same way?
    var isFatal: Bool { self == .exited(ExitCode.configuration.rawValue) }

    var description: String {
        switch self {
        case .exited(let code):
            if let known = ExitCode(rawValue: code) { "exit \(code) (\(known.name))" } else { "exit \(code)" }
        case .signalled(let signal): "signal \(signal) (\(Self.name(of: signal)))"
        case .sandboxViolation(let reported):
            "signal \(SIGSYS) (SIGSYS): sandbox violation: "
                + (reported.map { "system call \($0), as reported by the process itself" }
                    ?? "the system call is in the host's audit log only")
        case .trap(let signal): "signal \(signal) (\(Self.name(of: signal))): a precondition failed"
        case .outOfMemory: "signal 9 (SIGKILL): out of memory"
        case .killed(let reason): "killed by the supervisor: \(reason)"
        case .neverRan(let stage, let error):
            "could not be started: \(Self.name(ofStage: stage)): \(String(cString: strerror(error)))"
                + (stage == 2 && error == EINVAL
                    ? " (the limit on open files is too low; at least 256 are needed)" : "")
        }
    }

    static func name(of signal: Int32) -> String {
        switch signal {
        case SIGHUP: "SIGHUP"
        case SIGINT: "SIGINT"
        case SIGQUIT: "SIGQUIT"
        case SIGILL: "SIGILL"
        case SIGTRAP: "SIGTRAP"
        case SIGABRT: "SIGABRT"
        case SIGBUS: "SIGBUS"
        case SIGFPE: "SIGFPE"
        case SIGKILL: "SIGKILL"
        case SIGUSR1: "SIGUSR1"
        case SIGSEGV: "SIGSEGV"
        case SIGUSR2: "SIGUSR2"
        case SIGPIPE: "SIGPIPE"
        case SIGALRM: "SIGALRM"
        case SIGTERM: "SIGTERM"
        case SIGXCPU: "SIGXCPU"
        case SIGXFSZ: "SIGXFSZ"
        case SIGSYS: "SIGSYS"
        default: signal >= cl_sigrtmin() ? "SIGRTMIN+\(signal - cl_sigrtmin())" : "unnamed"
        }
    }

    private static func name(ofStage stage: Int32) -> String {
        switch stage {
        case 1: "waiting at the gate"
        case 2: "placing descriptors"
        case 3: "setting limits"
        case 4: "tying its life to ours"
        case 5: "giving up privileges"
        case 7: "becoming a user of its own"
        case 8: "going behind Landlock"
        case 9: "giving up capabilities"
        default: "exec"
        }
    }
}
