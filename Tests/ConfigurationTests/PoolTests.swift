import XCTest

@testable import Configuration

/// SSRF protection: where the allowlist comes from, and what goes with what.
final class PoolTests: XCTestCase {
    private let on = "--enable-ssrf-protection"
    private let cluster = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"]

    // MARK: Sources

    func testAPoolIsASource() throws {
        for flags in [["--inference-pool=a/b"], ["-inference-pool-namespace=a", "-inference-pool-name=b"]] {
            let settings = try parsed([plain, on] + flags, cluster).settings
            XCTAssertTrue(settings.ssrfProtection)
            XCTAssertFalse(settings.hasStaticAllowlist)
            XCTAssertEqual(settings.poolNamespace, "a")
            XCTAssertEqual(settings.poolName, "b")
            XCTAssertEqual(settings.kubernetesServer, "https://10.96.0.1:443")
        }
        let named = try parsed([plain, on], cluster.merging(["INFERENCE_POOL": "c/d"]) { $1 }).settings
        XCTAssertEqual(named.poolNamespace, "c")
        XCTAssertEqual(try parsed([plain, on, "--inference-pool=p"], cluster).settings.poolNamespace, "default")
    }

    func testAFixedListIsASourceThatNeedsNothingElse() throws {
        for flags in [["--allow=10.0.0.1:80"], ["--allow-file=/etc/allow"]] {
            let invocation = try parsed([plain, on] + flags)
            XCTAssertTrue(invocation.settings.hasStaticAllowlist)
            XCTAssertEqual(invocation.notes, [])
            // A pod always has these in its environment.
            XCTAssertEqual(try parsed([plain, on] + flags, cluster).notes, [])
        }
    }

    func testProtectionWithoutASourceIsRefusedWithAllThatIsMissing() {
        assertMistakes(
            [plain, on],
            [
                ["--enable-ssrf-protection=true: needs the Kubernetes API", "--kubernetes-server", "--allow"],
                ["needs the name of the inference pool", "INFERENCE_POOL_NAME"],
                ["needs the namespace of the inference pool", "INFERENCE_POOL_NAMESPACE"],
            ])
        assertMistakes([plain, on], cluster, [["needs the name"], ["needs the namespace"]])
        assertMistakes([plain, on, "--inference-pool-name=p"], cluster, [["needs the namespace"]])
        assertMistakes([plain, on, "--inference-pool=a/p"], [["needs the Kubernetes API"]])
        assertMistakes([plain, on, "--allow="], cluster, [["needs the name"], ["needs the namespace"]])
    }

    func testTwoSourcesAreOneTooMany() {
        assertMistakes(
            [plain, on, "--allow=10.0.0.1:80", "--allow-file=/etc/allow"],
            [["--allow-file=/etc/allow: contradicts --allow=10.0.0.1:80"]])
        for source in ["--allow=10.0.0.1:80", "--allow-file=/etc/allow"] {
            for pool in ["--inference-pool=a/b", "--inference-pool-name=b"] {
                assertMistakes([plain, on, source, pool], cluster, [["\(pool): contradicts \(source)"]])
            }
            assertMistakes(
                [plain, on, source], cluster.merging(["INFERENCE_POOL_NAME": "b"]) { $1 },
                [["INFERENCE_POOL_NAME=b: contradicts \(source)"]])
        }
    }

    func testWithoutProtectionSourcesAreTakenAndSaidToBeIdle() throws {
        let pool = try parsed([
            plain, "-inference-pool-namespace=a", "-inference-pool-name=b",
            "--pool-group=inference.networking.x-k8s.io", "--allowlist-ports=any",
        ])
        XCTAssertEqual(pool.notes, [])
        XCTAssertEqual(pool.settings.poolName, "b")
        XCTAssertEqual(pool.settings.poolGroup, .experimental)
        for flag in ["--allow=10.0.0.1:80", "--allow-file=/etc/allow"] {
            let notes = try parsed([plain, flag]).notes
            XCTAssertEqual(notes.count, 1)
            XCTAssertTrue(notes.first?.contains("\(flag) has no effect") ?? false, "\(notes)")
        }
    }

    func testAFixedListHasNoAge() throws {
        let notes = try parsed([plain, on, "--allow=10.0.0.1:80", "--allowlist-max-age=1m"]).notes
        XCTAssertEqual(notes.count, 1)
        XCTAssertTrue(notes.first?.contains("--allowlist-max-age=1m has no effect") ?? false, "\(notes)")
        XCTAssertEqual(try parsed([plain, on, "--inference-pool=a/b", "--allowlist-max-age=1m"], cluster).notes, [])
    }

    func testTheFilesOfTheServiceAccountHaveNames() {
        for name in ["kubernetes-token-file", "kubernetes-ca-file"] {
            assertMistakes(
                [plain, on, "--inference-pool=a/b", "--\(name)="], cluster, [["--\(name)=", "is empty; name the file"]])
        }
    }

    func testAMistakenSourceIsNoReasonForFurtherMistakes() {
        assertMistakes([plain, on, "--allow=evil"], [["--allow=evil: "]])
        assertMistakes(
            [plain, on, "--inference-pool=a/b", "--kubernetes-server=evil"], [["--kubernetes-server=evil: "]])
        assertMistakes([plain, on, "--inference-pool=/"], cluster, [["--inference-pool=/: "]])
        assertMistakes([plain, on, "--inference-pool-name=A", "--inference-pool-namespace=a"], cluster, [["=A: "]])
    }

    // MARK: The API server

    private func server(_ text: String) throws -> Settings {
        try parsed([plain, "--kubernetes-server=\(text)"]).settings
    }

    func testTheServerIsAnAddressOverHTTPS() throws {
        for (text, canonical) in [
            ("https://10.96.0.1", "https://10.96.0.1:443"), ("https://10.96.0.1/", "https://10.96.0.1:443"),
            ("https://10.96.0.1:6443", "https://10.96.0.1:6443"), ("https://10.96.0.1:6443/", "https://10.96.0.1:6443"),
            ("https://[fd00::1]", "https://[fd00::1]:443"), ("https://[fd00::1]:6443/", "https://[fd00::1]:6443"),
            ("https://[FD00:0:0::1]", "https://[fd00::1]:443"), ("https://[::ffff:10.0.0.1]:1", "https://10.0.0.1:1"),
        ] {
            let settings = try server(text)
            XCTAssertEqual(settings.kubernetesServer, canonical, text)
            XCTAssertEqual("https://\(try XCTUnwrap(settings.kubernetesEndpoint))", canonical, text)
        }
        XCTAssertEqual(try server("").kubernetesServer, "")
        XCTAssertNil(try server("").kubernetesEndpoint)
        XCTAssertNil(Settings().kubernetesEndpoint)
    }

    func testEverythingElseIsNoServer() {
        let accepted = "accepted: https://ADDRESS[:PORT]"
        for (text, part) in [
            ("http://10.96.0.1", "does not start with https://"), ("10.96.0.1:443", "does not start with https://"),
            ("HTTPS://10.96.0.1", "does not start with https://"), ("https:/10.96.0.1", "does not start with https://"),
            ("https://kubernetes.default.svc", "has no address in it (names are not looked up)"),
            ("https://kubernetes.default.svc/", "has no address in it (names are not looked up)"),
            ("https://kubernetes:443", "does not start with an IPv4 address"),
            ("https://user@10.96.0.1", "has no address in it (names are not looked up)"),
            ("https://10.96.0.1:0", "has a port"), ("https://10.96.0.1:65536", "has a port"),
            ("https://10.96.0.1:443/api", "has a port"), ("https://10.96.0.1:443?x", "has a port"),
            ("https://10.96.0.1:443//", "has a port"), ("https://10.96.0.1:", "has a port"),
            ("https://fd00::1", "does not start with an IPv4 address"),
            ("https://[10.96.0.1]", "has no address in it"), ("https://", "has no address in it"),
            ("https:///", "has no address in it"), ("https://[fd00::1%eth0]", "has no address in it"),
            ("https://10.96.0.1 ", "has no address in it"), ("https://10.96.0.1\n", "has no address in it"),
            ("https://a@10.96.0.1:443", "does not start with an IPv4 address"),
        ] {
            let found = mistakes([plain, "--kubernetes-server=\(text)"])
            XCTAssertEqual(found.count, 1, "\(text): \(found)")
            XCTAssertTrue(found.first?.contains(part) ?? false, "\(text): \(found)")
            XCTAssertTrue(found.first?.contains(accepted) ?? false, "\(text): \(found)")
        }
    }

    func testAPodFindsTheServerInItsEnvironment() throws {
        let rows: [(environment: [String: String], server: String)] = [
            (["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"], "https://10.96.0.1:443"),
            (["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"], "https://[fd00::1]:6443"),
            (["KUBERNETES_SERVICE_HOST": "::ffff:10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"], "https://10.0.0.1:443"),
            (
                ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT_HTTPS": "8443"],
                "https://10.96.0.1:8443"
            ),
            (
                [
                    "KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "1",
                    "KUBERNETES_SERVICE_PORT_HTTPS": "2",
                ], "https://10.96.0.1:1"
            ),
            // An empty variable counts as unset.
            (
                [
                    "KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "",
                    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
                ], "https://10.96.0.1:443"
            ),
            (["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": ""], ""),
            // A name is nothing to those who don't need the API, and incomplete pairs are none.
            (
                ["KUBERNETES_SERVICE_HOST": "kubernetes.default.svc", "KUBERNETES_SERVICE_PORT": "443"],
                ""
            ),
            (["KUBERNETES_SERVICE_HOST": "10.96.0.1"], ""),
            (["KUBERNETES_SERVICE_PORT": "443"], ""),
            (["KUBERNETES_SERVICE_HOST": "", "KUBERNETES_SERVICE_PORT": "443"], ""),
            ([:], ""),
        ]
        for (environment, server) in rows {
            let invocation = try parsed([plain], environment)
            XCTAssertEqual(invocation.settings.kubernetesServer, server, "\(environment)")
            XCTAssertEqual(
                invocation.sources["kubernetes-server"],
                server.isEmpty ? .default : .environment("KUBERNETES_SERVICE_HOST"), "\(environment)")
        }
    }

    func testANameInTheEnvironmentIsComplainedOfByThoseWhoNeedIt() {
        assertMistakes(
            [plain, on, "--inference-pool=a/b"],
            ["KUBERNETES_SERVICE_HOST": "kubernetes.default.svc", "KUBERNETES_SERVICE_PORT": "443"],
            [["KUBERNETES_SERVICE_HOST must be an address"]])
    }

    func testTheFlagWinsOverTheEnvironment() throws {
        let invocation = try parsed([plain, "--kubernetes-server=https://192.0.2.1"], cluster)
        XCTAssertEqual(invocation.settings.kubernetesServer, "https://192.0.2.1:443")
        XCTAssertEqual(invocation.sources["kubernetes-server"], .flag("--kubernetes-server"))
    }

    // MARK: Single values

    func testPortsAreAWordOrAList() throws {
        for (text, ports) in [
            ("pool", AllowlistPorts.pool), ("any", .any), ("8000", .list([8000])), ("1,65535", .list([1, 65535])),
            ("8001,8000,8001", .list([8001, 8000])),
        ] {
            XCTAssertEqual(try parsed([plain, "--allowlist-ports=\(text)"]).settings.allowlistPorts, ports, text)
        }
        let most = (1...maximumAllowlistPorts).map(String.init).joined(separator: ",")
        guard case .list(let ports) = try parsed([plain, "--allowlist-ports=\(most)"]).settings.allowlistPorts else {
            return XCTFail("not a list")
        }
        XCTAssertEqual(ports.count, maximumAllowlistPorts)
        for text in [
            "", ",", "0", "65536", "8000,", ",8000", "8000,,8001", "8000, 8001", "pool,8000", "any,any", "Pool", "-1",
            "080", "8000-8010", "http", most + ",65",
        ] {
            XCTAssertEqual(mistakes([plain, "--allowlist-ports=\(text)"]).count, 1, text)
        }
    }

    func testTheGroupIsOneOfThoseThatHaveAPool() throws {
        for group in Settings.PoolGroup.allCases {
            XCTAssertEqual(try parsed([plain, "--pool-group=\(group.rawValue)"]).settings.poolGroup, group)
        }
        for text in ["", "apps", "inference.networking.k8s.io/v1", "Auto"] {
            XCTAssertEqual(mistakes([plain, "--pool-group=\(text)"]).count, 1, text)
        }
    }

    func testASelectorCannotBreakOutOfItsRequest() throws {
        for text in ["", "role=prefill", "a in (b, c),!d", "x/y!=z", String(repeating: "a", count: 1000)] {
            XCTAssertEqual(try parsed([plain, "--allowlist-selector=\(text)"]).settings.allowlistSelector, text)
        }
        for text in ["a\r\nb", "a\0", "a\tb", "\u{7F}", "é", String(repeating: "a", count: 1001)] {
            XCTAssertEqual(mistakes([plain, "--allowlist-selector=\(text)"]).count, 1, text.debugDescription)
        }
    }
}
