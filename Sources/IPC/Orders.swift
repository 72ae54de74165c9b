import Glibc

extension Channel {
    /// Takes what the supervisor has sent to this process, until nothing is left.
    ///
    /// Whoever has lost the supervisor ends, and so does who is sent what the protocol doesn't allow.
    /// - Parameters:
    ///   - end: says why the process ends, and ends it.
    ///   - take: carries out one message; the descriptor (-1 when there is none) is its own.
    public func receiveOrders(
        as role: Role, orEnd end: (String, ExitCode) -> Never, _ take: (ToChild, _ descriptor: Int32) -> Void
    ) {
        while true {
            switch receive(ToChild.self) {
            case .nothing: return
            case .closed: _exit(ExitCode.lostSupervisor.rawValue)
            case .violation(let violation): end("the supervisor broke the protocol: \(violation)", .ipcViolation)
            case .message(let message, let descriptor):
                guard Permissions.accepts(role, message) else {
                    end("the supervisor sent '\(message.name)', which this process doesn't take", .ipcViolation)
                }
                take(message, descriptor)
            }
        }
    }
}
