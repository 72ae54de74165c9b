import CLinux
import CSigner
import Glibc
import IPC
import Linux
import Sandbox

/// The signer as a process: it alone has private keys. It reads no client's bytes, opens nothing and reaches nobody; a
/// proxy that has been taken over can have handshakes signed while it lasts, and never gets the key.
final class SignerProcess {
    /// Loops of proxies: 64 at most of each (`--loops`), of the current one, its replacement, eight that drain, and one
    /// that is just being ended because it would be the ninth (`Component.mostRetired`). Fewer would leave loops
    /// whose handshakes all fail.
    static let mostClients = 64 * (1 + 1 + 8 + 1)
    /// Signatures that may wait for one loop; more than it has handshakes that wait for one.
    private static let mostWaiting = 4096
    /// Requests that are taken from one client before the others have their turn; a signature takes up to milliseconds.
    private static let mostAtOnce = 8
    /// The longest a certificate of our own lives, in seconds.
    private static let longestLifetime: UInt32 = 30 * 86_400

    private let control: Channel
    private let poll: EventPoll
    private let keys = Keys()
    private var clients: [UInt64: AnswerChannel<FromSigner>] = [:]
    private var lastToken: UInt64 = 0
    private var isWalled = false
    private var isReady = false

    private static let controlToken: UInt64 = 0

    /// Takes over the control channel. Fails for lack of descriptors or memory.
    init(control fd: Int32) throws(Errno) {
        guard cs_start() == 1 else { throw Errno(ENOMEM) }
        control = Channel(fd: fd)
        poll = try EventPoll()
        try poll.add(fd, CL_IN, token: Self.controlToken)
    }

    /// Serves until it is told to stop.
    func run() -> Never {
        let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 128)
        while true {
            let count = poll.wait(into: events, milliseconds: -1)
            for i in 0..<count {
                let event = events[i]
                if event.data == Self.controlToken {
                    receiveOrders()
                } else if let client = clients[event.data] {
                    if event.events & CL_OUT != 0 { client.flush() }
                    serve(client)
                }
            }
        }
    }

    // MARK: Orders

    private func receiveOrders() {
        control.receiveOrders(as: .signer, orEnd: end, take)
        sayReady()
    }

    private func take(_ message: ToChild, _ descriptor: Int32) {
        switch message {
        case .settings(.signer(let settings)):
            keys.speaksTLS12 = settings.speaksTLS12
            closeWalls()
        case .certificate(let key):
            keys.expect(key, chain: KeyFile.withContents(of: descriptor) { Array($0) })
            close(descriptor)
        case .privateKey(let key, let purpose):
            let now = Int64(time(nil))
            let found =
                KeyFile.withContents(of: descriptor) { keys.add(key, purpose: purpose, pem: $0, now: now) }
                ?? keys.add(key, purpose: purpose, pem: nil, now: now)
            close(descriptor)
            tell(.keyJudged(key: key, verdict: found.verdict, ends: found.ends))
        case .makeCertificate(let key, let names, let lifetime):
            make(key, names, lifetime)
        case .forgetKey(let key): keys.forget(key)
        case .signerClient: addClient(descriptor)
        case .stop: _exit(ExitCode.ok.rawValue)
        case .ping(let number): tell(.pong(number))
        case .settings, .segment, .dialer, .proxyChannel, .listener, .statusPage, .peerSegment, .peerGone, .drain,
            .resolver,
            .resolverClient, .allowlist, .allowlistConfirmed, .file, .fileUnavailable, .signer, .certificates, .kv:
            end("the supervisor sent '\(message.name)'", .ipcViolation)
        }
    }

    private func closeWalls() {
        guard !isWalled else { return }
        isWalled = true
        Walls.close(.signer, channel: control.fd)
    }

    /// Ready before its keys have come, perhaps: they come in this channel before anybody who asks for them.
    private func sayReady() {
        guard isWalled, !isReady else { return }
        isReady = true
        tell(.ready)
    }

    private func make(_ key: UInt32, _ names: String, _ lifetime: UInt32) {
        let list = names.split(separator: " ").map(String.init)
        let seconds = Int(min(lifetime, Self.longestLifetime))
        guard let made = keys.make(key, names: list, now: Int64(time(nil)), lifetime: seconds) else {
            ChildLog.write(.error, "a certificate of our own can't be made", [("names", names)])
            tell(.keyJudged(key: key, verdict: .tooMany, ends: 0))
            return
        }
        tell(.certificateMade(key: key, certificate: made))
    }

    private func tell(_ message: FromChild) { _ = control.send(message) }

    // MARK: Clients

    private func addClient(_ descriptor: Int32) {
        guard clients.count < Self.mostClients else {
            close(descriptor)
            ChildLog.write(.error, "a proxy's channel was turned away: there are too many")
            return
        }
        lastToken += 1
        let client = AnswerChannel<FromSigner>(
            fd: descriptor, token: lastToken, poll: poll, mostWaiting: Self.mostWaiting)
        do throws(Errno) {
            try client.open()
            clients[client.token] = client
        } catch {
            ChildLog.write(.error, "a proxy's channel can't be watched: \(error)")
        }
    }

    private func serve(_ client: AnswerChannel<FromSigner>) {
        for _ in 0..<Self.mostAtOnce {
            switch client.channel.receive(ToSigner.self) {
            case .nothing: return
            case .closed:
                clients[client.token] = nil
                return
            case .violation(let violation):
                // A proxy that breaks the protocol may have been taken over. It gets no more signatures from us. One that
                // broke it by mistake says so to the supervisor and is replaced.
                ChildLog.write(
                    .error, "a proxy broke the protocol and was cut off", [("violation", violation.description)])
                clients[client.token] = nil
                return
            case .message(.sign(let id, let request), _):
                let answer = keys.answer(id, request)
                if case .refused(_, let reason) = answer { complain(reason) }
                client.send(answer)
            }
        }
    }

    /// Refusals are no one's everyday: a proxy that behaves sees none but for a key that was just forgotten. The
    /// supervisor limits how many lines it keeps.
    private func complain(_ reason: SignRefusal) {
        ChildLog.write(.warning, "a signature was refused", [("reason", reason.meaning)])
    }

    private func end(_ reason: String, _ code: ExitCode) -> Never {
        ChildLog.write(.error, "the signer ends: \(reason)")
        _exit(code.rawValue)
    }
}
