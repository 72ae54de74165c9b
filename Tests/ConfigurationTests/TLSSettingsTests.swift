import XCTest

@testable import Configuration

/// Settings of TLS: two ways to say the same, and what doesn't go together.
final class TLSSettingsTests: XCTestCase {
    func testServingOverTLSIsTheDefault() throws {
        XCTAssertTrue(try parsed([]).settings.secureProxy)
        XCTAssertTrue(try parsed(["--secure-serving"]).settings.secureProxy)
        XCTAssertFalse(try parsed(["--secure-serving=false"]).settings.secureProxy)
    }

    func testTheNewerListsMeanTheSameAsAFlagForEachLeg() throws {
        let invocation = try parsed(["--enable-tls=prefiller,decoder", "--tls-insecure-skip-verify=decoder"])
        XCTAssertTrue(invocation.settings.prefillerUseTLS)
        XCTAssertTrue(invocation.settings.decoderUseTLS)
        XCTAssertFalse(invocation.settings.prefillerSkipVerify)
        XCTAssertTrue(invocation.settings.decoderSkipVerify)
        XCTAssertEqual(invocation.sources["prefiller-use-tls"], .flag("--enable-tls"))
        XCTAssertEqual(invocation.sources["prefiller-tls-insecure-skip-verify"], .default)
    }

    func testTheTwoWaysMayNotContradictEachOther() {
        assertMistakes(
            ["--enable-tls=decoder", "--decoder-use-tls=false"],
            [["--decoder-use-tls=false: contradicts --enable-tls=decoder"]])
    }

    func testEncodeWorkersAreNotPartOfThis() {
        assertMistakes(["--enable-tls=prefiller,encoder"], [["--enable-tls=prefiller,encoder", "leave encoder out"]])
        assertMistakes(["--tls-insecure-skip-verify=encoder"], [["--tls-insecure-skip-verify=encoder"]])
    }

    func testSkippedChecksAreWarnedOf() throws {
        let notes = try parsed(["--prefiller-use-tls", "--prefiller-tls-insecure-skip-verify"]).notes
        XCTAssertEqual(notes.count, 1)
        XCTAssertTrue(notes.first?.contains("certificates of the prefiller are not checked") ?? false, "\(notes)")
        let idle = try parsed(["--decoder-tls-insecure-skip-verify"]).notes
        XCTAssertTrue(idle.first?.contains("has no effect without --decoder-use-tls") ?? false, "\(idle)")
    }

    func testClientsAreOnlyCheckedAgainstSomebodyAndOverTLS() throws {
        assertMistakes(["--client-certificates=required"], [["--client-certificates=required", "--client-ca-path"]])
        assertMistakes(
            [plain, "--client-certificates=optional", "--client-ca-path=/ca"],
            [["--client-certificates=optional: needs TLS towards clients", "--secure-proxy=false"]])
        assertMistakes(
            ["--allowed-client-names=DNS:a"], [["--allowed-client-names=DNS:a", "nobody is asked for a certificate"]])
        let all = ["--client-certificates=required", "--client-ca-path=/ca", "--allowed-client-names=DNS:a"]
        XCTAssertEqual(try parsed(all).notes, [])
    }

    func testVersionsHaveTheNamesOfKubernetesToo() throws {
        XCTAssertEqual(try parsed(["--tls-min-version=VersionTLS13"]).settings.tlsMinimum, .v13)
        XCTAssertEqual(try parsed(["--tls-min-version=VersionTLS12"]).settings.tlsMinimum, .v12)
        assertMistakes(["--tls-min-version=1.1"], [["--tls-min-version=1.1", "1.2 or 1.3"]])
    }

    func testSuitesGoByTheirIANANamesAndGosOlderOnes() throws {
        let names = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,TLS_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256"
        XCTAssertEqual(
            try parsed(["--tls-cipher-suites=\(names)"]).settings.cipherSuites,
            ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"])
        assertMistakes(
            ["--tls-cipher-suites=TLS_RSA_WITH_AES_128_GCM_SHA256"],
            [["has the unknown entry \"TLS_RSA_WITH_AES_128_GCM_SHA256\""]])
        let idle = try parsed(
            ["--tls-min-version=1.3", "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"])
        XCTAssertTrue(idle.notes.first?.contains("has no effect") ?? false, "\(idle.notes)")
    }

    func testNamesOfCertificatesAndServersHaveTheirForm() {
        for bad in ["gateway", "DNS:", "URI:", "IP:10.0.0.1", "DNS:a b", "DNS:a,", "DNS:é"] {
            XCTAssertEqual(mistakes(["--allowed-client-names=\(bad)"]).count, 1, bad)
        }
        let many = (0...32).map { "DNS:a\($0)" }.joined(separator: ",")
        XCTAssertEqual(mistakes(["--allowed-client-names=\(many)"]).count, 1)
        for bad in ["a..b", ".", "a:443", "https://a", "a/b", "é", String(repeating: "a", count: 64)] {
            XCTAssertEqual(mistakes(["--prefiller-tls-server-name=\(bad)"]).count, 1, bad)
        }
    }
}
