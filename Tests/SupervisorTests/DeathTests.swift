import CLinux
import Glibc
import IPC
import XCTest

@testable import Supervisor

/// What a child died of, for every way there is to die.
final class DeathTests: XCTestCase {
    private static let exited: Int32 = 1
    private static let killed: Int32 = 2
    private static let dumped: Int32 = 3

    private func death(_ code: Int32, _ status: Int32, because: String? = nil, outOfMemory: Bool = false) -> Death {
        Death(cl_death(pid: 1, code: code, status: status), killedBecause: because, outOfMemory: outOfMemory)
    }

    func testEveryExitCodeIsReportedAsItWas() {
        for code: Int32 in 0...255 {
            for because in [nil, "a reason"] {
                for outOfMemory in [false, true] {
                    let death = death(Self.exited, code, because: because, outOfMemory: outOfMemory)
                    XCTAssertEqual(death, .exited(code))
                    XCTAssertEqual(death.isFatal, code == 64, "exit \(code)")
                    if let known = ExitCode(rawValue: code) {
                        XCTAssertEqual(death.description, "exit \(code) (\(known.name))")
                    } else {
                        XCTAssertEqual(death.description, "exit \(code)")
                    }
                }
            }
        }
    }

    func testAWallThatCouldNotBePutUpIsToldFromOtherEnds() {
        for stage: Int32 in 1...9 {
            let missing = Death.neverRan(stage: stage, error: EPERM).missingWall
            XCTAssertEqual(missing != nil, [5, 7, 8, 9].contains(stage), "stage \(stage)")
        }
        XCTAssertEqual(
            Death.neverRan(stage: 9, error: EPERM).missingWall,
            "giving up capabilities failed (Operation not permitted)")
        for code: Int32 in 0...255 { XCTAssertEqual(Death.exited(code).missingWall != nil, code == 78, "exit \(code)") }
        for death: Death in [.signalled(78), .sandboxViolation(reported: nil), .trap(4), .outOfMemory, .killed("78")] {
            XCTAssertNil(death.missingWall)
        }
    }

    func testEverySignalIsReportedAsItWas() {
        for signal: Int32 in 1...64 {
            for code in [Self.killed, Self.dumped] {
                let death = death(code, signal)
                switch signal {
                case SIGSYS: XCTAssertEqual(death, .sandboxViolation(reported: nil))
                case SIGILL, SIGTRAP: XCTAssertEqual(death, .trap(signal))
                default: XCTAssertEqual(death, .signalled(signal))
                }
                XCTAssertFalse(death.isFatal)
                XCTAssertTrue(death.description.hasPrefix("signal \(signal) ("), death.description)
            }
        }
    }

    func testTheSignalsThatMeanSomethingAreNamed() {
        let names: [(Int32, String)] = [
            (SIGHUP, "SIGHUP"), (SIGINT, "SIGINT"), (SIGQUIT, "SIGQUIT"), (SIGILL, "SIGILL"), (SIGTRAP, "SIGTRAP"),
            (SIGABRT, "SIGABRT"), (SIGBUS, "SIGBUS"), (SIGFPE, "SIGFPE"), (SIGKILL, "SIGKILL"), (SIGUSR1, "SIGUSR1"),
            (SIGSEGV, "SIGSEGV"), (SIGUSR2, "SIGUSR2"), (SIGPIPE, "SIGPIPE"), (SIGALRM, "SIGALRM"),
            (SIGTERM, "SIGTERM"),
            (SIGXCPU, "SIGXCPU"), (SIGXFSZ, "SIGXFSZ"), (SIGSYS, "SIGSYS"),
        ]
        for (signal, name) in names { XCTAssertEqual(Death.name(of: signal), name) }
        XCTAssertEqual(Death.name(of: cl_sigrtmin()), "SIGRTMIN+0")
        XCTAssertEqual(Death.name(of: cl_sigrtmin() + 1), "SIGRTMIN+1")
        let all = (1...64).map { Death.name(of: $0) }.filter { $0 != "unnamed" }
        XCTAssertEqual(Set(all).count, all.count, "two signals share a name")
    }

    func testOnlyAKillCanBeOursOrTheMemorysFault() {
        for signal: Int32 in 1...64 where signal != SIGKILL {
            XCTAssertEqual(
                death(Self.killed, signal, because: "it was silent", outOfMemory: true), death(Self.killed, signal),
                "signal \(signal)")
        }
        XCTAssertEqual(death(Self.killed, SIGKILL), .signalled(SIGKILL))
        XCTAssertEqual(death(Self.killed, SIGKILL, outOfMemory: true), .outOfMemory)
        XCTAssertEqual(death(Self.killed, SIGKILL, because: "it was silent"), .killed("it was silent"))
        // We know that we killed it; of the memory we only guess.
        XCTAssertEqual(
            death(Self.killed, SIGKILL, because: "it was silent", outOfMemory: true), .killed("it was silent"))
    }

    func testDescriptionsTellPeopleWhatHappened() {
        XCTAssertEqual(death(Self.exited, 0).description, "exit 0 (ok)")
        XCTAssertEqual(death(Self.exited, 64).description, "exit 64 (configuration)")
        XCTAssertEqual(death(Self.exited, 127).description, "exit 127")
        XCTAssertEqual(death(Self.dumped, SIGSEGV).description, "signal 11 (SIGSEGV)")
        XCTAssertEqual(
            death(Self.dumped, SIGSYS).description,
            "signal 31 (SIGSYS): sandbox violation: the system call is in the host's audit log only")
        XCTAssertEqual(death(Self.dumped, SIGTRAP).description, "signal 5 (SIGTRAP): a precondition failed")
        XCTAssertEqual(death(Self.killed, SIGKILL, outOfMemory: true).description, "signal 9 (SIGKILL): out of memory")
        XCTAssertEqual(
            death(Self.killed, SIGKILL, because: "it was silent").description, "killed by the supervisor: it was silent"
        )
        XCTAssertEqual(
            Death.neverRan(stage: 6, error: ENOENT).description,
            "could not be started: exec: No such file or directory")
        XCTAssertEqual(
            Death.neverRan(stage: 3, error: EPERM).description,
            "could not be started: setting limits: Operation not permitted")
    }

    /// A process that was taken over can report what it likes: it is passed on as its word, and changes nothing else.
    func testATrappedSystemCallIsNamedAsItsProcessReportedIt() {
        func violation(_ status: Int32, _ number: UInt32) -> Death {
            Death(
                cl_death(pid: 1, code: Self.killed, status: status), killedBecause: nil, outOfMemory: false,
                reportedViolation: number)
        }
        // Of the numbers that every architecture has, some name or the number itself.
        for number: UInt32 in [0, 1, 41, 198, 59, 221, 100_000, .max] {
            guard case .sandboxViolation(let reported?) = violation(SIGSYS, number) else {
                return XCTFail("not a violation")
            }
            XCTAssertFalse(reported.isEmpty)
            XCTAssertTrue(
                violation(SIGSYS, number).description.contains("system call \(reported), as reported by the process"))
        }
        XCTAssertEqual(violation(SIGSYS, 100_000), .sandboxViolation(reported: "number 100000"))
        XCTAssertEqual(violation(SIGSYS, .max), .sandboxViolation(reported: "number 4294967295"))
        for signal in [SIGKILL, SIGSEGV, SIGTRAP] { XCTAssertEqual(violation(signal, 1), death(Self.killed, signal)) }
    }

    func testEveryStageBetweenForkAndExecHasItsOwnName() {
        let names = (1...8).map { Death.neverRan(stage: $0, error: EPERM).description }
        XCTAssertEqual(Set(names).count, 8)
        for stage: Int32 in 1...8 { XCTAssertFalse(Death.neverRan(stage: stage, error: ENOENT).isFatal) }
    }
}
