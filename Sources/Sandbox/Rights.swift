import Glibc
import IPC

/// What one process may do, as data. The walls are built from this, `audit` compares with it what the kernel says is in
/// force, and `audit --explain` prints it.
///
/// The same for every process, and so not in here: no capability, no other groups, no_new_privs, not dumpable, an empty
/// environment, no core dumps. A call that no rule lists ends the process: at once if `Dangerous` has it, else with a
/// report (`Filter`).
public struct Rights: Sendable {
    /// Whose rights these are.
    public let role: Role
    /// What the process is there for, in a sentence.
    public let purpose: String
    /// The user and group it runs as when the sidecar is started as root; otherwise it shares the pod's user.
    public let user: UInt32
    /// Files, and folders with all below them, that it may read or execute: what a program needs to begin. Nothing may be
    /// written. Once it is ready, only who may call openat can open any.
    public let paths: [PathRule]
    /// Whether Landlock leaves connecting TCP sockets alone. Binding them it denies to everybody, and signals and abstract
    /// sockets of others; the rest of the network is seccomp's.
    public let mayConnect: Bool
    /// Whether Landlock leaves it binding and connecting at some ports only, which the configuration names (ABI 4 and later).
    public let portsOnly: Bool
    /// The system calls it may make once it is ready.
    public let calls: [CallRule]
    /// What its descriptors are, once it is ready.
    public let descriptors: [DescriptorRule]
    /// The most descriptors it may have open: its RLIMIT_NOFILE, hard and soft, from before its first instruction.
    public let openFiles: UInt64
    /// What its program links beyond the C and C++ runtimes, by the beginning of each library's name.
    public let libraries: [LibraryRule]

    init(
        role: Role, purpose: String, user: UInt32, paths: [PathRule], mayConnect: Bool, portsOnly: Bool = false,
        calls: [CallRule], descriptors: [DescriptorRule], openFiles: UInt64, libraries: [LibraryRule] = []
    ) {
        self.role = role
        self.purpose = purpose
        self.user = user
        self.paths = paths
        self.mayConnect = mayConnect
        self.portsOnly = portsOnly
        self.calls = calls
        self.descriptors = descriptors
        self.openFiles = openFiles
        self.libraries = libraries
    }

    /// The calls with one rule for each name: where several give a call, what any of them allows is allowed.
    public var mergedCalls: [CallRule] {
        var order: [String] = []
        var merged: [String: CallRule] = [:]
        for rule in calls {
            guard let earlier = merged[rule.name] else {
                order.append(rule.name)
                merged[rule.name] = rule
                continue
            }
            let when =
                earlier.when.isEmpty || rule.when.isEmpty
                ? [] : earlier.when + rule.when.filter { !earlier.when.contains($0) }
            let why = earlier.why == rule.why ? rule.why : "\(earlier.why); \(rule.why)"
            merged[rule.name] = CallRule(rule.name, when: when, otherwise: earlier.otherwise, why)
        }
        return order.compactMap { merged[$0] }
    }
}

/// A file or folder that Landlock leaves open.
public struct PathRule: Sendable, Equatable {
    /// An absolute path; a missing one is passed over.
    public let path: String
    /// Executing, and mapping as code, and not only reading.
    public let execute: Bool
    /// Why.
    public let why: String

    init(_ path: String, execute: Bool = false, _ why: String) {
        self.path = path
        self.execute = execute
        self.why = why
    }
}

/// A system call that a process may make.
public struct CallRule: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Which arguments are allowed: any of these combinations. Empty = all.
    public let when: [[ArgumentTest]]
    /// What happens with other arguments: at once the end, unless something else is said.
    public let otherwise: Refusal
    /// The code path that needs it.
    public let why: String

    init(_ name: String, when: [[ArgumentTest]] = [], otherwise: Refusal = .kill, _ why: String) {
        self.name = name
        self.when = when
        self.otherwise = otherwise
        self.why = why
    }
}

/// What a filter does with a call that isn't allowed.
public enum Refusal: Sendable, Equatable {
    /// The process dies at once. The call's number is known to the host's audit log only.
    case kill
    /// The process is told by a signal, reports the number and dies. A process that has been taken over may report
    /// another number, or die without a word; it never makes the call.
    case report
    /// The call fails with this error.
    case fail(errno: UInt16)
}

/// A condition on one argument of a system call.
public struct ArgumentTest: Sendable, Equatable {
    /// How an argument is compared.
    public enum Comparison: Sendable, Equatable {
        /// Equal to this.
        case equals(UInt64)
        /// None of these bits is set.
        case lacks(UInt64)
        /// These bits, and only these of the mask, are set.
        case masked(UInt64, equals: UInt64)
    }

    /// Which argument, from 0.
    public let argument: Int
    /// The kernel reads 32 bits of it (an int), or all 64 (a pointer or a long).
    public let isLong: Bool
    /// The comparison.
    public let comparison: Comparison
    /// The condition in words.
    public let words: String

    /// An int equals.
    static func int(_ argument: Int, _ value: Int32, _ words: String) -> ArgumentTest {
        ArgumentTest(
            argument: argument, isLong: false, comparison: .equals(UInt64(UInt32(bitPattern: value))), words: words)
    }

    /// An int has none of these bits.
    static func lacks(_ argument: Int, _ bits: UInt32, _ words: String) -> ArgumentTest {
        ArgumentTest(argument: argument, isLong: false, comparison: .lacks(UInt64(bits)), words: words)
    }

    /// Of an int, the bits of the mask are these.
    static func masked(_ argument: Int, _ mask: UInt32, _ value: UInt32, _ words: String) -> ArgumentTest {
        ArgumentTest(
            argument: argument, isLong: false, comparison: .masked(UInt64(mask), equals: UInt64(value)), words: words)
    }

    /// An int is the process's own id: of the process that reads the rights, which is the one that will live by them.
    static func ownProcess(_ argument: Int) -> ArgumentTest { .int(argument, getpid(), "its own process") }

    /// A pointer is null.
    static func null(_ argument: Int, _ words: String) -> ArgumentTest {
        ArgumentTest(argument: argument, isLong: true, comparison: .equals(0), words: words)
    }
}

/// A library that a process's program links.
public struct LibraryRule: Sendable, Equatable {
    /// Its name without the version, such as `libssl`.
    public let name: String
    /// It brings libraries of its own, which may be there as well.
    public let bringsOthers: Bool
    /// Why.
    public let why: String

    init(_ name: String, bringsOthers: Bool = false, _ why: String) {
        self.name = name
        self.bringsOthers = bringsOthers
        self.why = why
    }
}

/// A kind of descriptor that a process holds.
public struct DescriptorRule: Sendable, Equatable {
    /// What /proc/PID/fd says of such a descriptor begins with this.
    public let kind: String
    /// Why it is there.
    public let why: String

    init(_ kind: String, _ why: String) {
        self.kind = kind
        self.why = why
    }
}
