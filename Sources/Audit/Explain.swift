import IPC
import Sandbox

/// `audit --explain NAME`: the rights of a process as text. It says what the data says and nothing else.
public enum Explain {
    /// The names it knows.
    public static let names = ["supervisor"] + Rights.all.map(\.role.name)

    /// The text for a name; nil if there is no such process.
    public static func text(_ name: String) -> String? {
        if name == Role.supervisor.name { return supervisor() }
        guard let role = Role(name: name), let rights = Rights.of(role) else { return nil }
        return text(rights)
    }

    private static func text(_ rights: Rights) -> String {
        var lines = ["\(rights.role.name): \(rights.purpose)", ""]
        lines += [
            "Identity",
            "  User and group \(rights.user) after a root start, no other groups; else the pod's user.",
            "  No capabilities, no_new_privs, not dumpable, \(environment(rights)), no core dumps.", "",
            "Files (Landlock; nothing may be written)",
        ]
        lines += columns(rights.paths.map { ($0.path, "\($0.execute ? "read and execute" : "read"): \($0.why)") })
        lines += columns([("its own program", "read and execute: The program itself")])
        lines += ["  Everything else fails with EACCES. Once it is ready it can open nothing at all"]
        lines[lines.count - 1] += rights.allows("openat") ? ", but what openat below allows." : " (no openat below)."
        lines += [
            "", "Network (Landlock)",
            rights.portsOnly
                ? "  TCP: binding and connecting to the ports of KV agents only (ABI 4 and later)."
                : rights.mayConnect
                    ? "  TCP connections: not denied here; the calls below say which. Binding: denied."
                    : "  TCP connections and binding: denied.",
            "  Signals to other processes and abstract sockets of others: denied (ABI 6 and later).", "",
            "System calls, once it is ready (seccomp)",
        ]
        for rule in rights.mergedCalls { lines += call(rule) }
        let kills = Dangerous.calls.filter { name in !rights.mergedCalls.contains { $0.name == name } }
        lines += ["", "Any of these \(kills.count) calls ends the process at once (only an attacker makes them):"]
        lines += wrapped(kills.joined(separator: " "), indent: 2)
        lines += [
            "Any other call is trapped: the process reports its number and dies; the call is not made.",
            "Calls by other numbers (x32, i386): the process dies at once.", "", "Descriptors, once it is ready",
        ]
        lines += columns(rights.descriptors.map { ($0.kind, $0.why) })
        lines += [
            "  At most \(rights.openFiles).", "", "Libraries",
            "  The C and C++ runtimes\(rights.libraries.isEmpty ? ", and nothing else." : ", and:")",
        ]
        lines += columns(
            rights.libraries.map { ($0.name, $0.why + ($0.bringsOthers ? "; and the libraries that it brings" : "")) })
        lines += [
            "",
            "It also lives under the supervisor's filter: audit --explain supervisor",
        ]
        return lines.joined(separator: "\n")
    }

    private static func environment(_ rights: Rights) -> String {
        rights.role == .kvAgent ? "an environment of UCX's settings only" : "an empty environment"
    }

    private static func call(_ rule: CallRule) -> [String] {
        var lines = columns([(rule.name, rule.why)])
        guard !rule.when.isEmpty else { return lines }
        let alternatives = rule.when.map { $0.map(words).joined(separator: ", ") }
        if alternatives.count == 1 {
            lines += wrapped("only with \(alternatives[0])", indent: 6)
        } else {
            lines.append("      only with one of:")
            for text in alternatives { lines += wrapped(text, indent: 8) }
        }
        lines.append("      otherwise: \(words(rule.otherwise))")
        return lines
    }

    private static func words(_ test: ArgumentTest) -> String {
        let name = "argument \(test.argument + 1)"
        switch test.comparison {
        case .equals(let value): return "\(name) = \(value) (\(test.words))"
        case .lacks(let bits): return "\(name) without 0x\(String(bits, radix: 16)) (\(test.words))"
        case .masked(let mask, let value): return "\(name) & 0x\(String(mask, radix: 16)) = \(value) (\(test.words))"
        }
    }

    private static func words(_ refusal: Refusal) -> String {
        switch refusal {
        case .kill: "the process dies at once"
        case .report: "the process reports it and dies"
        case .fail(let errno): "the call fails with errno \(errno)"
        }
    }

    private static func supervisor() -> String {
        var lines = [
            "supervisor: starts, watches, restarts and stops the others; it never reads a client's byte", "",
            "Identity", "  The container's user. After a root start it keeps KILL, SETGID, SETUID and SETPCAP (and",
            "  NET_BIND_SERVICE when it serves a port below 1024). no_new_privs, not dumpable.",
            "  No Landlock: domains nest, and its children need files that others of them must not see.", "",
            "System calls (seccomp): all but these, for itself and, since filters survive exec, for every child",
        ]
        for rule in SupervisorFilter.refused {
            if rule.when.allSatisfy({ $0.contains { $0.words == "never" } }) {
                lines += columns([(rule.name, "\(rule.why): \(words(rule.otherwise))")])
            } else {
                lines += call(rule)
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func columns(_ rows: [(String, String)]) -> [String] {
        rows.flatMap { name, text in
            let head = "  \(name)" + String(repeating: " ", count: max(1, 26 - name.count))
            let rest = wrapped(text, indent: 28)
            return [head + (rest.first.map { String($0.dropFirst(28)) } ?? "")] + rest.dropFirst()
        }
    }
}

/// The text in lines of at most 100 columns, broken between words.
func wrapped(_ text: String, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = margin
    for word in text.split(separator: " ") {
        if line.count > indent && line.count + 1 + word.count > 100 {
            lines.append(line)
            line = margin
        }
        line += line.count > indent ? " \(word)" : "\(word)"
    }
    return lines + [line]
}
