import CLinux
import Glibc
import IPC
import Sandbox

/// One process: what the kernel says of it against its rights.
struct ProcessAudit {
    let house: House
    let role: Role
    let pid: Int32
    /// Nil for the supervisor.
    let child: House.Child?
    let rights: Rights?
    let files: ProcessFiles
    let supervisor: ProcessFiles
    var out: RowBuilder

    /// Nil: there is no such process any more.
    init?(_ child: House.Child?, _ house: House) {
        let pid = child?.pid ?? house.supervisor
        let role = child?.role ?? .supervisor
        guard let files = ProcessFiles(pid: pid), let supervisor = ProcessFiles(pid: house.supervisor) else {
            return nil
        }
        self.house = house
        self.child = child
        self.role = role
        self.pid = pid
        self.files = files
        self.supervisor = supervisor
        rights = Rights.of(role)
        out = RowBuilder(process: role.name, pid: pid)
    }

    /// The facts, in the order in which an auditor asks.
    mutating func rows() -> [Row] {
        identity()
        capabilities()
        walls()
        namespaces()
        limits()
        auditProgram()
        auditArguments()
        auditDescriptors()
        return out.rows
    }

    // MARK: Who

    /// The user that the process should have: its own after a root start, else the one that everybody shares.
    private var declaredUser: UInt32 {
        let own = supervisor.ids("Uid").first ?? 0
        return rights.map { own == 0 ? $0.user : own } ?? own
    }

    private mutating func identity() {
        let own = supervisor.ids("Uid").first ?? 0
        let words =
            role == .supervisor
            ? "whom the container starts" : own == 0 ? "\(declaredUser), its own" : "\(declaredUser), the pod's"
        let wayOut =
            rights != nil && own == 0
            ? "start as root with SETUID, SETGID, SETPCAP and KILL, or as another user than root" : ""
        for (subject, line) in [("uid", "Uid"), ("gid", "Gid")] {
            let ids = files.ids(line)
            let declared = subject == "uid" || own == 0 ? declaredUser : supervisor.ids(line).first ?? 0
            let same = ids.allSatisfy { $0 == declared } && !ids.isEmpty
            out.add(
                subject, Set(ids).count == 1 ? "\(ids[0])" : "\(ids) (real, effective, saved, file system)",
                declared: subject == "uid" || own == 0 ? words : "\(declared), the pod's", same ? .ok : .wider,
                note: same ? "" : wayOut)
        }
        let groups = files.groups.filter { $0 != files.ids("Gid").first }
        let allowed = role == .supervisor || !house.hasUsers && own != 0 ? supervisor.groups : []
        let extra = groups.filter { !allowed.contains($0) }
        out.add(
            "groups", files.groups.isEmpty ? "none" : files.groups.map(String.init).joined(separator: " "),
            declared: role == .supervisor ? "the container's" : allowed.isEmpty ? "none" : "the pod's",
            extra.isEmpty ? .ok : .wider, note: extra.isEmpty ? "" : wayOut)
    }

    private mutating func capabilities() {
        let isRoot = supervisor.ids("Uid").first == 0
        var declared: UInt64 = 0
        if role == .supervisor && isRoot {
            declared = Capabilities.supervisor | (house.servesLowPort ? Capabilities.bindLowPorts : 0)
        }
        for line in ["CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"] {
            let wanted = line == "CapInh" || line == "CapAmb" ? 0 : declared
            guard let bits = files.bits(line) else {
                out.hidden(line, declared: Capabilities.words(wanted))
                continue
            }
            let verdict: Verdict = bits & ~wanted != 0 ? .wider : bits == wanted ? .ok : .narrower
            var note = ""
            if verdict == .wider {
                note =
                    line == "CapBnd" && !isRoot
                    ? "no_new_privs keeps it from being used; securityContext.capabilities.drop: [ALL] removes it"
                    : "drop what is more than declared in the container's securityContext"
            }
            out.add(line, Capabilities.words(bits), declared: Capabilities.words(wanted), verdict, note: note)
        }
    }

    // MARK: Walls

    private mutating func walls() {
        let nnp = files.value("NoNewPrivs")
        out.add("NoNewPrivs", nnp ?? "-", declared: "1", nnp == "1" ? .ok : .wider)
        let seccomp = files.value("Seccomp")
        out.add(
            "Seccomp", seccomp == "2" ? "2 (filter)" : seccomp == "0" ? "0 (none)" : seccomp ?? "-",
            declared: "2 (filter)", seccomp == "2" ? .ok : .wider)
        // Seccomp: 2 is inherited from the supervisor; that the process has put up its own shows in the number.
        let count = files.value("Seccomp_filters").flatMap { Int($0) }
        let base = supervisor.value("Seccomp_filters").flatMap { Int($0) }
        if let count, let base {
            let least = rights == nil ? 1 : base + 1
            out.add(
                "Seccomp filters", "\(count)",
                declared: rights == nil
                    ? "1 or more: its own and the container's"
                    : "\(least): its own, the supervisor's"
                        + (base > 1 ? " and the container's" : ""),
                count < least ? .wider : rights != nil && count > least ? .narrower : .ok,
                note: count < least && rights != nil ? "it lives under inherited filters only" : "")
        } else {
            out.hidden("Seccomp filters", declared: "its own", note: "kernels before 5.9 don't count them")
        }
        if rights != nil {
            let full = LandlockRuleset.fullABI
            out.add(
                "Landlock", house.landlockABI == 0 ? "none" : "ABI \(house.landlockABI)", source: .selfReport,
                declared: "ABI \(full) or later", house.landlockABI >= full ? .unknown : .wider,
                note: house.landlockABI >= full
                    ? "the supervisor says so, and the kernel shows it nowhere; audit --probe finds out"
                    : "degraded: files, signals and abstract sockets are left to the other walls")
        }
        dumpable()
    }

    private mutating func dumpable() {
        let user = files.ids("Uid").dropFirst().first ?? 0
        if user == 0 {
            out.hidden(
                "dumpable", declared: "no", note: "the kernel shows it by an owner in /proc, which is root in any case")
            return
        }
        guard let owner = files.filesOwner else {
            out.hidden("dumpable", declared: "no")
            return
        }
        out.add(
            "dumpable", owner == 0 ? "no" : "yes", declared: "no", owner == 0 ? .ok : .wider,
            note: owner == 0 ? "/proc/\(pid)/status is root's" : "its user can read its memory and take its descriptors"
        )
    }

    private mutating func namespaces() {
        let names = ["net", "pid", "mnt", "user", "ipc", "uts", "cgroup"]
        if role == .supervisor {
            let seen = names.compactMap { files.link("ns/\($0)") }
            if seen.isEmpty {
                out.hidden("namespaces", declared: "the container's")
            } else {
                let same = names.filter { files.link("ns/\($0)") == readLink("/proc/self/ns/\($0)") }
                out.add(
                    "namespaces", seen.joined(separator: " "), declared: "the container's",
                    .ok, note: same.count == names.count ? "the same as this command's" : "this command runs in others")
            }
            return
        }
        var different: [String] = []
        for name in names {
            guard let own = files.link("ns/\(name)"), let other = supervisor.link("ns/\(name)") else {
                out.hidden("namespaces", declared: "the supervisor's")
                return
            }
            if own != other { different.append(name) }
        }
        out.add(
            "namespaces", different.isEmpty ? "the supervisor's" : "others: \(different.joined(separator: " "))",
            declared: "the supervisor's", different.isEmpty ? .ok : .narrower)
    }

    private mutating func limits() {
        let declared = rights?.openFiles
        if let limit = files.limit("Max open files") {
            let verdict: Verdict
            switch declared {
            case nil: verdict = .ok
            case .some(let most): verdict = limit.hard > most ? .wider : limit.hard < most ? .narrower : .ok
            }
            out.add(
                "NOFILE", "\(limit.hard)", declared: declared.map { "\($0)" } ?? "the container's", verdict,
                note: verdict == .narrower ? "the container allows no more" : "")
        } else {
            out.hidden("NOFILE", declared: declared.map { "\($0)" } ?? "the container's")
        }
        guard let core = files.limit("Max core file size") else {
            out.hidden("CORE", declared: "0")
            return
        }
        let isSafe = core.hard == 0 || role == .supervisor
        out.add(
            "CORE", core.hard == .max ? "unlimited" : "\(core.hard)",
            declared: role == .supervisor ? "the container's; it is not dumpable" : "0", isSafe ? .ok : .wider)
    }
}
