import Allowlist
import CLinux
import Glibc
import IPC
import Linux
import Metrics
import Sandbox

/// The KV agent as a process: it moves ranges of its region to and from other agents over UCX, as the supervisor orders.
/// It opens nothing, sees no request, and knows no secret. What peers send is read by UCX before we see it, so whoever
/// reaches its ports may come to own it; the walls are what is left then.
final class KVAgentProcess {
    private let control: Channel
    private let poll: EventPoll
    var now = Clock.milliseconds()
    var settings = KVAgentSettings()
    var level = ChildLog.Level.info
    var stripe = Stripe.detached()
    private var hasSettings = false
    private var hasSegment = false
    private var region_: Region?
    private var fabric_: Fabric?
    private var policy_: PeerPolicy?

    var sums = Sums()
    /// What we read, by the endpoint's number.
    var fetches: [UInt32: FetchJob] = [:]
    /// Who reads from us.
    var serves: [UInt32: ServeJob] = [:]
    /// Endpoints that are being closed, and when that has taken too long.
    var closing: [UInt32: Int64] = [:]

    /// When we end, whatever is under way then, in milliseconds; nil = nobody has told us to end.
    private var endsAt: Int64?

    private static let controlToken: UInt64 = 0
    private static let fabricToken: UInt64 = 1
    /// Events of UCX's between two looks at the supervisor's channel.
    private static let eventsAtOnce = 512
    /// How long what is under way may take to end when we are told to, in milliseconds.
    private static let stopPatience: Int64 = 1_000

    // Sound: all of the three are there before the first event of UCX's, and never go away.
    var region: Region { region_! }
    var fabric: Fabric { fabric_! }
    /// True: nothing new begins.
    var isEnding: Bool { endsAt != nil }
    var policy: PeerPolicy {
        get { policy_! }
        set { policy_ = newValue }
    }

    /// Takes over the control channel. Fails for lack of descriptors or memory.
    init(control fd: Int32) throws(Errno) {
        control = Channel(fd: fd)
        poll = try EventPoll()
        try poll.add(fd, CL_IN, token: Self.controlToken)
    }

    /// Serves until it is told to stop.
    func run() -> Never {
        let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 8)
        var hasMore = false
        while true {
            let count = poll.wait(into: events, milliseconds: hasMore ? 0 : waitTime())
            now = Clock.milliseconds()
            for i in 0..<count where events[i].data == Self.controlToken { receiveOrders() }
            if fabric_ != nil { hasMore = turn() }
            if let endsAt, endsAt <= now || (fetches.isEmpty && serves.isEmpty && closing.isEmpty) {
                _exit(ExitCode.ok.rawValue)
            }
        }
    }

    /// One turn of UCX, checksums and deadlines; true = there is more to do at once.
    private func turn() -> Bool {
        var hasMore = fabric.progress()
        var taken = 0
        while taken < Self.eventsAtOnce, let happening = fabric.next() {
            taken += 1
            take(happening)
        }
        if let (owner, checksum) = sums.work(on: region.base) { summed(owner, checksum) }
        dueDeadlines()
        hasMore = hasMore || taken == Self.eventsAtOnce || !sums.isEmpty
        return hasMore || !fabric.arm()
    }

    private func waitTime() -> Int32 {
        guard fabric_ != nil else { return -1 }
        var next = Int64.max
        for job in fetches.values { next = min(next, job.deadline) }
        for job in serves.values { next = min(next, job.deadline) }
        for due in closing.values { next = min(next, due) }
        if let endsAt { next = min(next, endsAt) }
        let patience = fabric.patience
        if patience >= 0 { next = min(next, Clock.milliseconds() + Int64(patience)) }
        return next == .max ? -1 : Int32(clamping: max(0, next - Clock.milliseconds()))
    }

    private func take(_ happening: Fabric.Happening) {
        switch happening {
        case .arrived(let peer, let from): arrived(peer, from)
        case .frame(let peer, let bytes):
            let frame = bytes.withUnsafeBytes(PeerMessage.read)
            if let job = fetches[peer] { hear(frame, job) } else if let job = serves[peer] { hear(frame, job) }
        case .got(let peer, let piece, let status):
            if let job = fetches[peer] { got(job, piece, status) }
        case .lost(let peer, let status):
            if let job = fetches[peer] {
                log(.debug, "a peer was lost", [("why", Fabric.text(status)), ("peer", "\(job.order.peer)")])
                handle(.lost, job)
            } else if let job = serves[peer] {
                handle(.lost, job)
            }
        case .gone(let peer):
            closing[peer] = nil
            if let job = fetches[peer] { handle(.gone, job) } else if let job = serves[peer] { handle(.gone, job) }
        }
    }

    private func dueDeadlines() {
        for job in Array(fetches.values) where job.deadline <= now {
            // Set once for the transfer, and then for what follows it.
            let isLingering = job.isLingering
            job.deadline = .max
            handle(isLingering ? .lingered : .deadline, job)
        }
        for job in Array(serves.values) where job.deadline <= now {
            job.deadline = .max
            handle(.deadline, job)
        }
        // Until an endpoint is gone its reads may still write to the region, and who knows for whom that is by then.
        if closing.values.contains(where: { $0 <= now }) { end("UCX does not let go of a peer", .internalError) }
    }

    // MARK: Orders

    private func receiveOrders() {
        control.receiveOrders(as: .kvAgent, orEnd: end, take)
    }

    private func take(_ message: ToChild, _ descriptor: Int32) {
        switch message {
        case .settings(.kvAgent(let settings)):
            guard !hasSettings else { end("settings came twice", .ipcViolation) }
            hasSettings = true
            self.settings = settings
            level = ChildLog.Level(rawValue: settings.reach.logLevel) ?? .trace
            policy_ = PeerPolicy(settings: settings, own: ownAddresses())
        case .segment(let stripes):
            guard let segment = SegmentWriter.map(fd: descriptor, stripes: Int(stripes)) else {
                end("the counter segment is not what it must be", .resource)
            }
            stripe = segment.stripe(0)
            hasSegment = true
        case .kv(.region(let size)):
            guard region_ == nil else { end("the region came twice", .ipcViolation) }
            region_ = Region(fd: descriptor, size: size)
            close(descriptor)
            if region_ == nil { end("the region is not sealed, or not of its size", .resource) }
        case .kv(.transfer(let order)):
            guard fabric_ != nil else { end("a transfer came before all that it needs", .ipcViolation) }
            begin(order)
        case .kv(.cancel(let id)):
            if let job = fetches.values.first(where: { $0.order.id == id && !$0.isTold }) { handle(.cancelled, job) }
        case .allowlist(_, let confirmedAt): adopt(descriptor, confirmedAt)
        case .allowlistConfirmed(_, let confirmedAt): policy_?.confirmedAt = confirmedAt
        case .stop: stop()
        case .ping(let number): tell(.pong(number))
        case .settings, .dialer, .proxyChannel, .listener, .statusPage, .peerSegment, .peerGone, .drain, .file,
            .resolver, .resolverClient, .fileUnavailable, .signer, .signerClient, .certificate, .privateKey,
            .makeCertificate, .forgetKey, .certificates:
            end("the supervisor sent '\(message.name)'", .ipcViolation)
        }
        if hasSettings && hasSegment && region_ != nil && fabric_ == nil { becomeReady() }
    }

    /// What is under way ends before we do: UCX 1.13 ends a process whose answer to a read finds the reader gone, and those
    /// that we read from have others to serve.
    private func stop() {
        guard !isEnding else { return }
        endsAt = now + (fabric_ == nil ? 0 : Self.stopPatience)
        for job in Array(fetches.values) { handle(.stopped, job) }
    }

    private func becomeReady() {
        let fabric: Fabric
        do throws(Fabric.Failure) {
            fabric = try Fabric(region: region, listen: settings.listen)
        } catch {
            end("UCX can't be set up at \(settings.listen): \(error)", .resource)
        }
        fabric_ = fabric
        do throws(Errno) {
            try poll.add(fabric.descriptor, CL_IN, token: Self.fabricToken)
        } catch {
            end("UCX can't be watched: \(error)", .resource)
        }
        Walls.close(.kvAgent, channel: control.fd)
        tell(.ready)
    }

    private func adopt(_ descriptor: Int32, _ confirmedAt: Int64) {
        defer { close(descriptor) }
        guard policy_ != nil, let snapshot = Snapshot(fd: descriptor) else {
            end("the allowlist is not what it must be", .ipcViolation)
        }
        policy_?.allowlist = snapshot
        policy_?.confirmedAt = confirmedAt
        now = Clock.milliseconds()
        for job in Array(fetches.values) where policy.refusal(of: job.order.peer, now: now) != nil {
            handle(.revoked, job)
        }
        for job in Array(serves.values) where !policy.admits(job.from, now: now) { handle(.revoked, job) }
    }

    private func ownAddresses() -> [Address] {
        do {
            return try Address.ofThisHost()
        } catch {
            // A call to this pod itself is always refused; without its addresses it would be made.
            end("the addresses of this host can't be read: \(error)", .resource)
        }
    }

    /// A full channel is a supervisor that doesn't read; it ends those who are silent.
    func tell(_ message: FromChild) { _ = control.send(message) }

    func log(_ weight: ChildLog.Level, _ text: String, _ fields: [(String, String)]) {
        if weight <= level { ChildLog.write(weight, text, fields) }
    }

    func end(_ reason: String, _ code: ExitCode) -> Never {
        ChildLog.write(.error, "the KV agent ends: \(reason)")
        _exit(code.rawValue)
    }
}
