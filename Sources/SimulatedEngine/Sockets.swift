import Glibc

/// A failed system call: what was tried and the error's text.
struct SystemError: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, _ code: Int32 = errno) {
        description = "\(what): \(String(cString: strerror(code)))"
    }

    init(message: String) {
        description = message
    }
}

/// Runs `body` with the first address `host` and `port` stand for. Only numeric addresses and `localhost` are taken.
private func withAddress<Result>(
    host: String, port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws -> Result
) throws -> Result {
    var hints = addrinfo()
    hints.ai_flags = host == "localhost" ? 0 : AI_NUMERICHOST
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &list)
    guard code == 0, let first = list, let address = first.pointee.ai_addr else {
        throw SystemError(message: "address '\(host)': \(String(cString: gai_strerror(code)))")
    }
    defer { freeaddrinfo(list) }
    return try body(first.pointee.ai_family, UnsafePointer(address), first.pointee.ai_addrlen)
}

private func newSocket(_ family: Int32) throws -> Int32 {
    let fd = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { throw SystemError("socket") }
    return fd
}

private func setOption(_ fd: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
    var value = value
    setsockopt(fd, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
}

/// Sends small writes at once: a token must not wait for the next.
func setNoDelay(_ fd: Int32) {
    setOption(fd, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
}

/// A listening socket and the port it got.
func listenOn(host: String, port: UInt16) throws -> (fd: Int32, port: UInt16) {
    try withAddress(host: host, port: port) { family, address, length in
        let fd = try newSocket(family)
        setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)
        guard bind(fd, address, length) == 0 else {
            let error = SystemError("cannot listen on \(host) port \(port)")
            close(fd)
            throw error
        }
        guard listen(fd, 1024) == 0 else { throw SystemError("listen") }
        var bound = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let chosen = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { inet6 in
                let raw = UnsafeMutableRawPointer(inet6).assumingMemoryBound(to: sockaddr.self)
                _ = getsockname(fd, raw, &size)
                // sin_port and sin6_port lie at the same place.
                return UInt16(bigEndian: inet6.pointee.sin6_port)
            }
        }
        return (fd, chosen)
    }
}

/// A connection to `host` and `port` whose sends and receives give up after `timeoutSeconds`.
func connectTo(host: String, port: UInt16, timeoutSeconds: Int) throws -> Int32 {
    try withAddress(host: host, port: port) { family, address, length in
        let fd = try newSocket(family)
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        guard connect(fd, address, length) == 0 else {
            let error = SystemError("cannot connect to \(host) port \(port)")
            close(fd)
            throw error
        }
        setNoDelay(fd)
        return fd
    }
}

private final class ThreadBody {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

/// Runs `body` on a thread of its own that nobody waits for. False where there are no more threads to be had.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Enough for the JSON reader at its greatest depth, small enough for thousands of connections.
    pthread_attr_setstacksize(&attributes, 512 * 1024)
    let box = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, &attributes,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    if code != 0 { box.release() }
    return code == 0
}

/// Milliseconds of a clock that nobody sets.
func monotonicMS() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// Writes `text` to a descriptor at once.
func say(_ text: String, to fd: Int32) {
    var text = text
    text.withUTF8 { _ = write(fd, $0.baseAddress, $0.count) }
}
