import CLinux
import Glibc
import IPC
import Linux
import Sandbox

/// How a process of the house is started: as `Sandboxing.plan` has it.
public struct SpawnPlan: Sendable {
    /// The program's path.
    public var path: String
    /// The program as a descriptor; -1 = by path.
    public var executable: Int32
    /// The Landlock ruleset; -1 = none.
    public var landlock: Int32
    /// The user; 0 = ours.
    public var user: UInt32

    /// From its parts.
    public init(path: String, executable: Int32, landlock: Int32, user: UInt32) {
        self.path = path
        self.executable = executable
        self.landlock = landlock
        self.user = user
    }
}

/// A process that the probe started, by the same code as the supervisor's children.
final class Twin {
    let pid: Int32
    let channel: Channel
    private let pidfd: Int32
    private let log: Int32
    private var isGone = false

    /// Throws what kept it from running.
    init(_ plan: SpawnPlan, role: Role, arguments: [String], listener: Int32 = -1) throws(Errno) {
        let ends = try Self.pair(cl_socketpair)
        let pipe = try Self.pair(cl_pipe)
        channel = Channel(fd: ends.0)
        log = pipe.0
        defer {
            close(ends.1)
            close(pipe.1)
        }
        // The victim waits in read().
        _ = fcntl(ends.1, F_SETFL, 0)
        var spawned = cl_spawned()
        let begun = Self.withStrings([plan.path, role.name] + arguments) { argv in
            var envp: [UnsafeMutablePointer<CChar>?] = [nil]
            let fds: [Int32] = [-1, pipe.1, pipe.1, ends.1, listener]
            return fds.withUnsafeBufferPointer { fds in
                envp.withUnsafeMutableBufferPointer { envp -> Int32 in
                    guard let argv, let envp = envp.baseAddress, let fds = fds.baseAddress else { return -EINVAL }
                    var native = cl_spawn_plan(
                        path: argv[0], executable: plan.executable, landlock: plan.landlock, user: plan.user,
                        argv: argv, envp: envp, fds: fds, fd_count: listener >= 0 ? 5 : 4,
                        nofile: Rights.of(role)?.openFiles ?? 1024)
                    return cl_spawn_begin(&native, &spawned)
                }
            }
        }
        _ = try Errno.check(begun)
        pid = spawned.pid
        pidfd = spawned.pidfd
        var stage: Int32 = 0
        let result = cl_spawn_finish(&spawned, &stage)
        if result < 0 {
            end()
            throw Errno(result)
        }
    }

    deinit {
        end()
        close(log)
        close(pidfd)
    }

    var isAlive: Bool {
        if isGone { return false }
        var ready = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&ready, 1, 0) == 0
    }

    /// Ends it, if it is still there.
    func end() {
        if isGone { return }
        isGone = true
        _ = cl_pidfd_signal(pidfd, SIGKILL)
        var death = cl_death()
        var ready = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        _ = Glibc.poll(&ready, 1, 5000)
        _ = cl_wait_pidfd(pidfd, &death)
    }

    /// Waits for a line; nil when it ended or said nothing for ten seconds.
    func hears(_ line: String) -> Bool {
        var text = ""
        while text.firstIndexOf(line) == nil {
            guard let more = read() else { return false }
            text += more
        }
        return true
    }

    private func read() -> String? {
        var ready = pollfd(fd: log, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&ready, 1, 10_000) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let n = bytes.withUnsafeMutableBytes { Glibc.read(log, $0.baseAddress, $0.count) }
        return n > 0 ? String(decoding: bytes[..<n], as: UTF8.self) : nil
    }

    /// Waits for its end: everything it said, and how it ended.
    func finish() -> (said: String, death: cl_death?) {
        var said = ""
        while let more = read() { said += more }
        var ready = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&ready, 1, 10_000) == 1 else {
            end()
            return (said, nil)
        }
        var death = cl_death()
        isGone = cl_wait_pidfd(pidfd, &death) == 1
        return (said, isGone ? death : nil)
    }

    /// The call that its filter trapped, as it reported itself.
    func reportedViolation() -> UInt32? {
        while true {
            switch channel.receive(FromChild.self) {
            case .message(.violation(let number), _): return number
            case .message: continue
            case .nothing, .closed, .violation: return nil
            }
        }
    }

    static func pair(_ make: (UnsafeMutablePointer<Int32>?) -> Int32) throws(Errno) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        _ = try Errno.check(ends.withUnsafeMutableBufferPointer { make($0.baseAddress) })
        return (ends[0], ends[1])
    }

    private static func withStrings<R>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> R
    ) -> R {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress) }
    }
}
