import Linux
import XCTest

@testable import Resolver

final class HostFileTests: XCTestCase {
    func testTheResolvConfOfAPod() {
        let conf = ResolvConf(
            bytes(
                """
                search default.svc.cluster.local svc.cluster.local cluster.local
                nameserver 10.96.0.10
                options ndots:5

                """))
        XCTAssertEqual(conf.servers, [Endpoint(numeric("10.96.0.10"), 53)])
        XCTAssertEqual(conf.search, ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"].map(domain))
        XCTAssertEqual(conf.ndots, 5)
        XCTAssertEqual(conf.timeout, 5)
        XCTAssertEqual(conf.attempts, 2)
        XCTAssertFalse(conf.namesNoServer)
        XCTAssertEqual(conf.unusable, [])
    }

    func testServers() {
        let cases: [(String, [String])] = [
            ("nameserver 10.0.0.1", ["10.0.0.1:53"]),
            ("nameserver\t10.0.0.1   trailing words\r\n", ["10.0.0.1:53"]),
            ("nameserver 2001:db8::1\nnameserver 10.0.0.1", ["[2001:db8::1]:53", "10.0.0.1:53"]),
            ("nameserver 127.0.0.1#5353\nnameserver ::1#1", ["127.0.0.1:5353", "[::1]:1"]),
            (
                "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4",
                ["10.0.0.1:53", "10.0.0.2:53", "10.0.0.3:53"]
            ),
            ("# nameserver 10.0.0.9\n;nameserver 10.0.0.8\nnameserver 10.0.0.1", ["10.0.0.1:53"]),
            ("", ["127.0.0.1:53"]),
            ("nameserver", ["127.0.0.1:53"]),
            ("nameservers 10.0.0.1", ["127.0.0.1:53"]),
            ("nameserver fe80::1%eth0\nnameserver 010.0.0.1\nnameserver 10.0.0.1#0", ["127.0.0.1:53"]),
            ("nameserver 10.0.0.1#65536\nnameserver 10.0.0.1#\nnameserver 10.0.0.1#5x", ["127.0.0.1:53"]),
        ]
        for (text, servers) in cases {
            XCTAssertEqual(ResolvConf(bytes(text)).servers.map(\.description), servers, text)
        }
        let conf = ResolvConf(bytes("nameserver fe80::1%eth0"))
        XCTAssertTrue(conf.namesNoServer)
        XCTAssertEqual(conf.unusable, ["fe80::1%eth0"])
    }

    func testSearchAndDomain() {
        let cases: [(String, [String])] = [
            ("search a b. c", ["a", "b", "c"]),
            ("search a\nsearch b", ["b"]),
            ("search a b\ndomain c d", ["c"]),
            ("domain c\nsearch a b", ["a", "b"]),
            ("search . a", ["a"]),
            ("search a_b -c d", ["a_b", "d"]),
            ("search a\nsearch", []),
        ]
        for (text, suffixes) in cases { XCTAssertEqual(ResolvConf(bytes(text)).search, suffixes.map(domain), text) }
        let many = "search " + (0..<100).map { "s\($0)" }.joined(separator: " ")
        XCTAssertEqual(ResolvConf(bytes(many)).search.count, ResolvConf.mostSuffixes)
    }

    func testOptions() {
        let cases: [(String, ndots: Int, timeout: Int, attempts: Int)] = [
            ("options ndots:0 timeout:1 attempts:4 rotate", 0, 1, 4),
            ("options ndots:99 timeout:99 attempts:99", 15, 30, 5),
            ("options timeout:0 attempts:0", 1, 1, 1),
            ("options ndots:3\noptions attempts:1", 3, 5, 1),
            ("options ndots: timeout:-1 attempts:x ndots", 1, 5, 2),
            ("options ndots:99999999999999999999", 1, 5, 2),
        ]
        for (text, ndots, timeout, attempts) in cases {
            let conf = ResolvConf(bytes(text))
            XCTAssertEqual([conf.ndots, conf.timeout, conf.attempts], [ndots, timeout, attempts], text)
        }
    }

    func testCandidates() {
        let cases: [(name: String, ndots: Int, search: [String], expected: [String])] = [
            ("a", 1, ["x", "y.z"], ["a.x", "a.y.z", "a"]),
            ("a.b", 1, ["x"], ["a.b", "a.b.x"]),
            ("a.b.svc", 5, ["x"], ["a.b.svc.x", "a.b.svc"]),
            ("a.b.c.d.e.f", 5, ["x"], ["a.b.c.d.e.f", "a.b.c.d.e.f.x"]),
            ("a.", 5, ["x"], ["a"]),
            ("a", 0, ["x"], ["a", "a.x"]),
            ("a", 1, [], ["a"]),
            ("a", 1, ["x", "x"], ["a.x", "a"]),
        ]
        for (name, ndots, search, expected) in cases {
            guard let host = HostName(name) else { return XCTFail(name) }
            var conf = ResolvConf()
            conf.ndots = ndots
            conf.search = search.map(domain)
            XCTAssertEqual(SearchList.candidates(for: host, conf).map(\.description), expected, name)
        }
    }

    func testACandidateThatWouldBeTooLongIsLeftOut() {
        let long = Array(repeating: String(repeating: "a", count: 62), count: 4).joined(separator: ".")
        guard let host = HostName(long) else { return XCTFail("\(long.utf8.count) bytes") }
        var conf = ResolvConf()
        conf.search = [domain("cluster.local"), domain("x")]
        conf.ndots = 5
        XCTAssertEqual(SearchList.candidates(for: host, conf), [domain(long + ".x"), domain(long)])
    }

    func testHosts() {
        let hosts = HostsFile(
            bytes(
                """
                # comment 10.9.9.9 p
                127.0.0.1\tlocalhost localhost.localdomain
                ::1 localhost # 10.9.9.9 q
                10.0.0.1  Prefill-0.Example. P
                2001:db8::1 p
                10.0.0.2 p
                10.0.0.1 p
                010.0.0.3 p
                fe80::1%eth0 p
                nonsense p
                10.0.0.4
                10.0.0.5 -bad good
                """))
        XCTAssertEqual(hosts.addresses(of: domain("LOCALHOST")), [.loopback4, .loopback6])
        XCTAssertEqual(hosts.addresses(of: domain("prefill-0.example")), [numeric("10.0.0.1")])
        XCTAssertEqual(
            hosts.addresses(of: domain("p")), [numeric("10.0.0.1"), numeric("10.0.0.2"), numeric("2001:db8::1")])
        XCTAssertEqual(hosts.addresses(of: domain("good")), [numeric("10.0.0.5")])
        XCTAssertNil(hosts.addresses(of: domain("q")))
        XCTAssertNil(HostsFile().addresses(of: domain("p")))
    }

    func testFilesOfAnyBytesAreRead() {
        var state: UInt64 = 88_172_645_463_325_252
        for _ in 0..<500 {
            var text: [UInt8] = []
            for _ in 0..<200 {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                text.append(UInt8(truncatingIfNeeded: state >> 16) & (state & 1 == 0 ? 0x7F : 0xFF))
            }
            XCTAssertFalse(ResolvConf(bytes("nameserver ") + text).servers.isEmpty)
            _ = HostsFile(bytes("10.0.0.1 ") + text)
        }
    }
}
