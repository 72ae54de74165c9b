import Configuration
import Glibc
import IPC
import Linux
import XCTest

@testable import Supervisor

/// What SSRF protection means to each child, made from what the operator said.
final class PoolConfigurationTests: XCTestCase {
    private static let cluster = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"]

    private func configuration(
        _ flags: [String], _ environment: [String: String] = cluster
    ) throws -> ChildConfiguration {
        switch parse(arguments: ["--secure-proxy=false"] + flags, environment: environment) {
        case .success(let invocation):
            return ChildConfiguration(settings: invocation.settings, environment: environment)
        case .failure(let mistakes):
            XCTFail("\(mistakes)")
            throw Errno(EINVAL)
        }
    }

    private func dialer(_ configuration: ChildConfiguration) throws -> DialerSettings {
        guard case .dialer(let settings) = configuration.dialer else { throw Errno(EINVAL) }
        return settings
    }

    private func proxy(_ configuration: ChildConfiguration) throws -> ProxySettings {
        guard case .proxy(let settings) = configuration.proxy else { throw Errno(EINVAL) }
        return settings
    }

    private func watcher(_ flags: [String]) throws -> WatcherSettings {
        let all = ["--enable-ssrf-protection", "--inference-pool=there/my-pool"] + flags
        guard case .watcher(let settings) = try configuration(all).watcher else { throw Errno(EINVAL) }
        return settings
    }

    private let pool = ["--enable-ssrf-protection", "--inference-pool=there/my-pool"]
    private let fixed = ["--enable-ssrf-protection", "--allow=10.0.0.1:80"]

    func testAWatcherIsNeededForAPoolAndForNothingElse() throws {
        XCTAssertTrue(try configuration(pool).watchesPool)
        XCTAssertFalse(try configuration(fixed).watchesPool)
        XCTAssertFalse(try configuration(["--enable-ssrf-protection", "--allow-file=/allow"]).watchesPool)
        XCTAssertFalse(try configuration(["--inference-pool=there/my-pool"]).watchesPool)
        XCTAssertFalse(try configuration([]).watchesPool)
    }

    func testProtectionReachesTheDialerAndTheProxy() throws {
        for (flags, protected) in [(pool, true), (fixed, true), ([], false), (["--inference-pool=a/b"], false)] {
            XCTAssertEqual(try dialer(try configuration(flags)).protection, protected, "\(flags)")
            XCTAssertEqual(try proxy(try configuration(flags)).protection, protected, "\(flags)")
        }
    }

    func testTheAgeOfAPoolReachesBothAndAFixedListHasNone() throws {
        for (flags, age) in [(pool, 90_000), (fixed, 0), ([], 0)] as [([String], UInt32)] {
            let configuration = try configuration(flags + ["--allowlist-max-age=90s"])
            XCTAssertEqual(try dialer(configuration).allowlistMaximumAge, age, "\(flags)")
            XCTAssertEqual(try proxy(configuration).allowlistMaximumAge, age, "\(flags)")
        }
        XCTAssertEqual(try dialer(try configuration(pool)).allowlistMaximumAge, 0)
    }

    func testWhatTheProxyDoesWithCandidatesAndRevocation() throws {
        let plain = try proxy(try configuration(fixed))
        XCTAssertFalse(plain.samplePrefillers)
        XCTAssertFalse(plain.cutRevoked)
        XCTAssertEqual(plain.handoffHostCheck, .pool)
        XCTAssertTrue(try proxy(try configuration(fixed + ["--enable-prefiller-sampling"])).samplePrefillers)
        XCTAssertTrue(try proxy(try configuration(fixed + ["--revoked-connections=cut"])).cutRevoked)
        XCTAssertEqual(try proxy(try configuration([])).handoffHostCheck, .off)
    }

    func testTheWatcherIsToldWhereToAskAndWhatFor() throws {
        let settings = try watcher([])
        XCTAssertEqual(settings.server, Endpoint(Address(v4: 0x0A60_0001), 443))
        XCTAssertEqual(settings.namespace, "there")
        XCTAssertEqual(settings.pool, "my-pool")
        XCTAssertEqual(settings.group, "", "the group is found out")
        XCTAssertEqual(settings.ports, .pool)
        XCTAssertEqual(settings.portList, [])
        XCTAssertFalse(settings.requireReady)
        XCTAssertFalse(settings.allowHostNetwork)
        XCTAssertEqual(settings.selector, "")
    }

    func testEveryConditionReachesTheWatcher() throws {
        XCTAssertEqual(try watcher(["--pool-group=inference.llm-d.ai"]).group, "inference.llm-d.ai")
        XCTAssertEqual(try watcher(["--allowlist-ports=any"]).ports, .any)
        let listed = try watcher(["--allowlist-ports=8000,8001"])
        XCTAssertEqual(listed.ports, .list)
        XCTAssertEqual(listed.portList, [8000, 8001])
        XCTAssertTrue(try watcher(["--allowlist-require-ready"]).requireReady)
        XCTAssertTrue(try watcher(["--allowlist-host-network"]).allowHostNetwork)
        XCTAssertEqual(try watcher(["--allowlist-selector=role=prefill"]).selector, "role=prefill")
        XCTAssertEqual(
            try watcher(["--kubernetes-server=https://[fd00::1]:6443"]).server,
            Endpoint(try XCTUnwrap(Address.parse("fd00::1")), 6443))
    }

    func testTheLargestSettingsOfAWatcherTravelWhole() throws {
        let name = String(repeating: "n", count: 63)
        let full = try configuration([
            "--enable-ssrf-protection", "--inference-pool-namespace=\(name)",
            "--inference-pool-name=\([name, name, name, String(repeating: "n", count: 61)].joined(separator: "."))",
            "--allowlist-selector=\(String(repeating: "s", count: 1000))",
            "--allowlist-ports=\((1...WatcherSettings.mostPorts).map(String.init).joined(separator: ","))",
        ])
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Frame.bufferSize, alignment: 16)
        defer { room.deallocate() }
        let size = Channel.encode(ToChild.settings(full.watcher), descriptors: 0, into: room)
        XCTAssertGreaterThan(size, 0)
        let received: ToChild = try Channel.decode(UnsafeRawBufferPointer(rebasing: room[..<size]), descriptors: 0)
        XCTAssertEqual(received, .settings(full.watcher))
    }

    func testTheServerThatTheWatcherAsksIsNeverAPrefiller() throws {
        let settings = try dialer(try configuration(pool + ["--kubernetes-server=https://192.0.2.9:6443"]))
        func denies(_ host: String, _ port: UInt16) throws -> Bool {
            let endpoint = Endpoint(try XCTUnwrap(Address.parse(host)), port)
            return settings.denied.contains { $0.contains(endpoint) }
        }
        XCTAssertTrue(try denies("192.0.2.9", 6443))
        XCTAssertFalse(try denies("192.0.2.9", 8000), "elsewhere than in a pod other ports of the host may be members")
        XCTAssertTrue(try denies("10.96.0.1", 443))
        XCTAssertTrue(try denies("10.96.0.1", 8000))
    }

    func testOnlyTheFilesOfTheServiceAccountAreLent() throws {
        let usual = try configuration(pool)
        XCTAssertEqual(usual.kubernetesFile(.token), "/var/run/secrets/kubernetes.io/serviceaccount/token")
        XCTAssertEqual(
            usual.kubernetesFile(.certificateAuthority), "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
        let other = try configuration(pool + ["--kubernetes-token-file=/t", "--kubernetes-ca-file=/c"])
        XCTAssertEqual(other.kubernetesFile(.token), "/t")
        XCTAssertEqual(other.kubernetesFile(.certificateAuthority), "/c")
        for file in [HostFile.resolvConf, .hosts] { XCTAssertNil(other.kubernetesFile(file)) }
    }
}
