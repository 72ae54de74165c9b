import Glibc

extension Rights {
    /// The only process that connects anywhere for a client. It sees targets, never a request's bytes.
    static let dialer = Rights(
        role: .dialer,
        purpose: "connects to the decoder and to prefillers that the allowlist holds, and passes the connections on",
        user: 10002,
        paths: programPaths,
        mayConnect: true,
        calls: runtimeCalls + loopCalls + passingCalls + [
            CallRule(
                "socket", when: tcpSockets(flags: [nonBlocking | closeOnExec]),
                "A connection in the making (CLinux/socket.c, cl_connect_tcp)"),
            CallRule("connect", "The same; only TCP sockets can exist here"),
            CallRule("setsockopt", when: connectedOptions, "The same"),
            CallRule(
                "getsockopt", when: socketOptions([(SO_ERROR, "SO_ERROR")]),
                "Whether a connection came about (CLinux/socket.c, cl_socket_error)"),
            CallRule("poll", "The same, at once (Dialer/DialerProcess)"),
            CallRule("ppoll", "The same where the architecture has no poll"),
        ],
        descriptors: childDescriptors + [
            DescriptorRule("socket:", "channels to proxies and to the resolver; connections in the making"),
            DescriptorRule("/memfd:allowlist", "the snapshot of the pool, while it is being mapped"),
        ],
        openFiles: 16_384)
}
