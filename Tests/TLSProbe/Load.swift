import CLinux
import Glibc
import Linux
import TLS
import TLSLocalKey

/// Full handshakes, one connection after another, several at once; then each is closed.
final class Load {
    private let options: Options
    private let context: TLSContext
    private let poll: EventPoll
    private var open: [Int32: TLSConnection] = [:]
    private var started = 0
    private var done = 0

    init(_ options: Options) throws {
        self.options = options
        var settings = TLSClientSettings()
        settings.authorities = options.authorities.map(contents) ?? []
        settings.verify = options.authorities != nil
        settings.versions = options.versions
        context = try TLSContext.client(settings)
        poll = try EventPoll()
    }

    func run() {
        let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 256)
        let begun = Clock.nanoseconds()
        for _ in 0..<min(options.parallel, options.count) { begin() }
        while done < options.count {
            let count = poll.wait(into: events, milliseconds: 10_000)
            if count == 0 { fail("nothing happens after \(done) handshakes") }
            for i in 0..<count { drive(Int32(truncatingIfNeeded: events[i].data)) }
        }
        let wall = Double(Clock.nanoseconds() - begun) / 1e9
        say("DONE \(done) SECONDS \(wall) CPU \(local_processor_time())")
    }

    private func begin() {
        guard started < options.count else { return }
        started += 1
        var fd: Int32 = -1
        let result = Address.loopback4.withBytes { cl_connect_tcp($0, options.port, &fd) }
        guard result == 0 || result == -EINPROGRESS,
            let tls = try? TLSConnection(connecting: fd, context, to: .address(.loopback4))
        else { fail("no connection: \(Errno(result))") }
        open[fd] = tls
        try? poll.add(fd, CL_IN | CL_OUT | CL_EDGE, token: UInt64(fd))
    }

    private func drive(_ fd: Int32) {
        guard let tls = open[fd] else { return }
        switch tls.handshake() {
        case .done:
            done += 1
            _ = tls.shutdown()
            open[fd] = nil
            tls.free()
            poll.remove(fd)
            _ = cl_reset_on_close(fd)
            close(fd)
            begin()
        case .wantsRead, .wantsWrite: break
        case .wantsSignature, .wantsTurn, .again, .closed, .failed:
            if cl_socket_error(fd) == 0 && tls.failure.contains("not connected") { return }
            fail(tls.failure)
        }
    }
}
