import CLinux
import IPC
import XCTest

@testable import Audit

/// Which wall is named for how twins ended.
final class OutcomeTests: XCTestCase {
    private let attack = Attack("x", "x", [("openat", [])])

    private func death(code: Int32, status: Int32) -> cl_death { cl_death(pid: 1, code: code, status: status) }

    func testDeathBySIGSYSIsTheFilters() {
        XCTAssertEqual(
            Outcome(said: "attacking\n", death: death(code: 2, status: 31), reported: nil), .killed(reported: nil))
        XCTAssertEqual(Outcome(said: "", death: death(code: 2, status: 31), reported: 4), .killed(reported: 4))
        XCTAssertEqual(Outcome(said: "", death: death(code: 2, status: 11), reported: nil), .died(signal: 11))
    }

    func testAResultIsReadFromWhatTheTwinSaid() {
        XCTAssertEqual(
            Outcome(said: "attacking\nresult 0\n", death: death(code: 1, status: 0), reported: nil), .through)
        XCTAssertEqual(Outcome(said: "result 13\n", death: death(code: 1, status: 0), reported: nil), .failed(13))
        XCTAssertEqual(Outcome(said: "unprepared 1\n", death: death(code: 1, status: 0), reported: nil), .unprepared(1))
    }

    func testSilenceIsNeverTakenForADenial() {
        XCTAssertFalse(Outcome(said: "", death: death(code: 1, status: 78), reported: nil).isDenied)
        XCTAssertFalse(Outcome(said: "result 0\n", death: nil, reported: nil).isDenied)
    }

    func testSeccompIsNamedAndLandlockBehindIt() {
        let trials = Trials(
            full: .killed(reported: nil), filterOnly: .killed(reported: nil), landlockOnly: .failed(13),
            identity: .through)
        XCTAssertEqual(trials.deniedBy(attack).wall, "seccomp kill")
        XCTAssertEqual(trials.deniedBy(attack).behind, "Landlock")
    }

    func testLandlockIsNamedWhereOnlyItDenies() {
        let trials = Trials(full: .failed(13), filterOnly: .through, landlockOnly: .failed(13), identity: .through)
        XCTAssertEqual(trials.deniedBy(attack).wall, "Landlock (Permission denied)")
    }

    func testTheUserIsNamedWhereRootMay() {
        let trials = Trials(
            full: .failed(1), filterOnly: .failed(1), landlockOnly: .failed(1), identity: .failed(1), nothing: .through)
        XCTAssertEqual(trials.deniedBy(attack).wall, "DAC/uid (Operation not permitted)")
    }

    func testTheSupervisorsFilterIsNamedWhereNoControlDenies() {
        let trials = Trials(full: .failed(1), filterOnly: .through, landlockOnly: .through, identity: .through)
        XCTAssertEqual(trials.deniedBy(attack).wall, "seccomp errno (Operation not permitted)")
    }
}
