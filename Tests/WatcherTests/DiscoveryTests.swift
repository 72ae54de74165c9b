import XCTest

@testable import Watcher

final class DiscoveryTests: XCTestCase {
    private var search = Discovery(groups: 3)

    override func setUp() { search = Discovery(groups: 3) }

    private func handle(_ event: Discovery.Event) -> [Discovery.Action] { search.handle(event, now: 0, random: 0.5) }

    private func failed(_ status: Int) -> Discovery.Event { .failed(.refused(.init(status: status))) }

    func testTheFirstGroupWithThePoolIsTheOne() {
        XCTAssertEqual(handle(failed(404)), [.ask(1)])
        XCTAssertEqual(handle(.answered(holdsPool: true)), [.settle(1)])
        XCTAssertEqual(search.state, .settled(1))
        XCTAssertEqual(handle(.answered(holdsPool: false)), [])
        XCTAssertEqual(search.state, .settled(1))
    }

    func testAPoolThatNoGroupHoldsIsAbsentIfOneCouldBeListed() {
        XCTAssertEqual(handle(.answered(holdsPool: false)), [.ask(1)])
        XCTAssertEqual(handle(failed(404)), [.ask(2)])
        XCTAssertEqual(handle(failed(403)), [.absent, .pause(Discovery.soon)])
        XCTAssertEqual(handle(.due), [.ask(0)])
    }

    func testNothingIsKnownIfNoGroupCouldBeListed() {
        _ = handle(failed(404))
        _ = handle(failed(403))
        let actions = handle(failed(404))
        XCTAssertEqual(actions.first, .unknown(forbidden: [1]))
        XCTAssertEqual(search.state, .pausing(0))
    }

    func testADeniedAccountSearchesAgainWithinHalfASecond() {
        func pauses(_ status: Int) -> [Int64] {
            setUp()
            return (0..<4).compactMap { _ in
                var last: [Discovery.Action] = []
                for _ in 0..<3 { last = handle(failed(status)) }
                _ = handle(.due)
                if case .pause(let pause)? = last.last { return pause }
                return nil
            }
        }
        XCTAssertEqual(pauses(403), [187, 375, 375, 375])
        XCTAssertEqual(pauses(404), [187, 375, 600, 600])
    }

    func testWhatAnEarlierRoundShowedIsForgotten() {
        for _ in 0..<2 { _ = handle(.answered(holdsPool: false)) }
        XCTAssertEqual(handle(.answered(holdsPool: false)).first, .absent)
        _ = handle(.due)
        for _ in 0..<2 { _ = handle(failed(404)) }
        XCTAssertEqual(handle(failed(404)).first, .unknown(forbidden: []))
    }

    func testAnOutageIsNoAnswer() {
        for failure in ReflectorTableTests.failures {
            setUp()
            if case .refused(let refusal) = failure, refusal.status == 404 || refusal.status == 403 { continue }
            _ = handle(failed(404))
            let actions = handle(.failed(failure))
            guard case .pause? = actions.first else {
                XCTFail("\(failure): \(actions)")
                continue
            }
            XCTAssertEqual(search.state, .pausing(1), "\(failure)")
            XCTAssertEqual(handle(.due), [.ask(1)])
        }
    }

    func testAPoolThatAppearsLaterIsFound() {
        for _ in 0..<300 {
            for _ in 0..<3 { _ = handle(.answered(holdsPool: false)) }
            XCTAssertEqual(handle(.due), [.ask(0)])
        }
        XCTAssertEqual(handle(.answered(holdsPool: true)), [.settle(0)])
    }

    func testAConfiguredGroupIsTheOnlyCandidate() {
        XCTAssertEqual(PoolGroup.candidates("inference.llm-d.ai"), [.llmd])
        XCTAssertEqual(PoolGroup.candidates(""), [.standard, .experimental, .llmd])
    }
}
