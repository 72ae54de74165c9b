import XCTest

@testable import IPC

/// A channel that is missing is told of once it has been for most of the time between two pings.
final class AbsenceTests: XCTestCase {
    func testItLastsFromOnePingToTheNext() {
        var absence = Absence()
        XCTAssertFalse(absence.lasts(false, now: 1000))
        XCTAssertFalse(absence.lasts(true, now: 6000))
        XCTAssertTrue(absence.lasts(true, now: 11_000))
        XCTAssertTrue(absence.lasts(true, now: 16_000), "with each ping until it ends")
        XCTAssertFalse(absence.lasts(false, now: 21_000))
        XCTAssertFalse(absence.lasts(true, now: 26_000), "another one")
    }

    func testPingsThatComeAtOnceAreOne() {
        var absence = Absence()
        XCTAssertFalse(absence.lasts(true, now: 9000))
        XCTAssertFalse(absence.lasts(true, now: 9000))
        XCTAssertFalse(absence.lasts(true, now: 12_999))
        XCTAssertTrue(absence.lasts(true, now: 13_000))
    }

    func testAnotherChannelEndsIt() {
        var absence = Absence()
        XCTAssertFalse(absence.lasts(true, now: 6000))
        absence.end()
        XCTAssertFalse(absence.lasts(true, now: 11_000), "the loops may not have taken it up yet")
        XCTAssertFalse(absence.lasts(false, now: 16_000))
    }
}
