import IPC

/// Why a request could not be served, in the words of the client's error.
enum Failure: UInt8, CaseIterable, Equatable {
    case prefillerForbidden
    case prefillerNotAllowed
    case allowlistUnusable
    case prefillerUnreachable
    case prefillTimeout
    case prefillerBroken
    case prefillerTLS
    case prefillAnswerTooLarge
    case invalidHandoff
    case missingHandoff
    case handoffExpired
    case decoderRefused
    case decoderUnreachable
    case decoderBroken
    case decoderTLS
    case noResources
    case draining
}

/// The life of one request as a pure state machine: what has happened in, what to do next out. It touches no socket, so
/// every pair of phase and event can be tested.
///
/// It counts one thing, legs sent again because their pooled connection was stale. Which prefiller comes next when one
/// can't be reached is not decided here: the loop goes on with it (`tryNextPrefiller`), and says `refused` only where it
/// can't.
struct RequestLife: Equatable {
    enum Phase: UInt8, CaseIterable {
        case idle
        /// Waiting for a connection to the prefiller.
        case reachingPrefiller
        /// Leg 1 is sent; its head is awaited.
        case prefilling
        /// Leg 1 succeeded; its body is collected.
        case collectingHandoff
        /// Waiting for a connection to the decoder.
        case reachingDecoder
        /// Leg 2 (or the only leg) is sent; its head is awaited.
        case decoding
        /// An answer is on its way to the client.
        case relaying
        case finished
    }

    enum Event: Equatable {
        case begin(disaggregated: Bool)
        case connected
        case refused(DialRefusal)
        /// The head of the leg's answer is here.
        case answered(success: Bool)
        /// The prefiller's answer is whole, and this is what its handoff is worth.
        case handoff(HandoffVerdict)
        case answerTooLarge
        /// The answer has been relayed whole.
        case completed
        /// The upstream connection ended too early. `stale`: it came from the pool and not one byte was answered.
        case lost(stale: Bool)
        /// The upstream connection's TLS failed, in its handshake or later. Never tried again, and never without TLS.
        case tlsFailed
        /// Leg 1 took too long, or leg 2's body came too late for its handoff.
        case deadlinePassed
        case clientGone
        case drainDeadline
        /// The prefiller has left the allowlist, and the settings say: cut what runs.
        case revoked
    }

    enum HandoffVerdict: UInt8, CaseIterable, Equatable {
        case usable
        /// There is none, and the settings say: decode without.
        case decodeWithout
        /// There is none, and the settings say: fail.
        case missing
        case invalid
    }

    enum Action: Equatable {
        /// Get a connection, from the pool unless `fresh`, and say connected or refused.
        case acquire(DialPurpose, fresh: Bool)
        case sendLeg(DialPurpose)
        case collectHandoff
        /// Pass the answer on to the client.
        case relay
        /// Drop the upstream connection, if any, and answer with an error.
        case fail(Failure)
        /// The answer has begun: end the client's connection so that it sees the break.
        case cut
        /// Drop the upstream connection; nobody waits for an answer.
        case cancel
        case finish
        case none
    }

    private(set) var phase = Phase.idle
    /// Legs sent again because a pooled connection had gone stale.
    private(set) var retries: UInt8 = 0

    mutating func handle(_ event: Event) -> Action {
        switch (phase, event) {
        case (.idle, .begin(let disaggregated)):
            retries = 0
            phase = disaggregated ? .reachingPrefiller : .reachingDecoder
            return .acquire(disaggregated ? .prefiller : .decoder, fresh: false)

        case (.reachingPrefiller, .connected):
            phase = .prefilling
            return .sendLeg(.prefiller)
        case (.reachingPrefiller, .refused(let reason)): return fail(Self.prefillerFailure(reason))

        case (.prefilling, .answered(success: true)):
            phase = .collectingHandoff
            return .collectHandoff
        case (.prefilling, .answered(success: false)):
            phase = .relaying
            return .relay
        case (.prefilling, .lost(stale: true)) where retries == 0:
            retries += 1
            phase = .reachingPrefiller
            return .acquire(.prefiller, fresh: true)
        case (.prefilling, .lost), (.collectingHandoff, .lost): return fail(.prefillerBroken)
        case (.reachingPrefiller, .tlsFailed), (.prefilling, .tlsFailed), (.collectingHandoff, .tlsFailed):
            return fail(.prefillerTLS)
        case (.reachingPrefiller, .deadlinePassed): return fail(.prefillerUnreachable)
        case (.prefilling, .deadlinePassed), (.collectingHandoff, .deadlinePassed): return fail(.prefillTimeout)
        case (.collectingHandoff, .answerTooLarge): return fail(.prefillAnswerTooLarge)

        case (.collectingHandoff, .handoff(.usable)), (.collectingHandoff, .handoff(.decodeWithout)):
            phase = .reachingDecoder
            return .acquire(.decoder, fresh: false)
        case (.collectingHandoff, .handoff(.missing)): return fail(.missingHandoff)
        case (.collectingHandoff, .handoff(.invalid)): return fail(.invalidHandoff)

        case (.reachingDecoder, .connected):
            phase = .decoding
            return .sendLeg(.decoder)
        case (.reachingDecoder, .refused(let reason)): return fail(Self.decoderFailure(reason))
        case (.reachingDecoder, .deadlinePassed), (.decoding, .deadlinePassed): return fail(.handoffExpired)

        case (.decoding, .answered):
            phase = .relaying
            return .relay
        case (.decoding, .lost(stale: true)) where retries < 2:
            // One for each leg at most: leg 1's retry has counted one at most.
            retries = 2
            phase = .reachingDecoder
            return .acquire(.decoder, fresh: true)
        case (.decoding, .lost): return fail(.decoderBroken)
        case (.reachingDecoder, .tlsFailed), (.decoding, .tlsFailed): return fail(.decoderTLS)

        case (.relaying, .completed):
            phase = .finished
            return .finish
        case (.relaying, .lost), (.relaying, .tlsFailed), (.relaying, .drainDeadline), (.relaying, .deadlinePassed):
            phase = .finished
            return .cut

        case (.prefilling, .revoked), (.collectingHandoff, .revoked): return fail(.prefillerNotAllowed)
        case (.relaying, .revoked):
            phase = .finished
            return .cut

        // Also before the first leg and after the last one: an answer of ours may be on its way to a client that left.
        case (.idle, .clientGone), (.finished, .clientGone), (.reachingPrefiller, .clientGone),
            (.prefilling, .clientGone), (.collectingHandoff, .clientGone),
            (.reachingDecoder, .clientGone), (.decoding, .clientGone), (.relaying, .clientGone):
            phase = .finished
            return .cancel

        case (.reachingPrefiller, .drainDeadline), (.prefilling, .drainDeadline), (.collectingHandoff, .drainDeadline),
            (.reachingDecoder, .drainDeadline), (.decoding, .drainDeadline):
            return fail(.draining)

        // What can't happen in a phase, or comes too late to matter, changes nothing.
        case (.idle, .connected), (.idle, .refused), (.idle, .answered), (.idle, .handoff), (.idle, .answerTooLarge),
            (.idle, .completed), (.idle, .lost), (.idle, .deadlinePassed), (.idle, .drainDeadline),
            (.reachingPrefiller, .begin), (.reachingPrefiller, .answered), (.reachingPrefiller, .handoff),
            (.reachingPrefiller, .answerTooLarge), (.reachingPrefiller, .completed), (.reachingPrefiller, .lost),
            (.prefilling, .begin), (.prefilling, .connected), (.prefilling, .refused), (.prefilling, .handoff),
            (.prefilling, .answerTooLarge), (.prefilling, .completed),
            (.collectingHandoff, .begin), (.collectingHandoff, .connected), (.collectingHandoff, .refused),
            (.collectingHandoff, .answered), (.collectingHandoff, .completed),
            (.reachingDecoder, .begin), (.reachingDecoder, .answered), (.reachingDecoder, .handoff),
            (.reachingDecoder, .answerTooLarge), (.reachingDecoder, .completed), (.reachingDecoder, .lost),
            (.decoding, .begin), (.decoding, .connected), (.decoding, .refused), (.decoding, .handoff),
            (.decoding, .answerTooLarge), (.decoding, .completed),
            (.relaying, .begin), (.relaying, .connected), (.relaying, .refused), (.relaying, .answered),
            (.relaying, .handoff), (.relaying, .answerTooLarge),
            (.finished, .begin), (.finished, .connected), (.finished, .refused), (.finished, .answered),
            (.finished, .handoff), (.finished, .answerTooLarge), (.finished, .completed), (.finished, .lost),
            (.finished, .deadlinePassed), (.finished, .drainDeadline),
            (.idle, .revoked), (.reachingPrefiller, .revoked), (.reachingDecoder, .revoked), (.decoding, .revoked),
            (.finished, .revoked), (.idle, .tlsFailed), (.finished, .tlsFailed):
            return .none
        }
    }

    private mutating func fail(_ failure: Failure) -> Action {
        phase = .finished
        return .fail(failure)
    }

    static func prefillerFailure(_ reason: DialRefusal) -> Failure {
        switch reason {
        case .forbiddenAddress: .prefillerForbidden
        case .notInPool, .portNotAllowed: .prefillerNotAllowed
        case .allowlistMissing, .allowlistStale: .allowlistUnusable
        case .connectionRefused, .timedOut, .unreachable, .nameNotFound, .nameTimedOut: .prefillerUnreachable
        case .tooMany, .noResources, .dialerLost: .noResources
        }
    }

    private static func decoderFailure(_ reason: DialRefusal) -> Failure {
        switch reason {
        case .connectionRefused: .decoderRefused
        case .forbiddenAddress, .timedOut, .unreachable, .nameNotFound, .nameTimedOut, .notInPool, .portNotAllowed,
            .allowlistMissing, .allowlistStale:
            .decoderUnreachable
        case .tooMany, .noResources, .dialerLost: .noResources
        }
    }
}
