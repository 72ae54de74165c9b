import CLinux
import IPC
import XCTest

@testable import Sandbox

/// The rights themselves: complete, explained, and no wider than what is written here a second time.
final class DataTests: XCTestCase {
    func testEveryRuleHasAReason() {
        for rights in Rights.all {
            XCTAssertFalse(rights.purpose.isEmpty, rights.role.name)
            for rule in rights.calls { XCTAssertFalse(rule.why.isEmpty, "\(rights.role.name): \(rule.name)") }
            for rule in rights.paths { XCTAssertFalse(rule.why.isEmpty, "\(rights.role.name): \(rule.path)") }
            for rule in rights.descriptors { XCTAssertFalse(rule.why.isEmpty, "\(rights.role.name): \(rule.kind)") }
        }
        for rule in SupervisorFilter.refused { XCTAssertFalse(rule.why.isEmpty, "supervisor: \(rule.name)") }
    }

    func testEveryConditionIsSaidInWords() {
        for rule in Rights.all.flatMap(\.calls) + SupervisorFilter.refused {
            for test in rule.when.joined() { XCTAssertFalse(test.words.isEmpty, rule.inBrief) }
        }
    }

    func testEveryNameIsACallOfLinux() {
        // Later than the headers of distributions in use; where a name is unknown the call is reported, not killed for.
        let young: Set<String> = ["fchmodat2", "lsm_set_self_attr"]
        // Calls that only arm64 lacks, or only arm64 has, are no mistakes; this lists the latter.
        let armOnly: Set<String> = []
        let known = Set((0..<cl_syscall_count()).map { String(cString: cl_syscall_at($0)) })
        let names = Rights.all.flatMap(\.calls).map(\.name) + SupervisorFilter.refused.map(\.name) + Dangerous.calls
        guard isX86 else { return print("NOT CHECKED: names of calls: x86-64 has some that this machine lacks") }
        for name in Set(names).subtracting(young).subtracting(armOnly) {
            XCTAssertTrue(known.contains(name), "there is no system call '\(name)'")
        }
    }

    func testNoNameStandsTwiceWhereOneWouldHideTheOther() {
        for rights in Rights.all {
            let names = rights.mergedCalls.map(\.name)
            XCTAssertEqual(names.count, Set(names).count, rights.role.name)
        }
        let refused = SupervisorFilter.refused.map(\.name)
        XCTAssertEqual(refused.count, Set(refused).count)
        XCTAssertEqual(Dangerous.calls.count, Set(Dangerous.calls).count)
    }

    func testConditionsReadArgumentsAsTheKernelDoes() {
        // From the kernel's SYSCALL_DEFINE lines: how each argument that a condition reads is declared there.
        enum Kind { case int, pointer, protection }
        let kinds: [String: [Int: Kind]] = [
            // `unsigned long`, of which only the low bits mean anything: asked only what bits it lacks.
            "mmap": [2: .protection], "mprotect": [2: .protection],
            "sendmsg": [2: .int], "sendto": [3: .int, 4: .pointer], "recvfrom": [4: .pointer],
            "ioctl": [1: .int], "tgkill": [0: .int, 2: .int], "writev": [0: .int], "fcntl": [1: .int],
            "socket": [0: .int, 1: .int, 2: .int],
            "getsockopt": [1: .int, 2: .int], "setsockopt": [1: .int, 2: .int],
        ]
        for rule in Rights.all.flatMap(\.calls) {
            for test in rule.when.joined() {
                guard let kind = kinds[rule.name]?[test.argument] else {
                    XCTFail("\(rule.name): how is argument \(test.argument) declared? Write it down here")
                    continue
                }
                switch kind {
                case .int: XCTAssertFalse(test.isLong, rule.inBrief)
                case .pointer: XCTAssertTrue(test.isLong, rule.inBrief)
                case .protection:
                    XCTAssertEqual(test.comparison, .lacks(4), "\(rule.name): only that it isn't executable")
                }
            }
        }
    }

    func testNoConditionContradictsItself() {
        for rights in Rights.all {
            for rule in rights.mergedCalls {
                for tests in rule.when {
                    XCTAssertFalse(tests.isEmpty, "\(rule.name): an empty combination allows everything")
                    XCTAssertEqual(tests.count, Set(tests.map(\.argument)).count, rule.inBrief)
                    for case .masked(let mask, let value) in tests.map(\.comparison) {
                        XCTAssertEqual(value & ~mask, 0, rule.inBrief)
                    }
                }
            }
        }
    }

    func testEachRoleHasAUserOfItsOwn() {
        let users = Rights.all.map(\.user)
        XCTAssertEqual(users.count, Set(users).count)
        XCTAssertFalse(users.contains { $0 < 1000 || $0 == 65534 || $0 == 65532 }, "\(users)")
    }

    func testPathsAreAbsoluteAndNoneLeadsToSecrets() {
        let closed = ["/", "/etc", "/proc", "/sys", "/var", "/run", "/root", "/home", "/tmp", "/dev"]
        for rights in Rights.all {
            for rule in rights.paths {
                XCTAssertTrue(rule.path.hasPrefix("/"), rule.path)
                XCTAssertFalse(rule.path.split(separator: "/").contains(".."), rule.path)
                XCTAssertFalse(closed.contains(rule.path), "\(rights.role.name): \(rule.path)")
                // The names of the network interfaces are no secret, and UCX finds them nowhere else.
                if rights.role == .kvAgent && rule.path == "/sys/class/net" { continue }
                for prefix in ["/proc/", "/sys/", "/var/", "/run/"] {
                    XCTAssertFalse(rule.path.hasPrefix(prefix), "\(rights.role.name): \(rule.path)")
                }
            }
        }
    }

    func testTheHandlerOfViolationsCanReportAndDie() {
        for rights in Rights.all {
            let sends = rights.mergedCalls.first { $0.name == "sendto" }
            let report: [UInt64] = [3, 0x7000, 12, 0x4040, 0, 0]  // MSG_DONTWAIT | MSG_NOSIGNAL
            XCTAssertTrue(
                sends.map { $0.when.contains { $0.allSatisfy { $0.holds(report) } } } == true, rights.role.name)
            XCTAssertFalse(rights.calls.contains { $0.name == "ptrace" }, rights.role.name)
        }
        XCTAssertTrue(Dangerous.calls.contains("ptrace"))
    }

    func testNobodyMayChangeHandlersOrFilters() {
        let never = [
            "rt_sigaction", "rt_sigreturn", "sigaltstack", "seccomp", "prctl", "arch_prctl", "personality", "ptrace",
            "execve",
        ]
        for rights in Rights.all {
            for name in never {
                XCTAssertFalse(rights.calls.contains { $0.name == name }, "\(rights.role.name): \(name)")
            }
        }
    }

    func testEveryRoleMayDoWhatIsExpectedAndNothingElse() {
        XCTAssertEqual(Set(Rights.all.map(\.role)), Set(Expected.calls.keys))
        for rights in Rights.all {
            let found = Set(rights.mergedCalls.map(\.inBrief))
            let wanted = Set(Expected.calls[rights.role] ?? [])
            for rule in found.subtracting(wanted).sorted() { XCTFail("\(rights.role.name) has also: \(rule)") }
            for rule in wanted.subtracting(found).sorted() { XCTFail("\(rights.role.name) has no longer: \(rule)") }
        }
    }

    func testTheRestOfTheRightsIsAsExpected() {
        for rights in Rights.all {
            let expected = Expected.rest[rights.role]
            XCTAssertEqual(rights.mayConnect, expected?.mayConnect, rights.role.name)
            XCTAssertEqual(rights.portsOnly, expected?.portsOnly, rights.role.name)
            XCTAssertEqual(rights.user, expected?.user, rights.role.name)
            XCTAssertEqual(rights.openFiles, expected?.openFiles, rights.role.name)
            let writable = rights.paths.map { ($0.execute ? "x " : "r ") + $0.path }
            XCTAssertEqual(Set(writable), Set(Expected.programPaths + (expected?.paths ?? [])), rights.role.name)
        }
    }

    func testWhatIsWrittenDownAsUnexercisedIsARightAndHasAReason() {
        let everywhere = Rights.all.flatMap(\.calls).map(\.name)
        for (name, why) in Unexercised.anywhere {
            XCTAssertTrue(everywhere.contains(name), "\(name) is nobody's right")
            XCTAssertFalse(why.isEmpty, name)
        }
        for (role, reasons) in Unexercised.inRole {
            let names = Rights.of(role)?.calls.map(\.name) ?? []
            for (name, why) in reasons {
                XCTAssertTrue(names.contains(name), "\(role.name) has no right to \(name)")
                XCTAssertFalse(why.isEmpty, "\(role.name): \(name)")
            }
        }
    }
}
