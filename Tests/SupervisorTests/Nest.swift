import CLinux
import Configuration
import Glibc
import IPC
import Linux
import XCTest

@testable import Supervisor

/// A directory with shell scripts in the place of the sidecar's executables.
final class Nest {
    let directory: String
    /// Scripts need a shell and its files, which no walls leave open.
    private let sandboxing: Sandboxing

    init() throws {
        guard access("/bin/sh", X_OK) == 0 else { throw Errno(ENOENT) }
        var template = Array("/tmp/routing-sidecar-nest-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
        guard made else { throw Errno(errno) }
        directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        var settings = Settings()
        settings.sandbox = .off
        settings.requireSandbox = .off
        sandboxing = try Sandboxing(settings, directory: directory)
    }

    deinit {
        for role in Role.allCases { unlink(path(role)) }
        rmdir(directory)
    }

    func path(_ role: Role) -> String { "\(directory)/routing-sidecar-\(role.name)" }

    /// Puts a file where an executable belongs.
    func put(_ content: String, at role: Role, mode: mode_t = 0o755) {
        unlink(path(role))
        let fd = open(path(role), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        XCTAssertGreaterThanOrEqual(fd, 0)
        let bytes = Array(content.utf8)
        XCTAssertEqual(bytes.withUnsafeBytes { write(fd, $0.baseAddress, $0.count) }, bytes.count)
        close(fd)
    }

    func script(_ body: String, at role: Role = .dialer) { put("#!/bin/sh\n" + body + "\n", at: role) }

    func spawn(
        _ role: Role = .dialer, stripes: Int = 1, register: (ChildProcess) throws(Errno) -> Void = { _ in }
    ) throws(ChildProcess.SpawnFailure) -> ChildProcess {
        try ChildProcess.spawn(
            role, instance: 1, directory: directory, sandboxing: sandboxing, stripes: stripes,
            now: Clock.milliseconds(), register: register)
    }

    /// Why a spawn failed; nil when it did not.
    func failure(
        _ role: Role = .dialer, register: (ChildProcess) throws(Errno) -> Void = { _ in }
    ) -> ChildProcess.SpawnFailure? {
        do throws(ChildProcess.SpawnFailure) {
            let child = try spawn(role, register: register)
            child.kill(because: "it was not to start")
            _ = end(of: child)
            return nil
        } catch {
            return error
        }
    }

    /// Waits for a child's end and reaps it.
    func end(of child: ChildProcess, within milliseconds: Int32 = 20_000) -> Death? {
        var wait = pollfd(fd: child.pidfd, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, milliseconds) == 1 else { return nil }
        var report = cl_death()
        guard cl_wait_pidfd(child.pidfd, &report) == 1 else { return nil }
        return Death(report, killedBecause: child.killedBecause, outOfMemory: false)
    }

    /// Runs a script to its end; what it died of, and what it wrote.
    func run(_ body: String, role: Role = .dialer, at file: Role? = nil) throws -> (death: Death?, output: String) {
        script(body, at: file ?? role)
        let child = try spawn(role)
        let death = end(of: child)
        return (death, String(decoding: readAll(child.log.fd), as: UTF8.self))
    }
}

/// The descriptors this process has open.
func openDescriptors() -> Set<Int32> {
    var open: Set<Int32> = []
    for fd: Int32 in 0..<4096 where fcntl(fd, F_GETFD) >= 0 { open.insert(fd) }
    return open
}
