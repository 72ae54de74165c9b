/// The supervisor's own life as a pure state machine: running, then an orderly end in three steps, each with a deadline.
struct Shutdown: Equatable {
    enum Phase: UInt8, CaseIterable {
        case running
        /// Not ready any more, but still accepting, so that load balancers notice before clients do.
        case preDrain
        /// Nothing is accepted; what runs may finish.
        case draining
        /// The processes are told to end.
        case stopping
        case over
    }

    enum Event: UInt8, CaseIterable {
        case terminate
        case preDrainOver
        /// No proxy has anything left.
        case drained
        /// The drain's deadline and the grace for its last errors are past.
        case drainOverdue
        case processesGone
        /// The processes did not end when told to.
        case stopOverdue
        /// Something without which there is no service has failed for good.
        case essentialFailed
    }

    enum Action: UInt8, CaseIterable {
        case none
        case beginPreDrain
        case beginDrain
        case stopProcesses
        case killProcesses
        case exit
    }

    private(set) var phase = Phase.running

    mutating func handle(_ event: Event) -> Action {
        switch (phase, event) {
        case (.running, .terminate):
            phase = .preDrain
            return .beginPreDrain
        case (.preDrain, .preDrainOver):
            phase = .draining
            return .beginDrain
        case (.draining, .drained):
            phase = .stopping
            return .stopProcesses
        case (.preDrain, .terminate), (.draining, .terminate), (.draining, .drainOverdue):
            // A second order means: now.
            phase = .stopping
            return .killProcesses
        case (.stopping, .terminate), (.stopping, .stopOverdue): return .killProcesses
        case (.stopping, .processesGone):
            phase = .over
            return .exit
        case (.running, .essentialFailed), (.preDrain, .essentialFailed), (.draining, .essentialFailed):
            phase = .stopping
            return .stopProcesses
        case (.running, .preDrainOver), (.running, .drained), (.running, .drainOverdue), (.running, .processesGone),
            (.running, .stopOverdue), (.preDrain, .drained), (.preDrain, .drainOverdue), (.preDrain, .processesGone),
            (.preDrain, .stopOverdue), (.draining, .preDrainOver), (.draining, .processesGone),
            (.draining, .stopOverdue), (.stopping, .preDrainOver), (.stopping, .drained), (.stopping, .drainOverdue),
            (.stopping, .essentialFailed), (.over, .terminate), (.over, .preDrainOver), (.over, .drained),
            (.over, .drainOverdue), (.over, .processesGone), (.over, .stopOverdue), (.over, .essentialFailed):
            return .none
        }
    }
}
