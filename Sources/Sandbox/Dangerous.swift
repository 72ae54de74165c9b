/// Calls that no mistake of ours makes: whoever makes one of them has taken the process over. They are killed for on the
/// spot, in every process whose rights don't list them.
public enum Dangerous {
    /// By what an attacker would want them for.
    public static let calls =
        running + reaching + opening + touchingOthers + reachingTheKernel + changingTheHouse

    /// Another program, another process.
    static let running = ["execve", "execveat", "fork", "vfork", "clone", "clone3"]

    /// A connection of its own.
    static let reaching = [
        "socket", "socketpair", "connect", "bind", "listen", "sendmmsg", "recvmmsg", "io_uring_setup", "io_uring_enter",
        "io_uring_register",
    ]

    /// A file.
    static let opening = [
        "open", "openat", "openat2", "creat", "open_by_handle_at", "name_to_handle_at", "open_tree", "memfd_create",
        "memfd_secret", "readlink", "readlinkat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link",
        "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "rmdir", "mknod", "mknodat", "truncate", "ftruncate",
        "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "lchown", "setxattr", "getdents",
        "getdents64", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "statfs",
        "inotify_init", "inotify_init1", "fanotify_init",
    ]

    /// Other processes.
    static let touchingOthers = [
        "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open", "pidfd_getfd",
        "pidfd_send_signal", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "prlimit64",
        "setrlimit", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr", "setpriority",
        "migrate_pages", "move_pages", "kcmp", "process_mrelease",
    ]

    /// Corners of the kernel that attacks are built from.
    static let reachingTheKernel = [
        "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "init_module", "finit_module",
        "delete_module", "kexec_load", "kexec_file_load", "modify_ldt", "ioperm", "iopl", "personality", "ioctl",
        "pkey_mprotect", "shmget", "shmat", "shmctl", "msgget", "semget", "mq_open", "vmsplice", "splice", "tee",
        "remap_file_pages", "quotactl", "lookup_dcookie", "uselib", "acct", "swapon", "swapoff", "reboot", "syslog",
        "nfsservctl", "vhangup", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "lsm_set_self_attr",
        "rt_sigreturn", "rt_sigaction",
    ]

    /// Walls and floors.
    static let changingTheHouse = [
        "seccomp", "prctl", "capset", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups",
        "setfsuid", "setfsgid", "unshare", "setns", "mount", "umount2", "move_mount", "mount_setattr", "fsopen",
        "fsmount", "fsconfig", "fspick", "pivot_root", "chroot", "chdir", "fchdir", "sethostname", "setdomainname",
        "setsid", "setpgid", "landlock_create_ruleset", "landlock_add_rule",
    ]
}
