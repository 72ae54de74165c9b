import HTTP
import Linux
import TestSupport
import XCTest

@testable import Proxy

/// x-prefiller-host-port: what it may say, and everything it may not.
final class PrefillTargetTests: XCTestCase {
    static let endpoints: [(String, String, UInt16)] = [
        ("10.1.2.3:8000", "10.1.2.3", 8000),
        ("http://10.1.2.3:8000", "10.1.2.3", 8000),
        ("HTTP://10.1.2.3:8000", "10.1.2.3", 8000),
        ("HtTp://10.1.2.3:8000", "10.1.2.3", 8000),
        ("1.1.1.1:1", "1.1.1.1", 1),
        ("10.1.2.3:65535", "10.1.2.3", 65535),
        ("255.255.255.255:9", "255.255.255.255", 9),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("169.254.169.254:80", "169.254.169.254", 80),
        ("[2001:db8::1]:8000", "2001:db8::1", 8000),
        ("http://[2001:db8::1]:8000", "2001:db8::1", 8000),
        ("[2001:DB8::A]:8000", "2001:db8::a", 8000),
        ("[2001:0db8:0000:0000:0000:0000:0000:0001]:8000", "2001:db8::1", 8000),
        ("[::1]:80", "::1", 80),
        ("[0:0:0:0:0:0:0:1]:80", "::1", 80),
        ("[::]:80", "::", 80),
        ("[1::]:5", "1::", 5),
        ("[1:2:3:4:5:6:7:8]:65535", "1:2:3:4:5:6:7:8", 65535),
        ("[1:2:3:4:5:6:7::]:80", "1:2:3:4:5:6:7:0", 80),
        ("[::2:3:4:5:6:7:8]:80", "0:2:3:4:5:6:7:8", 80),
        ("[1:2:3:4:5:6:1.2.3.4]:1", "1:2:3:4:5:6:102:304", 1),
        ("[::ffff:10.0.0.5]:80", "10.0.0.5", 80),
        ("[::ffff:a00:5]:80", "10.0.0.5", 80),
        ("[0:0:0:0:0:ffff:10.0.0.5]:80", "10.0.0.5", 80),
        ("[::FFFF:10.0.0.5]:80", "10.0.0.5", 80),
        ("[::10.0.0.5]:80", "::a00:5", 80),
        ("[64:ff9b::169.254.169.254]:80", "64:ff9b::a9fe:a9fe", 80),
        ("[fe80::1]:80", "fe80::1", 80),
    ]

    static let localhosts: [(String, UInt16)] = [
        ("localhost:8000", 8000), ("LOCALHOST:8000", 8000), ("LocalHost:1", 1), ("http://localhost:65535", 65535),
        ("HTTP://Localhost:9", 9),
    ]

    /// They are read as names everywhere; whether names count at all is decided later.
    static let names: [(String, String, UInt16)] = [
        ("example.com:80", "example.com", 80), ("http://example.com:80", "example.com", 80), ("a:1", "a", 1),
        ("prefill-0.prefill.ns.svc.cluster.local:8000", "prefill-0.prefill.ns.svc.cluster.local", 8000),
        ("Prefill-0:8000", "Prefill-0", 8000), ("localhost.localdomain:80", "localhost.localdomain", 80),
        ("xlocalhost:80", "xlocalhost", 80), ("localhosts:80", "localhosts", 80), ("local:80", "local", 80),
        ("metadata.google.internal:80", "metadata.google.internal", 80), ("10-1-2-3.pod:80", "10-1-2-3.pod", 80),
        ("10.1.2.3.nip.io:80", "10.1.2.3.nip.io", 80), ("0x7f.a:80", "0x7f.a", 80), ("a.b2:80", "a.b2", 80),
        ("_http._tcp.example:80", "_http._tcp.example", 80), ("xn--nxasmq6b:80", "xn--nxasmq6b", 80),
        ("http:80", "http", 80), ("javascript:1", "javascript", 1), ("a--b:80", "a--b", 80),
        (String(repeating: "a", count: 63) + ":80", String(repeating: "a", count: 63), 80),
        (String(repeating: "a.", count: 126) + "b:80", String(repeating: "a.", count: 126) + "b", 80),
    ]

    static let malformed: [(String, [String])] = [
        (
            "no port",
            ["10.1.2.3", "10.1.2.3:", "localhost", "localhost:", "[::1]", "[::1]:", "http://10.1.2.3", "8000"]
        ),
        (
            "a port that is none",
            [
                "10.1.2.3:0", "10.1.2.3:00", "10.1.2.3:65536", "10.1.2.3:99999", "10.1.2.3:100000",
                "10.1.2.3:18446744073709551617", "10.1.2.3:08000", "10.1.2.3:0x50", "10.1.2.3:80a", "10.1.2.3:-1",
                "10.1.2.3:+80", "10.1.2.3: 80", "10.1.2.3:80 ", "10.1.2.3:8 0", "10.1.2.3:8_0", "10.1.2.3:http",
                "10.1.2.3:8e3", "10.1.2.3:80.0", "[::1]:0", "[::1]:65536", "localhost:0", "localhost:65536",
                "10.1.2.3:\u{0661}", "10.1.2.3:\u{FF18}\u{FF10}",
            ]
        ),
        (
            "userinfo",
            [
                "10.0.0.5:x@127.0.0.1", "10.0.0.5:80@127.0.0.1:80", "user@10.1.2.3:80", "user:pass@10.1.2.3:80",
                "@10.1.2.3:80", "10.0.0.5@10.1.2.3:80", "http://user@10.1.2.3:80", "http://10.0.0.5:x@127.0.0.1",
                "10.1.2.3:80@", "10.1.2.3%40x:80",
            ]
        ),
        (
            "path, query, fragment",
            [
                "10.1.2.3:8000/", "10.1.2.3:8000/prefix", "10.1.2.3:8000?x=", "10.1.2.3:8000#x", "10.1.2.3:8000/?x=:80",
                "10.1.2.3/x:80", "10.1.2.3?x:80", "10.1.2.3#:80", "http://10.1.2.3:8000/v1/completions",
                "10.1.2.3:8000;x", "10.1.2.3;x:8000", "10.1.2.3:8000\\", "10.1.2.3\\@x:80", "/10.1.2.3:80",
                "//10.1.2.3:80", "[::1]:80/", "[::1]/x:80",
            ]
        ),
        (
            "another scheme, or half of one",
            [
                "https://10.1.2.3:8000", "ftp://10.1.2.3:80", "file:///etc/passwd:80", "gopher://10.1.2.3:80",
                "http:10.1.2.3:80", "http:/10.1.2.3:80", "http:///10.1.2.3:80", "http://http://10.1.2.3:80", "http://",
                "http://:80", "http://:", "://10.1.2.3:80", "javascript:", "unix:/tmp/x:1", "http//10.1.2.3:80",
            ]
        ),
        (
            "names that are none",
            [
                "localhost.:80", "example.com.:80", "-:80", "-a:80", "a-:80", "a.-b:80", "a-.b:80", "a..b:80", ".a:80",
                ".:80", "..:80", "a b:80", "a/b:80", "a@b:80", "a%62:80", "a*b:80", "*.example.com:80", "a$b:80",
                "a.1:80", "a.1b:80", "example.0x50:80", "[example.com]:80", "example.com:", "example.com",
                "example.com:80:80", "http://example.com:80/", "\u{24DB}ocalhost:80", "l\u{00F6}calhost:80",
                "localhost%00:80", "xn--\u{0430}:80", String(repeating: "a", count: 64) + ":80",
                "x." + String(repeating: "a", count: 64) + ".y:80", String(repeating: "a.", count: 126) + "bc:80",
                String(repeating: "a", count: 60_000) + ":80",
            ]
        ),
        (
            "odd spellings of IPv4",
            [
                "10.1.2:80", "10.1:80", "10:80", "167838211:80", "0x0a010203:80", "0x0a.1.2.3:80", "010.1.2.3:80",
                "10.01.2.3:80", "10.1.2.03:80", "10.1.2.003:80", "00.0.0.0:80", "10.1.2.256:80", "10.1.2.1000:80",
                "256.1.2.3:80", "10.1.2.3.4:80", "10.1.2.3.:80", ".10.1.2.3:80", "10..2.3:80", "10.1.2.:80",
                "+10.1.2.3:80",
                "10.1.2.-3:80", "10.1.2.3e0:80", "10.1.2.3%eth0:80", "10,1,2,3:80", "\u{FF11}0.1.2.3:80",
                "10\u{3002}1\u{3002}2\u{3002}3:80", "10.1.2.3\u{FF0E}:80", "0177.0.0.1:80", "127.1:80", "2130706433:80",
                "017700000001:80",
            ]
        ),
        (
            "odd spellings of IPv6",
            [
                "::1:80", "2001:db8::1:80", "1:2:3:4:5:6:7:8:80", "[::1", "::1]:80", "[]:80", "[::1]80", "[::1]x:80",
                "[::1]]:80", "[[::1]]:80", "[[::1]:80", "[1.2.3.4]:80", "[localhost]:80", "[::1%eth0]:80",
                "[fe80::1%25eth0]:80",
                "[fe80::1%1]:80", "[::1 ]:80", "[ ::1]:80", "[1::2::3]:80", "[:::]:80", "[:1]:80", "[1:]:80",
                "[1:2:3:4:5:6:7]:80", "[1:2:3:4:5:6:7:8:9]:80", "[12345::]:80", "[g::]:80", "[::1.2.3]:80",
                "[::1.2.3.4.5]:80", "[::01.2.3.4]:80", "[1.2.3.4::]:80", "[::1.2.3.4:5]:80", "[::256.1.1.1]:80",
                "[v1.fe80]:80", "[::-1]:80", "[0x1::]:80", "[1:2:3:4:5:6:7:1.2.3.4]:80", "[1:2:3:4:5:6:7:8::]:80",
                "[::1:2:3:4:5:6:7:8]:80", "[::ffff:1.2.3.4/96]:80", "[:]:80", "[::1],80",
            ]
        ),
        (
            "white space and control characters",
            [
                " 10.1.2.3:80", "10.1.2.3 :80", "10.1.2.3\t:80", "10. 1.2.3:80", "10.1.2.3:80\r\nx: y", "10.1.2.3:80\n",
                "10.1.2.3:80\r", "10.1.2.3\n:80", "10.1.2.3:8\u{0}0", "10.1.2.3\u{0}:80", "\u{0}10.1.2.3:80",
                "10.1.2.3:80\u{0}", "10.1.2.3:80\u{7F}", "10.1.2.3\u{B}:80", "\u{FEFF}10.1.2.3:80",
                "10.1.2.3:80\u{200B}",
                "10.1.2.3\u{A0}:80", "lo\u{AD}calhost:80", "local\nhost:80",
            ]
        ),
        (
            "several, or nothing at all",
            [
                ":", ":80", "::", "::80", ":::80", ",", "10.1.2.3:80,10.1.2.4:80", "10.1.2.3:80 10.1.2.4:80",
                "10.1.2.3:80;10.1.2.4:80", "10.1.2.3:80:80", "10.1.2.3::80", "[::1]:80:80", "\"10.1.2.3:80\"",
                "'10.1.2.3:80'",
                "<10.1.2.3:80>", "10.1.2.3-10.1.2.9:80", "10.1.2.0/24:80", "*:80", "null", "10.1.2.3:80=",
            ]
        ),
    ]

    private func parse(_ text: String) -> PrefillTarget { withBytes(text) { PrefillTarget.parse($0) } }

    func testTheTablesAreLargeEnoughToMeanSomething() {
        let count =
            Self.endpoints.count + Self.localhosts.count + Self.names.count
            + Self.malformed.reduce(0) { $0 + $1.1.count }
        XCTAssertGreaterThanOrEqual(count, 200)
    }

    func testAnAddressAndAPortAreReadExactly() {
        for (text, host, port) in Self.endpoints {
            XCTAssertEqual(parse(text), .endpoint(Endpoint(address(host), port)), text)
        }
    }

    func testLocalhostIsKeptAsAWordAndNeverLookedUp() {
        for (text, port) in Self.localhosts { XCTAssertEqual(parse(text), .localhost(port: port), text) }
    }

    func testEverythingElseIsMalformed() {
        for (kind, texts) in Self.malformed {
            for text in texts { XCTAssertEqual(parse(text), .malformed, "\(kind): \(text.debugDescription)") }
        }
    }

    func testNothingIsNoTarget() { XCTAssertEqual(parse(""), .none) }

    func testBytesThatAreNoTextAreMalformed() {
        let inside = Array("10.1.2.3".utf8) + [0xFF] + Array(":80".utf8)
        for bytes: [UInt8] in [[0xFF], [0x80, 0x3A, 0x38], [0xC0, 0x80, 0x3A, 0x31], inside] {
            XCTAssertEqual(withBytes(bytes) { PrefillTarget.parse($0) }, .malformed, "\(bytes)")
        }
    }

    func testANameIsReadExactly() {
        for (text, name, port) in Self.names { XCTAssertEqual(parse(text), .name(name, port: port), text) }
    }

    func testNoInsertedByteIsReadAsIfItWereNotThere() {
        let base = Array("10.1.2.3:8000".utf8)
        for place in 0...base.count {
            for byte in UInt8.min...UInt8.max where !(0x30...0x39).contains(byte) {
                var changed = base
                changed.insert(byte, at: place)
                // Only a last label that begins with a letter makes a name of it.
                let isLetter = byte < 0x80 && (Character(UnicodeScalar(byte)).isLetter || byte == UInt8(ascii: "_"))
                let makesName = place == 7 && isLetter
                let expected: PrefillTarget =
                    makesName
                    ? .name("10.1.2." + String(UnicodeScalar(byte)) + "3", port: 8000) : .malformed
                XCTAssertEqual(
                    withBytes(changed) { PrefillTarget.parse($0) }, expected, "byte \(byte) at place \(place)")
            }
        }
    }

    func testWhatIsReadIsWrittenBackAsTheSameEndpoint() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<5000 {
            let isV4 = Bool.random(using: &generator)
            let random = Address(high: generator.next() & generator.next(), low: generator.next() & generator.next())
            let target = isV4 ? Address(v4: UInt32(truncatingIfNeeded: generator.next())) : random
            let endpoint = Endpoint(target, UInt16.random(in: 1...65535, using: &generator))
            XCTAssertEqual(parse(endpoint.description), .endpoint(endpoint), endpoint.description)
        }
    }

    func testRandomTextIsNeverReadAsMoreThanItSays() {
        // Whatever is accepted must, but for case, zeros and scheme, be what the endpoint prints.
        let letters = Array("0123456789.:[]afhtp/@ %x".utf8)
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<200_000 {
            let bytes = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                letters.randomElement(using: &generator)!
            }
            guard case .endpoint(let endpoint) = withBytes(bytes, { PrefillTarget.parse($0) }) else { continue }
            XCTAssertTrue(
                parse(endpoint.description) == .endpoint(endpoint)
                    && String(decoding: bytes, as: UTF8.self).hasSuffix(":\(endpoint.port)"),
                String(decoding: bytes, as: UTF8.self))
        }
    }
}
