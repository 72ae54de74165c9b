import CLinux

/// What the container may use, so that defaults fit the pod and not the node.
public enum Cgroup {
    /// Whole processors this process may use: the smaller of its affinity and its CPU quota, at least 1.
    public static func processors() -> Int {
        let affinity = Int(cl_cpu_affinity())
        guard let quota = cpuQuota() else { return affinity }
        return max(1, min(affinity, quota))
    }

    /// The memory limit in bytes, or nil when there is none. Reads cgroup v2, then v1.
    public static func memoryLimit() -> Int? {
        for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
            guard let value = number(Files.text(path, limit: 64)) else { continue }
            // Version 1 spells "no limit" as a number near the largest one.
            return value < 1 << 60 ? value : nil
        }
        return nil
    }

    private static func cpuQuota() -> Int? {
        if let text = Files.text("/sys/fs/cgroup/cpu.max", limit: 64) {
            let parts = text.split(whereSeparator: \.isWhitespace)
            guard parts.count == 2, let quota = Int(parts[0]), let period = Int(parts[1]), period > 0 else {
                return nil
            }
            return (quota + period - 1) / period
        }
        guard let quota = number(Files.text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", limit: 64)), quota > 0,
            let period = number(Files.text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", limit: 64)), period > 0
        else { return nil }
        return (quota + period - 1) / period
    }

    private static func number(_ text: String?) -> Int? {
        guard let text else { return nil }
        return Int(text.prefix { !$0.isWhitespace })
    }
}
