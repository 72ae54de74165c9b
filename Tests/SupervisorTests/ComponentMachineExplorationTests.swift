import XCTest

@testable import Supervisor

/// A component's machine in every state it can reach, met with every event: found by going on from each new state until
/// there are no new ones.
final class ComponentMachineExplorationTests: XCTestCase {
    /// What tells two states apart. Deaths beyond these many make no difference any more; the count of restarts never does.
    private struct Key: Hashable {
        var wanted: ComponentMachine.Wanted
        var actual: ComponentMachine.Actual
        var isReplacing: Bool
        var earlyDeaths: Int
        var shortLives: Int

        init(_ machine: ComponentMachine) {
            wanted = machine.wanted
            actual = machine.actual
            isReplacing = machine.isReplacing
            earlyDeaths = min(machine.earlyDeaths, 8)
            shortLives = min(machine.shortLives, 24)
        }
    }

    private struct Step {
        var before: ComponentMachine
        var event: ComponentMachine.Event
        var action: ComponentMachine.Action
        var after: ComponentMachine
        var label: String { "\(before) + \(event) → \(action), \(after)" }
    }

    private static let policies = [
        RestartPolicy(longestPause: 1000), RestartPolicy(longestPause: 30_000),
        RestartPolicy(mostEarlyDeaths: 1, longestPause: 0),
        RestartPolicy(mostEarlyDeaths: 3, longestPause: 70, shortLife: 5),
    ]

    private static let events: [ComponentMachine.Event] = {
        var events: [ComponentMachine.Event] = [.start, .retryDue, .restartRequested, .letGo, .stop]
        for which in ComponentMachine.Which.allCases {
            events += [.ready(which), .spawnLackedResources(which)]
            for fatal in [false, true] {
                for lived: Int64? in [nil, 0, 4, 5, 999, 1000, 86_400_000] {
                    events.append(.died(which, fatal: fatal, livedReady: lived))
                }
            }
        }
        return events
    }()

    /// Every step from every reachable state.
    private func steps(_ policy: RestartPolicy) -> [Step] {
        var seen: Set<Key> = []
        var queue = [ComponentMachine(policy: policy)]
        var steps: [Step] = []
        seen.insert(Key(queue[0]))
        while let machine = queue.popLast() {
            for event in Self.events {
                var next = machine
                let action = next.handle(event)
                steps.append(Step(before: machine, event: event, action: action, after: next))
                if seen.insert(Key(next)).inserted { queue.append(next) }
            }
        }
        return steps
    }

    private func forEveryStep(_ check: (RestartPolicy, Step) -> Void) {
        for policy in Self.policies {
            for step in steps(policy) { check(policy, step) }
        }
    }

    func testTheExplorationReachesEveryActualStateAndEveryAction() {
        let steps = steps(RestartPolicy(longestPause: 1000))
        XCTAssertEqual(Set(steps.map(\.after.actual)), Set(ComponentMachine.Actual.allCases))
        let actions = steps.map(\.action)
        for action: ComponentMachine.Action in [
            .none, .spawn(.current), .spawn(.replacement), .retry(milliseconds: 0), .retry(milliseconds: 1000),
            .announceReady, .promote, .adoptReplacement, .abandonReplacement, .giveUp, .stopProcesses,
        ] {
            XCTAssertTrue(actions.contains(action), "\(action)")
        }
        XCTAssertGreaterThan(steps.count, 3000)
    }

    func testWantedAndActualFitTogether() {
        forEveryStep { _, step in
            switch step.after.wanted {
            case .up: XCTAssertNotEqual(step.after.actual, .stopped, step.label)
            // Wanted down: nothing is planned, but a process may still be on its way out.
            case .down:
                XCTAssertTrue([.stopped, .starting, .running].contains(step.after.actual), step.label)
                XCTAssertFalse(step.after.isReplacing, step.label)
            }
            XCTAssertEqual(step.after.isReady, step.after.actual == .running, step.label)
        }
    }

    func testAReplacementExistsOnlyBesideARunningProcess() {
        forEveryStep { _, step in
            if step.after.isReplacing { XCTAssertEqual(step.after.actual, .running, step.label) }
        }
    }

    func testWhatIsWantedChangesOnlyByOrder() {
        forEveryStep { _, step in
            switch step.event {
            case .start: XCTAssertEqual(step.after.wanted, .up, step.label)
            case .letGo, .stop: XCTAssertEqual(step.after.wanted, .down, step.label)
            default: XCTAssertEqual(step.after.wanted, step.before.wanted, step.label)
            }
        }
    }

    func testNothingIsStartedThatIsNotWanted() {
        forEveryStep { _, step in
            switch step.action {
            case .spawn, .retry: XCTAssertEqual(step.after.wanted, .up, step.label)
            default: break
            }
        }
    }

    func testItGivesUpOnlyByRule() {
        forEveryStep { policy, step in
            let entered = step.after.actual == .failed && step.before.actual != .failed
            XCTAssertEqual(step.action == .giveUp, entered, step.label)
            guard entered else { return }
            guard case .died(.current, let fatal, nil) = step.event else {
                XCTFail("gave up for something else: \(step.label)")
                return
            }
            XCTAssertTrue(fatal || step.before.earlyDeaths + 1 >= policy.mostEarlyDeaths, step.label)
            XCTAssertFalse(step.before.isReplacing, step.label)
        }
    }

    func testADeathBeforeReadyThatTheRuleNamesDoesLeadToGivingUp() {
        forEveryStep { policy, step in
            guard case .died(.current, let fatal, nil) = step.event, step.before.wanted == .up,
                !step.before.isReplacing,
                step.before.actual == .starting
            else { return }
            let last = fatal || step.before.earlyDeaths + 1 >= policy.mostEarlyDeaths
            XCTAssertEqual(step.after.actual, last ? .failed : .backoff, step.label)
        }
    }

    func testADeathAfterReadyNeverFails() {
        forEveryStep { _, step in
            guard case .died(.current, _, .some) = step.event else { return }
            if step.before.actual != .failed { XCTAssertNotEqual(step.after.actual, .failed, step.label) }
            XCTAssertEqual(step.after.earlyDeaths, step.before.earlyDeaths, step.label)
        }
    }

    func testBecomingReadyForgetsEarlyDeaths() {
        forEveryStep { _, step in
            if step.action == .announceReady || step.action == .promote {
                XCTAssertEqual(step.after.earlyDeaths, 0, step.label)
                XCTAssertEqual(step.after.actual, .running, step.label)
            }
        }
    }

    func testFailedIsLeftOnlyByOrder() {
        forEveryStep { _, step in
            guard step.before.actual == .failed else { return }
            switch step.event {
            case .restartRequested:
                XCTAssertEqual(step.action, .spawn(.current), step.label)
                XCTAssertEqual(step.after.actual, .starting, step.label)
            case .stop, .letGo: XCTAssertEqual(step.after.actual, .stopped, step.label)
            default:
                XCTAssertEqual(step.after, step.before, step.label)
                XCTAssertEqual(step.action, .none, step.label)
            }
        }
    }

    func testPausesAreBoundedByThePolicyAndBelongToBackoff() {
        forEveryStep { policy, step in
            let entered = step.after.actual == .backoff && step.before.actual != .backoff
            if case .retry(let milliseconds) = step.action {
                XCTAssertTrue(entered, step.label)
                XCTAssertTrue((0...max(0, policy.longestPause)).contains(milliseconds), step.label)
            } else {
                XCTAssertFalse(entered, step.label)
            }
        }
    }

    func testPausesGrowWithShortLivesAndShrinkOnlyAfterALongOne() {
        for policy in Self.policies {
            var pauses: [Int: Int] = [:]
            for step in steps(policy) {
                guard case .retry(let milliseconds) = step.action else { continue }
                let lives = step.after.shortLives
                XCTAssertEqual(pauses[lives, default: milliseconds], milliseconds, "the pause is the lives' alone")
                pauses[lives] = milliseconds
                if case .died(_, _, let lived?) = step.event, lived >= policy.shortLife {
                    XCTAssertEqual(lives, 0, step.label)
                } else {
                    XCTAssertEqual(lives, step.before.shortLives + 1, step.label)
                }
            }
            for (lives, pause) in pauses {
                if let longer = pauses[lives + 1] {
                    XCTAssertGreaterThanOrEqual(longer, pause, "\(policy): after \(lives) short lives")
                }
            }
            XCTAssertEqual(pauses.values.max(), policy.longestPause)
        }
    }

    func testAProcessIsStartedExactlyWhenOneBeginsToExist() {
        forEveryStep { _, step in
            let begins = step.after.actual == .starting && step.before.actual != .starting
            switch step.action {
            case .spawn(.current):
                XCTAssertEqual(step.after.actual, .starting, step.label)
                XCTAssertFalse(step.after.isReplacing, step.label)
            case .spawn(.replacement): XCTAssertTrue(step.after.isReplacing && !step.before.isReplacing, step.label)
            case .adoptReplacement: XCTAssertTrue(begins && step.before.isReplacing, step.label)
            default: XCTAssertFalse(begins, step.label)
            }
        }
    }

    func testAReplacementEndsInExactlyOneWay() {
        forEveryStep { _, step in
            let ends = step.before.isReplacing && !step.after.isReplacing
            switch step.action {
            case .promote, .adoptReplacement, .abandonReplacement: XCTAssertTrue(ends, step.label)
            case .stopProcesses, .none:
                // Everything is going down; the shell stops the replacement with the rest.
                if ends { XCTAssertEqual(step.after.wanted, .down, step.label) }
            default: XCTAssertFalse(ends, step.label)
            }
            if step.action == .abandonReplacement {
                XCTAssertEqual(step.after.actual, .running, "the old process goes on: \(step.label)")
            }
        }
    }

    func testEveryStartButTheFirstCountsAsARestart() {
        forEveryStep { _, step in
            var expected = step.before.restarts
            if case .spawn = step.action, step.event != .start { expected += 1 }
            XCTAssertEqual(step.after.restarts, expected, step.label)
        }
    }

    func testALackOfResourcesIsNobodysFault() {
        forEveryStep { _, step in
            guard case .spawnLackedResources = step.event else { return }
            XCTAssertEqual(step.after.earlyDeaths, step.before.earlyDeaths, step.label)
            XCTAssertFalse(step.after.actual == .failed && step.before.actual != .failed, step.label)
        }
    }

    func testAnEventThatAsksForNothingAboutAReplacementLeavesTheCurrentProcessAlone() {
        forEveryStep { _, step in
            switch step.event {
            case .died(.replacement, _, _), .spawnLackedResources(.replacement):
                XCTAssertEqual(step.after.actual, step.before.actual, step.label)
                XCTAssertEqual(step.after.earlyDeaths, step.before.earlyDeaths, step.label)
                XCTAssertEqual(step.after.shortLives, step.before.shortLives, step.label)
            default: break
            }
        }
    }
}
