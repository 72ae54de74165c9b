import Audit
import CLinux
import Configuration
import Glibc
import IPC
import Linux
import Sandbox

/// `routing-sidecar audit`: what the supervisor answers, and the command itself, which runs as a process of its own.
enum Auditing {
    /// What the supervisor knows of its children, for the control socket.
    static func house(_ supervisor: Supervisor) -> House {
        let sandboxing = supervisor.sandboxing
        let settings = supervisor.configuration.settings
        var house = House()
        house.version = Version.text
        house.supervisor = processID()
        house.isWalled = sandboxing.isOn
        house.hasUsers = sandboxing.hasUsers
        house.landlockABI = sandboxing.landlockABI
        house.required = settings.requireSandbox.rawValue
        house.servesLowPort = [settings.port, settings.adminPort].contains { $0 > 0 && $0 < 1024 }
        house.degraded = sandboxing.degraded
        house.directory = supervisor.directory
        house.keyFiles = supervisor.certificates.keyFiles
        house.tokenFile = supervisor.configuration.watchesPool ? settings.kubernetesTokenFile : ""
        let proxies = supervisor.component(.proxy)?.processes.count ?? 0
        let dialers = supervisor.component(.dialer)?.processes.count ?? 0
        let resolvers = supervisor.component(.resolver)?.processes.count ?? 0
        let signers = supervisor.component(.signer)?.processes.count ?? 0
        let loops = supervisor.configuration.loops
        for child in supervisor.components.flatMap(\.processes) {
            var row = House.Child()
            row.role = child.role
            row.pid = child.pid
            row.phase = "\(child.phase)"
            row.executable = "\(supervisor.directory)/routing-sidecar-\(ChildProcess.executable(child.role))"
            switch child.role {
            case .proxy: (row.listeners, row.channels) = (loops, loops * (dialers + signers))
            case .admin: row.listeners = 1
            case .dialer: row.channels = proxies * loops + resolvers
            case .resolver: row.channels = dialers
            case .signer: row.channels = proxies * loops
            // It binds its own.
            case .kvAgent: row.listeners = -1
            case .supervisor, .watcher: break
            }
            house.processes.append(row)
        }
        return house
    }

    /// The command's exit code: 0 = nothing is wider than declared.
    static func run(_ options: AuditOptions, path: String) -> Int32 {
        if let name = options.explain { return explain(name) }
        let house: House
        switch ControlClient.ask(.audit, path: path) {
        case .success(let text):
            guard let answer = House(text: text) else {
                printLine("routing-sidecar: what answers at \(path) is not this version of the sidecar", to: 2)
                return ExitCode.ipcViolation.rawValue
            }
            house = answer
        case .failure(let refusal):
            printLine("routing-sidecar: \(refusal.text)", to: 2)
            return ExitCode.portInUse.rawValue
        }
        var audit = Audit(house)
        var probe: Probe?
        if options.probe {
            switch attack(house) {
            case .success(let done): probe = done
            case .failure(let missing):
                printLine("routing-sidecar: the probe can't be run: \(missing.text)", to: 2)
                return ExitCode.missingSandbox.rawValue
            }
        }
        if let probe { audit.witness(landlock: probe.landlock) }
        if options.json {
            printLine(JSONReport.text(audit, probe))
        } else if options.markdown {
            printLine(MarkdownReport.text(audit, probe))
        } else {
            printLine(TextReport.text(audit, probe, colour: isatty(1) == 1))
        }
        return audit.isOK && probe?.isOK ?? true ? 0 : 1
    }

    private static func explain(_ name: String) -> Int32 {
        guard let text = Explain.text(name) else {
            let names = Explain.names.joined(separator: ", ")
            printLine("routing-sidecar: there is no process '\(name)'; accepted: \(names)", to: 2)
            return ExitCode.configuration.rawValue
        }
        printLine(text)
        return 0
    }

    /// Puts up the same walls as the supervisor, from this process, and attacks them from within.
    private static func attack(_ house: House) -> Result<Probe, Sandboxing.Missing> {
        guard house.isWalled else { return .failure(.init(text: "the sidecar runs without walls (--sandbox=off)")) }
        _ = cl_set_undumpable()
        var settings = Settings()
        settings.landlockABI = Int(house.landlockABI)
        settings.requireSandbox = .on
        do throws(Sandboxing.Missing) {
            let twins = try Sandboxing(settings, directory: house.directory, program: "probe")
            let own = try Sandboxing(settings, directory: house.directory)
            if twins.hasUsers != house.hasUsers {
                throw Sandboxing.Missing(
                    text: "run it as the sidecar's own user, with its capabilities: "
                        + (house.hasUsers ? "root with SETUID, SETGID, SETPCAP and KILL" : "not as root"))
            }
            func plan(_ sandboxing: Sandboxing, _ role: Role, _ program: String) -> SpawnPlan {
                let walls = sandboxing.plan(role)
                return SpawnPlan(
                    path: "\(house.directory)/routing-sidecar-\(program)", executable: walls.executable,
                    landlock: walls.landlock, user: walls.user)
            }
            let roles = Rights.all.map(\.role) + [.supervisor]
            let probe: Probe
            do throws(ArenaFailure) {
                probe = try Probe(tokenFile: house.tokenFile, hasUsers: twins.hasUsers, roles: roles) {
                    plan(twins, $0, "probe")
                }
            } catch {
                throw Sandboxing.Missing(text: "\(error)")
            }
            probe.runControls()
            try twins.close(servesLowPort: house.servesLowPort, required: true)
            probe.runTwins()
            probe.askDialer(plan(own, .dialer, "dialer"))
            return .success(probe)
        } catch {
            return .failure(error)
        }
    }
}
