import CLinux
import Glibc
import IPC
import Linux
import Sandbox
import TLS
import TLSLocalKey

/// The proxy's part, as small as it can be: accepts, shakes hands, answers each request with what it knows of the
/// connection, says goodbye. `/cut` is answered without a goodbye, `/big` with a megabyte.
final class Server {
    private struct Connection {
        let tls: TLSConnection
        var request: [UInt8] = []
        var answer: [UInt8] = []
        var sent = 0
        var isUp = false
        var cut = false
        var awaited: UInt32 = 0
    }

    private static let listenerToken: UInt64 = .max
    private static let signerToken: UInt64 = .max - 1
    private static let orderToken: UInt64 = .max - 2

    private let options: Options
    private let house: House
    private let link = SignerLink()
    private let poll: EventPoll
    private let listener: Int32
    private var connections: [Int32: Connection] = [:]
    private var context: TLSContext
    private var chains: [[UInt8]] = []
    private let clientAuthorities: [UInt8]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private var handshakes = 0
    private var failures = 0

    init(_ options: Options) throws {
        self.options = options
        house = House(signer: options.signer)
        clientAuthorities = options.clientAuthorities.map(contents) ?? []
        for (index, pair) in options.pairs.enumerated() {
            let verdict = house.give(UInt32(index + 1), pair)
            if verdict != .good { say("VERDICT \(index) \(verdict)") }
            chains.append(contents(pair.certificate))
        }
        if let path = options.selfSigned {
            chains.append(Array(house.makeCertificate(UInt32(chains.count + 1)).utf8))
            let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            chains[chains.count - 1].withUnsafeBytes { _ = write(fd, $0.baseAddress, $0.count) }
            close(fd)
        }
        context = try Self.context(0, chains, options, clientAuthorities)
        if options.local {
            let key = contents(options.pairs[0].key)
            guard local_key_use(context.nativeForTests, key, key.count) == 1 else { fail("the key can't be used") }
        }
        poll = try EventPoll()
        listener = Address.loopback4.withBytes { cl_listen_tcp($0, 0, 1024, 0) }
        guard listener >= 0 else { fail("no port") }
        try poll.add(listener, CL_IN, token: Self.listenerToken)
        link.connect(house.channel())
        try poll.add(link.fd, CL_IN, token: Self.signerToken)
        try poll.add(0, CL_IN, token: Self.orderToken)
        var address = [UInt8](repeating: 0, count: 16)
        var port: UInt16 = 0
        _ = cl_local_address(listener, &address, &port)
        if options.walls { Walls.close(.proxy, channel: house.control.fd) }
        say("PORT \(port) PID \(getpid()) SIGNER \(house.pid)")
    }

    private static func context(
        _ index: Int, _ chains: [[UInt8]], _ options: Options, _ clientAuthorities: [UInt8]
    ) throws(TLSFailure) -> TLSContext {
        var settings = TLSServerSettings(identity: TLSIdentity(chain: chains[index], key: UInt32(index + 1)))
        settings.versions = options.versions
        settings.suites = options.suites
        settings.tickets = options.tickets
        if !clientAuthorities.isEmpty {
            settings.clientCertificates = .required
            settings.clientAuthorities = clientAuthorities
            settings.allowedClients = options.allowed
        }
        return try TLSContext.server(settings)
    }

    func run() -> Never {
        let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 256)
        while true {
            let count = poll.wait(into: events, milliseconds: link.hasUnsent ? 1 : -1)
            link.sendUnsent()
            for i in 0..<count {
                switch events[i].data {
                case Self.listenerToken: accept()
                case Self.signerToken: signed()
                case Self.orderToken: order()
                case let fd: drive(Int32(truncatingIfNeeded: fd))
                }
            }
        }
    }

    /// `stats`, `rotate N`; the end of the input is the end.
    private func order() {
        let count = read(0, buffer.baseAddress, 256)
        guard count > 0 else { exit(0) }
        let words = String(decoding: buffer[..<count], as: UTF8.self).split { $0 == " " || $0 == "\n" }
        if words.first == "rotate", words.count > 1, let index = Int(words[1]) {
            do throws(TLSFailure) {
                context = try Self.context(index, chains, options, clientAuthorities)
                say("ROTATED")
            } catch {
                say("NOT ROTATED \(error)")
            }
        } else {
            say(
                "HANDSHAKES \(handshakes) FAILURES \(failures) OPEN \(connections.count) WAITING \(link.count) "
                    + "STACKS \(local_stacks_made()) DEEPEST \(local_stacks_deepest()) CPU \(local_processor_time())")
        }
    }

    private func accept() {
        while case let fd = cl_accept(listener), fd >= 0 {
            guard let tls = try? TLSConnection(accepting: fd, context) else {
                close(fd)
                continue
            }
            connections[fd] = Connection(tls: tls)
            try? poll.add(fd, CL_IN | CL_OUT | CL_EDGE, token: UInt64(fd))
            drive(fd)
        }
    }

    private func signed() {
        let isThere = link.receive { owner, answer in
            let fd = Int32(truncatingIfNeeded: owner)
            guard let connection = connections[fd], connection.awaited != 0 else { return }
            connections[fd]?.awaited = 0
            switch answer {
            case .signature(let bytes): _ = connection.tls.sign(with: bytes)
            case .refused: _ = connection.tls.sign(with: nil)
            }
            drive(fd)
        }
        if !isThere { fail("the signer is gone") }
    }

    private func drive(_ fd: Int32) {
        guard let connection = connections[fd], connection.awaited == 0 else { return }
        if !connection.isUp {
            switch connection.tls.handshake() {
            case .done:
                handshakes += 1
                connections[fd]?.isUp = true
            case .wantsSignature:
                guard let request = connection.tls.signatureRequest, let id = link.ask(request, for: UInt64(fd)) else {
                    return drop(fd)
                }
                connections[fd]?.awaited = id
                return
            case .wantsRead, .wantsWrite: return
            case .wantsTurn, .again, .closed, .failed:
                failures += 1
                if failures < 100 { say("LOG \(connection.tls.failure)") }
                return drop(fd)
            }
        }
        if connections[fd]?.answer.isEmpty == true { readRequest(fd, connection.tls) }
        writeAnswer(fd, connection.tls)
    }

    private func readRequest(_ fd: Int32, _ tls: TLSConnection) {
        while true {
            switch tls.read(into: buffer) {
            case .done(let count): connections[fd]?.request += buffer[..<count]
            case .wantsRead: return
            default: return drop(fd)
            }
            guard let text = connections[fd].map({ String(decoding: $0.request, as: UTF8.self) }),
                text.contains("\r\n\r\n")
            else { continue }
            let words =
                "version=\(tls.version?.rawValue ?? 0) suite=\(tls.cipherSuite) resumed=\(tls.isResumed) "
                + "protocol=\(tls.applicationProtocol ?? "-") peer=\(tls.peerName ?? "-")\n"
            let body = text.hasPrefix("GET /big") ? String(repeating: "x", count: 1 << 20) : words
            connections[fd]?.cut = text.hasPrefix("GET /cut")
            connections[fd]?.answer = Array(
                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\(body)".utf8)
            return
        }
    }

    private func writeAnswer(_ fd: Int32, _ tls: TLSConnection) {
        guard let connection = connections[fd], !connection.answer.isEmpty else { return }
        var sent = connection.sent
        while sent < connection.answer.count {
            let outcome = connection.answer.withUnsafeBytes { tls.write(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            guard case .done(let count) = outcome else {
                if outcome != .wantsWrite { return drop(fd) }
                connections[fd]?.sent = sent
                return
            }
            sent += count
        }
        if !connection.cut { _ = tls.shutdown() }
        drop(fd)
    }

    private func drop(_ fd: Int32) {
        guard let connection = connections.removeValue(forKey: fd) else { return }
        if connection.awaited != 0 { link.cancel(connection.awaited) }
        poll.remove(fd)
        _ = cl_shutdown_write(fd)
        close(fd)
        connection.tls.free()
    }
}
