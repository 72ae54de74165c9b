import Glibc

extension Rights {
    /// The only process that knows the service account's token and speaks to the Kubernetes API.
    static let watcher = Rights(
        role: .watcher,
        purpose: "follows the inference pool at the Kubernetes API and publishes who may be called",
        user: 10001,
        // Everything libcurl and OpenSSL read, they read before the first line of ours or while they are set up.
        paths: programPaths + [
            PathRule("/etc/ssl/openssl.cnf", "OpenSSL's configuration, read as it is set up"),
            PathRule("/usr/lib/ssl", "The same"),
            PathRule("/etc/gai.conf", "libc, as it is set up"),
        ],
        mayConnect: true,
        calls: runtimeCalls + channelCalls + passingCalls + [
            CallRule(
                "socket", when: tcpSockets(flags: [0, closeOnExec, nonBlocking, nonBlocking | closeOnExec]),
                "A connection to the API server (libcurl)"),
            CallRule("connect", "The same"),
            CallRule("getsockname", "The same (libcurl notes its own address)"),
            CallRule("getpeername", "The same"),
            CallRule(
                "getsockopt",
                when: socketOptions([(SO_ERROR, "SO_ERROR"), (SO_SNDBUF, "SO_SNDBUF"), (SO_TYPE, "SO_TYPE")]),
                "Whether a connection came about (libcurl)"),
            CallRule(
                "setsockopt",
                when: connectedOptions + tcpOptions([(18, "TCP_USER_TIMEOUT")])
                    + socketOptions([(SO_SNDBUF, "SO_SNDBUF")]),
                "Finding dead peers (CCurl)"),
            CallRule(
                "recvfrom", when: [[.null(4, "without asking for an address")]], "Answers of the API server (libcurl)"),
            CallRule("shutdown", "The end of a connection (libcurl, OpenSSL)"),
            CallRule("poll", "Waiting (curl_multi_poll)"),
            CallRule("ppoll", "The same where the architecture has no poll"),
            CallRule("writev", "TLS records (OpenSSL)"),
            CallRule("pread64", "Token and certificates, which come as descriptors"),
            CallRule("lseek", "The same"),
            CallRule(
                "memfd_create", "A snapshot of the pool (CLinux/memory.c, cl_sealed_create)"),
            CallRule("pwrite64", "The same"),
            CallRule(
                "fcntl",
                when: [
                    [.int(1, 1034, "F_GET_SEALS")], [.int(1, 1033, "F_ADD_SEALS")], [.int(1, F_GETFL, "F_GETFL")],
                    [.int(1, F_SETFL, "F_SETFL")], [.int(1, F_GETFD, "F_GETFD")], [.int(1, F_SETFD, "F_SETFD")],
                ],
                "Sealing a snapshot (CLinux/memory.c); non-blocking sockets (libcurl)"),
            CallRule("sysinfo", "The size of memory (qsort in libc)"),
        ],
        descriptors: childDescriptors + [
            DescriptorRule("socket:", "connections to the API server"),
            DescriptorRule("anon_inode:[eventfd]", "libcurl's own wake-up"),
            DescriptorRule("/memfd:allowlist", "a snapshot, while it is being handed over"),
            DescriptorRule("/", "the token and the certificates, while they are being read"),
        ],
        openFiles: 256,
        libraries: [LibraryRule("libcurl", bringsOthers: true, "HTTPS to the Kubernetes API")])
}
