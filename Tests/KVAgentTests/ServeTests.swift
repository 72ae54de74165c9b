import XCTest

@testable import KVAgent

/// The life of a peer that reads from us, in every state and with everything that can happen there.
final class ServeTests: XCTestCase {
    private static let ways: [(state: Serve.State, events: [Serve.Event])] = [
        (.silent, []), (.greeted, [.hello]), (.open, [.hello, .announced]), (.summing, [.hello, .announced, .verify]),
        (.told, [.hello, .announced, .verify, .summed]), (.leaving, [.otherVersion]), (.closing, [.nonsense]),
        (.over, [.gone]),
    ]

    private func reached(_ events: [Serve.Event]) -> Serve {
        var serve = Serve()
        for event in events { _ = serve.handle(event) }
        return serve
    }

    private static func expected(_ event: Serve.Event, in state: Serve.State) -> (Serve.State, Serve.Action) {
        if state == .over { return (.over, .none) }
        if event == .gone { return (.over, .forget) }
        if state == .closing { return (.closing, .none) }
        if state == .leaving {
            return [.lost, .deadline, .revoked].contains(event) ? (.closing, .close) : (.leaving, .none)
        }
        switch (state, event) {
        case (.silent, .hello): return (.greeted, .welcome)
        case (.silent, .helloTooMany): return (.leaving, .refuseBusy)
        case (.silent, .otherVersion): return (.leaving, .refuseVersion)
        case (.greeted, .announced): return (.open, .accept)
        case (.greeted, .announcedOutside): return (.leaving, .refuseRange)
        case (.open, .verify): return (.summing, .sum)
        case (.summing, .summed): return (.told, .tellChecksum)
        case (.open, .acknowledged), (.told, .acknowledged): return (.closing, .closeServed)
        case (_, .lost): return (.closing, .close)
        case (.greeted, .gaveUp), (.open, .gaveUp), (.summing, .gaveUp), (.told, .gaveUp): return (.closing, .close)
        // A checksum that nobody waits for any more.
        case (_, .summed): return (state, .none)
        default: return (.closing, .cut)
        }
    }

    func testEveryPairHasTheAnswerOfTheTable() {
        XCTAssertEqual(Self.ways.map(\.state), Serve.State.allCases)
        for (state, events) in Self.ways {
            XCTAssertEqual(reached(events).state, state)
            for event in Serve.Event.allCases {
                var serve = reached(events)
                let action = serve.handle(event)
                let wanted = Self.expected(event, in: state)
                XCTAssertEqual(serve.state, wanted.0, "\(state) \(event)")
                XCTAssertEqual(action, wanted.1, "\(state) \(event)")
            }
        }
    }

    func testWhateverAPeerSaysItIsClosedAtMostOnceAndForgottenOnce() {
        var state: UInt64 = 11
        for _ in 0..<20_000 {
            var serve = Serve()
            var closed = 0
            var forgotten = 0
            for step in 0..<16 {
                state = state &* 6_364_136_223_846_793_005 &+ 1
                let events = Serve.Event.allCases
                let event = step == 15 ? .gone : events[Int(state >> 33) % events.count]
                switch serve.handle(event) {
                case .close, .cut, .closeServed: closed += 1
                case .forget: forgotten += 1
                case .none, .welcome, .refuseVersion, .refuseBusy, .accept, .refuseRange, .sum, .tellChecksum: break
                }
            }
            XCTAssertLessThanOrEqual(closed, 1)
            XCTAssertEqual(forgotten, 1)
        }
    }

    /// Everything that up to five events can come to: nothing is accepted, summed or counted before a caller has said hello
    /// and what it reads, and each of them once.
    func testAnAnnouncementComesFirstAndCostsOneChecksum() {
        func explore(_ serve: Serve, _ said: [Serve.Event], _ done: [Serve.Action]) {
            guard said.count < 5 else { return }
            for event in Serve.Event.allCases {
                var next = serve
                let action = next.handle(event)
                if next == serve {
                    XCTAssertEqual(action, .none, "\(said) \(event)")
                    continue
                }
                switch action {
                case .accept: XCTAssertEqual(said + [event], [.hello, .announced])
                case .sum, .tellChecksum, .closeServed:
                    XCTAssertEqual(Array((said + [event]).prefix(2)), [.hello, .announced])
                    XCTAssertFalse(done.contains(action), "\(said) \(event)")
                case .none, .welcome, .refuseVersion, .refuseBusy, .refuseRange, .close, .cut, .forget: break
                }
                explore(next, said + [event], done + [action])
            }
        }
        explore(Serve(), [], [])
    }
}
