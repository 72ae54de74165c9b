import CLinux
import Glibc
import IPC
import Linux

/// The socket behind `routing-sidecar status` and `restart NAME`. Only our own user and root may connect; a client that
/// misbehaves is dropped and disturbs nobody.
struct ControlSocket {
    private static let mostClients = 16
    /// Until accepting is tried again after the system had no descriptors, in milliseconds.
    private static let pause: Int64 = 200

    let path: String
    let fd: Int32
    private var clients: [Int32: Channel] = [:]
    /// When a pause ends; 0 = there is none.
    private(set) var resumeAt: Int64 = 0
    private let device: UInt64
    private let inode: UInt64

    /// Binds the socket; a leftover of a dead supervisor is replaced, a living one's is not.
    init(path: String) throws(Errno) {
        self.path = path
        var bound = path.withCString { cl_listen_unix($0) }
        if bound == -EADDRINUSE {
            let probe = path.withCString { cl_connect_unix($0) }
            if probe >= 0 {
                close(probe)
                throw Errno(EADDRINUSE)
            }
            var info = stat()
            if lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
            bound = path.withCString { cl_listen_unix($0) }
        }
        fd = try Errno.check(bound)
        var info = stat()
        _ = lstat(path, &info)
        device = UInt64(info.st_dev)
        inode = UInt64(info.st_ino)
    }

    /// Takes the name away again, unless it belongs to somebody else by now.
    func remove() {
        var info = stat()
        if lstat(path, &info) == 0, UInt64(info.st_dev) == device, UInt64(info.st_ino) == inode { unlink(path) }
    }

    mutating func accept(_ supervisor: Supervisor) {
        let client = cl_accept(fd)
        if client < 0 {
            // Out of descriptors: the client waits, and we must not be woken for it over and over.
            if client != -EAGAIN {
                supervisor.poll.remove(fd)
                resumeAt = supervisor.now + Self.pause
            }
            return
        }
        var uid: UInt32 = .max
        var pid: Int32 = 0
        guard cl_peer_uid(client, &uid, &pid) == 0, uid == getuid() || uid == 0,
            clients.count < Self.mostClients + supervisor.transfers.running.count,
            (try? supervisor.poll.add(client, CL_IN, token: UInt64(client))) != nil
        else {
            supervisor.log.write(
                .warning, "a control client was turned away", [("uid", "\(uid)"), ("client_pid", "\(pid)")])
            close(client)
            return
        }
        clients[client] = Channel(fd: client)
        supervisor.watched[client] = .controlClient
    }

    /// Ends a pause that is due.
    mutating func resume(_ supervisor: Supervisor) {
        guard resumeAt > 0, supervisor.now >= resumeAt else { return }
        resumeAt = (try? supervisor.poll.add(fd, CL_IN, token: UInt64(fd))) == nil ? supervisor.now + Self.pause : 0
    }

    mutating func serve(_ client: Int32, _ supervisor: Supervisor) {
        guard let channel = clients[client] else { return }
        switch channel.receive(ControlRequest.self) {
        case .nothing: return
        case .closed: break
        case .violation(let violation):
            supervisor.log.write(.warning, "a control client sent \(violation)")
        case .message(.status, _): _ = channel.send(ControlAnswer.done(text: StatusReport.json(supervisor)))
        case .message(.audit, _): _ = channel.send(ControlAnswer.done(text: Auditing.house(supervisor).text))
        case .message(.restart(let name), _): _ = channel.send(Self.restart(name, supervisor))
        case .message(.transfer(let transfer), _):
            // Answered when it has ended; whatever the client says or does until then means that it gives up.
            guard !supervisor.transfers.isWaited(for: client) else { break }
            guard let refusal = supervisor.order(transfer, for: client) else { return }
            _ = channel.send(ControlAnswer.failed(text: refusal.text))
        }
        supervisor.cancelTransfer(of: client)
        drop(client, supervisor)
    }

    /// Answers a client that has waited.
    mutating func answer(_ client: Int32, _ answer: ControlAnswer, _ supervisor: Supervisor) {
        guard let channel = clients[client] else { return }
        _ = channel.send(answer)
        drop(client, supervisor)
    }

    private mutating func drop(_ client: Int32, _ supervisor: Supervisor) {
        supervisor.poll.remove(client)
        supervisor.watched[client] = nil
        clients[client] = nil
    }

    private static func restart(_ name: String, _ supervisor: Supervisor) -> ControlAnswer {
        let names = supervisor.components.map(\.role.name).joined(separator: ", ")
        guard let role = Role(name: name) else {
            return .failed(text: "there is no process '\(name)'; running here: \(names)")
        }
        switch supervisor.requestRestart(role) {
        case .success:
            supervisor.log.write(.info, "asked to restart \(name) over the control socket")
            return .done(text: "restarting \(name)")
        case .failure(let refusal): return .failed(text: "\(refusal.text); running here: \(names)")
        }
    }
}

extension Supervisor {
    func openControlSocket() {
        let path = configuration.settings.controlSocket
        if path.isEmpty { return }
        do throws(Errno) {
            let socket = try ControlSocket(path: path)
            try poll.add(socket.fd, CL_IN, token: UInt64(socket.fd))
            watched[socket.fd] = .controlListener
            control = socket
        } catch {
            log.write(
                .warning,
                "the control socket can't be created; status, restart, audit and transfer won't work, signals do",
                [("path", path), ("error", "\(error)"), ("try", "--control-socket PATH in a writable directory")])
        }
    }
}
