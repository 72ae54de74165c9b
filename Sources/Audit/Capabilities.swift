/// Capabilities by name.
enum Capabilities {
    private static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    /// KILL, SETGID, SETUID and SETPCAP: what the supervisor keeps after a root start.
    static let supervisor: UInt64 = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8
    /// For a listening socket below 1024 that has to be made anew.
    static let bindLowPorts: UInt64 = 1 << 10
    /// Seeing what other users' processes hold.
    static let ptrace: UInt64 = 1 << 19

    /// Such as `KILL SETUID`; `none`, or `all` for very many.
    static func words(_ bits: UInt64) -> String {
        if bits == 0 { return "none" }
        let held = (0..<64).filter { bits >> UInt64($0) & 1 == 1 }
        if held.count >= names.count { return "all" }
        return held.map { $0 < names.count ? names[$0] : "\($0)" }.joined(separator: " ")
    }
}
