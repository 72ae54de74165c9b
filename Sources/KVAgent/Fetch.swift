import IPC

/// The life of a transfer that we asked for, as a pure state machine: what has happened, and what follows.
struct Fetch: Equatable {
    enum State: Equatable {
        /// Connecting, and waiting for the peer's welcome.
        case connecting
        /// Waiting for leave to read.
        case announcing
        case reading
        /// Our own checksum is being computed.
        case summing
        /// Waiting for the peer's checksum.
        case comparing
        /// It has failed for this reason, and nothing more is asked for. What has been is given a moment to arrive: UCX 1.13
        /// ends a process whose answer to a read finds the reader gone, and the peer has others to serve.
        case draining(KVOutcome)
        /// The result is told; the peer is given a moment to take our last word and leave.
        case leaving
        /// The result waits until nothing can arrive any more.
        case abandoning(KVOutcome)
        /// The result is told; waiting for the endpoint's end.
        case closing
        case over
    }

    enum Event: CaseIterable {
        case welcomed
        /// The peer's version, key or region is none that we can read from.
        case incompatible
        case accepted
        /// The peer says, or has said by the size of its region, that the range isn't there.
        case refusedRange
        case refusedBusy
        case allRead
        case readFailed
        /// Our checksum is the expected one.
        case sumMatches
        /// It isn't.
        case sumDiffers
        /// It is there, and the peer is to say whether it is right.
        case sumKnown
        case peerSumMatches
        case peerSumDiffers
        /// A message that makes no sense now, or none at all.
        case nonsense
        case lost
        case deadline
        case cancelled
        /// The peer has left the pool.
        case revoked
        /// We are told to end.
        case stopped
        /// No read is on its way any more.
        case drained
        /// The moment for leaving, or for draining, is over.
        case lingered
        /// The endpoint is gone, and everything that ran on it.
        case gone
    }

    enum Action: Equatable {
        case none
        case announce
        case read
        /// Ask for nothing more, and tell when nothing is on its way.
        case drain
        case sum
        case askChecksum
        /// Tell the result and the peer; nothing is on its way any more.
        case conclude(KVOutcome)
        /// Close the endpoint at once; the result is told when it is gone.
        case abandon
        /// Close the endpoint; the result has been told.
        case close
        /// Tell the result.
        case report(KVOutcome)
        case forget
    }

    private(set) var state = State.connecting

    init() {}

    mutating func handle(_ event: Event) -> Action {
        switch state {
        case .connecting, .announcing, .reading, .summing, .comparing: return proceed(event)
        case .draining(let outcome):
            switch event {
            case .drained, .lingered, .deadline, .lost, .readFailed, .nonsense: return abandon(outcome)
            case .gone:
                state = .over
                return .report(outcome)
            case .welcomed, .incompatible, .accepted, .refusedRange, .refusedBusy, .allRead, .sumMatches, .sumDiffers,
                .sumKnown, .peerSumMatches, .peerSumDiffers, .cancelled, .revoked, .stopped:
                return .none
            }
        case .leaving:
            switch event {
            case .lost, .lingered, .deadline, .nonsense, .cancelled, .revoked:
                state = .closing
                return .close
            case .gone:
                state = .over
                return .forget
            case .welcomed, .incompatible, .accepted, .refusedRange, .refusedBusy, .allRead, .readFailed, .sumMatches,
                .sumDiffers, .sumKnown, .peerSumMatches, .peerSumDiffers, .drained, .stopped:
                return .none
            }
        case .abandoning(let outcome):
            guard event == .gone else { return .none }
            state = .over
            return .report(outcome)
        case .closing:
            guard event == .gone else { return .none }
            state = .over
            return .forget
        case .over: return .none
        }
    }

    /// While it runs.
    private mutating func proceed(_ event: Event) -> Action {
        switch (event, state) {
        case (.welcomed, .connecting): return go(to: .announcing, .announce)
        case (.accepted, .announcing): return go(to: .reading, .read)
        case (.allRead, .reading): return go(to: .summing, .sum)
        case (.sumMatches, .summing): return conclude(.done)
        case (.sumDiffers, .summing): return conclude(.checksumMismatch)
        case (.sumKnown, .summing): return go(to: .comparing, .askChecksum)
        case (.peerSumMatches, .comparing): return conclude(.done)
        case (.peerSumDiffers, .comparing): return conclude(.checksumMismatch)
        case (.incompatible, .connecting): return abandon(.incompatible)
        case (.refusedRange, .connecting), (.refusedRange, .announcing): return abandon(.refusedRange)
        case (.refusedBusy, .connecting), (.refusedBusy, .announcing): return abandon(.refusedBusy)
        case (.lost, .connecting): return abandon(.unreachable)
        case (.lost, _), (.readFailed, _): return abandon(.peerLost)
        case (.deadline, .reading): return go(to: .draining(.timedOut), .drain)
        case (.cancelled, .reading): return go(to: .draining(.cancelled), .drain)
        case (.revoked, .reading): return go(to: .draining(.notInPool), .drain)
        case (.stopped, .reading): return go(to: .draining(.agentLost), .drain)
        case (.deadline, _): return abandon(.timedOut)
        case (.cancelled, _): return abandon(.cancelled)
        case (.revoked, _): return abandon(.notInPool)
        case (.stopped, _): return abandon(.agentLost)
        // Without our asking for it, an endpoint ends only when UCX couldn't make one.
        case (.gone, _):
            let outcome = state == .connecting ? KVOutcome.unreachable : .peerLost
            state = .over
            return .report(outcome)
        case (.nonsense, _), (.welcomed, _), (.accepted, _), (.incompatible, _), (.refusedRange, _), (.refusedBusy, _),
            (.peerSumMatches, _), (.peerSumDiffers, _):
            return abandon(.peerBrokeProtocol)
        // Our own doing, and too late or too early to mean anything.
        case (.allRead, _), (.sumMatches, _), (.sumDiffers, _), (.sumKnown, _), (.lingered, _), (.drained, _):
            return .none
        }
    }

    private mutating func go(to next: State, _ action: Action) -> Action {
        state = next
        return action
    }

    private mutating func conclude(_ outcome: KVOutcome) -> Action { go(to: .leaving, .conclude(outcome)) }

    private mutating func abandon(_ outcome: KVOutcome) -> Action { go(to: .abandoning(outcome), .abandon) }
}
