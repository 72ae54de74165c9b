import XCTest

@testable import Configuration

final class EveryFlagTests: XCTestCase {
    func testEveryRowOfTheTableHasASampleAndEverySampleARow() {
        XCTAssertEqual(SettingsTable.all.map(\.name).sorted(), Sample.all.map(\.name).sorted())
    }

    func testNoTwoRowsShareANameOrAnAliasOrAVariable() {
        let names = SettingsTable.all.flatMap { [$0.name] + $0.aliases }
        XCTAssertEqual(names.count, Set(names).count)
        XCTAssertTrue(Set(names).isDisjoint(with: ["help", "h", "version", "json"]))
        let variables = SettingsTable.all.compactMap(\.environment)
        XCTAssertEqual(variables.count, Set(variables).count)
    }

    func testEveryRowStoresItsValueInItsOwnFieldAndNowhereElse() throws {
        for sample in Sample.all {
            let row = try XCTUnwrap(SettingsTable.row(sample.name))
            var settings = Settings()
            try row.kind.store(sample.text, &settings)
            var expected = Settings()
            sample.change(&expected)
            XCTAssertNotEqual(expected, Settings(), "\(sample.name): the sample is the default")
            XCTAssertEqual(settings, expected, sample.name)
        }
    }

    func testEveryShownValueIsAcceptedAgainAndMeansTheSame() throws {
        for sample in Sample.all {
            let row = try XCTUnwrap(SettingsTable.row(sample.name))
            var settings = Settings()
            try row.kind.store(sample.text, &settings)
            var again = Settings()
            try row.kind.store(row.kind.show(settings), &again)
            XCTAssertEqual(again, settings, sample.name)
        }
    }

    /// Whatever its dashes and form, a flag means the same; and if its feature is missing, it is refused as written.
    func testEveryFlagIsReadWithOneDashOrTwoAttachedOrSeparateAndUnderEveryName() throws {
        for sample in Sample.all {
            let row = try XCTUnwrap(SettingsTable.row(sample.name))
            for name in [row.name] + row.aliases {
                for dashes in ["-", "--"] {
                    let written = dashes + name
                    try check(sample, row, written, ["\(written)=\(sample.text)"])
                    if row.kind.isBoolean {
                        if sample.text == "true" { try check(sample, row, written, [written]) }
                    } else {
                        try check(sample, row, written, [written, sample.text])
                    }
                }
            }
        }
    }

    private func check(_ sample: Sample, _ row: Setting, _ written: String, _ arguments: [String]) throws {
        let needed: [String]
        switch row.name {
        // Protection is nothing without somebody who may be called.
        case "enable-ssrf-protection": needed = [plain, "--allow=10.0.0.1:80"]
        // Nor is a check of clients without TLS, and somebody who vouches for them.
        case "client-certificates": needed = ["--client-ca-path=/ca"]
        case "client-ca-path": needed = ["--client-certificates=required"]
        case "allowed-client-names": needed = ["--client-ca-path=/ca", "--client-certificates=required"]
        case "secure-proxy": needed = []
        default: needed = [plain]
        }
        let others = needed
        if Sample.notBuilt.contains(where: { $0.name == sample.name }) {
            let found = mistakes(others + arguments)
            XCTAssertEqual(found.count, 1, "\(found)")
            XCTAssertTrue(found.first?.hasPrefix("\(written)=") ?? false, "\(found)")
            XCTAssertTrue(found.first?.contains(" is not available in this build: ") ?? false, "\(found)")
            return
        }
        let invocation = try parsed(others + arguments)
        var expected = Settings()
        sample.change(&expected)
        XCTAssertEqual(row.kind.show(invocation.settings), row.kind.show(expected), "\(arguments)")
        XCTAssertEqual(invocation.sources[row.name], .flag(written), "\(arguments)")
        XCTAssertEqual(invocation.command, .serve)
    }

    func testTheOriginalSidecarsExampleIsAccepted() throws {
        let arguments = [
            "-port=8000", "-vllm-port=8001", "-connector=nixlv2", "-enable-ssrf-protection=true",
            "-inference-pool-namespace=default", "-inference-pool-name=my-pool", "-prefiller-use-tls=false",
            "-prefiller-tls-insecure-skip-verify=false", "-decoder-use-tls=false",
            "-decoder-tls-insecure-skip-verify=false", "-cert-path=/etc/sidecar/certs/", "-secure-proxy=true",
            "-logtostderr=true",
        ]
        let invocation = try parsed(
            arguments, ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"])
        XCTAssertTrue(invocation.settings.secureProxy)
        XCTAssertEqual(invocation.notes, [])
    }

    func testDefaultsAreTheDocumentedOnes() throws {
        let invocation = try parsed([plain])
        var expected = Settings()
        expected.secureProxy = false
        XCTAssertEqual(invocation.settings, expected)
        XCTAssertEqual(invocation.notes, [])
        let shown = Dictionary(uniqueKeysWithValues: SettingsTable.all.map { ($0.name, $0.kind.show(Settings())) })
        let documented = [
            "port": "8000", "vllm-port": "8001", "connector": "nixlv2", "enable-ssrf-protection": "false",
            "secure-proxy": "true", "cert-path": "/etc/sidecar/certs/", "logtostderr": "true",
            "require-certificate": "false", "tls-min-version": "1.2", "tls-cipher-suites": "",
            "tls-handshake-timeout": "10s", "client-certificates": "off", "client-ca-path": "",
            "allowed-client-names": "", "prefiller-use-tls": "false", "decoder-use-tls": "false",
            "prefiller-tls-insecure-skip-verify": "false", "decoder-tls-insecure-skip-verify": "false",
            "prefiller-tls-server-name": "", "decoder-tls-server-name": "", "ca-cert-path": "",
            "upstream-cert-path": "",
            "prefill-timeout": "30s", "connect-timeout": "5s", "handoff-max-age": "20s", "handoff-block-ids": "nested",
            "handoff-absent": "decode", "rewrite-cached-tokens": "true", "forward-credentials-to-prefiller": "false",
            "client-protocol-members": "strip", "max-prefill-answer-bytes": "16MiB", "max-body-bytes": "64MiB",
            "max-buffered-bytes": "0", "max-connections": "16384", "head-timeout": "30s", "min-body-rate": "1KiB",
            "body-grace": "10s", "keep-alive-timeout": "5m", "upstream-idle-timeout": "4s",
            "max-idle-conns-per-host": "1024", "client-half-close": "cancel", "pre-drain-delay": "0s",
            "drain-timeout": "30s", "restart-drain-timeout": "0s", "loops": "0", "admin-port": "9464",
            "control-socket": "/tmp/routing-sidecar.sock", "log-level": "info", "log-requests": "false",
            "require-sandbox": "on", "sandbox": "on", "landlock-abi": "99", "deny": "", "pool-group": "auto",
            "allow": "", "allow-file": "", "kv-agent": "false", "kv-address": "", "kv-port": "7800",
            "kv-peer-ports": "", "kv-data-ports": "7801-7832", "kv-region-bytes": "64MiB", "kv-max-transfers": "32",
            "kv-transfer-timeout": "30s",
            "kubernetes-server": "", "allowlist-ports": "pool", "allowlist-selector": "",
            "kubernetes-ca-file": "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
            "kubernetes-token-file": "/var/run/secrets/kubernetes.io/serviceaccount/token",
            "allowlist-require-ready": "false", "allowlist-host-network": "false", "allowlist-sync-timeout": "1m",
            "allowlist-max-age": "0s", "revoked-connections": "finish", "enable-prefiller-sampling": "false",
        ]
        for (name, value) in documented { XCTAssertEqual(shown[name], value, name) }
    }
}
