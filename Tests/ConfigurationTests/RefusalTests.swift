import XCTest

@testable import Configuration

final class RefusalTests: XCTestCase {
    func testTheTableKnowsExactlyTheFeaturesThatAreMissing() {
        let refused = SettingsTable.all.filter { $0.notBuilt != nil }.map(\.name).sorted()
        XCTAssertEqual(refused, Sample.notBuilt.map(\.name).sorted())
    }

    func testTheValueThatNeedsNoFeatureIsAccepted() throws {
        for row in SettingsTable.all {
            guard let notBuilt = row.notBuilt else { continue }
            for value in notBuilt.available {
                let invocation = try parsed([plain, "--\(row.name)=\(value)"])
                XCTAssertEqual(invocation.notes, [], row.name)
            }
        }
    }

    func testARefusalSaysWhatWhyAndWhatToDo() {
        assertMistakes(
            [plain, "--tracing"],
            [["--tracing=true is not available in this build: ", "metrics only", "; run with --tracing=false"]])
        assertMistakes(
            [plain], ["CONNECTOR_TYPE": "nixl"],
            [["CONNECTOR_TYPE=nixl is not available in this build", "run with --connector=nixlv2"]])
    }

    func testConnectorsOfNewerSidecarsAreKnownByName() {
        for name in ["sglang", "mooncake", "offloading", "shared-storage"] {
            assertMistakes([plain, "--kv-connector=\(name)"], [["newer sidecar", "--connector=nixlv2"]])
        }
        assertMistakes([plain, "--kv-connector=carrier-pigeon"], [["none of the known values"]])
    }

    func testEveryRefusalIsReportedWithTheOthers() {
        let arguments = Sample.notBuilt.map { "--\($0.name)=\($0.text)" }
        let found = mistakes(arguments)
        XCTAssertEqual(found.count, Sample.notBuilt.count, "\(found)")
    }

    func testWhatBelongsToAMissingFeatureMayBeSetWithoutIt() throws {
        let invocation = try parsed([
            plain, "-cert-path=/certs", "--prefill-retry-backoff=1s",
        ])
        XCTAssertEqual(invocation.notes, [])
        XCTAssertEqual(invocation.settings.certPath, "/certs")
    }
}
