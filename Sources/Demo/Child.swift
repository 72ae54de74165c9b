import Glibc

/// A program the demo started. It leads a process group of its own, so that Ctrl-C reaches the demo alone and the
/// demo stops things in order.
struct Child: Sendable {
    let name: String
    let pid: pid_t

    /// The first argument of a demo that is to become another program; see `becomeProgram`.
    static let becomeFlag = "--become-child-of"

    enum Output {
        /// To the end of this file.
        case file(String)
        /// Into this pipe end; standard error goes to the file.
        case pipe(Int32, errors: String)
    }

    static func start(name: String, path: String, arguments: [String], output: Output) throws -> Child {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        let append = O_WRONLY | O_CREAT | O_APPEND
        switch output {
        case .file(let path):
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path, append, 0o600)
            posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        case .pipe(let fd, let path):
            posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO)
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, path, append, 0o600)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)

        // The kernel's death signal outlasts exec, so this program sets it and then becomes the other.
        let words = ["routing-sidecar-demo", becomeFlag, String(getpid()), path] + arguments
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        // An explicit environment: settings of the person's shell must not reach the sidecar.
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/local/bin:/usr/bin:/bin"), nil]
        defer { for pointer in argv + environment { free(pointer) } }
        var pid = pid_t()
        let code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, &argv, &environment)
        guard code == 0 else { throw SystemError("cannot start \(path)", code) }
        return Child(name: name, pid: pid)
    }

    /// The other half of `start`: in the new process, sets the death signal and becomes the program.
    static func becomeProgram(_ arguments: [String]) -> Never {
        guard arguments.count >= 2, let parent = pid_t(arguments[0]) else { exit(64) }
        _ = SystemCalls.endWithParent(signal: SIGTERM)
        // The parent may have ended before the signal was set.
        if getppid() != parent { exit(0) }
        // Nothing but the standard descriptors is meant for the program.
        for fd in STDERR_FILENO + 1..<1024 { close(fd) }
        var argv: [UnsafeMutablePointer<CChar>?] = arguments[1...].map { strdup($0) } + [nil]
        execv(arguments[1], &argv)
        say("cannot run \(arguments[1]): \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
        exit(127)
    }

    /// How the program ended, in words; nil while it runs.
    func ending() -> String? {
        var status: Int32 = 0
        let result = waitpid(pid, &status, WNOHANG)
        if result == 0 { return nil }
        if result < 0 { return "ended" }
        return Child.describe(status)
    }

    private static func describe(_ status: Int32) -> String {
        let signal = status & 0x7f
        return signal == 0 ? "exit code \(status >> 8 & 0xff)" : "signal \(signal)"
    }

    /// TERM, and KILL after `graceMS`. Returns how the program ended.
    func stop(graceMS: Int) -> String {
        kill(pid, SIGTERM)
        let deadline = monotonicMS() + graceMS
        while monotonicMS() < deadline {
            if let ending = ending() { return ending }
            usleep(10_000)
        }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return "killed after \(graceMS / 1000) s"
    }
}
