import XCTest

@testable import Sandbox

/// What /proc/PID/status must show before a child is trusted.
final class VerificationTests: XCTestCase {
    private func status(_ changes: [String: String] = [:]) -> String {
        var lines = [
            ("Name", "sidecar-proxy"), ("Uid", "10003\t10003\t10003\t10003"), ("Gid", "10003\t10003\t10003\t10003"),
            ("Groups", " "), ("CapInh", "0000000000000000"), ("CapPrm", "0000000000000000"),
            ("CapEff", "0000000000000000"), ("CapBnd", "0000000000000000"), ("CapAmb", "0000000000000000"),
            ("NoNewPrivs", "1"), ("Seccomp", "2"), ("Seccomp_filters", "2"),
        ]
        for i in lines.indices { lines[i].1 = changes[lines[i].0] ?? lines[i].1 }
        return lines.filter { $0.1 != "gone" }.map { "\($0.0):\t\($0.1)\n" }.joined()
    }

    private func missing(
        _ changes: [String: String], owner: UInt32 = 0, inherited: Int? = 1, user: UInt32? = 10003
    ) -> String? {
        Verification.missing(inStatus: status(changes), owner: owner, inherited: inherited, user: user)
    }

    func testWallsThatStandAreFoundToStand() {
        XCTAssertNil(missing([:]))
        XCTAssertNil(missing(["Uid": "0\t0\t0\t0", "CapEff": "00000000000001e0"], user: nil))
        XCTAssertNil(missing(["Seccomp_filters": "5"], inherited: 4))
    }

    func testAFilterThatWasInheritedIsNoWallOfTheChilds() {
        XCTAssertEqual(missing(["Seccomp_filters": "1"])?.contains("no seccomp filter of its own"), true)
        XCTAssertNotNil(missing(["Seccomp_filters": "4"], inherited: 4))
        XCTAssertNotNil(missing(["Seccomp_filters": "0"], inherited: 0))
    }

    func testEachMissingWallIsNamed() {
        let cases: [([String: String], String)] = [
            (["Seccomp": "0"], "Seccomp: 0"), (["Seccomp": "1"], "Seccomp: 1"), (["Seccomp": "gone"], "unknown"),
            (["NoNewPrivs": "0"], "no_new_privs"), (["NoNewPrivs": "gone"], "no_new_privs"),
            (["Uid": "10003\t0\t10003\t10003"], "Uid"), (["Gid": "0\t10003\t10003\t10003"], "Gid"),
            (["Groups": "0 4"], "supplementary groups"), (["CapEff": "0000000000000020"], "CapEff"),
            (["CapBnd": "0000000000000001"], "CapBnd"), (["CapAmb": "gone"], "CapAmb"),
        ]
        for (changes, named) in cases {
            XCTAssertEqual(missing(changes)?.contains(named), true, "\(changes): \(missing(changes) ?? "none")")
        }
    }

    func testADumpableChildIsFoundByTheOwnerOfItsFiles() {
        XCTAssertEqual(missing([:], owner: 10003)?.contains("dumpable"), true)
        XCTAssertEqual(missing(["Uid": "0\t10003\t0\t0"], owner: 10003, user: nil)?.contains("dumpable"), true)
        // Root's files in a user namespace that doesn't map root.
        XCTAssertNil(missing([:], owner: 65534))
        XCTAssertNil(missing(["Uid": "0\t0\t0\t0"], owner: 0, user: nil), "nothing shows it")
        XCTAssertNotNil(missing(["Uid": "gone"], user: nil), "nor here, and that is no reason to trust it")
    }

    func testAKernelThatCountsNoFiltersLeavesThatQuestionOpen() {
        XCTAssertNil(missing(["Seccomp_filters": "gone"], inherited: nil))
        XCTAssertNil(Verification.filters(inStatus: status(["Seccomp_filters": "gone"])))
        XCTAssertEqual(Verification.filters(inStatus: status()), 2)
    }
}
