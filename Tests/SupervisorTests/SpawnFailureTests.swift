import CLinux
import Glibc
import IPC
import Linux
import XCTest

@testable import Supervisor

/// Children that never come to be: the supervisor must know why, and must have lost nothing by it.
final class SpawnFailureTests: XCTestCase {
    private func assertNeverRan(
        _ failure: ChildProcess.SpawnFailure?, _ error: Int32, file: StaticString = #filePath, line: UInt = #line
    ) {
        guard case .neverRan(let death)? = failure else {
            return XCTFail("\(String(describing: failure))", file: file, line: line)
        }
        // Stage 6 is exec.
        XCTAssertEqual(death, .neverRan(stage: 6, error: error), file: file, line: line)
    }

    func testAMissingExecutableIsReportedAsSuch() throws {
        let nest = try Nest()
        assertNeverRan(nest.failure(), ENOENT)
    }

    func testAFileThatMayNotBeRunIsReportedAsSuch() throws {
        let nest = try Nest()
        nest.put("#!/bin/sh\nexit 0\n", at: .dialer, mode: 0o644)
        assertNeverRan(nest.failure(), EACCES)
    }

    func testAFileThatIsNoProgramIsReportedAsSuch() throws {
        let nest = try Nest()
        nest.put("", at: .dialer)
        assertNeverRan(nest.failure(), ENOEXEC)
        nest.put("neither ELF nor script", at: .dialer)
        assertNeverRan(nest.failure(), ENOEXEC)
    }

    func testAScriptWithoutItsInterpreterIsReportedAsSuch() throws {
        let nest = try Nest()
        nest.put("#!/no/such/interpreter\n", at: .dialer)
        assertNeverRan(nest.failure(), ENOENT)
    }

    func testTheAdminProcessIsTheProxysExecutable() throws {
        let nest = try Nest()
        nest.script("exit 9", at: .admin)
        assertNeverRan(nest.failure(.admin), ENOENT)
        nest.script("exit 9", at: .proxy)
        let child = try nest.spawn(.admin)
        XCTAssertEqual(nest.end(of: child), .exited(9))
    }

    func testAChildThatNeverRanIsStillReapedThroughItsDescriptor() throws {
        let nest = try Nest()
        var known: ChildProcess?
        _ = nest.failure { known = $0 }
        XCTAssertEqual(nest.end(of: try XCTUnwrap(known)), .exited(127))
    }

    func testAChildIsKnownBeforeItRuns() throws {
        let nest = try Nest()
        nest.script("exit 3")
        var wasAlive = false
        var hadEnded = true
        let child = try nest.spawn { child in
            // Long enough for a shell to come to its end, if it had started.
            usleep(50_000)
            wasAlive = kill(child.pid, 0) == 0
            var wait = pollfd(fd: child.pidfd, events: Int16(POLLIN), revents: 0)
            hadEnded = poll(&wait, 1, 0) == 1
        }
        XCTAssertTrue(wasAlive)
        XCTAssertFalse(hadEnded)
        XCTAssertEqual(nest.end(of: child), .exited(3))
    }

    func testAChildThatCannotBeRegisteredNeverRuns() throws {
        let nest = try Nest()
        nest.script("echo ran")
        var known: ChildProcess?
        let failure = nest.failure { (child: ChildProcess) throws(Errno) in
            known = child
            throw Errno(ENOSPC)
        }
        guard case .resources(let error)? = failure else { return XCTFail("\(String(describing: failure))") }
        XCTAssertEqual(error, Errno(ENOSPC))
        let child = try XCTUnwrap(known)
        XCTAssertEqual(nest.end(of: child), .signalled(SIGKILL))
        XCTAssertEqual(readAll(child.log.fd), [])
    }

    func testALackOfDescriptorsAtAnyStepIsALackOfResourcesAndLeaksNothing() throws {
        let nest = try Nest()
        nest.script("exit 0")
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(7), &limit)  // RLIMIT_NOFILE
        let before = openDescriptors()
        // Fill the gaps below, so that each step up is one more descriptor.
        let highest = before.max() ?? 2
        var fillers: [Int32] = []
        while let last = fillers.last ?? [highest].first, last < max(highest, 80) || fillers.isEmpty {
            fillers.append(open("/dev/null", O_RDONLY | O_CLOEXEC))
        }
        let base = (openDescriptors().max() ?? 0) + 1
        var outcomes: [String] = []
        for room in 0..<24 {
            var tight = rlimit(rlim_cur: rlim_t(base) + rlim_t(room), rlim_max: limit.rlim_max)
            setrlimit(__rlimit_resource_t(7), &tight)
            let failure = nest.failure()
            setrlimit(__rlimit_resource_t(7), &limit)
            switch failure {
            case .resources(let error):
                XCTAssertEqual(error, Errno(EMFILE), "room for \(room)")
                outcomes.append("resources")
            case .neverRan(let death):
                // The child itself, which shares our limit until it has placed its descriptors.
                XCTAssertEqual(death, .neverRan(stage: 2, error: EMFILE), "room for \(room)")
                outcomes.append("never ran")
            case nil: outcomes.append("ran")
            }
            var dead = cl_death()
            while cl_peek_dead(&dead) == 1, cl_wait_pid(dead.pid, &dead) == 1 {}
        }
        for fd in fillers { close(fd) }
        XCTAssertEqual(openDescriptors(), before)
        XCTAssertEqual(Array(outcomes.prefix(9)), [String](repeating: "resources", count: 9))
        XCTAssertEqual(outcomes.last, "ran")
        XCTAssertEqual(outcomes, outcomes.sorted { rank($0) < rank($1) }, "more room never makes it worse")
    }

    private func rank(_ outcome: String) -> Int {
        switch outcome {
        case "resources": 0
        case "never ran": 1
        default: 2
        }
    }
}
