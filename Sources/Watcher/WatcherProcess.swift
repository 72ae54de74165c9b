import CCurl
import CLinux
import Glibc
import IPC
import JSON
import Linux
import Metrics
import Sandbox

/// The watcher as a process: it alone holds the token and speaks to the Kubernetes API. It lists and watches the pool
/// and its pods, and publishes who may be called. Nobody can speak to it but the supervisor, and it opens nothing but
/// connections to the API server.
final class WatcherProcess {
    let control: Channel
    let transfers: Transfers
    var now = Clock.milliseconds()
    var settings = WatcherSettings()
    var level = ChildLog.Level.info
    var stripe = Stripe.detached()
    private var hasSettings = false
    private var hasSegment = false
    private var isReady = false

    var credentials = Credentials()
    var credentialLog = OutageLog()
    let nesting = ValueReader.Nesting()
    var address: APIAddress
    var membership: Membership
    /// Where the pool may be, and the search for it.
    var groups: [PoolGroup] = []
    var discovery: Discovery?
    var group: PoolGroup?
    let poolErrand = Errand("pool")
    let podErrand = Errand("pods")
    var denials = Denials()
    var poolReflector = Reflector()
    var podReflector = Reflector()
    var podSelector: Selector?
    /// What the last snapshot was, and when it may be followed by another.
    var publication = Publication()

    private init(control fd: Int32, _ transfers: Transfers) {
        control = Channel(fd: fd)
        self.transfers = transfers
        address = APIAddress(settings)
        membership = Membership(settings)
    }

    /// Serves until it is told to stop.
    static func run(control fd: Int32) -> Never {
        guard let transfers = Transfers() else {
            ChildLog.write(.error, "the watcher ends: libcurl can't be set up")
            exit(ExitCode.internalError.rawValue)
        }
        WatcherProcess(control: fd, transfers).serve()
    }

    private func serve() -> Never {
        while true {
            if transfers.wait(control.fd, milliseconds: waitTime()) { receiveOrders() }
            now = Clock.milliseconds()
            transfers.perform(now: now)
            attend(poolErrand)
            attend(podErrand)
            for file in credentials.overdue(now: now) { say(.fileWanted(file)) }
            publishIfDue()
        }
    }

    private func waitTime() -> Int32 {
        let next = min(
            min(poolErrand.nextTurn, podErrand.nextTurn), min(credentials.nextTurn, nextPublication))
        return next == .max ? 600_000 : Int32(max(0, min(next - Clock.milliseconds(), 600_000)))
    }

    // MARK: Orders

    private func receiveOrders() {
        control.receiveOrders(as: .watcher, orEnd: end) { message, descriptor in
            now = Clock.milliseconds()
            take(message, descriptor)
        }
    }

    private func take(_ message: ToChild, _ descriptor: Int32) {
        switch message {
        case .settings(.watcher(let settings)):
            guard !hasSettings else { end("settings came twice", .ipcViolation) }
            hasSettings = true
            self.settings = settings
            level = ChildLog.Level(rawValue: settings.logLevel) ?? .trace
            address = APIAddress(settings)
            membership = Membership(settings)
        case .segment(let stripes):
            guard let segment = SegmentWriter.map(fd: descriptor, stripes: Int(stripes)) else {
                end("the counter segment is not what it must be", .resource)
            }
            stripe = segment.stripe(0)
            hasSegment = true
        case .file(let file):
            takeFile(file, descriptor)
            close(descriptor)
        case .fileUnavailable(let file, let error): missFile(file, Errno(error))
        case .stop: _exit(ExitCode.ok.rawValue)
        case .ping(let number): say(.pong(number))
        case .settings, .dialer, .proxyChannel, .listener, .statusPage, .peerSegment, .peerGone, .drain, .resolver,
            .resolverClient, .allowlist, .allowlistConfirmed, .signer, .signerClient, .certificate, .privateKey,
            .makeCertificate, .forgetKey, .certificates, .kv:
            end("the supervisor sent '\(message.name)'", .ipcViolation)
        }
        if hasSettings && hasSegment && !isReady {
            isReady = true
            Walls.close(.watcher, channel: control.fd)
            say(.ready)
            startFollowing()
        }
    }

    /// Sends a message; false when the supervisor's end has no room now.
    @discardableResult
    func say(_ message: FromChild, descriptor: Int32 = -1) -> Bool {
        switch control.send(message, descriptor: descriptor) {
        case .success: return true
        case .failure(let error) where error.number == EAGAIN: return false
        case .failure(let error) where error.number == EPIPE || error.number == ECONNRESET:
            _exit(ExitCode.lostSupervisor.rawValue)
        case .failure(let error):
            log(.warning, "a message to the supervisor could not be sent: \(error)", [("type", message.name)])
            return false
        }
    }

    func log(_ level: ChildLog.Level, _ message: String, _ fields: [(String, String)] = []) {
        if level <= self.level { ChildLog.write(level, message, fields) }
    }

    func end(_ reason: String, _ code: ExitCode) -> Never {
        ChildLog.write(.error, "the watcher ends: \(reason)")
        _exit(code.rawValue)
    }
}
