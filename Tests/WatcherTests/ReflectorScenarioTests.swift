import XCTest

@testable import Watcher

/// What the machine does in the situations that Kubernetes' documentation names.
final class ReflectorScenarioTests: XCTestCase {
    private var machine = Reflector()

    override func setUp() { machine = Reflector() }

    private func handle(_ event: Reflector.Event, at now: Int64 = 0) -> [Reflector.Action] {
        machine.handle(event, now: now, random: 0.5)
    }

    private func failed(_ status: Int, retryAfter: Int64 = 0, isVersionTooLarge: Bool = false) -> Reflector.Event {
        .failed(.refused(.init(status: status, retryAfter: retryAfter, isVersionTooLarge: isVersionTooLarge)))
    }

    /// A watch from version 5 that was opened at time 0.
    private func watch() {
        _ = handle(.start)
        _ = handle(.page(version: "5", more: ""))
        _ = handle(.opened)
    }

    func testAListOfSeveralPagesIsAdoptedWithTheLastAndWatchedFromItsVersion() {
        XCTAssertEqual(handle(.start), [.cancel, .list(continuing: "")])
        XCTAssertEqual(handle(.page(version: "5", more: "a")), [.list(continuing: "a")])
        XCTAssertEqual(handle(.page(version: "5", more: "b")), [.list(continuing: "b")])
        XCTAssertEqual(handle(.page(version: "5", more: "")), [.adopt, .watch(from: "5")])
    }

    func testACleanEndIsFollowedByAWatchFromTheLastVersionAtOnce() {
        watch()
        _ = handle(.progress(version: "8"), at: 100)
        XCTAssertEqual(handle(.ended, at: 200), [.watch(from: "8")])
    }

    func testAnEventWithoutAVersionKeepsTheLastOne() {
        watch()
        _ = handle(.progress(version: ""), at: 100)
        XCTAssertEqual(handle(.ended, at: 200), [.watch(from: "5")])
    }

    func testAWatchThatEndsAtOnceWithoutAnEventIsAFailure() {
        watch()
        XCTAssertEqual(handle(.ended, at: 900), [.cancel, .pause(187)])
        XCTAssertEqual(handle(.due, at: 1_100), [.watch(from: "5")])
    }

    func testAWatchThatWasQuietForMinutesIsFollowedByAList() {
        watch()
        XCTAssertEqual(handle(.ended, at: 240_000), [.cancel, .list(continuing: "")])
    }

    func testAQuietWatchWithBookmarksIsFollowedByAWatch() {
        watch()
        _ = handle(.progress(version: "9"), at: 60_000)
        XCTAssertEqual(handle(.ended, at: 240_000), [.watch(from: "9")])
    }

    func test410IsFollowedByAListAtOnceAndTheSecondTimeAfterAPause() {
        watch()
        XCTAssertEqual(handle(.failed(.expired), at: 100), [.cancel, .list(continuing: "")])
        _ = handle(.page(version: "9", more: ""), at: 110)
        _ = handle(.opened, at: 120)
        XCTAssertEqual(handle(.failed(.expired), at: 130), [.cancel, .pause(187)])
        XCTAssertEqual(machine.state, .pausing(.list))
    }

    func test410AfterAHealthyWatchIsFollowedByAListAtOnceAgain() {
        watch()
        _ = handle(.failed(.expired), at: 100)
        _ = handle(.page(version: "9", more: ""), at: 110)
        _ = handle(.opened, at: 120)
        XCTAssertEqual(handle(.failed(.expired), at: 11_000), [.cancel, .list(continuing: "")])
    }

    func test410InTheMiddleOfAListBeginsItAnew() {
        _ = handle(.start)
        _ = handle(.page(version: "5", more: "a"))
        XCTAssertEqual(handle(.failed(.expired)), [.cancel, .list(continuing: "")])
    }

    func testAResetIsFollowedByAWatchFromTheLastVersionAndNoList() {
        watch()
        _ = handle(.progress(version: "8"), at: 100)
        XCTAssertEqual(handle(.failed(.connection("reset")), at: 20_000), [.cancel, .pause(75)])
        XCTAssertEqual(handle(.due, at: 20_100), [.watch(from: "8")])
    }

    func testAVersionInTheFutureIsFollowedByAListAfterTheTimeThatTheServerNames() {
        watch()
        XCTAssertEqual(handle(failed(504, retryAfter: 1_000, isVersionTooLarge: true)), [.cancel, .pause(1_000)])
        XCTAssertEqual(handle(.due), [.list(continuing: "")])
    }

    func testTooManyRequestsIsFollowedByTheSameWatchAfterTheTimeThatTheServerNames() {
        watch()
        XCTAssertEqual(handle(failed(429, retryAfter: 3_000)), [.cancel, .pause(3_000)])
        XCTAssertEqual(handle(.due), [.watch(from: "5")])
    }

    func testAServerThatIsStartingIsAskedAgainWithinASecondWhateverItWishes() {
        for list in [false, true] {
            setUp()
            if list { _ = handle(.start) } else { watch() }
            for _ in 0..<20 {
                // What kube-apiserver says of custom resources until it has read their definitions.
                guard case .pause(let pause)? = handle(failed(503, retryAfter: 10_000)).last else { return XCTFail() }
                XCTAssertLessThanOrEqual(pause, 1_000)
                _ = handle(.due)
            }
        }
    }

    func testAKindThatIsNotThereIsListedWhenItMayBeBack() {
        watch()
        _ = handle(failed(404))
        XCTAssertEqual(handle(.due), [.list(continuing: "")])
    }

    func testForbiddenAndUnauthorizedNeverTurnAWatchIntoAList() {
        for status in [401, 403] {
            setUp()
            watch()
            for _ in 0..<20 {
                _ = handle(failed(status))
                XCTAssertEqual(handle(.due), [.watch(from: "5")], "\(status)")
            }
        }
    }

    func testADeniedAccountAsksAgainWithinHalfASecondAndAnyOtherRefusalIsLeftLonger() {
        for (status, longest) in [(401, Int64(375)), (403, 375), (500, 600), (503, 600), (429, 600)] {
            setUp()
            watch()
            var pauses: [Int64] = []
            for _ in 0..<4 {
                guard case .pause(let pause)? = handle(failed(status)).last else { return XCTFail("\(status)") }
                pauses.append(pause)
                _ = handle(.due)
            }
            XCTAssertEqual(pauses.max(), longest, "\(status): \(pauses)")
        }
    }

    func testAWatchThatTheServerCannotServeIsTriedFiveTimesThenListed() {
        watch()
        for _ in 0..<4 {
            _ = handle(failed(500))
            XCTAssertEqual(handle(.due), [.watch(from: "5")])
        }
        _ = handle(failed(500))
        XCTAssertEqual(handle(.due), [.list(continuing: "")])
    }

    func testAListWithoutAVersionIsNotAdopted() {
        _ = handle(.start)
        let actions = handle(.page(version: "", more: ""))
        XCTAssertFalse(actions.contains(.adopt))
        XCTAssertEqual(actions, [.cancel, .list(continuing: "")])
    }

    func testAServerThatEndsEveryWatchAtOnceIsAskedLessAndLess() {
        watch()
        var now: Int64 = 0
        var requests = 0
        while now < 60_000 {
            let actions = handle(.ended, at: now)
            guard case .pause(let pause)? = actions.last else { return XCTFail("\(actions)") }
            now += pause
            _ = handle(.due, at: now)
            _ = handle(.opened, at: now)
            requests += 1
        }
        XCTAssertLessThan(requests, 110)
    }
}
