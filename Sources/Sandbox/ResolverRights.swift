import Glibc

extension Rights {
    /// DNS, only with --resolve-names. It reads answers from the network, and can reach nothing but name servers' ports
    /// as far as the kernel lets that be said.
    static let resolver = Rights(
        role: .resolver,
        purpose: "looks names up in DNS; the dialer checks what it finds",
        user: 10007,
        paths: programPaths,
        mayConnect: true,
        calls: runtimeCalls + loopCalls + [
            CallRule(
                "socket",
                when: udpSockets(flags: [nonBlocking | closeOnExec]) + tcpSockets(flags: [nonBlocking | closeOnExec]),
                "A question to a name server (Resolver/Sockets, CLinux/socket.c)"),
            CallRule("connect", "The same: every socket is connected to one server, so that no other can answer"),
            CallRule(
                "setsockopt", when: connectedOptions,
                "A question over TCP, after an answer that was cut (CLinux/socket.c, cl_connect_tcp)"),
            CallRule(
                "getsockopt", when: socketOptions([(SO_ERROR, "SO_ERROR")]),
                "Whether a connection came about (CLinux/socket.c, cl_socket_error)"),
            CallRule(
                "recvfrom", when: [[.null(4, "without asking for an address")]], "Answers (CLinux/socket.c, cl_recv)"),
            CallRule("pread64", "resolv.conf and hosts, which come as descriptors (Resolver/Sockets)"),
        ],
        descriptors: childDescriptors + [
            DescriptorRule("socket:", "questions to name servers; channels to dialers"),
            DescriptorRule("/etc/", "resolv.conf and hosts, while they are being read"),
        ],
        openFiles: 1024)
}
