import Glibc

/// One picture of the live view, made of one status and one page of metrics.
struct Page {
    let console: Console
    let stage: Stage
    let status: Status
    let metrics: Metrics
    let tally: Load.Tally

    private static let modes = [("disaggregated", "disaggregated"), ("decoder only", "decoder_only")]

    /// The picture as one line, for logs and pipes.
    var summary: String {
        let parts = status.components.map { "\($0.name) \($0.pid) \($0.actual)" }
        let counts = Page.modes.map { "\($0.0) \(count($0.1))" }
        let times = Page.modes.map { "p50 \(total(0.5, $0.1)) p99 \(total(0.99, $0.1)) (\($0.0))" }
        return "\(status.state)\(status.isReady ? ", ready" : ", not ready"); "
            + parts.joined(separator: ", ") + "; " + counts.joined(separator: ", ") + ", in flight \(inFlight); "
            + times.joined(separator: ", ")
            + "; load: \(tally.correct) correct, \(tally.failed) failed of \(tally.sent)"
    }

    var lines: [String] {
        let ready = status.isReady ? console.styled("ready", .good) : console.styled("not ready", .bad)
        return [
            console.styled("routing-sidecar demo", .bold)
                + "   127.0.0.1:\(stage.port)   \(status.state), \(ready)   up \(duration(seconds: status.uptime))"
                + console.styled("      Ctrl-C ends it", .dim),
            "",
        ] + processLines + [""] + requestLines + [""] + hintLines
    }

    // MARK: Processes

    private var processLines: [String] {
        var lines = [heading("PROCESS", ["PID", "STATE", "RESTARTS", "UPTIME", "MEMORY"])]
        lines.append(
            row(
                "supervisor",
                [String(status.pid), status.state, "", duration(seconds: status.uptime), memory(of: status.pid)]))
        for component in status.components {
            let note = component.lastExit.map { console.styled("   last: \($0)", .dim) } ?? ""
            lines.append(
                row(
                    component.name,
                    [
                        component.pid > 0 ? String(component.pid) : "–", component.actual, String(component.restarts),
                        duration(seconds: component.uptime), component.pid > 0 ? memory(of: component.pid) : "–",
                    ]) + note)
        }
        for child in stage.children where child.pid != stage.supervisor {
            let state = isRunning(Int(child.pid)) ? "running" : "ended"
            lines.append(console.styled(row(child.name, [String(child.pid), state, "", "", ""]), .dim))
        }
        return lines
    }

    // MARK: Requests

    private var requestLines: [String] {
        var lines = [heading("REQUESTS", ["TOTAL", "FAILED", "P50", "P99", "FIRST BYTE"])]
        for (name, mode) in Page.modes {
            let first = metrics.quantile(0.5, of: "sidecar_time_to_first_byte_seconds", ["mode": mode])
            lines.append(
                row(
                    name,
                    [
                        String(count(mode)), String(failures(mode)), total(0.5, mode), total(0.99, mode),
                        duration(seconds: first),
                    ]))
        }
        let prefill = [0.5, 0.99].map {
            duration(seconds: metrics.quantile($0, of: "sidecar_prefill_duration_seconds"))
        }
        lines.append(row("prefill leg", ["", "", prefill[0], prefill[1], ""]))
        lines.append("")
        let sides = ["client", "decoder", "prefiller"].map {
            "\($0) \(Int(metrics.sum("sidecar_connections_open", ["side": $0])))"
        }
        lines.append("in flight \(inFlight)   connections: " + sides.joined(separator: ", "))
        let failed = "\(tally.failed) failed"
        lines.append(
            "load: \(tally.sent) sent, " + console.styled("\(tally.correct) answered with the right text", .good) + ", "
                + (tally.failed > 0 ? console.styled(failed, .bad) : failed)
                + (tally.lastFailure.map { console.styled("   last: \($0)", .dim) } ?? ""))
        return lines
    }

    private func count(_ mode: String) -> Int {
        Int(metrics.sum("sidecar_requests_total", ["mode": mode]))
    }

    private func failures(_ mode: String) -> Int {
        ["4xx", "5xx", "aborted"].reduce(0) {
            $0 + Int(metrics.sum("sidecar_requests_total", ["mode": mode, "status": $1]))
        }
    }

    private var inFlight: Int { Int(metrics.sum("sidecar_requests_in_flight")) }

    private func total(_ quantile: Double, _ mode: String) -> String {
        duration(seconds: metrics.quantile(quantile, of: "sidecar_request_duration_seconds", ["mode": mode]))
    }

    // MARK: Hints

    private var hintLines: [String] {
        let proxy = status.servingProxy?.pid ?? 0
        let dialer = status.components.first { $0.name == "dialer" }?.pid ?? 0
        let hints = [
            ("kill -USR2 \(status.pid)", "a new proxy takes over, the old one finishes its streams"),
            ("kill -KILL \(proxy)", "the proxy crashes: its streams break, the next ones are served"),
            ("kill -KILL \(dialer)", "the dialer crashes: running streams do not notice"),
            ("curl 127.0.0.1:\(stage.adminPort)/metrics", "the counters this view is made of"),
            ("\(stage.programs)/routing-sidecar status --control-socket \(stage.controlSocket)", ""),
        ]
        return [console.styled("TRY, FROM ANOTHER TERMINAL", .bold)]
            + hints.map { "  " + console.styled(padded($0.0, 34), .accent) + console.styled($0.1, .dim) }
    }

    // MARK: Columns

    private func heading(_ name: String, _ cells: [String]) -> String {
        console.styled(row(name, cells), .bold)
    }

    private func row(_ name: String, _ cells: [String]) -> String {
        padded(name, 16) + cells.map { rightAligned($0, 12) }.joined()
    }

    /// `line` cut to `width` visible characters; colour sequences take no room.
    func clipped(_ line: String, _ width: Int) -> String {
        var result = ""
        var visible = 0
        var isSequence = false
        for character in line {
            if character == "\u{1b}" { isSequence = true }
            if isSequence {
                result.append(character)
                if character == "m" { isSequence = false }
            } else if visible < width {
                result.append(character)
                visible += 1
            }
        }
        return result
    }
}
