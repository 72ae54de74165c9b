import IPC
import Linux
import Metrics

/// The page of metrics: the counters of all processes, and what the supervisor knows. Prometheus text, version 0.0.4.
struct StatusMetrics {
    private var text = ""

    /// The whole page.
    static func page(_ status: SupervisorStatus, _ totals: [UInt64]) -> String {
        var page = StatusMetrics()
        page.text.reserveCapacity(16_384)
        Exposition.render(totals, into: &page.text)
        page.gauge(
            "sidecar_ready", "1 while requests are served and nothing drains.",
            Readiness(status, totals).isReady ? 1 : 0)
        page.appendAllowlist(status)
        page.appendCertificates(status)
        page.appendWalls(status)
        page.appendComponents(status)
        page.counter(
            "sidecar_ipc_violations_total", "Frames of our processes that broke the protocol.", status.violations)
        page.counter(
            "sidecar_log_lines_dropped_total", "Log lines that nobody took in time.", status.droppedLogLines)
        return page.text
    }

    private mutating func appendAllowlist(_ status: SupervisorStatus) {
        gauge(
            "sidecar_ssrf_protection", "1 while only members of the allowlist may be called.",
            status.isProtected ? 1 : 0)
        guard status.isProtected else { return }
        gauge(
            "sidecar_allowlist_generation", "Snapshots of the allowlist so far; 0 = none yet.",
            status.allowlistGeneration)
        gauge("sidecar_allowlist_endpoints", "Endpoints in the allowlist.", status.allowlistEndpoints)
        let age = status.allowlistConfirmedAt > 0 ? max(0, Clock.milliseconds() - status.allowlistConfirmedAt) : 0
        gauge(
            "sidecar_allowlist_age_seconds", "Time since the Kubernetes API showed the allowlist to be current.",
            Exposition.seconds(UInt64(age) * 1000))
    }

    private mutating func appendCertificates(_ status: SupervisorStatus) {
        let ends = [("serving", status.servingCertificateEnds), ("upstream", status.upstreamCertificateEnds)]
            .filter { $0.1 != 0 }
        if !ends.isEmpty {
            let name = "sidecar_certificate_expiry_timestamp_seconds"
            header(name, "gauge", "When a certificate of ours ends.")
            for (use, seconds) in ends { row(name, ("use", use), seconds) }
        }
        gauge(
            "sidecar_certificate_self_signed", "1 while clients are shown a certificate that signs itself.",
            status.isSelfSigned ? 1 : 0)
        let reloads = "sidecar_certificate_reloads_total"
        header(reloads, "counter", "New certificates, by what became of them.")
        row(reloads, ("result", "taken"), status.certificateReloadsTaken)
        row(reloads, ("result", "refused"), status.certificateReloadsRefused)
    }

    private mutating func appendWalls(_ status: SupervisorStatus) {
        gauge(
            "sidecar_sandbox_missing_walls", "Walls that should stand and can't on this host.", status.missingWalls)
        counter(
            "sidecar_sandbox_violations_total", "Processes that died of a forbidden system call.",
            status.sandboxDeaths)
        counter(
            "sidecar_wall_failures_total", "Processes whose walls could not be put up, or did not stand.",
            status.wallFailures)
    }

    private mutating func appendComponents(_ status: SupervisorStatus) {
        func name(_ row: ComponentStatus) -> String { Role(rawValue: row.role)?.name ?? "unknown" }
        header("sidecar_component_up", "gauge", "1 while a process is ready.")
        for component in status.components {
            row("sidecar_component_up", ("component", name(component)), component.ready ? 1 : 0)
        }
        header("sidecar_component_restarts_total", "counter", "Starts of a process after its first.")
        for component in status.components {
            row("sidecar_component_restarts_total", ("component", name(component)), component.restarts)
        }
    }

    // MARK: Lines

    private mutating func header(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    private mutating func row(
        _ name: String, _ label: (name: String, value: String), _ value: some LosslessStringConvertible
    ) {
        text += "\(name){\(label.name)=\"\(label.value)\"} \(value)\n"
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: some LosslessStringConvertible) {
        header(name, "gauge", help)
        text += "\(name) \(value)\n"
    }

    private mutating func counter(_ name: String, _ help: String, _ value: some LosslessStringConvertible) {
        header(name, "counter", help)
        text += "\(name) \(value)\n"
    }
}
