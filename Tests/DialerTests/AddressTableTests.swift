import IPC
import Linux
import XCTest

@testable import Dialer

/// Addresses one by one, with the verdict that a reader of the rules would give, under the default settings.
final class AddressTableTests: XCTestCase {
    static let refused: [(String, [String])] = [
        (
            "this network",
            ["0.0.0.0", "0.0.0.1", "0.1.2.3", "0.255.255.255", "::", "::ffff:0.0.0.0", "::ffff:0.9.9.9", "::0.0.0.9"]
        ),
        (
            "loopback",
            [
                "127.0.0.1", "127.0.0.0", "127.0.0.2", "127.1.2.3", "127.255.255.255", "::1", "::ffff:127.0.0.1",
                "::ffff:127.9.9.9", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::127.0.0.1", "2002:7f00:1::",
                "2002:7f00:1::1", "::ffff:0:127.0.0.1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
            ]
        ),
        (
            "link-local and the metadata service in it",
            [
                "169.254.0.0", "169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.255.255",
                "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "::a9fe:a9fe",
                "::ffff:0:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe",
                "64:ff9b:1::169.254.169.254", "64:ff9b:1:ffff:ffff:ffff:a9fe:a9fe", "2002:a9fe:a9fe::",
                "2002:a9fe:a9fe::1", "2002:a9fe:a9fe:ffff:ffff:ffff:ffff:ffff",
                "2001:0:4136:e378:8000:63bf:5601:5601", "2001:db8::5efe:169.254.169.254",
                "2001:db8::200:5efe:169.254.169.254", "2001:db8::100:5efe:a9fe:a9fe", "2001:db8::300:5efe:a9fe:a9fe",
                "fe80::", "fe80::1", "fe80::5efe:10.0.0.1", "fe80:1234::1", "fe90::1", "fea0::1",
                "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::1", "feff::1",
            ]
        ),
        (
            "metadata services elsewhere",
            [
                "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "::ffff:100.100.100.200", "::ffff:168.63.129.16",
                "::100.100.100.200", "::168.63.129.16", "64:ff9b::100.100.100.200", "64:ff9b::168.63.129.16",
                "64:ff9b:1::100.100.100.200", "2002:6464:64c8::1", "2002:a83f:8110::1",
                "2001:0:1:2:3:4:9b9b:9b37", "2001:0:1:2:3:4:57c0:7eef", "2001:db8::5efe:100.100.100.200",
                "2001:db8::200:5efe:168.63.129.16", "fd00:0ec2:0:0:0:0:0:0254",
            ]
        ),
        (
            "multicast, reserved, broadcast",
            [
                "224.0.0.0", "224.0.0.1", "224.0.0.251", "239.255.255.255", "240.0.0.0", "240.0.0.1",
                "254.255.255.255", "255.255.255.254", "255.255.255.255", "::ffff:224.0.0.1", "::ffff:255.255.255.255",
                "::224.0.0.1", "64:ff9b::224.0.0.1", "64:ff9b::255.255.255.255", "2002:e000:1::1", "2002:ffff:ffff::1",
                "ff00::", "ff01::1", "ff02::1", "ff02::fb", "ff05::2", "ff0e::1",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            ]
        ),
    ]

    static let allowed = [
        "10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.254", "100.64.0.1",
        "100.100.100.199", "100.100.100.201", "168.63.129.15", "168.63.129.17", "1.0.0.0", "1.1.1.1", "8.8.8.8",
        "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "170.254.169.254", "223.255.255.255",
        "192.0.2.1", "198.18.0.1", "203.0.113.7", "::ffff:10.0.0.1", "::ffff:192.168.1.1", "2001:db8::1",
        "2001:db8:1:2:3:4:5:6", "2a00:1450:4001::1", "fd00:ec2::253", "fd00:ec2::255", "fd00:ec2:0:0:1::254",
        "fd00:ec3::254", "fd12:3456:789a::1", "fc00::1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.1.2.3", "2002:a00:1::1",
        "fe00::1", "fe7f::1", "2001:db8::5efe:10.0.0.1", "2001:db8::200:5efe:192.168.0.1", "::10.0.0.1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:1::7f00:1", "2003:a9fe:a9fe::1", "64:ff9c::169.254.169.254",
        "2001:db8::400:5efe:a9fe:a9fe", "2001:db8::5eff:a9fe:a9fe",
    ]

    func testTheTableIsLargeEnoughToMeanSomething() {
        let entries = Self.refused.reduce(0) { $0 + $1.1.count } + Self.allowed.count
        XCTAssertGreaterThanOrEqual(entries, 140)
    }

    func testEveryAddressThatMustNeverBeDialledIsRefusedByDefault() {
        let policy = policy()
        for (kind, texts) in Self.refused {
            for text in texts {
                XCTAssertEqual(
                    policy.refusal(of: Endpoint(address(text), 8000), now: 0), .forbiddenAddress, "\(text) is \(kind)")
            }
        }
    }

    func testOrdinaryAddressesAndTheNeighboursOfForbiddenOnesAreAllowed() {
        let policy = policy()
        for text in Self.allowed { XCTAssertNil(policy.refusal(of: Endpoint(address(text), 8000), now: 0), text) }
    }

    func testThePortMakesNoDifferenceToAForbiddenAddress() {
        let policy = policy()
        for port: UInt16 in [1, 22, 53, 80, 443, 6443, 8000, 10250, 32768, 65535] {
            for text in ["169.254.169.254", "127.0.0.1", "::1", "fe80::1", "0.0.0.0", "ff02::1", "fd00:ec2::254"] {
                XCTAssertTrue(policy.refuses(text, port: port), "\(text) port \(port)")
            }
            XCTAssertFalse(policy.refuses("10.0.0.1", port: port), "port \(port)")
        }
    }

    func testPortZeroIsNoTarget() {
        XCTAssertTrue(policy().refuses("10.0.0.1", port: 0))
        XCTAssertTrue(policy(allowLoopback: true).refuses("127.0.0.1", port: 0))
    }
}
