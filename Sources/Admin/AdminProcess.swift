import CLinux
import Glibc
import IPC
import Linux
import Metrics
import Sandbox

/// The admin process: answers `/metrics`, `/livez` and `/readyz`, also while the proxy is down. It reads the
/// supervisor's status page and the counters of the other processes from read-only maps; it can change nothing.
public final class AdminProcess {
    private let control: Channel
    private let poll: EventPoll
    private var logLevel: UInt8 = 2
    private var server = AdminServer()
    private var page: UnsafeRawPointer?
    private var segments: [UInt32: SegmentReader] = [:]
    private var isReady = false

    /// Takes over the control channel.
    public init(control fd: Int32) {
        control = Channel(fd: fd)
        do {
            poll = try EventPoll()
        } catch {
            ChildLog.write(.error, "the admin process ends: no event poll: \(error)")
            _exit(ExitCode.resource.rawValue)
        }
    }

    /// Lives until it is told to stop.
    public func run() -> Never {
        guard cl_epoll_add(poll.fd, control.fd, CL_IN, UInt64(control.fd)) == 0 else {
            _exit(ExitCode.resource.rawValue)
        }
        let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 64)
        while true {
            let count = poll.wait(into: events, milliseconds: server.isBusy ? 500 : -1)
            // Orders first, so that a page is never rendered with an instance that is already folded in.
            receiveOrders()
            for i in 0..<count where events[i].data != UInt64(control.fd) {
                server.event(Int32(truncatingIfNeeded: events[i].data), poll: poll) { self.answer($0) }
            }
            server.expire(poll: poll)
        }
    }

    private func receiveOrders() {
        while true {
            switch control.receive(ToChild.self) {
            case .nothing: return
            case .closed: _exit(ExitCode.lostSupervisor.rawValue)
            case .violation(let violation): end("the supervisor broke the protocol: \(violation)")
            case .message(let message, let descriptor):
                guard Permissions.accepts(.admin, message) else {
                    end("the supervisor sent '\(message.name)', which the admin process doesn't take")
                }
                take(message, descriptor)
            }
        }
    }

    private func take(_ message: ToChild, _ descriptor: Int32) {
        switch message {
        case .settings(.admin(let settings)): logLevel = settings.logLevel
        case .segment: close(descriptor)
        case .statusPage:
            guard cl_segment_size(descriptor) == Int64(StatusPage.size),
                let base = cl_map(descriptor, StatusPage.size, 0)
            else { end("the status page is not what it must be") }
            page = UnsafeRawPointer(base)
            close(descriptor)
            if !isReady {
                isReady = true
                Walls.close(.admin, channel: control.fd)
                _ = control.send(FromChild.ready)
            }
        case .peerSegment(let role, let instance):
            segments[instance] = role.counts.flatMap { SegmentReader(fd: descriptor, of: $0) }
            close(descriptor)
        case .peerGone(let instance): segments[instance] = nil
        case .listener: server.listen(on: descriptor, poll: poll)
        case .stop: _exit(ExitCode.ok.rawValue)
        case .ping(let number): _ = control.send(FromChild.pong(number))
        case .settings, .dialer, .proxyChannel, .drain, .file, .resolver, .resolverClient, .allowlist,
            .allowlistConfirmed, .fileUnavailable, .signer, .signerClient, .certificate, .privateKey, .makeCertificate,
            .forgetKey, .certificates, .kv:
            end("the supervisor sent '\(message.name)'")
        }
    }

    private func answer(_ path: String) -> AdminAnswer {
        guard let page, let status = StatusPage.read(page) else {
            return AdminAnswer(status: 503, text: "the supervisor's status page can't be read\n")
        }
        var totals = status.carried
        for instance in status.live { segments[instance]?.add(to: &totals, gauges: true) }
        switch path {
        case "/livez": return AdminAnswer(status: 200, text: "ok\n")
        case "/readyz": return Readiness(status, totals).answer
        case "/metrics":
            return AdminAnswer(status: 200, text: metrics(status, totals), type: "text/plain; version=0.0.4")
        default: return AdminAnswer(status: 404, text: "there are /metrics, /livez and /readyz\n")
        }
    }

    private func metrics(_ status: SupervisorStatus, _ totals: [UInt64]) -> String {
        var text = ""
        text.reserveCapacity(16_384)
        Exposition.render(totals, into: &text)
        text += "# HELP sidecar_ready 1 while requests are served and nothing drains.\n# TYPE sidecar_ready gauge\n"
        text += "sidecar_ready \(Readiness(status, totals).isReady ? 1 : 0)\n"
        appendAllowlist(status, to: &text)
        appendCertificates(status, to: &text)
        text += "# HELP sidecar_sandbox_missing_walls Walls that should stand and can't on this host.\n"
        text += "# TYPE sidecar_sandbox_missing_walls gauge\nsidecar_sandbox_missing_walls \(status.missingWalls)\n"
        text += "# HELP sidecar_sandbox_violations_total Processes that died of a forbidden system call.\n"
        text += "# TYPE sidecar_sandbox_violations_total counter\n"
        text += "sidecar_sandbox_violations_total \(status.sandboxDeaths)\n"
        text += "# HELP sidecar_wall_failures_total Processes whose walls could not be put up, or did not stand.\n"
        text += "# TYPE sidecar_wall_failures_total counter\nsidecar_wall_failures_total \(status.wallFailures)\n"
        text += "# HELP sidecar_component_up 1 while a process is ready.\n# TYPE sidecar_component_up gauge\n"
        for row in status.components {
            text += "sidecar_component_up{component=\"\(Self.name(row))\"} \(row.ready ? 1 : 0)\n"
        }
        text += "# HELP sidecar_component_restarts_total Starts of a process after its first.\n"
        text += "# TYPE sidecar_component_restarts_total counter\n"
        for row in status.components {
            text += "sidecar_component_restarts_total{component=\"\(Self.name(row))\"} \(row.restarts)\n"
        }
        text += "# HELP sidecar_ipc_violations_total Frames of our processes that broke the protocol.\n"
        text += "# TYPE sidecar_ipc_violations_total counter\nsidecar_ipc_violations_total \(status.violations)\n"
        text += "# HELP sidecar_log_lines_dropped_total Log lines that nobody took in time.\n"
        text += "# TYPE sidecar_log_lines_dropped_total counter\n"
        text += "sidecar_log_lines_dropped_total \(status.droppedLogLines)\n"
        return text
    }

    private func appendAllowlist(_ status: SupervisorStatus, to text: inout String) {
        func gauge(_ name: String, _ help: String, _ value: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n\(name) \(value)\n"
        }
        gauge(
            "sidecar_ssrf_protection", "1 while only members of the allowlist may be called.",
            status.isProtected ? "1" : "0")
        guard status.isProtected else { return }
        gauge(
            "sidecar_allowlist_generation", "Snapshots of the allowlist so far; 0 = none yet.",
            "\(status.allowlistGeneration)")
        gauge("sidecar_allowlist_endpoints", "Endpoints in the allowlist.", "\(status.allowlistEndpoints)")
        let age = status.allowlistConfirmedAt > 0 ? max(0, Clock.milliseconds() - status.allowlistConfirmedAt) : 0
        gauge(
            "sidecar_allowlist_age_seconds", "Time since the Kubernetes API showed the allowlist to be current.",
            Exposition.seconds(UInt64(age) * 1000))
    }

    private func appendCertificates(_ status: SupervisorStatus, to text: inout String) {
        let ends = [("serving", status.servingCertificateEnds), ("upstream", status.upstreamCertificateEnds)]
            .filter { $0.1 != 0 }
        if !ends.isEmpty {
            text += "# HELP sidecar_certificate_expiry_timestamp_seconds When a certificate of ours ends.\n"
            text += "# TYPE sidecar_certificate_expiry_timestamp_seconds gauge\n"
            for (use, seconds) in ends {
                text += "sidecar_certificate_expiry_timestamp_seconds{use=\"\(use)\"} \(seconds)\n"
            }
        }
        text += "# HELP sidecar_certificate_self_signed 1 while clients are shown a certificate that signs itself.\n"
        text += "# TYPE sidecar_certificate_self_signed gauge\n"
        text += "sidecar_certificate_self_signed \(status.isSelfSigned ? 1 : 0)\n"
        text += "# HELP sidecar_certificate_reloads_total New certificates, by what became of them.\n"
        text += "# TYPE sidecar_certificate_reloads_total counter\n"
        text += "sidecar_certificate_reloads_total{result=\"taken\"} \(status.certificateReloadsTaken)\n"
        text += "sidecar_certificate_reloads_total{result=\"refused\"} \(status.certificateReloadsRefused)\n"
    }

    private static func name(_ row: ComponentStatus) -> String { Role(rawValue: row.role)?.name ?? "unknown" }

    private func end(_ reason: String) -> Never {
        ChildLog.write(.error, "the admin process ends: \(reason)")
        _exit(ExitCode.ipcViolation.rawValue)
    }
}
