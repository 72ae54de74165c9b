import IPC
import Sandbox

/// Something that a process which has been taken over might try. What it does is in Sources/CProbe, under the same name.
public struct Attack: Sendable {
    /// Its name there.
    public let name: String
    /// In words.
    public let words: String
    /// The calls it can't do without, with the arguments that matter; empty = calls by other numbers, never declared.
    let calls: [(name: String, arguments: [UInt64])]
    /// The wall behind seccomp and Landlock: files and processes of others are kept by users and modes.
    let isAboutOthers: Bool
    /// What it means where it is declared.
    let whenAllowed: String

    init(
        _ name: String, _ words: String, _ calls: [(name: String, arguments: [UInt64])], others: Bool = false,
        whenAllowed: String = "declared"
    ) {
        self.name = name
        self.words = words
        self.calls = calls
        isAboutOthers = others
        self.whenAllowed = whenAllowed
    }

    /// Whether the rights of a role hold everything the attack needs.
    func isDeclared(for role: Role) -> Bool {
        if calls.isEmpty { return false }
        guard let rights = Rights.of(role) else {
            return calls.allSatisfy { SupervisorFilter.allows($0.name, $0.arguments) }
        }
        // What seccomp leaves it, Landlock takes: none of these targets is at a port of KV agents.
        if rights.portsOnly && calls.contains(where: { $0.name == "connect" }) { return false }
        return calls.allSatisfy { rights.allows($0.name, $0.arguments) }
    }

    /// SOCK_NONBLOCK and SOCK_CLOEXEC, as every socket of the house is made.
    private static let flags: UInt64 = 0o4000 | 0o2000000
    private static let fastOpen: UInt64 = 0x2000_4000
    private static let code: UInt64 = 1 | 4  // PROT_READ | PROT_EXEC

    private static func socket(_ family: UInt64, _ type: UInt64, _ number: UInt64 = 0) -> (String, [UInt64]) {
        ("socket", [family, type | flags, number])
    }

    private static let tcp = socket(2, 1)
    private static let reach = [tcp, ("connect", [])]
    private static let open: [(String, [UInt64])] = [("openat", [])]
    private static let byCode = "declared; where it may connect to is checked by its own code, not by a wall"

    /// All of them, in the order of a report.
    public static let all: [Attack] = secrets + siblings + network + listener + newProcesses + kernel

    private static let secrets = [
        Attack("read-token", "read the service account's token", open, others: true),
        Attack("read-passwd", "read /etc/passwd", open),
        Attack("create-file", "create and write a file", open),
        Attack("memfd", "make a file in memory", [("memfd_create", [])]),
    ]

    private static let siblings = [
        Attack("proc-environ", "read a sibling's environment", open, others: true),
        Attack("proc-mem", "read a sibling's memory (/proc)", open, others: true),
        Attack("proc-fd", "list a sibling's descriptors", open, others: true),
        Attack("proc-maps", "read a sibling's memory map", open, others: true),
        Attack("proc-cmdline", "read a sibling's arguments", open, others: true),
        Attack("ptrace", "trace a sibling", [("ptrace", [])], others: true),
        Attack("process-vm-readv", "read a sibling's memory", [("process_vm_readv", [])], others: true),
        Attack("pidfd-open", "open a sibling's pidfd", [("pidfd_open", [])], others: true),
        Attack("pidfd-getfd", "take a sibling's descriptor", [("pidfd_getfd", [])], others: true),
        Attack("pidfd-signal", "signal a sibling by pidfd", [("pidfd_send_signal", [])], others: true),
        Attack("kill", "signal a sibling", [("kill", [])], others: true),
        Attack("tgkill", "signal a sibling's thread", [("tgkill", [])], others: true),
        Attack("prlimit", "change a sibling's limits", [("prlimit64", [])], others: true),
        Attack("affinity", "move a sibling to other processors", [("sched_setaffinity", [])], others: true),
    ]

    private static let network = [
        Attack("tcp-socket", "make a TCP socket", [tcp]),
        Attack("connect-api", "connect to the API server", reach, whenAllowed: byCode),
        Attack("connect-metadata", "connect to 169.254.169.254", reach, whenAllowed: byCode),
        Attack("connect-outside", "connect outside the allowlist", reach, whenAllowed: byCode),
        Attack("bind-listen", "listen on a port of its own", [tcp, ("bind", []), ("listen", [])]),
        Attack("udp-socket", "make a UDP socket", [socket(2, 2)]),
        Attack("udp-send", "send a datagram anywhere", [socket(2, 2), ("sendto", [0, 0, 0, 0, 1])]),
        Attack("raw-socket", "make a raw socket", [socket(2, 3, 1)]),
        Attack("packet-socket", "make a packet socket", [socket(17, 3)]),
        Attack("netlink-socket", "make a netlink socket", [socket(16, 3)]),
        Attack("mptcp-socket", "make an MPTCP socket", [socket(2, 1, 262)]),
        Attack("unix-socket", "make a local socket", [socket(1, 1)]),
        Attack("unix-abstract", "connect to an abstract socket", [socket(1, 1), ("connect", [])], others: true),
        Attack("fastopen-sendto", "connect by sendto(MSG_FASTOPEN)", [tcp, ("sendto", [0, 0, 0, fastOpen, 1])]),
        Attack("fastopen-sendmsg", "connect by sendmsg(MSG_FASTOPEN)", [tcp, ("sendmsg", [0, 0, fastOpen])]),
        Attack("sendmmsg", "connect by sendmmsg(MSG_FASTOPEN)", [tcp, ("sendmmsg", [0, 0, 0, fastOpen])]),
    ]

    private static let listener = [
        Attack(
            "shutdown-listener", "shut the shared listener down", [("shutdown", [])],
            whenAllowed: "allowed by design, healed by the supervisor"),
        Attack(
            "block-listener", "make the shared listener block", [("fcntl", [4, 4])],
            whenAllowed: "declared for libcurl's sockets; it is lent no listener"),
        Attack(
            "linger-listener", "make all answers end in a reset", [("setsockopt", [4, 1, 13])],
            whenAllowed: "SO_LINGER is declared for connections; the supervisor has to check the listener for it"),
        Attack("attach-filter", "put a filter on the shared listener", [("setsockopt", [4, 1, 26])]),
        Attack("lock-filter", "lock the shared listener's filter", [("setsockopt", [4, 1, 44])]),
        Attack("setown", "direct a socket's signals at a sibling", [("fcntl", [4, 8])]),
    ]

    private static let newProcesses = [
        Attack("exec", "run its own program again", [("execve", [])]),
        Attack("exec-shell", "run a shell", [("execve", [])]),
        Attack("fork", "fork", [("clone", [])]),
        Attack("fork-bomb", "fork 32 times", [("clone", [])]),
        Attack("clone-user", "fork into namespaces of its own", [("clone", [0x5000_0000])]),
        Attack("clone3-user", "fork into namespaces of its own (clone3)", [("clone3", [])]),
    ]

    private static let kernel = [
        Attack("mmap-exec", "map memory as code", [("mmap", [0, 4096, code])]),
        Attack("mprotect-exec", "make memory code", [("mprotect", [0, 4096, code])]),
        Attack("pkey-mprotect-exec", "make memory code (pkey)", [("pkey_mprotect", [0, 4096, code])]),
        Attack("io-uring", "use io_uring", [("io_uring_setup", [])]),
        Attack("userfaultfd", "use userfaultfd", [("userfaultfd", [])]),
        Attack("keyctl", "use the kernel's keyring", [("keyctl", [])]),
        Attack("add-key", "add a key", [("add_key", [])]),
        Attack("bpf", "use bpf", [("bpf", [])]),
        Attack("perf", "use perf events", [("perf_event_open", [])]),
        Attack("mount", "mount", [("mount", [])]),
        Attack("fspick", "change a mount", [("fspick", [])]),
        Attack("fsconfig", "configure a mount", [("fsconfig", [])]),
        Attack("unshare-user", "make a user namespace", [("unshare", [])]),
        Attack("setns", "enter a namespace", [("setns", [])]),
        Attack("chroot", "change the root", [("chroot", [])]),
        Attack("init-module", "load a kernel module", [("init_module", [])]),
        Attack("personality", "make all memory code (personality)", [("personality", [])]),
        Attack("setuid-0", "become root", [("setuid", [])]),
        Attack("capset", "take CAP_SYS_ADMIN", [("capset", [])]),
        Attack("dumpable", "become dumpable", [("prctl", [])]),
        Attack("tiocsti", "push input into a terminal", [("ioctl", [])]),
        Attack("x32", "call by x32 numbers", []),
        Attack("i386", "call by i386 numbers (int 0x80)", []),
    ]
}
