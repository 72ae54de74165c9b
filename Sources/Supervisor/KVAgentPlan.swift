import Configuration
import IPC
import Linux
import Sandbox

/// From the configuration to what the KV agent is started with.
extension ChildConfiguration {
    var kvAgent: ChildSettings {
        var agent = KVAgentSettings()
        agent.listen = Endpoint(Address.parse(settings.kvAddress) ?? .any4, settings.kvPort)
        agent.firstPeerPort = settings.kvCalledPorts.first
        agent.lastPeerPort = settings.kvCalledPorts.last
        agent.mostTransfers = UInt16(clamping: settings.kvMaximumTransfers)
        agent.patience = UInt32(clamping: settings.kvTransferTimeoutMilliseconds)
        if case .dialer(let reach) = dialer { agent.reach = reach }
        // It doesn't talk to the decoder.
        agent.reach.decoder = []
        return .kvAgent(agent)
    }
}

/// What is the KV agent's alone of the walls and of the way it is started.
enum KVAgentPlan {
    /// The ports that Landlock leaves it. It binds before its filter is up, and never again.
    static func ports(_ settings: Settings) -> TCPPorts {
        var ports = TCPPorts()
        let data = settings.kvDataPorts.first...settings.kvDataPorts.last
        ports.bind = [settings.kvPort...settings.kvPort, data]
        // Its own port too: it tries itself out before the walls are closed.
        ports.connect = ports.bind + [settings.kvCalledPorts.first...settings.kvCalledPorts.last]
        return ports
    }

    /// UCX's libraries read their settings from the environment, some of them before main, so this child has one: these
    /// variables and no others.
    static func environment(_ settings: Settings) -> [String] {
        var variables = [
            // No code of its own to watch memory with, no handlers of crashes, no thread that watches files.
            "UCX_MEM_EVENTS=n", "UCX_HANDLE_ERRORS=none", "UCX_VFS_ENABLE=n",
            // TCP and nothing else: shared memory needs what the walls forbid, and modules bring other libraries in.
            "UCX_TLS=tcp", "UCX_SOCKADDR_TLS_PRIORITY=tcp", "UCX_MODULES=none",
            // A restart must not wait for old connections to be forgotten.
            "UCX_CM_REUSEADDR=y",
            "UCX_TCP_PORT_RANGE=\(settings.kvDataPorts.first)-\(settings.kvDataPorts.last)",
            // Without these it would open files with every connection: /proc/net/route, and /proc/meminfo.
            "UCX_TCP_PREFER_DEFAULT=n", "UCX_TCP_ALLOC=heap",
            // What it would say is that it can't read files of /proc, which is as it should be; failures reach us as values.
            "UCX_LOG_LEVEL=fatal",
        ]
        // Those that mean every address are no interface's.
        if let name = Address.parse(settings.kvAddress)?.interface { variables.append("UCX_NET_DEVICES=\(name)") }
        return variables
    }
}
