/// The supervisor's own filter. A filter survives exec, so its children live under it too: it may refuse only what none of
/// them needs (starting programs, opening files and sockets are what the house is made of). It answers with an error and
/// does not kill, because a library's probe is no attack and the supervisor's end is everybody's.
public enum SupervisorFilter {
    /// Calls that fail for the supervisor and every child.
    public static let refused: [CallRule] = [
        refuse("ptrace", "reading or steering another process"),
        refuse("process_vm_readv", "the same"), refuse("process_vm_writev", "the same"),
        refuse("process_madvise", "the same"), refuse("pidfd_getfd", "taking another process's descriptors"),
        refuse("kcmp", "comparing them"), refuse("bpf", "programs in the kernel"),
        refuse("perf_event_open", "watching the kernel"), refuse("userfaultfd", "page faults as a tool of attack"),
        refuse("io_uring_setup", "system calls that no filter sees"), refuse("io_uring_enter", "the same"),
        refuse("io_uring_register", "the same"), refuse("keyctl", "the kernel's keyring"),
        refuse("add_key", "the same"), refuse("request_key", "the same"), refuse("mount", "file systems"),
        refuse("umount2", "the same"), refuse("move_mount", "the same"), refuse("fsopen", "the same"),
        refuse("fsmount", "the same"), refuse("fsconfig", "the same"), refuse("fspick", "the same"),
        refuse("open_tree", "the same"), refuse("mount_setattr", "the same"),
        refuse("pivot_root", "the same"), refuse("chroot", "the same"), refuse("unshare", "new namespaces"),
        refuse("setns", "other namespaces"), refuse("init_module", "kernel modules"),
        refuse("finit_module", "the same"), refuse("delete_module", "the same"),
        refuse("kexec_load", "another kernel"), refuse("kexec_file_load", "the same"), refuse("reboot", "the machine"),
        refuse("swapon", "the same"), refuse("swapoff", "the same"), refuse("settimeofday", "the clock"),
        refuse("clock_settime", "the same"), refuse("open_by_handle_at", "files past their paths"),
        refuse("personality", "old behaviours of the kernel"), refuse("modify_ldt", "segments"),
        refuse("iopl", "the hardware"), refuse("ioperm", "the same"), refuse("acct", "accounting"),
        refuse("quotactl", "quotas"), refuse("syslog", "the kernel's log"), refuse("vhangup", "terminals"),
        CallRule(
            "clone", when: [[.lacks(0, newNamespaces, "no namespace of its own")]], otherwise: .fail(errno: 1),
            "new namespaces by another call; new processes and threads are what the house is made of"),
        // Its flags are in memory, where no filter sees them. Libraries take this error for an older kernel, and use clone.
        CallRule(
            "clone3", when: [[.int(0, 0, "never"), .int(0, 1, "never")]], otherwise: .fail(errno: 38),
            "the same, past any check"),
        // Only streams and datagrams of the internet, and local ones: no raw or packet sockets, no Bluetooth, no vsock.
        CallRule(
            "socket",
            when: [
                [.int(0, 2, "IPv4"), .masked(1, 0xF, 1, "a stream")],
                [.int(0, 2, "IPv4"), .masked(1, 0xF, 2, "datagrams")],
                [.int(0, 10, "IPv6"), .masked(1, 0xF, 1, "a stream")],
                [.int(0, 10, "IPv6"), .masked(1, 0xF, 2, "datagrams")],
                [.int(0, 1, "local")],
                [.int(0, 16, "netlink"), .int(2, 0, "for the addresses of this host")],
            ],
            otherwise: .fail(errno: 1), "no other families; raw sockets and packets are for attackers"),
    ]

    /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. (NEWTIME is no flag of clone: there its bit is
    /// part of a signal's number.)
    private static let newNamespaces: UInt32 = 0x7E02_0000

    private static func refuse(_ name: String, _ why: String) -> CallRule {
        // A combination that never holds: always refused.
        CallRule(
            name, when: [[.int(0, 0, "never"), .int(0, 1, "never")]], otherwise: .fail(errno: 1), why)
    }
}
