import Glibc

/// Listens and gives every connection a thread.
enum Server {
    static func run(_ options: Options) throws {
        let listener = try listenOn(host: options.host, port: options.port)
        let engine = Engine(options: options, port: listener.port)
        let host = options.host.contains(":") ? "[\(options.host)]" : options.host
        say("listening \(host):\(listener.port)\n", to: STDOUT_FILENO)
        if let ready = options.readyFD {
            _ = write(ready, "\n", 1)
            close(ready)
        }
        while true {
            let fd = accept(listener.fd, nil, nil)
            guard fd >= 0 else {
                switch errno {
                case EINTR, ECONNABORTED: continue
                // Out of descriptors or memory: some connection will end.
                case EMFILE, ENFILE, ENOBUFS, ENOMEM: usleep(10_000)
                default: throw SystemError("accept")
                }
                continue
            }
            setNoDelay(fd)
            let started = startThread { Service(engine: engine, connection: Connection(fd: fd)).run() }
            if !started { close(fd) }
        }
    }
}

/// Tells the person at the terminal.
func report(_ text: String) {
    say("simulated-engine: \(text)\n", to: STDERR_FILENO)
}
