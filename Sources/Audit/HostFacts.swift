import CLinux
import Glibc
import Linux
import Sandbox

/// The machine and how this command stands to it: the head of a report.
public struct HostFacts: Sendable {
    /// Names and values, in order.
    public let rows: [(name: String, value: String)]

    /// Reads them now.
    public init(_ house: House) {
        func line(_ path: String) -> String? {
            Files.text(path, limit: 4096).map { trimmed($0.prefix { $0 != "\n" }) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        var rows: [(String, String)] = [
            ("date", Self.date()), ("routing-sidecar", house.version),
            ("kernel", line("/proc/sys/kernel/osrelease") ?? "unknown"),
        ]
        #if arch(x86_64)
            rows.append(("architecture", "x86-64"))
        #elseif arch(arm64)
            rows.append(("architecture", "arm64"))
        #endif
        rows.append(("Landlock ABI", "\(LandlockRuleset.abi) in the kernel, \(house.landlockABI) in use"))
        rows.append(("security modules", line("/sys/kernel/security/lsm") ?? "not visible here"))
        rows.append(("Yama ptrace_scope", line("/proc/sys/kernel/yama/ptrace_scope") ?? "no Yama"))
        rows.append(
            ("unprivileged_bpf_disabled", line("/proc/sys/kernel/unprivileged_bpf_disabled") ?? "not visible here"))
        let user = ProcessFiles(pid: house.supervisor)?.ids("Uid").first
        let mode =
            !house.isWalled
            ? "no walls (--sandbox=off)"
            : house.hasUsers
                ? "root start: each process has a user of its own"
                : user == 0
                    ? "root without the capabilities for users of their own"
                    : "restricted: all processes share user \(user.map { "\($0)" } ?? "?")"
        rows.append(("mode", mode))
        rows.append(("--require-sandbox", house.required))
        for text in house.degraded { rows.append(("degraded", text)) }
        var capabilities: UInt64 = 0
        _ = cl_capabilities(&capabilities)
        let sees =
            geteuid() == 0 && capabilities & Capabilities.ptrace != 0
            ? "root with SYS_PTRACE: descriptors and memory maps are visible"
            : "user \(geteuid()) without SYS_PTRACE: status and limits only, the rest is said not to be visible"
        rows.append(("this command runs as", sees))
        self.rows = rows
    }

    private static func date() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
