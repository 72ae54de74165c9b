import Glibc

// Rules that several processes share: the loop, the channels, memory. Each names the code path that needs it.

/// Memory, time, the end. Needed by every process, whatever it does.
let runtimeCalls: [CallRule] = [
    CallRule(
        "mmap", when: [[.lacks(2, UInt32(PROT_EXEC), "not executable")]],
        "Memory for buffers, and segments and snapshots that come as descriptors (Metrics, Allowlist)"),
    CallRule(
        "mprotect", when: [[.lacks(2, UInt32(PROT_EXEC), "not executable")]],
        "The allocator opens reserved memory as it grows (malloc)"),
    CallRule("munmap", "Memory given back; a snapshot that was replaced (Allowlist)"),
    CallRule("mremap", "A buffer that grows (realloc)"),
    CallRule("madvise", "Memory given back within the heap (malloc)"),
    CallRule("brk", "The heap (malloc)"),
    CallRule("futex", "Locks of the allocator and of Swift's lazy globals"),
    CallRule("clock_gettime", "The monotonic clock, where the kernel's page for it is missing (Linux/Clock)"),
    CallRule("restart_syscall", "A wait that a signal to the whole process interrupted"),
    CallRule("rt_sigprocmask", "abort(), when the allocator or a library finds itself broken: told as SIGABRT"),
    CallRule("gettid", "The same"),
    CallRule("getpid", "The same"),
    CallRule(
        "tgkill", when: [[.ownProcess(0), .int(2, SIGABRT, "SIGABRT")]], "The same; no other process, no other signal"),
    CallRule("writev", when: [[.int(0, 2, "to its log")]], "The same: what libc says before it aborts"),
    CallRule("sched_yield", "A lock under contention (malloc)"),
    CallRule("exit_group", "The end"),
]

/// The event loop, and the channel to the supervisor.
let loopCalls: [CallRule] =
    [
        CallRule("epoll_wait", "Waiting for events (Linux/EventPoll)"),
        CallRule("epoll_pwait", "The same where the architecture has no epoll_wait"),
        CallRule("epoll_ctl", "Watching descriptors (Linux/EventPoll)"),
    ] + channelCalls

/// The channel to the supervisor, the log, and what comes as a descriptor.
let channelCalls: [CallRule] = [
    CallRule("close", "Descriptors that are done with"),
    CallRule(
        "recvmsg", "Messages with descriptors from siblings (CLinux/socket.c, cl_recv_packet)"),
    CallRule("read", "A pipe between threads; files that come as descriptors"),
    CallRule(
        "write", "Log lines to the supervisor's pipe (Linux/ChildLog); a pipe between threads"),
    CallRule(
        "fstat",
        "The size of a segment or a snapshot (CLinux/memory.c). Not newfstatat: it takes paths, and Landlock allows asking"
    ),
    CallRule(
        "fcntl",
        when: [[.int(1, 1034, "F_GET_SEALS")]],
        "The seals of a segment or a snapshot (CLinux/memory.c). Not F_SETFL: a listening socket is shared with the"
            + " supervisor and all who come after, and one that blocks would stop them"),
    CallRule("getrandom", "Request ids and the seeds of hash tables"),
    CallRule(
        "sendto",
        when: [[.null(4, "to the peer it is connected to"), .lacks(3, fastOpen, "no TCP Fast Open")]],
        "Bytes to a peer; the report of a violation (CLinux)"),
]

/// Passing descriptors on. Only for who must: a descriptor that is closed by its receiver can make it wait (a socket with
/// SO_LINGER and a peer that doesn't read), so that whoever may send one can hold the supervisor up.
let passingCalls: [CallRule] = [
    CallRule(
        "sendmsg", when: [[.lacks(2, fastOpen, "no TCP Fast Open, which would be a connect()")]],
        "A message with a descriptor (CLinux/socket.c, cl_send_packet)")
]

/// Connections of clients, on a listening socket that the supervisor has bound.
let serverCalls: [CallRule] = [
    CallRule("accept4", "New clients, and where they are (CLinux/socket.c)"),
    // Its arguments are not looked at, and so the kernel asks the filter once and remembers: a tenth of a microsecond for
    // each read. A peer's address, which it could also tell, is what `accept4` tells.
    CallRule("recvfrom", "Bytes from a peer (CLinux/socket.c, cl_recv)"),
]

/// MSG_FASTOPEN: send() with it connects.
let fastOpen: UInt32 = 0x2000_0000

/// socket() for TCP over IPv4 and IPv6 only. `flags`: the combinations of SOCK_NONBLOCK and SOCK_CLOEXEC in use.
func tcpSockets(flags: [Int32]) -> [[ArgumentTest]] {
    sockets(
        kind: Int32(SOCK_STREAM.rawValue), "a stream", protocolNumber: Int32(IPPROTO_TCP), "TCP, and not MPTCP", flags)
}

/// socket() for UDP over IPv4 and IPv6 only.
func udpSockets(flags: [Int32]) -> [[ArgumentTest]] {
    sockets(kind: Int32(SOCK_DGRAM.rawValue), "datagrams", protocolNumber: Int32(IPPROTO_UDP), "UDP", flags)
}

private func sockets(
    kind: Int32, _ kindWords: String, protocolNumber: Int32, _ protocolWords: String, _ flags: [Int32]
) -> [[ArgumentTest]] {
    var alternatives: [[ArgumentTest]] = []
    for (family, words) in [(AF_INET, "IPv4"), (AF_INET6, "IPv6")] {
        for flag in flags {
            for number in [0, protocolNumber] {
                alternatives.append([
                    .int(0, family, words), .int(1, kind | flag, kindWords), .int(2, number, protocolWords),
                ])
            }
        }
    }
    return alternatives
}

/// Options of TCP connections by their level.
func tcpOptions(_ options: [(Int32, String)]) -> [[ArgumentTest]] {
    options.map { [.int(1, Int32(IPPROTO_TCP), "IPPROTO_TCP"), .int(2, $0.0, $0.1)] }
}

/// Options of any socket.
func socketOptions(_ options: [(Int32, String)]) -> [[ArgumentTest]] {
    options.map { [.int(1, SOL_SOCKET, "SOL_SOCKET"), .int(2, $0.0, $0.1)] }
}

/// What cl_connect_tcp sets on a connection: small writes at once, and a peer that is gone is noticed.
let connectedOptions: [[ArgumentTest]] =
    tcpOptions([
        (TCP_NODELAY, "TCP_NODELAY"), (TCP_KEEPIDLE, "TCP_KEEPIDLE"), (TCP_KEEPINTVL, "TCP_KEEPINTVL"),
        (TCP_KEEPCNT, "TCP_KEEPCNT"),
    ]) + socketOptions([(SO_KEEPALIVE, "SO_KEEPALIVE")])

/// SOCK_NONBLOCK and SOCK_CLOEXEC.
let nonBlocking = Int32(SOCK_NONBLOCK.rawValue)
/// See above.
let closeOnExec = Int32(SOCK_CLOEXEC.rawValue)

/// What a dynamically linked program reads before its first line.
let programPaths: [PathRule] = [
    PathRule("/usr/lib", execute: true, "The C library and the loader"),
    PathRule("/lib", execute: true, "The same"),
    PathRule("/lib64", execute: true, "The same"),
    PathRule("/usr/lib64", execute: true, "The same"),
    PathRule("/usr/local/lib", execute: true, "Libraries that an image keeps there"),
    PathRule("/etc/ld.so.cache", "Where the loader finds libraries"),
    PathRule("/etc/ld.so.preload", "Read by the loader if it is there"),
    PathRule("/dev/null", "Standard input"),
]

/// Descriptors that every child begins with.
let childDescriptors: [DescriptorRule] = [
    DescriptorRule("/dev/null", "standard input"),
    DescriptorRule("pipe:", "standard output and error, read by the supervisor; between threads"),
    DescriptorRule("socket:", "the channel to the supervisor"),
    DescriptorRule("anon_inode:[eventpoll]", "the event loop"),
    DescriptorRule("/memfd:counters", "its counters, or another process's to read"),
]
