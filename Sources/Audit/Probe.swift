import CLinux
import Glibc
import IPC
import Linux
import Sandbox

/// `audit --probe`: twins of the house's processes that try to break out.
public final class Probe {
    /// The attacks and what came of them.
    public private(set) var rows: [ProbeRow] = []
    /// What could not be had here: namespaces, control twins.
    public private(set) var notes: [String] = []
    /// For each role whether Landlock denied a twin what it could do without.
    public private(set) var landlock: [Role: Bool] = [:]

    let plan: (Role) -> SpawnPlan
    let arena: Arena
    private let hasUsers: Bool
    private let roles: [Role]
    private var victims: [Role: Twin] = [:]
    private var trials: [Role: [String: Trials]] = [:]
    /// This process lives under a filter already: the container's.
    private let isFiltered: Bool
    private var asRoot: [String: Outcome] = [:]

    /// - Parameters:
    ///   - plan: how a twin of a role is started.
    ///   - tokenFile: the file that stands for the token; one is made where it is missing.
    ///   - hasUsers: each role has a user of its own.
    public init(
        tokenFile: String, hasUsers: Bool, roles: [Role], plan: @escaping (Role) -> SpawnPlan
    ) throws(ArenaFailure) {
        self.plan = plan
        self.hasUsers = hasUsers
        self.roles = roles
        isFiltered = ProcessFiles(pid: getpid())?.value("Seccomp") == "2"
        arena = try Arena(tokenFile: tokenFile)
        notes = arena.notes
    }

    /// Nothing that isn't declared went through, and every twin could be tried.
    public var isOK: Bool {
        !rows.isEmpty && !rows.contains { $0.verdict == .wider || $0.verdict == .unknown }
    }

    /// Control twins, before the supervisor's filter is put up: they tell which wall answers.
    public func runControls() {
        if !hasUsers {
            notes.append("all processes share one user, so there is no control twin of another one")
        }
        for role in roles where role != .supervisor {
            var found: [String: Trials] = [:]
            for attack in Attack.all {
                var trial = Trials(full: .broken("not tried yet"))
                trial.identity = run(attack, role, filter: false, landlock: false)
                trial.landlockOnly = plan(role).landlock >= 0 ? run(attack, role, filter: false, landlock: true) : nil
                trial.filterOnly = run(attack, role, filter: true, landlock: false)
                if hasUsers { trial.nothing = outcomeAsRoot(attack) }
                found[attack.name] = trial
            }
            trials[role] = found
        }
        for victim in victims.values { victim.end() }
        victims = [:]
    }

    /// The twins behind all walls. The supervisor's filter must stand by now.
    public func runTwins() {
        for role in roles {
            for attack in Attack.all {
                var trial = trials[role]?[attack.name] ?? Trials(full: .broken(""))
                trial.isSupervisor = role == .supervisor
                trial.kernel = isFiltered ? "kernel or container" : "kernel"
                trial.full = run(attack, role, filter: true, landlock: true)
                judge(role, attack, trial)
            }
            let witnesses = (trials[role] ?? [:]).values.filter { $0.identity == .through && $0.landlockOnly != nil }
            if role != .supervisor { landlock[role] = witnesses.contains { $0.landlockOnly?.isDenied == true } }
        }
        for victim in victims.values { victim.end() }
        victims = [:]
    }

    /// Takes over rows about the dialer's own checks.
    func append(_ row: ProbeRow) { rows.append(row) }
    func note(_ text: String) { notes.append(text) }

    private func row(
        _ role: Role, _ attack: Attack, _ result: String, _ verdict: Verdict, note: String = ""
    ) -> ProbeRow {
        ProbeRow(
            process: role.name, attack: attack.name, words: attack.words, result: result, deniedBy: "", behind: "",
            declared: attack.isDeclared(for: role), verdict: verdict, note: note)
    }

    private func judge(_ role: Role, _ attack: Attack, _ trial: Trials) {
        let declared = attack.isDeclared(for: role)
        switch trial.full {
        case .through:
            rows.append(
                row(
                    role, attack, "ALLOWED", declared ? .ok : .wider, note: declared ? allowedNote(role, attack) : ""))
        case .broken(let why):
            rows.append(row(role, attack, "no answer", .unknown, note: why))
        case .failed, .killed, .died, .unprepared:
            let (wall, behind) = trial.deniedBy(attack)
            var denied = row(role, attack, "denied", declared && role != .supervisor ? .narrower : .ok)
            denied.deniedBy = wall
            denied.behind = behind
            rows.append(denied)
        }
    }

    private func allowedNote(_ role: Role, _ attack: Attack) -> String {
        role == .supervisor
            ? "declared: it starts and serves the others, and its filter is theirs too" : attack.whenAllowed
    }

    // MARK: One trial

    private func outcomeAsRoot(_ attack: Attack) -> Outcome? {
        if let known = asRoot[attack.name] { return known }
        let result = run(attack, .supervisor, filter: false, landlock: false)
        asRoot[attack.name] = result
        return result
    }

    private func run(_ attack: Attack, _ role: Role, filter: Bool, landlock: Bool) -> Outcome {
        guard let victim = victim(for: role) else { return .broken("there is no sibling to attack") }
        var plan = plan(role)
        if !landlock { plan.landlock = -1 }
        let listener = arena.freshListener()
        defer { if listener >= 0 { close(listener) } }
        do throws(Errno) {
            let twin = try Twin(
                plan, role: role,
                arguments: [filter ? "filter" : "open", attack.name, "victim=\(victim.pid)", "program=\(plan.path)"]
                    + arena.targets,
                listener: listener)
            let (said, death) = twin.finish()
            return Outcome(said: said, death: death, reported: twin.reportedViolation())
        } catch {
            return .broken("it could not be started: \(error)")
        }
    }

    /// A sibling to be attacked: a twin behind its own walls, waiting. The watcher, who knows the token, or for the watcher
    /// the dialer.
    private func victim(for role: Role) -> Twin? {
        let kind: Role = role == .watcher ? .dialer : .watcher
        if let known = victims[kind], known.isAlive { return known }
        guard let fresh = try? Twin(plan(kind), role: kind, arguments: ["wait", "wait"]), fresh.hears("waiting") else {
            return nil
        }
        victims[kind] = fresh
        return fresh
    }
}
