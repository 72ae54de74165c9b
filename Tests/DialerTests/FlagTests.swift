import IPC
import Linux
import XCTest

@testable import Dialer

/// What the two flags that open something open, and what they leave shut.
final class FlagTests: XCTestCase {
    private let loopback4 = ["127.0.0.1", "127.0.0.2", "127.255.255.255", "::ffff:127.0.0.1"]
    private let linkLocal = ["169.254.1.1", "169.254.169.253", "::ffff:169.254.1.1", "fe80::1", "febf::1"]
    private let never = [
        "0.0.0.0", "0.0.0.1", "::", "::ffff:0.0.0.0", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "ff02::1", "64:ff9b::100.100.100.200", "2002:a83f:8110::1",
    ]

    func testLoopbackOpensWithItsFlagAndOnlyLoopback() {
        let open = policy(allowLoopback: true)
        for text in loopback4 {
            XCTAssertFalse(open.refuses(text), text)
            XCTAssertTrue(policy().refuses(text), text)
        }
        for text in linkLocal + never { XCTAssertTrue(open.refuses(text), text) }
    }

    func testLoopbackOfIPv6OpensWithTheFlagAsThatOfIPv4Does() {
        XCTAssertTrue(policy().refuses("::1"))
        XCTAssertFalse(policy(allowLoopback: true).refuses("::1"))
    }

    func testLinkLocalOpensWithItsFlagAndOnlyLinkLocal() {
        let open = policy(allowLinkLocal: true)
        for text in linkLocal {
            XCTAssertFalse(open.refuses(text), text)
            XCTAssertTrue(policy().refuses(text), text)
        }
        for text in loopback4 + ["::1"] + never { XCTAssertTrue(open.refuses(text), text) }
    }

    func testNoFlagOpensWhatIsNeverATarget() {
        let open = policy(allowLoopback: true, allowLinkLocal: true)
        for text in never { XCTAssertTrue(open.refuses(text), text) }
    }

    func testTheFlagsDoNotOpenWhatIsDenied() {
        let open = policy(
            allowLoopback: true, allowLinkLocal: true,
            denied: [block("127.0.0.0", 8, port: 8001), block("169.254.169.254", 32), block("::1", 128, port: 8001)])
        XCTAssertTrue(open.refuses("127.0.0.1", port: 8001))
        XCTAssertTrue(open.refuses("127.5.5.5", port: 8001))
        XCTAssertTrue(open.refuses("::1", port: 8001))
        XCTAssertTrue(open.refuses("169.254.169.254", port: 80))
        XCTAssertFalse(open.refuses("127.0.0.1", port: 8002))
        XCTAssertFalse(open.refuses("169.254.1.1", port: 80))
    }
}
