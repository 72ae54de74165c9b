import CLinux
import Glibc
import IPC
import Linux

func fail(_ words: String) -> Never {
    say("FAILED \(words)")
    exit(1)
}

/// A file that the probe hands over, opened and not read.
func opened(_ path: String) -> Int32 {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { fail("\(path) can't be opened") }
    return fd
}

func contents(_ path: String) -> [UInt8] {
    let fd = opened(path)
    defer { close(fd) }
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let n = read(fd, &piece, piece.count), n > 0 { all += piece[..<n] }
    return all
}

/// Not `print`: the C library looks at the output first, and the walls refuse that.
func say(_ words: String) {
    let line = Array((words + "\n").utf8)
    guard write(1, line, line.count) == line.count else { exit(1) }
}

/// The supervisor's part: starts a signer and gives it keys that it never reads itself.
final class House {
    let control: Channel
    private(set) var pid: pid_t = 0

    init(signer path: String) {
        var ends: [Int32] = [-1, -1]
        guard cl_socketpair(&ends) == 0 else { fail("no channel") }
        control = Channel(fd: ends[0])
        let far = fcntl(ends[1], F_DUPFD_CLOEXEC, 64)
        close(ends[1])
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, far, 3)
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(path), strdup(Role.signer.name), nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        let error = posix_spawn(&pid, path, &actions, nil, &arguments, &environment)
        posix_spawn_file_actions_destroy(&actions)
        close(far)
        guard error == 0 else { fail("the signer can't be started: \(Errno(error))") }
        _ = control.send(ToChild.settings(.signer(SignerSettings())))
        guard case .ready = hear() else { fail("the signer isn't ready") }
    }

    /// A channel for a loop, its signer's end handed over.
    func channel() -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard cl_socketpair(&ends) == 0 else { fail("no channel") }
        _ = control.send(ToChild.signerClient, descriptor: ends[1])
        close(ends[1])
        return ends[0]
    }

    func give(_ key: UInt32, _ pair: (certificate: String, key: String)) -> KeyVerdict {
        for (path, message) in [
            (pair.certificate, ToChild.certificate(key: key)),
            (pair.key, ToChild.privateKey(key: key, purpose: .server)),
        ] {
            let fd = opened(path)
            _ = control.send(message, descriptor: fd)
            close(fd)
        }
        guard case .keyJudged(key, let verdict, _) = hear() else { fail("no verdict") }
        return verdict
    }

    func makeCertificate(_ key: UInt32) -> String {
        _ = control.send(
            ToChild.makeCertificate(key: key, names: "localhost 127.0.0.1 probe.example", lifetimeSeconds: 3600))
        guard case .certificateMade(key, let pem) = hear() else { fail("no certificate was made") }
        return pem
    }

    /// The next message; the probe has nothing else to do meanwhile.
    private func hear() -> FromChild {
        while true {
            var wait = pollfd(fd: control.fd, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, 20_000) == 1 else { fail("the signer says nothing") }
            switch control.receive(FromChild.self) {
            case .message(let message, _): return message
            case .nothing: continue
            case .closed: fail("the signer is gone")
            case .violation(let violation): fail("the signer broke the protocol: \(violation)")
            }
        }
    }
}
