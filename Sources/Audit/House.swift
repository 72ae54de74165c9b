import IPC

/// What the supervisor says of its house when `audit` asks: which processes there are, and what it gave them. All of it is
/// self-report; what the kernel says of the same processes is read from /proc and wins.
public struct House: Sendable, Equatable {
    /// The version of the supervisor.
    public var version = ""
    /// The supervisor's process id.
    public var supervisor: Int32 = 0
    /// Walls are put up at all.
    public var isWalled = false
    /// Each process has a user of its own (a root start).
    public var hasUsers = false
    /// The Landlock ABI that is asked for; 0 = none.
    public var landlockABI: Int32 = 0
    /// `--require-sandbox`.
    public var required = "on"
    /// It serves a port below 1024, and keeps the capability for that.
    public var servesLowPort = false
    /// What is missing of the walls, in words.
    public var degraded: [String] = []
    /// The folder of the executables.
    public var directory = ""
    /// The file that holds the service account's token.
    public var tokenFile = ""
    /// Private keys that the supervisor keeps open, unread, to hand them to the next signer.
    public var keyFiles: [String] = []
    /// Its children.
    public var processes: [Child] = []

    /// One child.
    public struct Child: Sendable, Equatable {
        /// What it is.
        public var role = Role.proxy
        /// Its process id.
        public var pid: Int32 = 0
        /// Serving, draining, starting, stopping.
        public var phase = ""
        /// The path of its program.
        public var executable = ""
        /// Listening sockets it was lent.
        public var listeners = 0
        /// Channels it was given besides the one to the supervisor.
        public var channels = 0

        /// A child of which nothing is known.
        public init() {}
    }

    /// A house of which nothing is known.
    public init() {}

    /// For the control socket: a line for each fact, name and values divided by tabs.
    public var text: String {
        var lines = [
            "version\t\(Self.clean(version))", "supervisor\t\(supervisor)", "walled\t\(isWalled)", "users\t\(hasUsers)",
            "landlock\t\(landlockABI)", "required\t\(Self.clean(required))", "low-port\t\(servesLowPort)",
            "directory\t\(Self.clean(directory))", "token\t\(Self.clean(tokenFile))",
        ]
        lines += keyFiles.map { "key-file\t\(Self.clean($0))" }
        lines += degraded.map { "degraded\t\(Self.clean($0))" }
        lines += processes.map { child in
            "process\t\(child.role.name)\t\(child.pid)\t\(Self.clean(child.phase))\t\(Self.clean(child.executable))"
                + "\t\(child.listeners)\t\(child.channels)"
        }
        return lines.joined(separator: "\n")
    }

    /// Reads such a text; nil when it isn't one.
    public init?(text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard words.count >= 2 else { return nil }
            switch words[0] {
            case "version": version = words[1]
            case "supervisor": supervisor = Int32(words[1]) ?? 0
            case "walled": isWalled = words[1] == "true"
            case "users": hasUsers = words[1] == "true"
            case "landlock": landlockABI = Int32(words[1]) ?? 0
            case "required": required = words[1]
            case "low-port": servesLowPort = words[1] == "true"
            case "directory": directory = words[1]
            case "token": tokenFile = words[1]
            case "key-file": keyFiles.append(words[1])
            case "degraded": degraded.append(words[1])
            case "process":
                guard words.count == 7, let role = Role(name: words[1]), let pid = Int32(words[2]) else { return nil }
                var child = Child()
                child.role = role
                child.pid = pid
                child.phase = words[3]
                child.executable = words[4]
                child.listeners = Int(words[5]) ?? 0
                child.channels = Int(words[6]) ?? 0
                processes.append(child)
            default: break
            }
        }
        guard supervisor > 0 else { return nil }
    }

    private static func clean(_ text: String) -> String {
        String(text.map { $0 == "\t" || $0 == "\n" ? " " : $0 })
    }
}
