import CLinux
import Glibc
import Linux

/// What the supervisor says of one component on its status page.
public struct ComponentStatus: Sendable, Equatable {
    /// The component's role number.
    public var role: UInt8 = 0
    /// The present instance.
    public var instance: UInt32 = 0
    /// Its process id, 0 when there is none.
    public var pid: Int32 = 0
    /// Is it ready?
    public var ready = false
    /// Starts after the first.
    public var restarts: UInt64 = 0
    /// Has it failed for good?
    public var failed = false

    /// An empty row.
    public init() {}
}

/// What the whole supervisor says.
public struct SupervisorStatus: Sendable, Equatable {
    /// The most components there are.
    public static let mostComponents = 8
    /// The most process instances alive at once.
    public static let mostInstances = 32

    /// Everything that is wanted is ready, and nothing drains.
    public var ready = false
    /// Draining or stopping.
    public var draining = false
    /// Log lines that were dropped for lack of a reader.
    public var droppedLogLines: UInt64 = 0
    /// Frames of children that broke the protocol.
    public var violations: UInt64 = 0
    /// Walls that should stand and can't.
    public var missingWalls: UInt64 = 0
    /// Deaths by the sandbox: a process made a system call that its filter kills for.
    public var sandboxDeaths: UInt64 = 0
    /// Processes whose walls could not be put up, or didn't stand when they said that they were ready.
    public var wallFailures: UInt64 = 0
    /// Protection is on.
    public var isProtected = false
    /// Snapshots of the allowlist so far; 0 = none yet.
    public var allowlistGeneration: UInt64 = 0
    /// How many endpoints it holds.
    public var allowlistEndpoints: UInt64 = 0
    /// When it was last shown to be current, in milliseconds of the monotonic clock; 0 = it has no age.
    public var allowlistConfirmedAt: Int64 = 0
    /// When the certificates for clients and for upstreams end, in seconds since 1970; 0 = there are none.
    public var servingCertificateEnds: Int64 = 0
    /// See above.
    public var upstreamCertificateEnds: Int64 = 0
    /// Clients are shown a certificate that signs itself.
    public var isSelfSigned = false
    /// New certificates that were taken up.
    public var certificateReloadsTaken: UInt64 = 0
    /// New certificates that could not be used.
    public var certificateReloadsRefused: UInt64 = 0
    /// One row for each component in use.
    public var components: [ComponentStatus] = []
    /// Instances whose segments count; all others are folded into `carried`.
    public var live: [UInt32] = []
    /// The counts of instances that are gone.
    public var carried = [UInt64](repeating: 0, count: Layout.words)

    /// Nothing yet.
    public init() {}
}

/// The page between the supervisor, which writes it, and the admin process, which maps it read-only. A sequence number
/// that is odd during a change tells a reader to look again, so that counts and the list of live instances always belong
/// together.
public enum StatusPage {
    private static let componentWords = 5
    private static let fixedWords = 18
    private static let words =
        fixedWords + SupervisorStatus.mostComponents * componentWords + SupervisorStatus.mostInstances + Layout.words

    /// Bytes of the page.
    public static var size: Int { words * 8 }

    /// Writes the page. One writer.
    public static func write(_ status: SupervisorStatus, to page: UnsafeMutableRawPointer) {
        let words = page.assumingMemoryBound(to: UInt64.self)
        let sequence = cl_load(words)
        cl_store(words, sequence | 1)
        cl_fence()
        cl_store(words + 1, (status.ready ? 1 : 0) | (status.draining ? 2 : 0))
        cl_store(words + 2, status.droppedLogLines)
        cl_store(words + 3, status.violations)
        let components = status.components.prefix(SupervisorStatus.mostComponents)
        let live = status.live.prefix(SupervisorStatus.mostInstances)
        cl_store(words + 4, UInt64(components.count))
        cl_store(words + 5, UInt64(live.count))
        cl_store(words + 6, status.isProtected ? 1 : 0)
        cl_store(words + 7, status.allowlistGeneration)
        cl_store(words + 8, status.allowlistEndpoints)
        cl_store(words + 9, UInt64(bitPattern: status.allowlistConfirmedAt))
        cl_store(words + 10, status.missingWalls)
        cl_store(words + 11, status.sandboxDeaths)
        cl_store(words + 12, UInt64(bitPattern: status.servingCertificateEnds))
        cl_store(words + 13, UInt64(bitPattern: status.upstreamCertificateEnds))
        cl_store(words + 14, status.isSelfSigned ? 1 : 0)
        cl_store(words + 15, status.certificateReloadsTaken)
        cl_store(words + 16, status.certificateReloadsRefused)
        cl_store(words + 17, status.wallFailures)
        var at = fixedWords
        for component in components {
            cl_store(words + at, UInt64(component.role))
            cl_store(words + at + 1, UInt64(component.instance))
            cl_store(words + at + 2, UInt64(UInt32(bitPattern: component.pid)))
            cl_store(words + at + 3, (component.ready ? 1 : 0) | (component.failed ? 2 : 0))
            cl_store(words + at + 4, component.restarts)
            at += componentWords
        }
        at = fixedWords + SupervisorStatus.mostComponents * componentWords
        for (i, instance) in live.enumerated() { cl_store(words + at + i, UInt64(instance)) }
        at += SupervisorStatus.mostInstances
        for i in 0..<Layout.words { cl_store(words + at + i, status.carried[i]) }
        cl_fence()
        cl_store_release(words, (sequence | 1) &+ 1)
    }

    /// How long a reader waits for a writer that lost its processor in the middle of a change, in milliseconds.
    private static let patience: Int64 = 100

    /// Reads the page; nil when the writer did not get to the end of a change (it died, or the machine is overloaded).
    public static func read(_ page: UnsafeRawPointer) -> SupervisorStatus? {
        let words = page.assumingMemoryBound(to: UInt64.self)
        let deadline = Clock.milliseconds() + patience
        repeat {
            let before = cl_load_acquire(words)
            if before & 1 == 1 {
                sched_yield()
                continue
            }
            var status = SupervisorStatus()
            let flags = cl_load(words + 1)
            status.ready = flags & 1 != 0
            status.draining = flags & 2 != 0
            status.droppedLogLines = cl_load(words + 2)
            status.violations = cl_load(words + 3)
            status.isProtected = cl_load(words + 6) == 1
            status.allowlistGeneration = cl_load(words + 7)
            status.allowlistEndpoints = cl_load(words + 8)
            status.missingWalls = cl_load(words + 10)
            status.sandboxDeaths = cl_load(words + 11)
            status.servingCertificateEnds = Int64(bitPattern: cl_load(words + 12))
            status.upstreamCertificateEnds = Int64(bitPattern: cl_load(words + 13))
            status.isSelfSigned = cl_load(words + 14) == 1
            status.certificateReloadsTaken = cl_load(words + 15)
            status.certificateReloadsRefused = cl_load(words + 16)
            status.wallFailures = cl_load(words + 17)
            status.allowlistConfirmedAt = Int64(bitPattern: cl_load(words + 9))
            let components = min(Int(truncatingIfNeeded: cl_load(words + 4)), SupervisorStatus.mostComponents)
            let live = min(Int(truncatingIfNeeded: cl_load(words + 5)), SupervisorStatus.mostInstances)
            var at = fixedWords
            for _ in 0..<max(0, components) {
                var row = ComponentStatus()
                row.role = UInt8(truncatingIfNeeded: cl_load(words + at))
                row.instance = UInt32(truncatingIfNeeded: cl_load(words + at + 1))
                row.pid = Int32(truncatingIfNeeded: cl_load(words + at + 2))
                row.ready = cl_load(words + at + 3) & 1 != 0
                row.failed = cl_load(words + at + 3) & 2 != 0
                row.restarts = cl_load(words + at + 4)
                status.components.append(row)
                at += componentWords
            }
            at = fixedWords + SupervisorStatus.mostComponents * componentWords
            for i in 0..<max(0, live) { status.live.append(UInt32(truncatingIfNeeded: cl_load(words + at + i))) }
            at += SupervisorStatus.mostInstances
            for i in 0..<Layout.words { status.carried[i] = cl_load(words + at + i) }
            cl_fence()
            if cl_load(words) == before { return status }
        } while Clock.milliseconds() < deadline
        return nil
    }
}
