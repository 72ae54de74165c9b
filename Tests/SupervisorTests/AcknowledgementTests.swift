import XCTest

@testable import Supervisor

/// A dialer must say in time that it goes by a new snapshot.
final class AcknowledgementTests: XCTestCase {
    private let patience = Acknowledgement.patience
    private var answer = Acknowledgement()

    override func setUp() { answer = Acknowledgement() }

    private func order(_ generation: UInt64, at now: Int64) {
        answer.demand(generation, now: now)
        answer.send(generation)
    }

    func testNothingIsOwedBeforeTheFirstOrderAndAfterTheAnswer() {
        XCTAssertNil(answer.deadline(readyAt: 0))
        order(1, at: 100)
        XCTAssertEqual(answer.deadline(readyAt: 0), 100 + patience)
        XCTAssertTrue(answer.hear(1, now: 101))
        XCTAssertNil(answer.deadline(readyAt: 0))
        XCTAssertEqual(answer.inForce, 1)
    }

    func testNewerOrdersDoNotMoveTheDeadline() {
        for generation in UInt64(1)...100 { order(generation, at: Int64(generation) * 50) }
        XCTAssertEqual(answer.deadline(readyAt: 0), 50 + patience)
    }

    func testAnAnswerToOldOrdersBuysOneMorePatienceAndNoMore() {
        for generation in UInt64(1)...10 { order(generation, at: 0) }
        // One at a time, each at the last moment.
        XCTAssertTrue(answer.hear(1, now: patience - 1))
        let deadline = answer.deadline(readyAt: 0)
        XCTAssertEqual(deadline, 2 * patience - 1)
        for generation in UInt64(2)...9 { XCTAssertTrue(answer.hear(generation, now: 2 * patience - 2)) }
        XCTAssertEqual(answer.deadline(readyAt: 0), deadline, "the tenth is awaited since the first was answered")
        XCTAssertTrue(answer.hear(10, now: 2 * patience - 2))
        XCTAssertNil(answer.deadline(readyAt: 0))
    }

    func testAnOrderThatFoundNoRoomIsOwedToo() {
        answer.demand(1, now: 0)
        answer.demand(2, now: 3_000)
        XCTAssertEqual(answer.deadline(readyAt: 0), patience)
        XCTAssertFalse(answer.hear(1, now: 10), "it was never sent")
    }

    func testBeforeItIsReadyItOwesNothing() {
        order(1, at: 0)
        XCTAssertEqual(answer.deadline(readyAt: 20_000), 20_000 + patience)
    }

    func testOverdueIsJudgedAtTheDeadlineAndBeginsAnewWhenTheJudgeWasStoppedItself() {
        order(1, at: 0)
        XCTAssertFalse(answer.isOverdue(readyAt: 0, now: patience - 1))
        XCTAssertTrue(answer.isOverdue(readyAt: 0, now: patience))
        XCTAssertTrue(answer.isOverdue(readyAt: 0, now: patience + Acknowledgement.ownDelay))
        // Both were frozen for a minute.
        XCTAssertFalse(answer.isOverdue(readyAt: 0, now: 60_000))
        XCTAssertFalse(answer.isOverdue(readyAt: 0, now: 60_000 + patience - 1))
        XCTAssertTrue(answer.isOverdue(readyAt: 0, now: 60_000 + patience))
    }

    func testAGenerationThatWasNeverSentIsALie() {
        XCTAssertFalse(answer.hear(1, now: 0))
        order(3, at: 0)
        XCTAssertFalse(answer.hear(4, now: 0))
        XCTAssertFalse(answer.hear(.max, now: 0))
        XCTAssertEqual(answer.inForce, 0)
        XCTAssertTrue(answer.hear(3, now: 0))
        // Said again, or an older one: late, and no lie.
        XCTAssertTrue(answer.hear(2, now: 0))
        XCTAssertEqual(answer.inForce, 3)
        XCTAssertNil(answer.deadline(readyAt: 0))
    }
}
