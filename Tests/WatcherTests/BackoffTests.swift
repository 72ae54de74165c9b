import XCTest

@testable import Watcher

final class BackoffTests: XCTestCase {
    func testConnectionsAreTriedWithin700MillisecondsForFiveMinutesAndThenWithin5Seconds() {
        var backoff = Backoff()
        var pauses: [Int64] = []
        for _ in 0..<8 { pauses.append(backoff.afterConnection(now: 1_000, random: 1)) }
        XCTAssertEqual(pauses, [100, 200, 400, 700, 700, 700, 700, 700])
        XCTAssertEqual(backoff.afterConnection(now: 300_999, random: 1), 700)
        XCTAssertEqual(backoff.afterConnection(now: 301_000, random: 1), 5_000)
        for _ in 0..<100 { XCTAssertEqual(backoff.afterConnection(now: 999_000, random: 1), 5_000) }
    }

    func testUselessAnswersAreTriedWithin800MillisecondsForTwoMinutesAndThenUpTo30Seconds() {
        var backoff = Backoff()
        var pauses: [Int64] = []
        for _ in 0..<4 { pauses.append(backoff.afterAnswer(now: 0, random: 1)) }
        XCTAssertEqual(pauses, [250, 500, 800, 800])
        pauses = []
        for _ in 0..<8 { pauses.append(backoff.afterAnswer(now: 120_000, random: 1)) }
        XCTAssertEqual(pauses, [1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000])
        for _ in 0..<100 { XCTAssertEqual(backoff.afterAnswer(now: 9_000_000, random: 1), 30_000) }
    }

    func testADeniedAccountIsTriedWithinHalfASecondForTwoMinutesAndThenUpTo30Seconds() {
        var backoff = Backoff()
        var pauses: [Int64] = []
        for _ in 0..<4 { pauses.append(backoff.afterAnswer(now: 0, random: 1, isDenial: true)) }
        XCTAssertEqual(pauses, [250, 500, 500, 500])
        pauses = []
        for _ in 0..<6 { pauses.append(backoff.afterAnswer(now: 120_000, random: 1, isDenial: true)) }
        XCTAssertEqual(pauses, [1_600, 3_200, 6_400, 12_800, 25_600, 30_000])
    }

    func testPausesLieBetweenHalfAndTheWhole() {
        for step in 0...100 {
            let random = Double(step) / 101
            var backoff = Backoff()
            let connection = backoff.afterConnection(now: 0, random: random)
            XCTAssertTrue((50...100).contains(connection), "\(connection)")
            let answer = backoff.afterAnswer(now: 0, random: random)
            XCTAssertTrue((125...250).contains(answer), "\(answer)")
        }
    }

    func testAServersWishIsFollowedUpTo30Seconds() {
        var backoff = Backoff()
        XCTAssertEqual(backoff.afterAnswer(now: 0, random: 0, wish: 7_000), 7_000)
        XCTAssertEqual(backoff.afterAnswer(now: 0, random: 0, wish: 3_600_000), 30_000)
    }

    func testAGoodListEndsAnOutageButNotTheCountOfExpiries() {
        var backoff = Backoff()
        XCTAssertEqual(backoff.afterExpiry(now: 0, random: 1), 0)
        for _ in 0..<5 { _ = backoff.afterAnswer(now: 0, random: 1) }
        backoff.listed()
        XCTAssertEqual(backoff.afterAnswer(now: 500_000, random: 1), 250)
        backoff.listed()
        XCTAssertEqual(backoff.afterExpiry(now: 0, random: 1), 250)
        backoff.reset()
        XCTAssertEqual(backoff.afterExpiry(now: 0, random: 1), 0)
    }

    func testTheOtherCollectionIsAskedForAtOnceWhenADeniedOneIsShownAgain() {
        let denied = Failure.refused(.init(status: 403))
        var denials = Denials()
        XCTAssertFalse(denials.works("pods"))
        denials.failed("pods", denied)
        denials.failed("pool", denied)
        XCTAssertTrue(denials.works("pool"))
        // Once for each denial, however much is shown.
        XCTAssertFalse(denials.works("pool"))
        XCTAssertFalse(denials.works("pods"))
        // Denied alone, or failed in another way since: its own pause counts.
        denials.failed("pods", denied)
        XCTAssertFalse(denials.works("pool"))
        denials.failed("pool", .refused(.init(status: 401)))
        denials.failed("pods", .refused(.init(status: 429)))
        XCTAssertFalse(denials.works("pool"))
    }
}
