import XCTest

@testable import KVAgent

/// The life of a peer that reads from us, in every state and with everything that can happen there.
final class ServeTests: XCTestCase {
    private static let ways: [(state: Serve.State, events: [Serve.Event])] = [
        (.silent, []), (.greeted, [.hello]), (.open, [.hello, .announced]), (.summing, [.hello, .announced, .verify]),
        (.leaving, [.otherVersion]), (.closing, [.nonsense]), (.over, [.gone]),
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
        case (.summing, .summed): return (.open, .tellChecksum)
        case (.open, .acknowledged): return (.closing, .closeServed)
        case (_, .lost): return (.closing, .close)
        case (.greeted, .gaveUp), (.open, .gaveUp), (.summing, .gaveUp): return (.closing, .close)
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

    func testNobodyReadsBeforeItHasSaidWhat() {
        for (state, events) in Self.ways where state == .silent || state == .greeted {
            for event: Serve.Event in [.verify, .acknowledged] {
                var serve = reached(events)
                XCTAssertEqual(serve.handle(event), .cut, "\(state) \(event)")
            }
        }
    }
}
