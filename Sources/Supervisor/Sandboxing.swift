import CLinux
import Configuration
import Glibc
import IPC
import Linux
import Sandbox

/// Which walls this host lets us put up, found out once at the start, and what of them each child is started with.
final class Sandboxing {
    /// Walls are put up at all.
    let isOn: Bool
    /// Seccomp filters are among them; false only where that is not required.
    private(set) var hasFilters: Bool
    /// Each process gets a user of its own: we were started as root with what that takes.
    let hasUsers: Bool
    /// The Landlock ABI that is used; 0 = none.
    let landlockABI: Int32
    /// What is missing of the walls, in words; empty = nothing.
    private(set) var degraded: [String] = []
    private var rulesets: [Role: LandlockRuleset] = [:]
    private var executables: [Role: Int32] = [:]
    private let kvEnvironment: [String]

    /// CAP_SETUID, CAP_SETGID, CAP_SETPCAP and CAP_KILL: what a root start needs, and all that the supervisor keeps.
    static let kept: UInt64 = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8
    /// CAP_NET_BIND_SERVICE: for a listening socket below 1024 that has to be made anew.
    private static let bindLowPorts: UInt64 = 1 << 10

    /// A wall that is required and can't stand.
    struct Missing: Error {
        let text: String
    }

    /// - Parameter program: for `audit --probe`, a program that every role runs instead of its own.
    init(_ settings: Settings, directory: String, program: String? = nil) throws(Missing) {
        isOn = settings.sandbox == .on
        kvEnvironment = KVAgentPlan.environment(settings)
        hasFilters = isOn
        var capabilities: UInt64 = 0
        _ = cl_capabilities(&capabilities)
        hasUsers = isOn && geteuid() == 0 && capabilities & Self.kept == Self.kept
        landlockABI = isOn ? min(LandlockRuleset.abi, Int32(settings.landlockABI)) : 0
        guard isOn else {
            if settings.requireSandbox != .off {
                throw Missing(text: "--sandbox=off puts up no walls; with it --require-sandbox=off must be given too")
            }
            degraded.append("no walls are put up at all (--sandbox=off)")
            return
        }
        if cl_seccomp_available() == 0 {
            let text = "this kernel has no seccomp filters, or the container runtime denies them"
            if settings.requireSandbox != .off {
                throw Missing(text: "\(text); --require-sandbox=off serves without them")
            }
            hasFilters = false
            degraded.append(text)
        }
        if landlockABI < LandlockRuleset.fullABI {
            let text =
                landlockABI == 0
                ? "this kernel has no Landlock (Linux 5.13 and later, and it must be switched on)"
                : "this kernel's Landlock has ABI \(landlockABI), and signals and abstract sockets need"
                    + " \(LandlockRuleset.fullABI) (Linux 6.12)"
            if settings.requireSandbox == .all {
                throw Missing(text: "\(text); --require-sandbox=on serves without it")
            }
            degraded.append(text)
        }
        if geteuid() == 0 && !hasUsers {
            let text =
                "started as root without CAP_SETUID, CAP_SETGID, CAP_SETPCAP and CAP_KILL: every process runs as root;"
                + " run as another user, or add them"
            if settings.requireSandbox == .all { throw Missing(text: "\(text); --require-sandbox=on only warns of it") }
            degraded.append(text)
        }
        for rights in Rights.all {
            let path = "\(directory)/routing-sidecar-\(program ?? ChildProcess.executable(rights.role))"
            // O_PATH, a macro that Swift does not see: to be executed, not read.
            let fd = open(path, 0x20_0000 | O_CLOEXEC)
            if fd >= 0 { executables[rights.role] = fd }
            guard landlockABI > 0 else { continue }
            do throws(Errno) {
                rulesets[rights.role] = try LandlockRuleset(
                    rights, executable: path, abi: landlockABI, ports: KVAgentPlan.ports(settings))
            } catch {
                let text = "Landlock's rules for \(rights.role.name) can't be made: \(error)"
                if settings.requireSandbox == .all { throw Missing(text: text) }
                degraded.append(text)
            }
        }
    }

    /// The supervisor's own walls, before it starts its first child: no capability that the house doesn't need, and a
    /// filter that its children inherit.
    func close(servesLowPort: Bool, required: Bool) throws(Missing) {
        guard isOn else { return }
        if hasUsers {
            let kept = cl_keep_capabilities(Self.kept | (servesLowPort ? Self.bindLowPorts : 0))
            if kept < 0 {
                let text = "the supervisor: capabilities that nobody needs can't be given up: \(Errno(kept))"
                if required { throw Missing(text: "\(text); --require-sandbox=off serves with them") }
                degraded.append(text)
            }
        }
        guard hasFilters else { return }
        do throws(Walls.Missing) {
            try Walls.closeSupervisor()
        } catch {
            if required { throw Missing(text: "the supervisor: \(error)") }
            degraded.append("the supervisor: \(error)")
        }
    }

    /// What the child is started with: its program, its ruleset and its user.
    func plan(_ role: Role) -> (executable: Int32, landlock: Int32, user: UInt32) {
        guard isOn, let rights = Rights.of(role) else { return (-1, -1, 0) }
        return (executables[role] ?? -1, rulesets[role]?.fd ?? -1, hasUsers ? rights.user : 0)
    }

    /// The whole environment of a child: nothing of the pod's reaches one, proxy settings least of all.
    func environment(_ role: Role) -> [String] { role == .kvAgent ? kvEnvironment : [] }

    /// Nil: the kernel says that the child's walls stand. Otherwise what is missing.
    func missingWall(_ role: Role, _ pid: Int32) -> String? {
        guard hasFilters else { return nil }
        let path = "/proc/\(pid)/status"
        var file = stat()
        guard let status = Files.text(path, limit: 8192), stat(path, &file) == 0,
            let ours = Files.text("/proc/self/status", limit: 8192)
        else { return "/proc tells nothing of it" }
        return Verification.missing(
            inStatus: status, owner: file.st_uid, inherited: Verification.filters(inStatus: ours),
            user: hasUsers ? Rights.of(role)?.user : nil)
    }
}
