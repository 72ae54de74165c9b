import Glibc
import IPC

/// The rights a second time, by hand: to widen one takes a change in two places. Constants are the kernel's numbers for
/// x86-64 and arm64, on purpose without the names that the rights are written with. The notation is `CallRule.inBrief`'s.
enum Expected {
    /// Memory, time and the end; the loop and its channel.
    private static let all = [
        "mmap(2!4)", "mprotect(2!4)", "munmap", "mremap", "madvise", "brk", "futex", "clock_gettime",
        "restart_syscall", "rt_sigprocmask", "gettid", "getpid", "tgkill(0=\(getpid()),2=6)", "sched_yield",
        "exit_group",
        "close", "recvmsg", "read", "write", "fstat",
        "getrandom", "sendto(4L=0,3!536870912)",
    ]
    /// Passing descriptors on.
    private static let passing = ["sendmsg(2!536870912)"]
    private static let loop = ["epoll_wait", "epoll_pwait", "epoll_ctl"]
    private static let seals = ["fcntl(1=1034)"]

    /// What libc says before it aborts goes to the log.
    private static let lastWords = ["writev(0=2)"]

    /// Clients of proxy and admin.
    private static let serving = ["recvfrom", "accept4"]

    /// A stream or datagrams (`kind`) of IPv4 and IPv6, by one protocol.
    private static func sockets(_ kinds: [Int], _ number: Int) -> [String] {
        [2, 10].flatMap { family in
            kinds.flatMap { kind in [0, number].map { "0=\(family),1=\(kind),2=\($0)" } }
        }
    }

    /// NODELAY, KEEPIDLE, KEEPINTVL, KEEPCNT; KEEPALIVE.
    private static let connected = ["1=6,2=1", "1=6,2=4", "1=6,2=5", "1=6,2=6", "1=1,2=9"]

    private static func rule(_ name: String, _ alternatives: [String]) -> String {
        "\(name)(\(alternatives.joined(separator: " | ")))"
    }

    static let calls: [Role: [String]] = [
        // The socket option: SO_LINGER.
        .proxy: all + loop + seals + serving + ["writev", "shutdown", "setsockopt(1=1,2=13)"],
        .admin: all + loop + seals + lastWords + serving,
        .dialer: all + passing + loop + seals + lastWords + [
            rule("socket", sockets([0x80801], 6)), "connect", rule("setsockopt", connected), "getsockopt(1=1,2=4)",
            "poll", "ppoll",
        ],
        .resolver: all + loop + seals + lastWords + [
            rule("socket", sockets([0x80802], 17) + sockets([0x80801], 6)), "connect", rule("setsockopt", connected),
            "getsockopt(1=1,2=4)", "recvfrom(4L=0)", "pread64",
        ],
        // NODELAY, KEEPIDLE, KEEPINTVL; KEEPALIVE. F_GET_SEALS, F_GETFL, F_SETFL. ETHTOOL, GIFMTU, GIFHWADDR, GIFFLAGS,
        // GIFADDR, GIFNETMASK.
        .kvAgent: all + loop + lastWords + [
            rule("socket", sockets([1], 6)), "connect", "accept",
            "setsockopt(1=6,2=1 | 1=6,2=4 | 1=6,2=5 | 1=1,2=9)", "getsockopt(1=1,2=4)", "getsockname", "getpeername",
            "fcntl(1=1034 | 1=3 | 1=4)",
            "ioctl(1=35142 | 1=35105 | 1=35111 | 1=35091 | 1=35093 | 1=35099)", "recvfrom(4L=0)",
            "sendmsg(2!536870912)", "shutdown",
        ],
        .signer: all + loop + lastWords + seals + ["pread64"],
        .watcher: all + passing + [
            rule("socket", sockets([1, 0x80001, 0x801, 0x80801], 6)), "connect", "getsockname", "getpeername",
            "getsockopt(1=1,2=4 | 1=1,2=7 | 1=1,2=3)", rule("setsockopt", connected + ["1=6,2=18", "1=1,2=7"]),
            "recvfrom(4L=0)", "shutdown", "poll", "ppoll", "writev", "pread64", "lseek", "memfd_create",
            "pwrite64", "fcntl(1=1034 | 1=1033 | 1=3 | 1=4 | 1=1 | 1=2)", "sysinfo",
        ],
    ]

    static let programPaths = [
        "x /usr/lib", "x /lib", "x /lib64", "x /usr/lib64", "x /usr/local/lib", "r /etc/ld.so.cache",
        "r /etc/ld.so.preload", "r /dev/null",
    ]

    struct Rest {
        var user: UInt32
        var mayConnect: Bool
        var openFiles: UInt64
        var portsOnly = false
        var paths: [String] = []
    }

    static let rest: [Role: Rest] = [
        .watcher: Rest(
            user: 10001, mayConnect: true, openFiles: 256,
            paths: ["r /etc/ssl/openssl.cnf", "r /usr/lib/ssl", "r /etc/gai.conf"]),
        .dialer: Rest(user: 10002, mayConnect: true, openFiles: 16_384),
        .proxy: Rest(user: 10003, mayConnect: false, openFiles: 65_536),
        .kvAgent: Rest(
            user: 10004, mayConnect: true, openFiles: 1024, portsOnly: true, paths: ["r /sys/class/net"]),
        .admin: Rest(user: 10005, mayConnect: false, openFiles: 1024),
        .signer: Rest(user: 10006, mayConnect: false, openFiles: 1024),
        .resolver: Rest(user: 10007, mayConnect: true, openFiles: 1024),
    ]
}
