import IPC

/// A component: its machine, and the processes that belong to it at the moment.
final class Component {
    let role: Role
    /// Without it there is no service.
    let isEssential: Bool
    var machine: ComponentMachine
    var current: ChildProcess?
    var replacement: ChildProcess?
    /// Replaced processes that finish what they have.
    var retired: [ChildProcess] = []
    /// When the next try is due, in milliseconds; 0 = none is planned.
    var retryAt: Int64 = 0
    var lastDeath: Death?

    /// Replaced processes that may drain at once; the oldest is cut when there are more.
    static let mostRetired = 8

    init(role: Role, isEssential: Bool, policy: RestartPolicy) {
        self.role = role
        self.isEssential = isEssential
        machine = ComponentMachine(policy: policy)
    }

    var processes: [ChildProcess] {
        var all = retired
        if let current { all.append(current) }
        if let replacement { all.append(replacement) }
        return all
    }

    var isReady: Bool { machine.isReady && current?.isSilent == false && current?.unlinkedFrom.isEmpty == true }
}
