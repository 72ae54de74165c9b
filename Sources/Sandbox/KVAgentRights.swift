import Glibc

extension Rights {
    /// UCX, only with --kv-agent. It reads what peers send, with a library that was not written for hostile ones: whoever
    /// reaches its ports must be taken to own it. So what it can reach is little: its region, and the ports of other
    /// agents.
    static let kvAgent = Rights(
        role: .kvAgent,
        purpose: "moves KV blocks between its region and those of other agents, over UCX",
        user: 10004,
        paths: programPaths + [
            PathRule("/sys/class/net", "The names of the network interfaces, as UCX is set up (uct_tcp_query_devices)")
        ],
        mayConnect: true,
        portsOnly: true,
        calls: runtimeCalls + loopCalls + kvCalls,
        descriptors: childDescriptors + [
            DescriptorRule("socket:", "its listening sockets, and connections to and from other agents"),
            DescriptorRule("anon_inode:[eventfd]", "UCX's thread wakes the agent"),
            DescriptorRule("/memfd:kv-region", "the region, while it is being mapped"),
            DescriptorRule("/memfd:allowlist", "the snapshot of the pool, while it is being mapped"),
        ],
        openFiles: 1024,
        libraries: [
            LibraryRule("libucp", "UCX, without its modules"), LibraryRule("libuct", "The same"),
            LibraryRule("libucs", "The same"), LibraryRule("libucm", "The same"), LibraryRule("libnuma", "The same"),
        ])

    /// Everything that has to be bound or opened is, by the time the filter stands: no bind, no listen, no openat.
    private static let kvCalls: [CallRule] = [
        CallRule(
            "socket", when: tcpSockets(flags: [0]),
            "A connection to an agent (uct_tcp_ep_create_socket), and something to ask about interfaces with"),
        CallRule("connect", "The same; only TCP sockets can exist here, and Landlock knows the ports"),
        CallRule("accept", "Another agent's connection (ucs_socket_accept)"),
        CallRule(
            "setsockopt",
            when: tcpOptions([
                (TCP_NODELAY, "TCP_NODELAY"), (TCP_KEEPIDLE, "TCP_KEEPIDLE"), (TCP_KEEPINTVL, "TCP_KEEPINTVL"),
            ]) + socketOptions([(SO_KEEPALIVE, "SO_KEEPALIVE")]),
            "The same (uct_tcp_iface_set_sockopt, uct_tcp_keepalive_enable)"),
        CallRule(
            "getsockopt", when: socketOptions([(SO_ERROR, "SO_ERROR")]),
            "Whether a connection came about (ucs_socket_connect_nb_get_status)"),
        CallRule("getsockname", "Which interface a connection came in by (uct_tcp_sockcm)"),
        CallRule("getpeername", "Who is at the other end (the same)"),
        CallRule(
            "fcntl",
            when: [[.int(1, 1034, "F_GET_SEALS")], [.int(1, F_GETFL, "F_GETFL")], [.int(1, F_SETFL, "F_SETFL")]],
            "The seals of region and snapshots; connections that don't block (ucs_sys_fcntl_modfl). Its listening sockets"
                + " are its own"),
        CallRule(
            "ioctl",
            when: [
                [.int(1, 0x8946, "SIOCETHTOOL")], [.int(1, 0x8921, "SIOCGIFMTU")],
                [.int(1, 0x8927, "SIOCGIFHWADDR")], [.int(1, 0x8913, "SIOCGIFFLAGS")],
                [.int(1, 0x8915, "SIOCGIFADDR")], [.int(1, 0x891B, "SIOCGIFNETMASK")],
            ],
            "What an interface can do, asked with each connection (uct_tcp_iface_query). The calls that change one have"
                + " other numbers, and need CAP_NET_ADMIN"),
        CallRule(
            "recvfrom", when: [[.null(4, "without asking for an address")]], "Bytes from a peer (ucs_socket_recv_nb)"),
        CallRule(
            "sendmsg", when: [[.lacks(2, fastOpen, "no TCP Fast Open, which would be a connect()")]],
            "A message in pieces (ucs_socket_sendv_nb). A descriptor would go nowhere: TCP carries none, and the"
                + " channel's other end takes none from this role"),
        CallRule("shutdown", "The end of a connection (uct_tcp_sockcm_ep_disconnect)"),
    ]
}
