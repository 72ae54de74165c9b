import XCTest

@testable import IPC

/// Exit codes are read by people and by other processes: each has its number, its name and its meaning.
final class ExitCodeTests: XCTestCase {
    func testNumbersAreFixed() {
        let numbers: [ExitCode: Int32] = [
            .ok: 0, .configuration: 64, .portInUse: 69, .childFailed: 70, .internalError: 71, .resource: 72,
            .drainCut: 75, .ipcViolation: 76, .lostSupervisor: 77, .missingSandbox: 78,
            .noKubernetesClient: 79, .poolNotSynced: 80, .certificate: 81,
        ]
        for code in ExitCode.allCases { XCTAssertEqual(numbers[code], code.rawValue, code.name) }
        XCTAssertEqual(numbers.count, ExitCode.allCases.count)
    }

    func testNumbersStayClearOfTheRuntimesAndTheShells() {
        for code in ExitCode.allCases {
            XCTAssertTrue(code == .ok || (3..<126).contains(code.rawValue), code.name)
            XCTAssertFalse(code.meaning.isEmpty)
        }
        XCTAssertEqual(Set(ExitCode.allCases.map(\.name)).count, ExitCode.allCases.count)
        XCTAssertEqual(Set(ExitCode.allCases.map(\.meaning)).count, ExitCode.allCases.count)
    }
}
