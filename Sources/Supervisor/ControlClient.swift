import CLinux
import Glibc
import IPC
import Linux

/// The other end of the control socket: what `routing-sidecar status` and `restart NAME` do.
enum ControlClient {
    /// How long an answer may take, in milliseconds.
    private static let patience: Int32 = 5000

    /// Asks the running sidecar. The answer's text, or why there is none.
    static func ask(
        _ request: ControlRequest, path: String, patience: Int32 = patience
    ) -> Result<String, Supervisor.Refusal> {
        let fd = path.withCString { cl_connect_unix($0) }
        guard fd >= 0 else {
            let error = Errno(fd)
            return .failure(
                .init(
                    text: "no sidecar answers at \(path): \(error); is it running, and with the same --control-socket?")
            )
        }
        let channel = Channel(fd: fd)
        if case .restart(let name) = request, name.utf8.count > ControlRequest.longestName {
            let shown = String(name.prefix(40))
            return .failure(
                .init(text: "there is no process '\(shown)…'; 'routing-sidecar status' lists those there are"))
        }
        if case .failure(let error) = channel.send(request) {
            return .failure(.init(text: "the sidecar at \(path) can't be asked: \(error)"))
        }
        var ready = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&ready, 1, patience) == 1 else {
            return .failure(.init(text: "the sidecar at \(path) does not answer"))
        }
        switch channel.receive(ControlAnswer.self) {
        case .message(.done(let text), _): return .success(text)
        case .message(.failed(let text), _): return .failure(.init(text: text))
        case .nothing, .closed:
            return .failure(
                .init(text: "the sidecar at \(path) ended the connection; it answers root and its own user only"))
        case .violation(let violation):
            return .failure(
                .init(text: "what answers at \(path) is not this version of the sidecar: it sent \(violation)"))
        }
    }
}
