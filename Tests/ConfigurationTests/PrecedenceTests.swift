import XCTest

@testable import Configuration

final class PrecedenceTests: XCTestCase {
    func testEveryVariableIsRead() throws {
        let values = [
            "SIDECAR_PORT": "18000", "VLLM_PORT": "18001", "CONNECTOR_TYPE": "nixlv2",
            "INFERENCE_POOL_NAMESPACE": "here", "INFERENCE_POOL_NAME": "my-pool", "INFERENCE_POOL": "here/my-pool",
            "SIDECAR_CONTROL_SOCKET": "/run/s", "ENABLE_PREFILLER_SAMPLING": "false", "P2P_CONNECTOR_PORT": "7000",
            "MOONCAKE_BOOTSTRAP_PORT": "7001",
        ]
        XCTAssertEqual(values.keys.sorted(), SettingsTable.all.compactMap(\.environment).sorted())
        let invocation = try parsed([plain], values)
        for row in SettingsTable.all {
            guard let variable = row.environment else { continue }
            XCTAssertEqual(row.kind.show(invocation.settings), values[variable], row.name)
            // The pool's parts count from whichever of the two spellings came last; both are the environment's.
            guard case .environment = invocation.sources[row.name] else {
                XCTFail("\(row.name): \(String(describing: invocation.sources[row.name]))")
                continue
            }
        }
    }

    func testAFlagWinsOverAVariableAndAVariableOverTheDefault() throws {
        let both = try parsed([plain, "-port=1000"], ["SIDECAR_PORT": "2000"])
        XCTAssertEqual(both.settings.port, 1000)
        XCTAssertEqual(both.sources["port"], .flag("-port"))
        let variable = try parsed([plain], ["SIDECAR_PORT": "2000"])
        XCTAssertEqual(variable.settings.port, 2000)
        XCTAssertEqual(variable.sources["port"], .environment("SIDECAR_PORT"))
        let none = try parsed([plain])
        XCTAssertEqual(none.settings.port, 8000)
        XCTAssertEqual(none.sources["port"], .default)
    }

    func testAnAliasAlsoWinsOverTheVariable() throws {
        let invocation = try parsed([plain, "--model-server-port", "8200"], ["VLLM_PORT": "9000"])
        XCTAssertEqual(invocation.settings.decoderPort, 8200)
        XCTAssertEqual(invocation.sources["vllm-port"], .flag("--model-server-port"))
    }

    func testAnEmptyVariableCountsAsUnset() throws {
        let invocation = try parsed([plain], ["SIDECAR_PORT": "", "CONNECTOR_TYPE": "", "INFERENCE_POOL": ""])
        XCTAssertEqual(invocation.settings.port, 8000)
        XCTAssertEqual(invocation.sources["port"], .default)
    }

    func testAMistakenVariableIsReportedEvenWhereAFlagWins() {
        assertMistakes([plain, "-port=1000"], ["SIDECAR_PORT": "80x"], [["SIDECAR_PORT=80x", "1 to 65535"]])
    }

    func testAServiceLinkOfKubernetesIsNotAPort() throws {
        let invocation = try parsed([plain], ["VLLM_PORT": "tcp://10.0.0.1:8000", "SIDECAR_PORT": "udp://10.0.0.2:53"])
        XCTAssertEqual(invocation.settings.decoderPort, 8001)
        XCTAssertEqual(invocation.sources["vllm-port"], .default)
        XCTAssertEqual(invocation.notes.count, 2)
        XCTAssertTrue(invocation.notes.allSatisfy { $0.contains("is ignored") && $0.contains("enableServiceLinks") })
        assertMistakes([plain], ["VLLM_PORT": "http://10.0.0.1:8000"], [["VLLM_PORT=http://10.0.0.1:8000"]])
    }

    func testTheFirstLayerThatHasAValueWins() {
        let strong = Layer(values: ["a": Given(text: "1", source: .flag("-a"))])
        let weak = Layer(values: [
            "a": Given(text: "2", source: .file("f:1")), "b": Given(text: "3", source: .file("f:2")),
        ])
        let merged = merge([strong, Layer(), weak])
        XCTAssertEqual(merged["a"]?.text, "1")
        XCTAssertEqual(merged["b"]?.source, .file("f:2"))
    }

    func testTheSameFlagTwiceWithTheSameMeaningIsFine() throws {
        let arguments = [
            plain, "--secure-serving=no", "-port=8000", "--port", "8000", "--drain-timeout=10",
            "--drain-timeout=10000ms",
            "--max-body-bytes=1KiB", "--max-body-bytes=1024",
        ]
        XCTAssertEqual(try parsed(arguments).settings.drainTimeoutMilliseconds, 10_000)
    }

    func testTheSameFlagTwiceWithDifferentMeaningsIsAMistakeThatNamesBoth() {
        assertMistakes(
            [plain, "-vllm-port=9000", "--model-server-port=9001"],
            [["--model-server-port=9001: contradicts -vllm-port=9000"]])
        assertMistakes([plain, "--secure-proxy"], [["--secure-proxy=true: contradicts --secure-proxy=false"]])
        assertMistakes(
            [plain, "--handoff-host-check=auto", "--handoff-host-check=off"],
            [["--handoff-host-check=off: contradicts"]])
    }

    func testALoggersLevelSetsTheLogLevelUnlessThatIsGiven() throws {
        for (verbosity, level) in [
            ("0", LogLevel.info), ("1", .info), ("2", .debug), ("3", .debug), ("4", .trace), ("9", .trace),
        ] {
            let invocation = try parsed([plain, "-v=\(verbosity)"])
            XCTAssertEqual(invocation.settings.logLevel, level, verbosity)
            XCTAssertEqual(invocation.sources["log-level"], .flag("-v"))
        }
        for (name, level) in [
            ("error", LogLevel.error), ("warn", .warning), ("info", .info), ("debug", .debug), ("5", .trace),
        ] {
            XCTAssertEqual(try parsed([plain, "--zap-log-level=\(name)"]).settings.logLevel, level, name)
        }
        let both = try parsed([plain, "--zap-log-level=error", "-v=4"])
        XCTAssertEqual(both.settings.logLevel, .error)
        XCTAssertEqual(both.notes.count, 1)
        let ours = try parsed([plain, "--log-level=warn", "-v=4"])
        XCTAssertEqual(ours.settings.logLevel, .warning)
        XCTAssertEqual(ours.notes, ["-v=4 has no effect: --log-level=warn decides"])
    }

    func testFlagsWithoutEffectAreNoted() throws {
        let invocation = try parsed([
            plain, "-logtostderr=false", "--zap-devel", "--zap-encoder=json", "--zap-time-encoding=iso8601",
            "--zap-stacktrace-level=error",
        ])
        XCTAssertEqual(invocation.notes.count, 5)
        XCTAssertTrue(invocation.notes.contains("-logtostderr=false has no effect: logs always go to standard error"))
        XCTAssertEqual(try parsed([plain, "-logtostderr", "--zap-devel=false"]).notes, [])
    }

    func testThePoolIsNamedInOneWayOrTwo() throws {
        let one = try parsed([plain, "--inference-pool=ns/pool"])
        XCTAssertEqual(one.settings.poolNamespace, "ns")
        XCTAssertEqual(one.settings.poolName, "pool")
        XCTAssertEqual(one.sources["inference-pool-name"], .flag("--inference-pool"))

        let bare = try parsed([plain, "--inference-pool=pool"])
        XCTAssertEqual(bare.settings.poolNamespace, "default")
        let bareWithNamespace = try parsed([plain, "--inference-pool=pool"], ["INFERENCE_POOL_NAMESPACE": "ns"])
        XCTAssertEqual(bareWithNamespace.settings.poolNamespace, "ns")

        let flagOverVariable = try parsed([plain, "--inference-pool=ns/pool"], ["INFERENCE_POOL_NAME": "other"])
        XCTAssertEqual(flagOverVariable.settings.poolName, "pool")
        let flagOverPoolVariable = try parsed([plain, "-inference-pool-name=mine"], ["INFERENCE_POOL": "ns/other"])
        XCTAssertEqual(flagOverPoolVariable.settings.poolName, "mine")
        XCTAssertEqual(flagOverPoolVariable.settings.poolNamespace, "ns")

        assertMistakes(
            [plain, "--inference-pool=ns/pool", "-inference-pool-name=mine"],
            [["-inference-pool-name=mine: contradicts --inference-pool=ns/pool"]])
    }
}
