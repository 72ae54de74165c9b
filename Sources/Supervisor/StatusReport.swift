import IPC

/// `routing-sidecar status`: the state of everything, as JSON from the supervisor and as a table for people.
enum StatusReport {
    static func json(_ supervisor: Supervisor) -> String {
        var rows: [String] = []
        for component in supervisor.components {
            if let current = component.current {
                rows.append(row(component, current, actual: actual(component), supervisor.now))
            } else {
                rows.append(row(component, nil, actual: actual(component), supervisor.now))
            }
            if let replacement = component.replacement {
                rows.append(row(component, replacement, actual: "starting", supervisor.now))
            }
            for retired in component.retired {
                rows.append(
                    row(
                        component, retired, actual: retired.phase == .draining ? "draining" : "stopping", supervisor.now
                    ))
            }
        }
        let state: String
        switch supervisor.shutdown.phase {
        case .running: state = supervisor.wasReady ? "running" : "starting"
        case .preDrain, .draining: state = "draining"
        case .stopping, .over: state = "stopping"
        }
        let version = LogSink.quoted(Version.text)
        return "{\"version\":\(version),\"pid\":\(processID()),\"state\":\"\(state)\",\"ready\":\(supervisor.wasReady),"
            + "\"uptime_seconds\":\(seconds(supervisor.now - supervisor.startedAt)),"
            + "\"allowlist\":\(allowlist(supervisor)),"
            + "\"components\":[\(rows.joined(separator: ","))]}"
    }

    private static func allowlist(_ supervisor: Supervisor) -> String {
        let held = supervisor.allowlist
        let configuration = supervisor.configuration
        guard configuration.settings.ssrfProtection else { return "{\"source\":\"none\"}" }
        let source = configuration.watchesPool ? "kubernetes" : "static"
        let age = held.generation == 0 || !configuration.watchesPool ? 0 : supervisor.now - held.confirmedAt
        let inForce = supervisor.allowlistInForce
        return
            "{\"source\":\"\(source)\",\"generation\":\(held.generation),\"in_force\":\(inForce),\"endpoints\":\(held.endpoints),"
            + "\"age_seconds\":\(seconds(age))}"
    }

    private static func actual(_ component: Component) -> String {
        switch component.machine.actual {
        case .stopped: "stopped"
        case .starting: "starting"
        case .running: "running"
        case .backoff: "backoff"
        case .failed: "failed"
        }
    }

    private static func row(_ component: Component, _ child: ChildProcess?, actual: String, _ now: Int64) -> String {
        let last = component.lastDeath.map { LogSink.quoted($0.description) } ?? "null"
        let ready =
            child.map { $0.readyAt > 0 && !$0.isSilent && $0.unlinkedFrom.isEmpty && $0.phase == .serving } ?? false
        return "{\"name\":\"\(component.role.name)\",\"instance\":\(child?.instance ?? 0),\"pid\":\(child?.pid ?? 0),"
            + "\"wanted\":\"\(component.machine.wanted == .up ? "up" : "down")\",\"actual\":\"\(actual)\","
            + "\"ready\":\(ready),\"restarts\":\(component.machine.restarts),"
            + "\"uptime_seconds\":\(seconds(child.map { now - $0.spawnedAt } ?? 0)),\"last_exit\":\(last)}"
    }

    private static func seconds(_ milliseconds: Int64) -> String {
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)"
    }

    /// The JSON of `status` as a table. It is our own, but it came over a socket: what has another form is shown as it is.
    static func table(_ json: String) -> String {
        guard let list = json.range(of: "\"components\":["), let end = json.lastIndex(of: "]") else { return json }
        var lines = [
            "routing-sidecar \(value("version", json)), pid \(value("pid", json)): \(value("state", json)), "
                + "ready: \(value("ready", json) == "true" ? "yes" : "no"), up \(value("uptime_seconds", json)) s", "",
        ]
        let columns = ["name", "pid", "actual", "ready", "restarts", "uptime_seconds", "last_exit"]
        var table = [["PROCESS", "PID", "STATE", "READY", "RESTARTS", "UP (s)", "LAST EXIT"]]
        for object in json[list.upperBound..<end].split(separator: "}") {
            table.append(columns.map { value($0, String(object)) })
        }
        let widths = columns.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        for row in table {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }
            var line = cells.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    private static func value(_ name: String, _ json: String) -> String {
        guard let start = json.range(of: "\"\(name)\":") else { return "" }
        let rest = json[start.upperBound...]
        if rest.first == "\"" { return String(rest.dropFirst().prefix { $0 != "\"" }) }
        let text = String(rest.prefix { $0 != "," && $0 != "}" })
        return text == "null" ? "-" : text
    }
}
