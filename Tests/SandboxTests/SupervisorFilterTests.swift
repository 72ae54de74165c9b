import CLinux
import XCTest

@testable import Sandbox

/// The supervisor's filter, which all processes inherit: what it refuses, spelled a second time by hand.
final class SupervisorFilterTests: XCTestCase {
    private let program = Filter(refusing: SupervisorFilter.refused).program
    private let permission: UInt32 = 0x0005_0001
    private let missing: UInt32 = 0x0005_0026

    private func answer(_ name: String, _ arguments: [UInt64] = []) throws -> UInt32 {
        var all = arguments
        while all.count < 6 { all.append(0) }
        let number = cl_syscall_number(name)
        guard number >= 0 else { return permission }
        return try execute(program, Call(number: UInt32(number), arguments: all))
    }

    func testNothingThatMakesOrEntersNamespacesOrMountsPasses() throws {
        for name in [
            "unshare", "setns", "mount", "umount2", "move_mount", "fsopen", "fsmount", "fsconfig", "fspick",
            "open_tree", "mount_setattr", "pivot_root", "chroot",
        ] {
            for value: UInt64 in [0, 1, 0x1000_0000, .max] {
                XCTAssertEqual(try answer(name, Array(repeating: value, count: 6)), permission, name)
            }
        }
    }

    func testCloneMakesProcessesAndThreadsAndNoNamespaces() throws {
        // From the kernel's header: mount, cgroup, uts, ipc, user, pid and network.
        let namespaces: [UInt64] = [
            0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
        ]
        // fork; a child with a pidfd, as the supervisor makes them; a thread, as the C library makes it.
        let plain: [UInt64] = [17, 0x1000 | 17, 0x3D_0F00]
        for flags in plain {
            XCTAssertEqual(try answer("clone", [flags]), Answer.allow, String(flags, radix: 16))
            for namespace in namespaces {
                XCTAssertEqual(try answer("clone", [flags | namespace]), permission, String(namespace, radix: 16))
                // The kernel reads the low half only.
                XCTAssertEqual(try answer("clone", [flags | namespace | 0xFF << 32]), permission)
            }
            XCTAssertEqual(try answer("clone", [flags | 0xFF << 32]), Answer.allow)
        }
    }

    func testClone3IsNotThereSoThatLibrariesUseClone() throws {
        for value: UInt64 in [0, 1, 88, .max] {
            XCTAssertEqual(try answer("clone3", Array(repeating: value, count: 6)), missing)
        }
    }
}
