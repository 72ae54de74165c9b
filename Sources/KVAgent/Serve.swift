/// The life of a peer that reads from us, as a pure state machine. The reads themselves are UCX's: they need our turns of
/// the loop, and nobody's leave.
struct Serve: Equatable {
    enum State: CaseIterable {
        /// Connected; it has said nothing.
        case silent
        /// Welcomed; it hasn't said what it wants.
        case greeted
        /// It reads.
        case open
        /// It reads or waits, and our checksum of its range is being computed.
        case summing
        /// It has had the checksum. There is one for each announcement: it costs a pass over the whole range.
        case told
        /// It has had our last word, and is given a moment to take it.
        case leaving
        case closing
        case over
    }

    enum Event: CaseIterable {
        case hello
        /// A hello, and there are as many peers as are served.
        case helloTooMany
        case otherVersion
        case announced
        /// An announcement of what isn't inside our region.
        case announcedOutside
        case verify
        case summed
        /// The peer has what it wanted.
        case acknowledged
        /// The peer has it, and it is no use to it.
        case gaveUp
        case nonsense
        case lost
        /// It has had all the time that there is.
        case deadline
        /// It has left the pool.
        case revoked
        case gone
    }

    enum Action: CaseIterable {
        case none
        case welcome
        case refuseVersion
        case refuseBusy
        case accept
        case refuseRange
        case sum
        case tellChecksum
        /// Count it as served, and close.
        case closeServed
        case close
        /// Close, and count it as cut off.
        case cut
        case forget
    }

    private(set) var state = State.silent

    mutating func handle(_ event: Event) -> Action {
        switch (state, event) {
        case (.over, _): return .none
        case (_, .gone): return go(to: .over, .forget)
        case (.closing, _): return .none
        case (.leaving, .lost), (.leaving, .deadline), (.leaving, .revoked): return go(to: .closing, .close)
        case (.leaving, _): return .none
        case (.silent, .hello): return go(to: .greeted, .welcome)
        case (.silent, .helloTooMany): return go(to: .leaving, .refuseBusy)
        case (.silent, .otherVersion): return go(to: .leaving, .refuseVersion)
        case (.greeted, .announced): return go(to: .open, .accept)
        case (.greeted, .announcedOutside): return go(to: .leaving, .refuseRange)
        case (.open, .verify): return go(to: .summing, .sum)
        case (.summing, .summed): return go(to: .told, .tellChecksum)
        case (.open, .acknowledged), (.told, .acknowledged): return go(to: .closing, .closeServed)
        case (.silent, .lost), (.greeted, .lost), (.open, .lost), (.summing, .lost), (.told, .lost),
            (.greeted, .gaveUp), (.open, .gaveUp), (.summing, .gaveUp), (.told, .gaveUp):
            return go(to: .closing, .close)
        case (.silent, .summed), (.greeted, .summed), (.open, .summed), (.told, .summed): return .none
        case (.silent, .announced), (.silent, .announcedOutside), (.silent, .verify), (.silent, .acknowledged),
            (.silent, .gaveUp), (.silent, .nonsense), (.silent, .deadline), (.silent, .revoked),
            (.greeted, .hello), (.greeted, .helloTooMany), (.greeted, .otherVersion), (.greeted, .verify),
            (.greeted, .acknowledged), (.greeted, .nonsense), (.greeted, .deadline), (.greeted, .revoked),
            (.open, .hello), (.open, .helloTooMany), (.open, .otherVersion), (.open, .announced),
            (.open, .announcedOutside), (.open, .nonsense), (.open, .deadline), (.open, .revoked),
            (.summing, .hello), (.summing, .helloTooMany), (.summing, .otherVersion), (.summing, .announced),
            (.summing, .announcedOutside), (.summing, .verify), (.summing, .acknowledged), (.summing, .nonsense),
            (.summing, .deadline), (.summing, .revoked),
            (.told, .hello), (.told, .helloTooMany), (.told, .otherVersion), (.told, .announced),
            (.told, .announcedOutside), (.told, .verify), (.told, .nonsense), (.told, .deadline), (.told, .revoked):
            return go(to: .closing, .cut)
        }
    }

    private mutating func go(to next: State, _ action: Action) -> Action {
        state = next
        return action
    }
}
