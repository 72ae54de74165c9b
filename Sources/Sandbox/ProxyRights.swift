import Glibc

extension Rights {
    /// The process that reads clients' bytes. It is given its listening socket and every connection; it can't make one.
    static let proxy = Rights(
        role: .proxy,
        purpose: "serves clients: HTTP, bodies, policy; every connection is given to it, it opens none",
        user: 10003,
        paths: programPaths,
        mayConnect: false,
        calls: runtimeCalls + loopCalls + serverCalls + [
            CallRule(
                "writev",
                "Answers in several pieces (CLinux/socket.c, cl_sendv): to any descriptor, and not to the log alone"),
            CallRule("shutdown", "The end of what we send (CLinux/socket.c)"),
            CallRule(
                "setsockopt", when: socketOptions([(SO_LINGER, "SO_LINGER")]),
                "A reset for an answer that breaks off. No filter can be put on a shared listener"),
        ],
        descriptors: childDescriptors + [
            DescriptorRule(
                "socket:", "its listening sockets, clients, upstreams, channels to the dialer and the signer"),
            DescriptorRule("/memfd:allowlist", "the snapshot of the pool, while it is being mapped"),
            DescriptorRule("/memfd:certificates", "certificates, while they are being read; never a private key"),
        ],
        openFiles: 65_536,
        libraries: tlsLibraries)

    /// The admin process is the same program in another role, and speaks no TLS.
    static let tlsLibraries = [
        LibraryRule("libssl", "TLS towards clients and upstreams"),
        LibraryRule("libcrypto", "The same; it is given no private key"),
    ]
}
