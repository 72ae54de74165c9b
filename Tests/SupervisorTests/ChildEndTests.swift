import CLinux
import Glibc
import IPC
import Linux
import XCTest

@testable import Supervisor

/// Real children, and every way in which they can end.
final class ChildEndTests: XCTestCase {
    func testEveryExitCodeOfARealChildIsReportedAsItWas() throws {
        let nest = try Nest()
        for code: Int32 in 0...255 {
            XCTAssertEqual(try nest.run("exit \(code)").death, .exited(code))
        }
    }

    func testEverySignalThatEndsARealChildIsReportedAsItWas() throws {
        let nest = try Nest()
        // Ignored by every child of ours, because orders come over the channel; and what never ends a process.
        let survived: Set<Int32> = [
            SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, cl_sigrtmin(), cl_sigrtmin() + 1, SIGCHLD,
            SIGCONT,
            SIGURG,
            SIGWINCH,
        ]
        let stopping: Set<Int32> = [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU]
        for signal in Array(1...31) + Array(cl_sigrtmin()...64) where !stopping.contains(signal) {
            let death = try nest.run("kill -\(signal) $$; exit 200").death
            let expected: Death
            switch signal {
            case _ where survived.contains(signal): expected = .exited(200)
            case SIGSYS: expected = .sandboxViolation(reported: nil)
            case SIGILL, SIGTRAP: expected = .trap(signal)
            default: expected = .signalled(signal)
            }
            XCTAssertEqual(death, expected, "signal \(signal)")
        }
    }

    func testAChildThatIgnoresEverythingIsKilledAndTheReasonKept() throws {
        let nest = try Nest()
        nest.script("trap '' TERM; echo ready; exec sleep 60")
        let child = try nest.spawn()
        var wait = pollfd(fd: child.log.fd, events: Int16(POLLIN), revents: 0)
        XCTAssertEqual(poll(&wait, 1, 10_000), 1)
        XCTAssertEqual(cl_pidfd_signal(child.pidfd, SIGTERM), 0)
        XCTAssertNil(nest.end(of: child, within: 50))
        child.kill(because: "it was silent")
        child.kill(because: "another reason comes too late")
        XCTAssertEqual(nest.end(of: child), .killed("it was silent"))
    }

    func testAStoppedChildIsKilledAllTheSame() throws {
        let nest = try Nest()
        nest.script("echo stopping; kill -STOP $$; exit 1")
        let child = try nest.spawn()
        XCTAssertNil(nest.end(of: child, within: 200))
        child.kill(because: "it was silent")
        XCTAssertEqual(nest.end(of: child), .killed("it was silent"))
    }

    func testADeadChildCanBeKilledWithoutHarm() throws {
        let nest = try Nest()
        nest.script("exit 5")
        let child = try nest.spawn()
        var wait = pollfd(fd: child.pidfd, events: Int16(POLLIN), revents: 0)
        XCTAssertEqual(poll(&wait, 1, 10_000), 1)
        child.kill(because: "too late")
        // It was no kill of ours: what the kernel says counts.
        XCTAssertEqual(nest.end(of: child), .exited(5))
    }

    func testAHundredChildrenLeaveNoDescriptorAndNoProcessBehind() throws {
        let nest = try Nest()
        let before = openDescriptors()
        for i in 0..<100 { XCTAssertEqual(try nest.run("exit \(i)").death, .exited(Int32(i))) }
        XCTAssertEqual(openDescriptors(), before)
        var dead = cl_death()
        XCTAssertNotEqual(cl_peek_dead(&dead), 1, "a zombie is left")
    }
}
