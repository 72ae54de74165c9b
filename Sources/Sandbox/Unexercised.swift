import IPC

/// Calls of the rights that no load of the tests makes, each with the reason why the right stays. The redundancy test
/// (Tests/Sandbox) runs a mixed load under a tracer and fails for a call that is neither made nor written down here, so
/// that rights which nobody needs any more are found and taken away.
public enum Unexercised {
    /// Of every process.
    public static let anywhere: [String: String] = [
        "brk": "when the heap grows is the allocator's choice",
        "madvise": "when memory is given back is the allocator's choice",
        "mprotect": "only where a thread of the allocator's has used up what it had opened",
        "mremap": "only where a large buffer grows in place",
        "futex": "only where two threads want the same lock",
        "sched_yield": "the same, in a lock that spins",
        "clock_gettime": "a page of the kernel's answers it where there is one",
        "epoll_pwait": "what libc makes of epoll_wait on arm64, where there is no other",
        "restart_syscall": "after a stop and a continue; Tests/Chaos does that",
        "rt_sigprocmask": "abort()",
        "gettid": "abort()",
        "getpid": "abort()",
        "tgkill": "abort()",
        "writev": "abort()",
        "getrandom": "hash tables ask for their seeds when the first is made",
        "exit_group": "a process that is killed says no goodbye",
    ]

    /// Of one process.
    public static let inRole: [Role: [String: String]] = [
        .proxy: [
            "setsockopt": "an answer to HTTP/1.0 that is cut; Tests/Chaos does that",
            "fstat": "a snapshot or certificates that come later; the load has neither",
        ],
        .admin: [
            "read": "of threads and files, which it has none of: the loop is shared",
            "write": "only where there is something to log",
            "fstat": "segments and snapshots come before the walls, or not at all",
        ],
        .dialer: [
            "read": "of threads and files, which it has none of: the loop is shared",
            "sendto": "the report of a violation",
            "ppoll": "what libc makes of poll on arm64",
            "fstat": "segments and snapshots come before the walls, or not at all",
        ],
        .watcher: [
            "read": "what comes as a descriptor it reads by pread64: the channel's rules are shared",
            "fstat": "snapshots it makes itself: the channel's rules are shared",
            "ppoll": "what libc makes of poll on arm64",
            "shutdown": "an end of a connection that the load doesn't have (libcurl, OpenSSL)",
            "lseek": "certificates that are longer than one read (OpenSSL)",
            "sysinfo": "long lists that libc sorts",
        ],
        .resolver: [
            "read": "of threads and files, which it reads by pread64: the loop is shared",
            "fcntl": "of segments and snapshots, which it is given none of: the loop is shared",
            "fstat": "the same", "mmap": "the same, and the heap's", "munmap": "the same",
            "write": "only where there is something to log",
            "socket": "names of the load stand in the hosts file; Tests/Attack asks a name server",
            "connect": "the same", "recvfrom": "the same",
            "setsockopt": "questions over TCP, after an answer that was cut", "getsockopt": "the same",
        ],
    ]

    /// Why a call that a process may make is never seen; nil = it must be seen.
    public static func reason(_ role: Role, _ call: String) -> String? { inRole[role]?[call] ?? anywhere[call] }
}
