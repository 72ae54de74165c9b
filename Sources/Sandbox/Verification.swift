/// Whether a process's walls stand, as far as the kernel shows it in /proc/PID/status. Landlock has no trace there: that it
/// stands follows from the program having been started at all.
public enum Verification {
    /// How many filters a process lives under; nil on kernels that don't tell (before Linux 5.9).
    public static func filters(inStatus status: String) -> Int? {
        value("Seccomp_filters", status).flatMap { Int($0) }
    }

    /// Nil: the walls stand. Otherwise what is missing.
    /// - Parameters:
    ///   - status: the text of the child's /proc/PID/status.
    ///   - owner: whose that file is: root's instead of the child's user's when the child isn't dumpable.
    ///   - inherited: filters that the child was born with: our own survive fork and exec, and say nothing of the child.
    ///     Nil where the kernel doesn't tell; then a filter of the child's own can't be told from ours.
    ///   - user: the user and group that it must be; nil = it shares ours.
    public static func missing(inStatus status: String, owner: UInt32, inherited: Int?, user: UInt32?) -> String? {
        let seccomp = value("Seccomp", status) ?? "unknown"
        guard seccomp == "2" else { return "no seccomp filter is in force (Seccomp: \(seccomp))" }
        if let inherited, let found = filters(inStatus: status), found <= inherited {
            return "it has put up no seccomp filter of its own (Seccomp_filters: \(found), of which \(inherited) ours)"
        }
        guard value("NoNewPrivs", status) == "1" else { return "no_new_privs is not set" }
        // Of a child that runs as root nothing shows it: its files are root's in any case.
        let effective = value("Uid", status)?.split(separator: "\t").dropFirst().first.flatMap { UInt32($0) }
        guard let effective, effective == 0 || effective != owner else {
            return "it is dumpable: others of its user can read its memory and take its descriptors"
        }
        guard let user else { return nil }
        for name in ["Uid", "Gid"]
        where value(name, status) != Array(repeating: "\(user)", count: 4).joined(separator: "\t") {
            return "it is not the user and group \(user) (\(name): \(value(name, status) ?? "unknown"))"
        }
        if let groups = value("Groups", status), !groups.isEmpty { return "it has supplementary groups (\(groups))" }
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            guard let set = value(name, status), UInt64(set, radix: 16) == 0 else {
                return "it has capabilities (\(name): \(value(name, status) ?? "unknown"))"
            }
        }
        return nil
    }

    /// The value of one line, without blanks around it.
    private static func value(_ name: String, _ status: String) -> String? {
        for line in status.split(separator: "\n") where line.hasPrefix(name + ":") {
            var text = line.dropFirst(name.utf8.count + 1)
            while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
            while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
            return String(text)
        }
        return nil
    }
}
