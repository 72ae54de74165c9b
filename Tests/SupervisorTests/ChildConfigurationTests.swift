import Configuration
import Glibc
import IPC
import Linux
import XCTest

@testable import Supervisor

/// What children are told, made from what the operator said.
final class ChildConfigurationTests: XCTestCase {
    private func configuration(
        _ flags: [String] = [], _ environment: [String: String] = [:]
    ) throws -> ChildConfiguration {
        switch parse(arguments: ["--secure-proxy=false"] + flags, environment: [:]) {
        case .success(let invocation):
            return ChildConfiguration(settings: invocation.settings, environment: environment)
        case .failure(let mistakes):
            XCTFail("\(mistakes)")
            throw Errno(EINVAL)
        }
    }

    private func dialer(_ flags: [String] = [], _ environment: [String: String] = [:]) throws -> DialerSettings {
        guard case .dialer(let settings) = try configuration(flags, environment).dialer else {
            XCTFail("no settings for a dialer")
            return DialerSettings()
        }
        return settings
    }

    private func denies(_ settings: DialerSettings, _ host: String, _ port: UInt16) throws -> Bool {
        let endpoint = Endpoint(try XCTUnwrap(Address.parse(host)), port)
        return settings.denied.contains { $0.contains(endpoint) }
    }

    func testTheSignerSignsForTLS12OnlyWhereItIsSpoken() throws {
        for (flags, speaks) in [([], true), (["--tls-min-version=1.2"], true), (["--tls-min-version=1.3"], false)] {
            guard case .signer(let settings) = try configuration(flags).signer else { return XCTFail("no settings") }
            XCTAssertEqual(settings.speaksTLS12, speaks, "\(flags)")
        }
    }

    func testTheDecoderOnLocalhostIsTriedOverBothFamilies() throws {
        XCTAssertEqual(
            try dialer(["--vllm-port=8200"]).decoder, [Endpoint(.loopback4, 8200), Endpoint(.loopback6, 8200)])
    }

    func testOurOwnPortsAreDeniedOnLoopback() throws {
        let settings = try dialer(["--port=8000", "--admin-port=9464"])
        for host in ["127.0.0.1", "127.0.0.2", "127.255.255.255", "::1"] {
            XCTAssertTrue(try denies(settings, host, 8000), host)
            XCTAssertTrue(try denies(settings, host, 9464), host)
            XCTAssertFalse(try denies(settings, host, 8001), host)
        }
        XCTAssertFalse(try denies(settings, "10.0.0.1", 8000))
    }

    func testTheKubernetesAPIIsDeniedOnEveryPort() throws {
        let settings = try dialer([], ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"])
        XCTAssertTrue(try denies(settings, "10.96.0.1", 443))
        XCTAssertTrue(try denies(settings, "10.96.0.1", 6443))
        XCTAssertFalse(try denies(settings, "10.96.0.2", 443))
        let six = try dialer([], ["KUBERNETES_SERVICE_HOST": "fd00:10:96::1"])
        XCTAssertTrue(try denies(six, "fd00:10:96::1", 443))
        XCTAssertFalse(try denies(try dialer(), "10.96.0.1", 443))
    }

    func testDenyReachesTheDialerWithPrefixAndPort() throws {
        let settings = try dialer(["--deny=10.8.0.0/14,192.0.2.0/24:10250,2001:db8::/32,[2001:db9::]/32:443"])
        XCTAssertTrue(try denies(settings, "10.11.255.255", 1))
        XCTAssertFalse(try denies(settings, "10.12.0.0", 1))
        XCTAssertTrue(try denies(settings, "192.0.2.9", 10250))
        XCTAssertFalse(try denies(settings, "192.0.2.9", 10251))
        XCTAssertTrue(try denies(settings, "2001:db8:ffff::1", 8000))
        XCTAssertTrue(try denies(settings, "2001:db9::1", 443))
        XCTAssertFalse(try denies(settings, "2001:db9::1", 444))
    }

    func testEveryAcceptedDenialReachesTheDialerHoweverManyThereAre() throws {
        // As many as the configuration accepts.
        let hosts = (0..<256).map { "10.\($0).1.1" }
        let settings = try dialer(
            ["--deny=" + hosts.joined(separator: ",")], ["KUBERNETES_SERVICE_HOST": "10.96.0.1"])
        let missing = try hosts.filter { try !denies(settings, $0, 8000) }
        XCTAssertEqual(missing.count, 0, "not denied: \(missing.first ?? "") and \(missing.count - 1) more")
        XCTAssertTrue(try denies(settings, "10.96.0.1", 443))
        XCTAssertTrue(try denies(settings, "127.0.0.1", 8000))
    }

    func testTheSettingsOfAFullDialerTravelWhole() throws {
        let hosts = (0..<256).map { "10.\($0).1.1" }
        let sent = try configuration(["--deny=" + hosts.joined(separator: ",")]).dialer
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Frame.bufferSize, alignment: 16)
        defer { room.deallocate() }
        let size = Channel.encode(ToChild.settings(sent), descriptors: 0, into: room)
        XCTAssertGreaterThan(size, 0)
        let received: ToChild = try Channel.decode(UnsafeRawBufferPointer(rebasing: room[..<size]), descriptors: 0)
        XCTAssertEqual(received, .settings(sent))
    }

    func testTheFlagsThatOpenAddressesAreShutByDefault() throws {
        let shut = try dialer()
        XCTAssertFalse(shut.allowLoopback)
        XCTAssertFalse(shut.allowLinkLocal)
        XCTAssertTrue(try dialer(["--allow-loopback-upstreams"]).allowLoopback)
        XCTAssertTrue(try dialer(["--allow-link-local-upstreams"]).allowLinkLocal)
    }

    func testEachChildGetsSettingsOfItsOwnKind() throws {
        let configuration = try configuration()
        XCTAssertEqual(configuration.dialer.role, .dialer)
        XCTAssertEqual(configuration.proxy.role, .proxy)
        XCTAssertEqual(configuration.admin.role, .admin)
        XCTAssertEqual(configuration.resolver.role, .resolver)
        XCTAssertEqual(configuration.watcher.role, .watcher)
    }

    func testTheDecodersNameIsWrittenAsAHostFieldWantsIt() throws {
        for (host, name) in [
            ("localhost", "localhost:8200"), ("10.1.2.3", "10.1.2.3:8200"), ("2001:db8::1", "[2001:db8::1]:8200"),
        ] {
            guard case .proxy(let settings) = try configuration(["--decoder-host=\(host)", "--vllm-port=8200"]).proxy
            else {
                return XCTFail("no settings for a proxy")
            }
            XCTAssertEqual(settings.decoderName, name)
        }
    }

    func testThereIsAtLeastOneLoopAndRoomForBodies() throws {
        XCTAssertGreaterThanOrEqual(try configuration().loops, 1)
        XCTAssertLessThanOrEqual(try configuration().loops, 4)
        XCTAssertEqual(try configuration(["--loops=7"]).loops, 7)
        XCTAssertGreaterThanOrEqual(try configuration().maximumBuffered, 64 << 20)
        XCTAssertEqual(try configuration(["--max-buffered-bytes=100000000"]).maximumBuffered, 100_000_000)
    }
}
