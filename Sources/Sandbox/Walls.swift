import CLinux
import Glibc
import IPC
import Linux

extension Rights {
    /// Every process that lives behind walls of its own.
    public static let all: [Rights] = [watcher, dialer, proxy, kvAgent, admin, resolver, signer]

    /// The rights of a role; nil for those that this build doesn't start.
    public static func of(_ role: Role) -> Rights? { all.first { $0.role == role } }
}

/// Putting the walls up. What can be put up before a program begins (user, no_new_privs, Landlock) the supervisor does
/// between fork and exec; the filter comes last, from within, when the process has all it needs.
public enum Walls {
    /// Why a wall does not stand.
    public struct Missing: Error, CustomStringConvertible {
        /// In words.
        public let description: String
    }

    /// The argument of a child that puts up no filter (`--sandbox=off`).
    public static let without = "without-walls"

    /// Puts the role's filter on every thread of this process, or ends it. Call when everything is open and before saying
    /// `ready`. Code that only the start has run leaves memory with it.
    /// - Parameter channel: where a trapped call is reported.
    public static func close(_ role: Role, channel: Int32) {
        if Arguments.all.contains(without) { return }
        do throws(Missing) {
            try raise(role, channel: channel)
        } catch {
            ChildLog.write(.error, "\(role.name) ends: \(error)")
            exit(ExitCode.missingSandbox.rawValue)
        }
    }

    private static func raise(_ role: Role, channel: Int32) throws(Missing) {
        guard let rights = Rights.of(role) else {
            throw Missing(description: "no rights are declared for \(role.name)")
        }
        let undumpable = cl_set_undumpable()
        if undumpable < 0 { throw Missing(description: "its memory can't be closed to siblings: \(Errno(undumpable))") }
        let reporting = cl_report_violations(channel, Frame.version, FromChild.violation(systemCall: 0).type)
        if reporting < 0 { throw Missing(description: "violations can't be reported: \(Errno(reporting))") }
        let applied = apply(Filter(rights.mergedCalls))
        if applied < 0 { throw Missing(description: "its seccomp filter can't be put up: \(Errno(applied))") }
        cl_release_code()
    }

    /// Puts the supervisor's filter up; its children inherit it.
    public static func closeSupervisor() throws(Missing) {
        let applied = apply(Filter(refusing: SupervisorFilter.refused))
        if applied < 0 { throw Missing(description: "its seccomp filter can't be put up: \(Errno(applied))") }
    }

    private static func apply(_ filter: Filter) -> Int32 {
        filter.program.withUnsafeBufferPointer { cl_seccomp_apply($0.baseAddress, $0.count) }
    }
}

/// A Landlock ruleset, ready to be lived under.
public final class LandlockRuleset {
    /// The descriptor, for `cl_spawn_plan`.
    public let fd: Int32

    /// The ABI that everything we ask for needs: scopes for signals and abstract sockets.
    public static let fullABI: Int32 = 6

    /// The ABI from which on ports can be told apart.
    public static let portsABI: Int32 = 4

    /// The kernel's ABI; 0 = it has no Landlock, or it is switched off.
    public static var abi: Int32 { max(0, cl_landlock_abi()) }

    /// The ruleset of one role.
    /// - Parameters:
    ///   - executable: the role's program.
    ///   - abi: what to ask of the kernel; less than it has simulates an older one.
    ///   - ports: where a role that is left some ports only may bind and connect.
    public init(_ rights: Rights, executable: String, abi: Int32, ports: TCPPorts = TCPPorts()) throws(Errno) {
        let deniesConnecting = !rights.mayConnect || rights.portsOnly
        fd = try Errno.check(cl_landlock_create(abi, 1, deniesConnecting ? 1 : 0))
        var failed: Errno?
        if rights.portsOnly && abi >= Self.portsABI { failed = ports.allow(in: fd) }
        for rule in rights.paths + [PathRule(executable, execute: true, "The program itself")] {
            let result = rule.path.withCString { cl_landlock_allow(fd, $0, rule.execute ? 1 : 0) }
            // What isn't there needs no leave to be read.
            if result < 0 && Errno(result).number != 2 { failed = Errno(result) }
        }
        if let failed { throw failed }
    }

    deinit { close(fd) }
}
