import Glibc
import IPC
import Sandbox

/// The program a process runs: its file, what it links, and what it was started with.
extension ProcessAudit {
    private var declaredPath: String { child?.executable ?? "\(house.directory)/routing-sidecar" }

    mutating func auditProgram() {
        let running = files.link("exe")
        if let running {
            let same = running == declaredPath
            out.add(
                "program", running, declared: declaredPath, same ? .ok : .wider,
                note: same ? "" : "the file was replaced since, or the process has become another program")
        } else {
            out.add(
                "program", declaredPath, source: .selfReport, declared: declaredPath, .unknown,
                note: "the kernel doesn't tell this user what runs")
        }
        auditFile()
        auditFolder()
        libraries()
    }

    private mutating func auditFile() {
        var info = stat()
        guard stat(declaredPath, &info) == 0 else {
            out.hidden("program file", declared: "0711, another user's")
            return
        }
        let mode = info.st_mode & 0o7777
        let user = files.ids("Uid").first ?? 0
        var faults: [String] = []
        if mode & 0o022 != 0 { faults.append("others than its owner may change it") }
        if user != 0 && info.st_uid == user { faults.append("the process's own user may change it") }
        if mode & 0o6000 != 0 { faults.append("it is set-user-id") }
        if mode & 0o044 != 0 { faults.append("it is readable, and so the process is dumpable as it begins") }
        out.add(
            "program file", "\(octal(mode)), owner \(info.st_uid)", declared: "0711, another user's",
            faults.isEmpty ? .ok : .wider, note: faults.isEmpty ? "" : faults.joined(separator: "; ") + ": make install"
        )
    }

    private mutating func auditFolder() {
        let folder = declaredPath.lastIndex(of: "/").map { String(declaredPath[..<$0]) } ?? "/"
        var info = stat()
        guard stat(folder, &info) == 0 else { return }
        let user = files.ids("Uid").first ?? 0
        let mode = info.st_mode & 0o7777
        let writable = mode & 0o022 != 0 || user != 0 && info.st_uid == user
        out.add(
            "program folder", "\(octal(mode)), owner \(info.st_uid)", declared: "not writable by the process's user",
            writable ? .wider : .ok, note: writable ? "the program can be replaced: make install" : "")
    }

    private func octal(_ mode: mode_t) -> String {
        let text = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - text.count)) + text
    }

    private mutating func libraries() {
        let rules = rights?.libraries ?? []
        let bringsOthers = rules.contains(where: \.bringsOthers)
        let names = rules.map(\.name) + (bringsOthers ? ["what they bring"] : [])
        let declared = (["the C and C++ runtimes"] + names).joined(separator: ", ")
        let found: [String]
        let origin: String
        if let mappings = files.mappings {
            code(mappings)
            let program = files.link("exe") ?? declaredPath
            let paths = mappings.filter { $0.permissions.contains("x") && $0.path.hasPrefix("/") && $0.path != program }
            found = Set(paths.map { Libraries.stem(String($0.path)) }).sorted()
            origin = "mapped"
        } else if let needed = Libraries.needed(by: declaredPath) {
            out.hidden("executable memory", declared: "files only, and none that is writable")
            found = Set(needed.map(Libraries.stem)).sorted()
            origin = "named in the program's file"
        } else {
            out.hidden("executable memory", declared: "files only, and none that is writable")
            out.hidden("libraries", declared: declared, note: "its program can't be read either, as it should be")
            return
        }
        let extra = found.filter { name in !Libraries.runtime.contains(name) && !rules.contains { $0.name == name } }
        out.add(
            "libraries", found.isEmpty ? "none" : found.joined(separator: " "), declared: declared,
            extra.isEmpty || bringsOthers ? .ok : .wider, note: origin)
    }

    private mutating func code(_ mappings: [ProcessFiles.Mapping]) {
        var faults: [String] = []
        for mapping in mappings where mapping.permissions.contains("x") {
            if mapping.permissions.contains("w") { faults.append("writable and executable: \(mapping.path)") }
            if mapping.path.isEmpty || mapping.path.hasPrefix("/memfd:") { faults.append("code from no file") }
        }
        out.add(
            "executable memory", faults.isEmpty ? "files only" : faults.joined(separator: "; "),
            declared: "files only, and none that is writable", faults.isEmpty ? .ok : .wider)
    }

    // MARK: What it was started with

    mutating func auditArguments() {
        if let environment = files.environment {
            if role == .supervisor {
                out.add(
                    "environment", "\(environment.count) variables", declared: "the container's", .ok,
                    note: "its children get none of it")
            } else if role == .kvAgent {
                let others = environment.filter { !$0.hasPrefix("UCX_") }
                out.add(
                    "environment", "\(environment.count) variables", declared: "UCX's settings, and nothing else",
                    others.isEmpty ? .ok : .wider, note: "UCX reads its settings from there")
            } else {
                out.add(
                    "environment", environment.isEmpty ? "empty" : "\(environment.count) variables",
                    declared: "empty", environment.isEmpty ? .ok : .wider)
            }
        } else {
            let kinds: [Role: String] = [.supervisor: "the container's", .kvAgent: "UCX's settings, and nothing else"]
            out.hidden("environment", declared: kinds[role] ?? "empty")
        }
        guard let arguments = files.arguments else {
            out.hidden("arguments", declared: "no secrets")
            return
        }
        if role == .supervisor {
            let suspects = arguments.filter(Self.looksSecret)
            out.add(
                "arguments", "\(max(0, arguments.count - 1))", declared: "no secrets",
                suspects.isEmpty ? .ok : .wider,
                note: suspects.isEmpty
                    ? "none of them looks like a token, a key or a password" : "one looks like a secret")
        } else {
            let rest = Array(arguments.dropFirst())
            let isPlain = rest == [role.name]
            out.add(
                "arguments", rest.joined(separator: " "), declared: role.name, isPlain ? .ok : .wider,
                note: rest.contains(Walls.without) ? "it was told to put up no filter" : "")
        }
    }

    /// A token (JWT), a key in PEM, or a word that stands before a secret.
    static func looksSecret(_ argument: String) -> Bool {
        let text = argument.lowercased()
        if argument.firstIndexOf("eyJ") != nil && argument.count > 60 { return true }
        if argument.firstIndexOf("PRIVATE KEY") != nil { return true }
        return ["password=", "secret=", "bearer ", "api-key=", "apikey="].contains { text.firstIndexOf($0) != nil }
    }
}
