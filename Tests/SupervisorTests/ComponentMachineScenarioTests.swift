import XCTest

@testable import Supervisor

/// Lives of a component, told from beginning to end.
final class ComponentMachineScenarioTests: XCTestCase {
    private typealias Event = ComponentMachine.Event
    private typealias Action = ComponentMachine.Action

    private func machine(longestPause: Int = 1000) -> ComponentMachine {
        ComponentMachine(policy: RestartPolicy(longestPause: longestPause))
    }

    /// Plays events and checks each action.
    private func play(
        _ machine: inout ComponentMachine, _ story: [(Event, Action)], file: StaticString = #filePath,
        line: UInt = #line
    ) {
        for (i, (event, action)) in story.enumerated() {
            XCTAssertEqual(machine.handle(event), action, "step \(i): \(event)", file: file, line: line)
        }
    }

    func testAQuietLife() {
        var machine = machine()
        play(
            &machine,
            [(.start, .spawn(.current)), (.ready(.current), .announceReady), (.stop, .stopProcesses)])
        XCTAssertEqual(machine.handle(.died(.current, fatal: false, livedReady: 10)), .none)
        XCTAssertEqual(machine.actual, .stopped)
        XCTAssertEqual(machine.restarts, 0)
    }

    func testFiveDeathsBeforeReadyAreOneTooManyAndFourAreNot() {
        let early = Event.died(.current, fatal: false, livedReady: nil)
        var machine = machine()
        play(
            &machine,
            [
                (.start, .spawn(.current)),
                (early, .retry(milliseconds: 0)), (.retryDue, .spawn(.current)),
                (early, .retry(milliseconds: 20)), (.retryDue, .spawn(.current)),
                (early, .retry(milliseconds: 40)), (.retryDue, .spawn(.current)),
                (early, .retry(milliseconds: 80)), (.retryDue, .spawn(.current)),
            ])
        var lucky = machine
        XCTAssertEqual(machine.handle(early), .giveUp)
        XCTAssertEqual(machine.actual, .failed)
        XCTAssertEqual(machine.restarts, 4)
        XCTAssertEqual(machine.handle(.retryDue), .none)
        XCTAssertEqual(lucky.handle(.ready(.current)), .announceReady)
        XCTAssertEqual(lucky.earlyDeaths, 0)
    }

    func testBecomingReadyOnceStartsTheCountOfEarlyDeathsAnew() {
        let early = Event.died(.current, fatal: false, livedReady: nil)
        var machine = machine()
        _ = machine.handle(.start)
        for round in 0..<20 {
            for _ in 0..<4 {
                guard case .retry = machine.handle(early) else { return XCTFail("round \(round)") }
                XCTAssertEqual(machine.handle(.retryDue), .spawn(.current))
            }
            XCTAssertEqual(machine.handle(.ready(.current)), .announceReady)
            guard case .retry = machine.handle(.died(.current, fatal: false, livedReady: 60_000)) else {
                return XCTFail("round \(round)")
            }
            XCTAssertEqual(machine.handle(.retryDue), .spawn(.current))
        }
    }

    func testMistakesInTheConfigurationEndItAtOnceButOnlyBeforeReady() {
        var machine = machine()
        _ = machine.handle(.start)
        var ready = machine
        XCTAssertEqual(machine.handle(.died(.current, fatal: true, livedReady: nil)), .giveUp)
        _ = ready.handle(.ready(.current))
        XCTAssertEqual(ready.handle(.died(.current, fatal: true, livedReady: 0)), .retry(milliseconds: 0))
    }

    func testADyingProxyIsTriedForeverWithPausesThatStopGrowing() {
        var machine = machine()
        _ = machine.handle(.start)
        var pauses: [Int] = []
        for _ in 0..<200 {
            XCTAssertEqual(machine.handle(.ready(.current)), .announceReady)
            guard case .retry(let pause) = machine.handle(.died(.current, fatal: false, livedReady: 5)) else {
                return XCTFail("gave up")
            }
            pauses.append(pause)
            XCTAssertEqual(machine.handle(.retryDue), .spawn(.current))
        }
        XCTAssertEqual(Array(pauses[..<10]), [0, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000])
        XCTAssertEqual(pauses, pauses.sorted())
        XCTAssertEqual(pauses.last, 1000)
        XCTAssertEqual(machine.restarts, 200)
    }

    func testALongLifeMakesTheNextPauseShortAgain() {
        var machine = machine()
        _ = machine.handle(.start)
        for _ in 0..<10 {
            _ = machine.handle(.ready(.current))
            _ = machine.handle(.died(.current, fatal: false, livedReady: 999))
            _ = machine.handle(.retryDue)
        }
        _ = machine.handle(.ready(.current))
        XCTAssertEqual(machine.handle(.died(.current, fatal: false, livedReady: 1000)), .retry(milliseconds: 0))
    }

    func testARequestedRestartStartsTheNewOneBeforeTheOldOneGoes() {
        var machine = machine()
        play(
            &machine,
            [
                (.start, .spawn(.current)), (.ready(.current), .announceReady),
                (.restartRequested, .spawn(.replacement)),
                // Orders that come meanwhile are the same order.
                (.restartRequested, .none), (.restartRequested, .none),
                (.ready(.replacement), .promote),
            ])
        XCTAssertTrue(machine.isReady)
        XCTAssertFalse(machine.isReplacing)
        XCTAssertEqual(machine.restarts, 1)
        XCTAssertEqual(machine.handle(.restartRequested), .spawn(.replacement))
    }

    func testAReplacementThatDiesLeavesTheOldOneServingHoweverOften() {
        var machine = machine()
        _ = machine.handle(.start)
        _ = machine.handle(.ready(.current))
        for fatal in [false, true, false, true, false, false, false] {
            XCTAssertEqual(machine.handle(.restartRequested), .spawn(.replacement))
            XCTAssertEqual(machine.handle(.died(.replacement, fatal: fatal, livedReady: nil)), .abandonReplacement)
            XCTAssertTrue(machine.isReady)
        }
        XCTAssertEqual(machine.earlyDeaths, 0)
    }

    func testACurrentProcessThatDiesDuringARestartIsSucceededByItsReplacement() {
        var machine = machine()
        play(
            &machine,
            [
                (.start, .spawn(.current)), (.ready(.current), .announceReady),
                (.restartRequested, .spawn(.replacement)),
                (.died(.current, fatal: false, livedReady: 100), .adoptReplacement),
            ])
        XCTAssertFalse(machine.isReady)
        // It is now the current one, in what it says and in how it dies.
        var dies = machine
        XCTAssertEqual(machine.handle(.ready(.current)), .announceReady)
        XCTAssertEqual(dies.handle(.died(.current, fatal: false, livedReady: nil)), .retry(milliseconds: 0))
        XCTAssertEqual(dies.earlyDeaths, 1)
    }

    func testAnOrderRevivesWhatWasGivenUp() {
        var machine = machine()
        _ = machine.handle(.start)
        XCTAssertEqual(machine.handle(.died(.current, fatal: true, livedReady: nil)), .giveUp)
        XCTAssertEqual(machine.handle(.restartRequested), .spawn(.current))
        // With all its tries.
        for _ in 0..<4 {
            guard case .retry = machine.handle(.died(.current, fatal: false, livedReady: nil)) else { return XCTFail() }
            XCTAssertEqual(machine.handle(.retryDue), .spawn(.current))
        }
        XCTAssertEqual(machine.handle(.died(.current, fatal: false, livedReady: nil)), .giveUp)
    }

    func testAnOrderShortensThePause() {
        var machine = machine()
        _ = machine.handle(.start)
        _ = machine.handle(.died(.current, fatal: false, livedReady: nil))
        XCTAssertEqual(machine.handle(.restartRequested), .spawn(.current))
        // The retry that was planned finds the work done.
        XCTAssertEqual(machine.handle(.retryDue), .none)
    }

    func testALackOfDescriptorsIsWaitedOutHoweverLong() {
        var machine = machine()
        _ = machine.handle(.start)
        for _ in 0..<100 {
            guard case .retry(let pause) = machine.handle(.spawnLackedResources(.current)) else { return XCTFail() }
            XCTAssertLessThanOrEqual(pause, 1000)
            XCTAssertEqual(machine.handle(.retryDue), .spawn(.current))
        }
        XCTAssertEqual(machine.handle(.ready(.current)), .announceReady)
    }

    func testWhatIsLetGoIsNotStartedAgain() {
        var machine = machine()
        play(
            &machine,
            [
                (.start, .spawn(.current)), (.ready(.current), .announceReady), (.letGo, .none),
                (.died(.current, fatal: false, livedReady: 5), .none), (.retryDue, .none), (.restartRequested, .none),
            ])
        XCTAssertEqual(machine.actual, .stopped)
    }

    func testAStopDuringAPauseCancelsTheRetry() {
        var machine = machine()
        play(
            &machine,
            [
                (.start, .spawn(.current)), (.died(.current, fatal: false, livedReady: nil), .retry(milliseconds: 0)),
                (.stop, .stopProcesses), (.retryDue, .none), (.restartRequested, .none),
            ])
        XCTAssertEqual(machine.actual, .stopped)
    }

    func testAReadyThatCrossesWithAStopChangesNothing() {
        var machine = machine()
        play(&machine, [(.start, .spawn(.current)), (.stop, .stopProcesses), (.ready(.current), .none)])
        XCTAssertFalse(machine.isReady)
    }
}
