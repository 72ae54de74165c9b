/// How a process of the sidecar ends, and what that tells whoever started it.
///
/// One enum for every process of the house: the supervisor's codes are read by the kubelet and by people, the children's
/// by the supervisor, whose restart policy depends on them. The numbers follow `sysexits.h` where it has a word for the
/// case, and stay clear of 1 and 2 (a runtime's own) and of 126 and up (a shell's).
public enum ExitCode: Int32, CaseIterable, Sendable {
    /// Everything asked for was done.
    case ok = 0
    /// The configuration holds mistakes (`EX_USAGE`). Starting again without changing it gives the same result.
    case configuration = 64
    /// A listening address could not be bound: somebody else holds the port, or the address is not of this host.
    case portInUse = 69
    /// Proxy, dialer, or the signer of served certificates failed permanently, and without it there is no service.
    case childFailed = 70
    /// A child could not set itself up, or (KV agent) could not end a connection.
    case internalError = 71
    /// The system refused something needed to start: descriptors, memory, processes.
    case resource = 72
    /// The drain deadline passed while answers were still running, and they were cut.
    case drainCut = 75
    /// A sibling broke the protocol of a channel.
    case ipcViolation = 76
    /// The supervisor's end of the channel closed. A child never outlives its supervisor.
    case lostSupervisor = 77
    /// A required wall (seccomp, no_new_privs, Landlock) could not be put up.
    case missingSandbox = 78
    /// Protection is on and the Kubernetes API can't be asked: no address, token or certificates for it.
    case noKubernetesClient = 79
    /// Protection is on and the inference pool could not be listed within `--allowlist-sync-timeout`.
    case poolNotSynced = 80
    /// `--require-certificate` is set, and there is no certificate that could be shown.
    case certificate = 81

    /// The code's name, for logs and metrics.
    public var name: String {
        switch self {
        case .ok: "ok"
        case .configuration: "configuration"
        case .portInUse: "port-in-use"
        case .childFailed: "child-failed"
        case .internalError: "internal-error"
        case .resource: "resource"
        case .drainCut: "drain-cut"
        case .ipcViolation: "ipc-violation"
        case .lostSupervisor: "lost-supervisor"
        case .missingSandbox: "missing-sandbox"
        case .noKubernetesClient: "no-kubernetes-client"
        case .poolNotSynced: "pool-not-synced"
        case .certificate: "certificate"
        }
    }

    /// One line for the help text and the manual page.
    public var meaning: String {
        switch self {
        case .ok: "done as asked; a drain finished in time"
        case .configuration: "mistakes in flags, environment variables or files they name"
        case .portInUse: "a listening address is taken; commands: no answer or refused"
        case .childFailed: "proxy, dialer or (serving TLS) signer failed permanently"
        case .internalError: "a child process could not set itself up"
        case .resource: "the system refused descriptors, memory or a process"
        case .drainCut: "the drain deadline cut answers that were still running"
        case .ipcViolation: "a sibling process broke the protocol between processes"
        case .lostSupervisor: "a child process lost its supervisor"
        case .missingSandbox: "a required wall of the sandbox could not be put up"
        case .noKubernetesClient: "no token or certificates for the Kubernetes API"
        case .poolNotSynced: "the inference pool could not be listed in time"
        case .certificate: "a certificate is required, and there is no usable one"
        }
    }
}
