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
        control.receiveOrders(as: .admin, orEnd: end, take)
    }

    private func take(_ message: ToChild, _ descriptor: Int32) {
        switch message {
        case .settings(.admin(let settings)): logLevel = settings.logLevel
        case .statusPage:
            guard cl_segment_size(descriptor) == Int64(StatusPage.size),
                let base = cl_map(descriptor, StatusPage.size, 0)
            else { end("the status page is not what it must be", .ipcViolation) }
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
        case .settings, .segment, .dialer, .proxyChannel, .drain, .file, .resolver, .resolverClient, .allowlist,
            .allowlistConfirmed, .fileUnavailable, .signer, .signerClient, .certificate, .privateKey, .makeCertificate,
            .forgetKey, .certificates, .kv:
            end("the supervisor sent '\(message.name)'", .ipcViolation)
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
            return AdminAnswer(status: 200, text: StatusMetrics.page(status, totals), type: "text/plain; version=0.0.4")
        default: return AdminAnswer(status: 404, text: "there are /metrics, /livez and /readyz\n")
        }
    }

    private func end(_ reason: String, _ code: ExitCode) -> Never {
        ChildLog.write(.error, "the admin process ends: \(reason)")
        _exit(code.rawValue)
    }
}
