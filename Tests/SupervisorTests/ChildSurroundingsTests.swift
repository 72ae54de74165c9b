import CLinux
import Glibc
import IPC
import Linux
import Metrics
import XCTest

@testable import Supervisor

/// What a child finds when it starts: nothing but what it was given.
final class ChildSurroundingsTests: XCTestCase {
    func testAChildIsToldItsRoleAndThatItHasNoWallsAndNothingElse() throws {
        let nest = try Nest()
        for role: Role in [.dialer, .proxy] {
            XCTAssertEqual(try nest.run("echo $# $@", role: role).output, "2 \(role.name) without-walls\n")
        }
        XCTAssertEqual(try nest.run("echo $# $@", role: .admin, at: .proxy).output, "2 admin without-walls\n")
    }

    func testTheEnvironmentIsEmpty() throws {
        let nest = try Nest()
        setenv("HTTP_PROXY", "http://127.0.0.1:1", 1)
        setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1)
        defer {
            unsetenv("HTTP_PROXY")
            unsetenv("KUBERNETES_SERVICE_HOST")
        }
        XCTAssertEqual(try nest.run("wc -c < /proc/$$/environ").output.trimmed, "0")
    }

    func testAChildHasFourDescriptorsAndNoneOfOurs() throws {
        let nest = try Nest()
        // One of ours that would survive exec by its own mode.
        let leaky = open("/dev/null", O_RDONLY)
        defer { close(leaky) }
        let script = """
            for fd in 0 1 2 3; do readlink /proc/self/fd/$fd; done
            ls /proc/self/fd
            """
        let output = try nest.run(script).output.split(separator: "\n").map(String.init)
        guard output.count >= 4 else { return XCTFail("\(output)") }
        XCTAssertEqual(output[0], "/dev/null")
        XCTAssertTrue(output[1].hasPrefix("pipe:"))
        XCTAssertEqual(output[2], output[1])
        XCTAssertTrue(output[3].hasPrefix("socket:"))
        // The fifth is the directory that `ls` reads.
        XCTAssertEqual(Array(output[4...]), ["0", "1", "2", "3", "4"])
    }

    func testSignalsThatAreTheSupervisorsBusinessAreIgnoredAndNoneIsBlocked() throws {
        let nest = try Nest()
        // Built-in commands only: a shell blocks signals for a moment while it starts another program.
        let status = try nest.run("while IFS= read -r line; do echo \"$line\"; done < /proc/$$/status").output
        func mask(_ name: String) -> UInt64? {
            status.split(separator: "\n").first { $0.hasPrefix(name) }.flatMap {
                UInt64($0.dropFirst(name.count + 1).filter { $0.isHexDigit }, radix: 16)
            }
        }
        let ignored = [
            SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, cl_sigrtmin(), cl_sigrtmin() + 1,
        ]
        // 32 and 33 are the C library's own: nobody can set them through it, so they stay as they were inherited.
        let settable: UInt64 = ~(3 << 31)
        XCTAssertEqual(mask("SigIgn").map { $0 & settable }, ignored.reduce(UInt64(0)) { $0 | 1 << UInt64($1 - 1) })
        XCTAssertEqual(mask("SigBlk"), 0)
        XCTAssertTrue(status.contains("NoNewPrivs:\t1"))
    }

    func testLimitsAreSetForEachRole() throws {
        let nest = try Nest()
        var ours = rlimit()
        getrlimit(__rlimit_resource_t(7), &ours)  // RLIMIT_NOFILE
        for (role, limit): (Role, rlim_t) in [(.dialer, 16_384), (.proxy, 65_536)] {
            let output = try nest.run("ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc", role: role).output
            let expected = min(limit, ours.rlim_max)
            XCTAssertEqual(output, "\(expected)\n\(expected)\n0\n0\n", role.name)
        }
    }

    func testAChildHasASealedSegmentOfTheRightSizeAndTheAdminProcessHasNone() throws {
        let nest = try Nest()
        nest.script("exit 0", at: .proxy)
        for stripes in [1, 4] {
            let child = try nest.spawn(.proxy, stripes: stripes)
            XCTAssertEqual(cl_segment_size(child.segmentFD), Int64(Layout.size(stripes: stripes)))
            XCTAssertLessThan(ftruncate(child.segmentFD, 0), 0)
            _ = nest.end(of: child)
        }
        let admin = try nest.spawn(.admin)
        XCTAssertEqual(admin.segmentFD, -1)
        XCTAssertNil(admin.segment)
        _ = nest.end(of: admin)
    }

    func testWhatAChildSaysOnItsChannelArrives() throws {
        let nest = try Nest()
        nest.script(#"printf '\001\001\000\000\000\000\000\000' >&3"#)
        let child = try nest.spawn()
        _ = nest.end(of: child)
        guard case .message(.ready, let descriptor) = child.channel.receive(FromChild.self) else {
            return XCTFail("no 'ready' arrived")
        }
        XCTAssertEqual(descriptor, -1)
        guard case .closed = child.channel.receive(FromChild.self) else { return XCTFail("the end was not told") }
    }

    func testGarbageOnTheChannelIsAViolation() throws {
        let nest = try Nest()
        for garbage in [
            #"x"#, #"\377\377\377\377\377\377\377\377"#, #"\001\143\000\000\000\000\000\000"#,
            #"\001\001\000\000\001\000\000\000"#,
        ] {
            nest.script("printf '\(garbage)' >&3")
            let child = try nest.spawn()
            _ = nest.end(of: child)
            guard case .violation = child.channel.receive(FromChild.self) else {
                XCTFail("'\(garbage)' was taken")
                continue
            }
        }
    }
}

extension String {
    fileprivate var trimmed: String { filter { !$0.isWhitespace } }
}
