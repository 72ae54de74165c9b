import IPC
import XCTest

@testable import Configuration

final class TextTests: XCTestCase {
    func testHelpNamesEveryFlagWithAliasesVariableAndDefault() throws {
        let help = helpText()
        for row in SettingsTable.all {
            let dashes = row.name.count == 1 ? "-" : "--"
            let head = "\n  \(dashes)\(row.name)" + (row.kind.placeholder.isEmpty ? "\n" : " \(row.kind.placeholder)\n")
            let start = try XCTUnwrap(help.range(of: head), row.name)
            // The entry reaches to the next line that is not indented as far as its text.
            let lines = help[start.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
            let entry = lines.prefix { $0.hasPrefix("      ") }.map { $0.dropFirst(6) }.joined(
                separator: " ")
            XCTAssertTrue(
                entry.contains("Default: \(row.defaultText ?? row.kind.show(Settings()))."), "\(row.name): \(entry)")
            for alias in row.aliases { XCTAssertTrue(entry.contains("--\(alias)"), alias) }
            if let variable = row.environment { XCTAssertTrue(entry.contains("Environment: \(variable)."), variable) }
            XCTAssertEqual(entry.contains("Not available in this build"), row.notBuilt != nil, row.name)
        }
    }

    func testHelpNamesCommandsSignalsByNumberAndExitCodes() {
        let help = helpText()
        for part in [
            "status", "restart NAME", "check-config", "15 TERM", "2 INT", "1 HUP", "10 USR1", "12 USR2", "34 RTMIN ",
            "35 RTMIN+1",
        ] {
            XCTAssertTrue(help.contains(part), part)
        }
        for code in ExitCode.allCases { XCTAssertTrue(help.contains("  \(code.rawValue) \(code.name) "), code.name) }
    }

    func testHelpFitsIntoEightyEightColumnsAndHasNoEmptyWords() {
        for line in helpText().split(separator: "\n", omittingEmptySubsequences: false) {
            XCTAssertLessThanOrEqual(line.count, 88, String(line))
            XCTAssertFalse(line.hasSuffix(" "), String(line))
            XCTAssertFalse(line.contains("Default: ."), String(line))
        }
    }

    func testTheExampleOfTheHelpIsAccepted() throws {
        let lines = helpText().split(separator: "\n").filter { $0.hasPrefix("    routing-sidecar ") }
        XCTAssertEqual(lines.count, 1)
        for line in lines { _ = try parsed(line.split(separator: " ").dropFirst().map(String.init)) }
    }

    func testCheckConfigShowsEverySettingWithItsValueAndSource() throws {
        let invocation = try parsed(
            ["check-config", plain, "-port", "9000", "--kv-connector=nixlv2", "-v=4"], ["VLLM_PORT": "9001"])
        let lines = effectiveConfigurationText(invocation).split(separator: "\n").map(String.init)
        XCTAssertEqual(lines.count, SettingsTable.all.count)
        func words(_ name: String) -> String {
            lines.first { $0.hasPrefix("\(name) ") }?.split(separator: " ").joined(separator: " ") ?? ""
        }
        XCTAssertEqual(words("port"), "port 9000 flag -port")
        XCTAssertEqual(words("vllm-port"), "vllm-port 9001 environment VLLM_PORT")
        XCTAssertEqual(words("connector"), "connector nixlv2 flag --kv-connector")
        XCTAssertEqual(words("secure-proxy"), "secure-proxy false flag --secure-proxy")
        XCTAssertEqual(words("prefill-timeout"), "prefill-timeout 30s default")
        XCTAssertEqual(words("listen-address"), "listen-address \"\" default")
        XCTAssertEqual(words("log-level"), "log-level trace flag -v")
        XCTAssertEqual(
            words("handoff-host-check"), "handoff-host-check off default (auto, by --enable-ssrf-protection)")
        for row in SettingsTable.all {
            XCTAssertFalse(words(row.name).isEmpty, row.name)
            XCTAssertNotNil(invocation.sources[row.name], row.name)
        }
    }

    func testCheckConfigShowsTheNotes() throws {
        let invocation = try parsed(["check-config", plain, "-logtostderr=false"])
        XCTAssertTrue(
            effectiveConfigurationText(invocation).hasSuffix(
                "\n\nnote: -logtostderr=false has no effect: logs always go to standard error\n"))
    }

    func testEveryValueOfCheckConfigStaysOnItsLine() throws {
        let invocation = try parsed(["check-config", plain, "-cert-path=/a\nport 1 default"])
        let lines = effectiveConfigurationText(invocation).split(separator: "\n")
        XCTAssertEqual(lines.count, SettingsTable.all.count)
        XCTAssertTrue(lines.contains { $0.contains("\"/a\\u{a}port 1 default\"") })
    }

    func testExitCodesHaveTheirDocumentedNumbersAndNamesOfTheirOwn() {
        XCTAssertEqual(ExitCode.allCases.map(\.rawValue), [0, 64, 69, 70, 71, 72, 75, 76, 77, 78, 79, 80, 81])
        XCTAssertEqual(Set(ExitCode.allCases.map(\.name)).count, ExitCode.allCases.count)
        XCTAssertTrue(ExitCode.allCases.allSatisfy { !$0.meaning.isEmpty })
    }
}
