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

    func testAuthoritiesOfClientsAreNothingWhereNobodyIsAsked() {
        assertMistakes(["--client-ca-path=/ca"], [["--client-ca-path=/ca: nobody is asked for a certificate"]])
        assertMistakes(
            ["--client-ca-path=/ca", "--allowed-client-names=DNS:a", "--client-certificates=off"],
            [["--client-ca-path=/ca: nobody is asked"], ["--allowed-client-names=DNS:a: nobody is asked"]])
    }

    func testNamesAreNothingWhereACertificateIsOptional() throws {
        assertMistakes(
            ["--client-certificates=optional", "--client-ca-path=/ca", "--allowed-client-names=DNS:a"],
            [
                [
                    "--allowed-client-names=DNS:a: whoever shows no certificate would pass",
                    "--client-certificates=optional",
                ]
            ])
        XCTAssertEqual(try parsed(["--client-certificates=optional", "--client-ca-path=/ca"]).notes, [])
    }

    func testUpstreamsAreShownAPairOfTheirOwn() throws {
        let on = "--decoder-use-tls"
        for same in ["/etc/sidecar/certs", "/etc/sidecar/certs/", "/etc/sidecar/certs///", "/etc//sidecar/./certs"] {
            assertMistakes(
                [on, "--upstream-cert-path=\(same)"],
                [["--upstream-cert-path=\(same): is the folder of --cert-path=/etc/sidecar/certs/ (the default)"]])
        }
        assertMistakes(
            [on, "--cert-path=/a/", "--upstream-cert-path=/a"], [["--upstream-cert-path=/a", "--cert-path=/a/"]])
        for other in ["/etc/sidecar/certs/upstream", "etc/sidecar/certs", "/etc/sidecar"] {
            XCTAssertEqual(try parsed([on, "--upstream-cert-path=\(other)"]).notes, [], other)
        }
        // Nobody is served with it.
        XCTAssertEqual(try parsed([plain, on, "--upstream-cert-path=/etc/sidecar/certs"]).notes, [])
    }

    func testAServersNameIsNoAddress() {
        for leg in ["prefiller", "decoder"] {
            for address in ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1"] {
                let flag = "--\(leg)-tls-server-name=\(address)"
                assertMistakes(
                    ["--\(leg)-use-tls", flag], [[flag, "is an address; leave it out", "the address that is called"]])
            }
        }
    }

    func testWhatHasNoEffectIsTold() throws {
        let on = ["--prefiller-use-tls", "--decoder-use-tls"]
        let skip = ["--prefiller-tls-insecure-skip-verify", "--decoder-tls-insecure-skip-verify"]
        func notes(_ flags: [String]) throws -> [String] {
            try parsed(flags).notes.filter { !$0.hasPrefix("certificates of the ") }
        }
        XCTAssertEqual(
            try notes([plain, "--require-certificate"]),
            ["--require-certificate=true has no effect with --secure-proxy=false"])
        XCTAssertEqual(try notes(["--require-certificate"]), [])
        XCTAssertEqual(try notes([plain, "--require-certificate=false"]), [])

        for flag in ["--ca-cert-path=/ca", "--upstream-cert-path=/pair"] {
            XCTAssertEqual(
                try notes([flag]), ["\(flag) has no effect without --prefiller-use-tls or --decoder-use-tls"])
            for leg in on { XCTAssertEqual(try notes([leg, flag]), [], "\(leg) \(flag)") }
        }
        // Nobody's certificate is checked; ours is shown all the same.
        XCTAssertEqual(
            try notes(on + skip + ["--ca-cert-path=/ca", "--upstream-cert-path=/pair"]),
            ["--ca-cert-path=/ca has no effect beside \(skip[0]) and \(skip[1])"])
        XCTAssertEqual(
            try notes([on[0], skip[0], "--ca-cert-path=/ca"]), ["--ca-cert-path=/ca has no effect beside \(skip[0])"])
        XCTAssertEqual(try notes(on + [skip[0], "--ca-cert-path=/ca"]), [], "the other is checked")

        for (leg, i) in [("prefiller", 0), ("decoder", 1)] {
            let flag = "--\(leg)-tls-server-name=name.example"
            XCTAssertEqual(try notes([on[1 - i], flag]), ["\(flag) has no effect without \(on[i])"])
            XCTAssertEqual(try notes([on[i], flag]), [])
            XCTAssertEqual(
                try notes([on[i], skip[i], flag]),
                ["\(flag) is only asked for and not checked: \(skip[i]) takes any certificate"])
        }
    }

    /// Nobody should think that the other version was meant too.
    func testAListOfSuitesThatIsSilentOnAVersionIsTold() throws {
        let old = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        let new = "TLS_AES_128_GCM_SHA256"
        func notes(_ suites: String, _ version: String) throws -> [String] {
            try parsed(["--tls-cipher-suites=\(suites)", "--tls-min-version=\(version)"]).notes
        }
        XCTAssertEqual(
            try notes(old, "1.2"), ["--tls-cipher-suites=\(old) names no suite of TLS 1.3, of which all stay in use"])
        XCTAssertEqual(
            try notes(new, "1.2"),
            [
                "--tls-cipher-suites=\(new) names no suite of TLS 1.2, of which all stay in use; to refuse TLS 1.2 set"
                    + " --tls-min-version=1.3"
            ])
        XCTAssertEqual(
            try notes(old, "1.3"), ["--tls-cipher-suites=\(old) has no effect: --tls-min-version=1.3 uses none of them"]
        )
        for version in ["1.2", "1.3"] { XCTAssertEqual(try notes("\(old),\(new)", version), []) }
        XCTAssertEqual(try notes(new, "1.3"), [])
        XCTAssertEqual(try notes("", "1.2"), [])
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
