/// What `routing-sidecar status --json` tells.
struct Status {
    struct Component {
        let name: String
        let pid: Int
        let actual: String
        let isReady: Bool
        let restarts: Int
        let uptime: Double
        let lastExit: String?
    }

    let pid: Int
    let state: String
    let isReady: Bool
    let uptime: Double
    let components: [Component]

    /// Nil where the text is not what the program promises.
    init?(parsing text: String) {
        guard let root = try? JSONValue(parsing: Array(text.utf8)), let pid = root["pid"]?.int,
            let state = root["state"]?.string, let list = root["components"]?.array
        else { return nil }
        self.pid = pid
        self.state = state
        isReady = root["ready"]?.bool ?? false
        uptime = root["uptime_seconds"]?.double ?? 0
        components = list.compactMap { row in
            guard let name = row["name"]?.string, let actual = row["actual"]?.string else { return nil }
            return Component(
                name: name, pid: row["pid"]?.int ?? 0, actual: actual, isReady: row["ready"]?.bool ?? false,
                restarts: row["restarts"]?.int ?? 0, uptime: row["uptime_seconds"]?.double ?? 0,
                lastExit: row["last_exit"]?.string)
        }
    }

    /// The proxy that takes new connections.
    var servingProxy: Component? {
        components.first { $0.name == "proxy" && $0.actual == "running" && $0.isReady }
    }
}
