import CLinux
import Glibc
import IPC
import Linux
import Metrics
import Sandbox

/// One process of ours: what the supervisor holds of it. Descriptors in the child: 0 /dev/null, 1 and 2 its log pipe,
/// 3 its control channel; everything else is handed over by messages.
final class ChildProcess {
    let role: Role
    let instance: UInt32
    let channel: Channel
    var log: LogPipe
    private(set) var pid: Int32 = 0
    private(set) var pidfd: Int32 = -1
    var phase = ChildPhase.starting
    /// Milliseconds on the monotonic clock.
    let spawnedAt: Int64
    /// When its time to become ready began, in milliseconds.
    private(set) var startedAt: Int64
    var readyAt: Int64 = 0
    var heardAt: Int64
    var pingNumber: UInt32 = 0
    /// A system call that its filter trapped, as it reported itself.
    var reportedViolation: UInt32?
    /// Why we killed it, if we did.
    var killedBecause: String?
    /// When it is killed, having been told to end, in milliseconds; 0 = it isn't.
    var killAt: Int64 = 0
    var isSilent = false
    /// It can't hear or say anything any more.
    var hasClosedChannel = false
    /// Its counters, as it writes them; and for reading only, as the admin process gets them. -1 = it counts nothing.
    let segmentFD: Int32
    let readableSegmentFD: Int32
    let segment: SegmentReader?
    /// Requests it reported as cut when its drain ended.
    var cut: UInt32 = 0
    /// The generation of the allowlist it was sent, and the one it goes by; 0 = none yet.
    var acknowledgement = Acknowledgement()
    var allowlistInForce: UInt64 { acknowledgement.inForce }
    /// Keys that it was asked to judge (signers), and to make. Whatever else it says of keys is made up.
    var awaitedVerdicts: Set<UInt32> = []
    /// See above.
    var awaitedCertificates: Set<UInt32> = []
    /// The instances that its channels lead to: of dialer and signer (proxies), of the resolver (dialers).
    var linked: [Role: UInt32] = [:]
    /// The siblings to which it has no channel, and when it said so last, in milliseconds.
    var unlinkedFrom: [Role: Int64] = [:]
    /// The instances that were replaced, or are to be, because they lost their channel to this process.
    var lostBy: [Role: UInt32] = [:]

    private init(
        role: Role, instance: UInt32, channel: Channel, log: LogPipe, segmentFD: Int32, readableSegmentFD: Int32,
        segment: SegmentReader?, now: Int64
    ) {
        self.role = role
        self.instance = instance
        self.channel = channel
        self.log = log
        self.segmentFD = segmentFD
        self.readableSegmentFD = readableSegmentFD
        self.segment = segment
        spawnedAt = now
        startedAt = now
        heardAt = now
    }

    /// We were stopped for so many milliseconds ourselves: it is not to blame for its silence.
    func excuse(_ milliseconds: Int64) {
        startedAt += milliseconds
        heardAt += milliseconds
    }

    deinit {
        close(log.fd)
        if pidfd >= 0 { close(pidfd) }
        if segmentFD >= 0 { close(segmentFD) }
        if readableSegmentFD >= 0 { close(readableSegmentFD) }
    }

    /// Why a child could not be started.
    enum SpawnFailure: Error {
        /// The system lacks descriptors, processes or memory: worth another try at any time.
        case resources(Errno)
        /// The child was there but did not become its program.
        case neverRan(Death)
    }

    /// The argument that tells a child to put up no filter, for the life of this process.
    nonisolated(unsafe) private static let withoutWalls = strdup(Walls.without)

    /// Starts a process. `register` is called while the child waits at its gate: it is known before it runs.
    static func spawn(
        _ role: Role, instance: UInt32, directory: String, sandboxing: Sandboxing, stripes: Int, now: Int64,
        register: (ChildProcess) throws(Errno) -> Void
    ) throws(SpawnFailure) -> ChildProcess {
        let child: ChildProcess
        var childEnd: Int32 = -1
        var logEnd: Int32 = -1
        defer {
            if childEnd >= 0 { close(childEnd) }
            if logEnd >= 0 { close(logEnd) }
        }
        do throws(Errno) {
            let control = try pair(cl_socketpair)
            childEnd = control.1
            let channel = Channel(fd: control.0)
            let log = try pair(cl_pipe)
            logEnd = log.1
            var (segmentFD, readable): (Int32, Int32) = (-1, -1)
            var segment: SegmentReader?
            // Admin only reads counters, and the resolver's are the dialer's to keep.
            if role.counts != nil {
                segmentFD = cl_segment_create("counters", Layout.size(stripes: stripes))
                readable = segmentFD < 0 ? segmentFD : cl_reopen_readable(segmentFD)
                if readable < 0 {
                    close(log.0)
                    if segmentFD >= 0 { close(segmentFD) }
                    throw Errno(readable)
                }
                segment = role.counts.flatMap { SegmentReader(fd: readable, of: $0) }
            }
            child = ChildProcess(
                role: role, instance: instance, channel: channel, log: LogPipe(fd: log.0), segmentFD: segmentFD,
                readableSegmentFD: readable, segment: segment, now: now)
            _ = cl_set_nonblocking(control.0)
        } catch {
            throw .resources(error)
        }
        try child.start(
            path: "\(directory)/routing-sidecar-\(executable(role))", sandboxing, childEnd, logEnd, register)
        return child
    }

    static func executable(_ role: Role) -> String {
        // The admin process is the proxy's executable in another role: the same walls, fewer descriptors.
        role == .admin ? Role.proxy.name : role.name
    }

    private static func pair(_ make: (UnsafeMutablePointer<Int32>?) -> Int32) throws(Errno) -> (Int32, Int32) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &ends) { make($0.baseAddress!.assumingMemoryBound(to: Int32.self)) }
        _ = try Errno.check(result)
        return ends
    }

    private func start(
        path: String, _ sandboxing: Sandboxing, _ childEnd: Int32, _ logEnd: Int32,
        _ register: (ChildProcess) throws(Errno) -> Void
    ) throws(SpawnFailure) {
        var spawned = cl_spawned()
        let walls = sandboxing.plan(role)
        let begun = path.withCString { path in
            role.name.withCString { name in
                var argv: [UnsafeMutablePointer<CChar>?] = [
                    UnsafeMutablePointer(mutating: path), UnsafeMutablePointer(mutating: name), nil,
                ]
                if !sandboxing.hasFilters { argv.insert(Self.withoutWalls, at: 2) }
                let variables = sandboxing.environment(role).map { strdup($0) }
                defer { for variable in variables { free(variable) } }
                var envp = variables + [nil]
                let fds: [Int32] = [-1, logEnd, logEnd, childEnd]
                return fds.withUnsafeBufferPointer { fds in
                    argv.withUnsafeMutableBufferPointer { argv in
                        envp.withUnsafeMutableBufferPointer { envp in
                            var plan = cl_spawn_plan(
                                path: path, executable: walls.executable, landlock: walls.landlock,
                                user: walls.user, argv: argv.baseAddress!, envp: envp.baseAddress!,
                                fds: fds.baseAddress!,
                                fd_count: Int32(fds.count), nofile: Rights.of(role)?.openFiles ?? 1024)
                            return cl_spawn_begin(&plan, &spawned)
                        }
                    }
                }
            }
        }
        if begun < 0 { throw .resources(Errno(begun)) }
        pid = spawned.pid
        pidfd = spawned.pidfd
        do throws(Errno) {
            try register(self)
        } catch {
            _ = cl_pidfd_signal(pidfd, SIGKILL)
            close(spawned.gate)
            close(spawned.report)
            throw .resources(error)
        }
        var stage: Int32 = 0
        let result = cl_spawn_finish(&spawned, &stage)
        if result < 0 { throw .neverRan(.neverRan(stage: stage, error: -result)) }
    }

    /// False: the channel is full or closed. A full channel means a child that doesn't read; its heartbeat will tell.
    @discardableResult
    func send(_ message: ToChild, descriptor: Int32 = -1) -> Bool {
        if case .success = channel.send(message, descriptor: descriptor) { return true }
        return false
    }

    func kill(because reason: String) {
        if killedBecause == nil { killedBecause = reason }
        _ = cl_pidfd_signal(pidfd, SIGCONT)
        _ = cl_pidfd_signal(pidfd, SIGKILL)
    }
}
