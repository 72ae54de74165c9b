import Glibc

/// A step of the demo that did not go as it should.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Everything the demo starts: a prefill engine, a decode engine, and the sidecar between them.
final class Stage {
    /// Slow enough to watch the tokens come.
    private static let tokenDelayMS = 40

    let console: Console
    let interrupt: Interrupt
    let directory: String
    let programs: String
    private(set) var children: [Child] = []
    private(set) var prefillPort: UInt16 = 0
    private(set) var decodePort: UInt16 = 0
    private(set) var port: UInt16 = 0
    private(set) var adminPort: UInt16 = 0
    private(set) var supervisor: pid_t = 0
    /// Every process of the sidecar that a status named: none of them may be left at the end.
    private var seen: [Int: String] = [:]

    var controlSocket: String { directory + "/control.sock" }
    var sidecarLog: String { directory + "/routing-sidecar.log" }

    init(console: Console, interrupt: Interrupt) throws {
        self.console = console
        self.interrupt = interrupt
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        guard count > 0 else { throw SystemError("readlink /proc/self/exe") }
        let own = String(decoding: path[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        programs = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        for name in ["routing-sidecar", "simulated-engine"] where access("\(programs)/\(name)", X_OK) != 0 {
            throw Failure("\(name) is not beside this program (looked in \(programs)); run 'make build' first")
        }
        var template = Array("/tmp/routing-sidecar-demo.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("cannot make a directory in /tmp") }
        directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    // MARK: Starting

    func start() throws {
        prefillPort = try startEngine("prefill engine", role: "prefill")
        decodePort = try startEngine("decode engine", role: "decode")
        port = Stage.isFree(8000) ? 8000 : try Stage.freePort()
        adminPort = try Stage.freePort()
        let sidecar = try Child.start(
            name: "routing-sidecar", path: programs + "/routing-sidecar",
            arguments: [
                "--port", String(port), "--vllm-port", String(decodePort), "--secure-proxy=false",
                "--listen-address", "127.0.0.1", "--allow-loopback-upstreams", "--control-socket", controlSocket,
                "--admin-port", String(adminPort),
            ], output: .file(sidecarLog))
        children.append(sidecar)
        supervisor = sidecar.pid
        try awaitReady(sidecar)
    }

    private func startEngine(_ name: String, role: String) throws -> UInt16 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe") }
        defer { close(ends[0]) }
        let child: Child
        do {
            defer { close(ends[1]) }
            child = try Child.start(
                name: name, path: programs + "/simulated-engine",
                arguments: ["--role", role, "--token-delay-ms", String(Stage.tokenDelayMS)],
                output: .pipe(ends[1], errors: "\(directory)/\(role).log"))
        }
        children.append(child)
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 256)
        while !text.contains(0x0a) {
            guard try interrupt.waitForInput(of: ends[0], milliseconds: 5000) else { break }
            let count = read(ends[0], &part, part.count)
            guard count > 0 else { break }
            text += part[..<count]
        }
        let line = String(decoding: text.prefix { $0 != 0x0a }, as: UTF8.self)
        guard line.hasPrefix("listening "), let digits = line.split(separator: ":").last, let port = UInt16(digits)
        else { throw Failure("the \(name) did not start: \(tail(of: "\(directory)/\(role).log"))") }
        return port
    }

    private func awaitReady(_ sidecar: Child) throws {
        let deadline = monotonicMS() + 20_000
        while monotonicMS() < deadline {
            if let ending = sidecar.ending() {
                children.removeAll { $0.pid == sidecar.pid }
                throw Failure("routing-sidecar ended before it was ready (\(ending))")
            }
            let exchange = try? HTTPExchange(
                port: adminPort, method: "GET", path: "/readyz", interrupt: interrupt, limitMS: 1000)
            if exchange?.status == 200 { return }
            try interrupt.sleep(milliseconds: 50)
        }
        throw Failure("routing-sidecar was not ready after 20 s")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        guard let listener = try? listenOn(host: "0.0.0.0", port: port) else { return false }
        close(listener.fd)
        return true
    }

    /// A port below the ephemeral range, so that no outgoing connection takes it before the sidecar does.
    private static func freePort() throws -> UInt16 {
        for _ in 0..<200 {
            let port = UInt16.random(in: 18_000..<32_000)
            if isFree(port) { return port }
        }
        throw Failure("no free port found between 18000 and 32000")
    }

    // MARK: Asking

    func status() throws -> Status {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe") }
        defer { close(ends[0]) }
        let child: Child
        do {
            defer { close(ends[1]) }
            child = try Child.start(
                name: "status", path: programs + "/routing-sidecar",
                arguments: ["status", "--json", "--control-socket", controlSocket],
                output: .pipe(ends[1], errors: directory + "/status.log"))
        }
        defer { _ = child.stop(graceMS: 1000) }
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while try interrupt.waitForInput(of: ends[0], milliseconds: 3000) {
            let count = read(ends[0], &part, part.count)
            if count <= 0 { break }
            text += part[..<count]
        }
        guard let status = Status(parsing: String(decoding: text, as: UTF8.self)) else {
            throw Failure("'routing-sidecar status --json' gave no status: \(tail(of: directory + "/status.log"))")
        }
        for component in status.components where component.pid > 0 { seen[component.pid] = component.name }
        return status
    }

    func metrics() throws -> Metrics {
        let exchange = try HTTPExchange(
            port: adminPort, method: "GET", path: "/metrics", interrupt: interrupt, limitMS: 3000)
        return Metrics(parsing: try exchange.text())
    }

    /// A JSON answer of one of the engines.
    func engine(_ port: UInt16, _ path: String) throws -> JSONValue {
        let exchange = try HTTPExchange(port: port, method: "GET", path: path, interrupt: interrupt, limitMS: 3000)
        return try JSONValue(parsing: Array(try exchange.text().utf8))
    }

    /// What the decoder says to `chats` when it is asked straight, without its usual pauses: nobody watches these.
    func expectedTexts(_ chats: [Chat]) throws -> [String] {
        try setTokenDelay(milliseconds: 0)
        let texts = try chats.map { try $0.text(port: decodePort, prefillPort: nil, interrupt: interrupt) }
        try setTokenDelay(milliseconds: Stage.tokenDelayMS)
        return texts
    }

    private func setTokenDelay(milliseconds: Int) throws {
        let path = "/_config?token_delay_ms=\(milliseconds)"
        let exchange = try HTTPExchange(
            port: decodePort, method: "POST", path: path, body: "", interrupt: interrupt, limitMS: 3000)
        guard exchange.status == 200 else { throw Failure("the decode engine refused \(path)") }
    }

    /// The last lines of a log, for an error message.
    func tail(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "(no log)" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        let lines = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
        return lines.isEmpty ? "(its log is empty)" : lines.suffix(8).joined(separator: "\n  ")
    }

    // MARK: Stopping

    /// Stops what was started, the sidecar first, and removes the directory. Returns what went wrong.
    func stop() -> [String] {
        var problems: [String] = []
        for child in children.reversed() {
            let ending = child.stop(graceMS: 5000)
            if child.pid == supervisor, ending != "exit code 0" {
                problems.append("routing-sidecar (pid \(child.pid)) ended with \(ending)")
            }
        }
        children = []
        let deadline = monotonicMS() + 2000
        for (pid, name) in seen {
            while kill(pid_t(pid), 0) == 0, monotonicMS() < deadline { usleep(10_000) }
            if kill(pid_t(pid), 0) == 0 { problems.append("the \(name) (pid \(pid)) is still there") }
        }
        removeDirectory()
        return problems
    }

    private func removeDirectory() {
        guard let listing = opendir(directory) else { return }
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink("\(directory)/\(name)") }
        }
        closedir(listing)
        rmdir(directory)
    }
}
