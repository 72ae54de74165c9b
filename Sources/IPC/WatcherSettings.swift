import Linux

/// What the watcher needs to know.
public struct WatcherSettings: Sendable, Equatable {
    /// Which ports of a pool's members may be called.
    public enum Ports: UInt8, Sendable {
        /// Those that the pool declares; every port when it declares none.
        case pool = 0
        /// Every port.
        case any = 1
        /// Those of `portList`.
        case list = 2
    }

    /// The most ports of a list.
    public static let mostPorts = 64
    /// The longest name or selector, in bytes.
    static let longestText = 1024

    /// The API server.
    public var server = Endpoint(.any, 0)
    /// The pool's namespace.
    public var namespace = ""
    /// The pool's name.
    public var pool = ""
    /// The pool's API group; empty = the first of the known ones in which the pool is found.
    public var group = ""
    /// Which ports may be called.
    public var ports = Ports.pool
    /// The ports, for `.list`.
    public var portList: [UInt16] = []
    /// Only pods that are ready, and not all that run.
    public var requireReady = false
    /// Pods on the host's network too: their address is the node's.
    public var allowHostNetwork = false
    /// A further condition on the pods' labels, in the syntax of Kubernetes; empty = none.
    public var selector = ""
    /// Lines of this weight or heavier are logged.
    public var logLevel: UInt8 = 2

    /// Everything at its default.
    public init() {}

    func encode(into writer: inout WireWriter) {
        server.encode(into: &writer)
        for text in [namespace, pool, group, selector] { writer.write(text) }
        writer.write(ports.rawValue)
        writer.write(UInt8(clamping: portList.count))
        for port in portList { writer.write(port) }
        writer.write(requireReady)
        writer.write(allowHostNetwork)
        writer.write(logLevel)
    }

    init(from reader: inout WireReader) {
        server = Endpoint(from: &reader)
        namespace = reader.readText(limit: Self.longestText)
        pool = reader.readText(limit: Self.longestText)
        group = reader.readText(limit: Self.longestText)
        selector = reader.readText(limit: Self.longestText)
        ports = reader.read(case: Ports.self, fallback: .pool)
        for _ in 0..<reader.readCount(UInt8.self, most: Self.mostPorts) { portList.append(reader.read()) }
        requireReady = reader.readBool()
        allowHostNetwork = reader.readBool()
        logLevel = reader.read()
    }
}
