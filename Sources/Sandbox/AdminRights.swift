extension Rights {
    /// Metrics and probes: reads what others count, and answers on a socket it was given.
    static let admin = Rights(
        role: .admin,
        purpose: "answers /metrics, /livez and /readyz from counters it can only read",
        user: 10005,
        paths: programPaths,
        mayConnect: false,
        calls: runtimeCalls + loopCalls + serverCalls,
        descriptors: childDescriptors + [
            DescriptorRule("socket:", "its listening socket and its clients"),
            DescriptorRule("/memfd:status", "the supervisor's status page, while it is being mapped"),
        ],
        openFiles: 1024,
        libraries: tlsLibraries)
}
