import XCTest

@testable import HTTP

/// Request targets: each path has one spelling, and everything else is refused.
final class TargetTests: XCTestCase {
    /// Path and target, or the status.
    private func target(_ text: String) -> String { String(request(line("GET \(text) HTTP/1.1")).dropFirst(4)) }

    func testAccepted() {
        for plain in [
            "/", "/a", "/a/", "/a/b/c", "/v1/chat/completions", "/.a", "/a.", "/..a", "/a..", "/...", "/a.b", "/a~b",
            "/a:b@c!$&'()*+,;=", "/[x]", "/%20", "/a%20b", "/%C3%A9", "/%c3%a9", "/%80%FF", "/%22", "/%3C", "/%7C",
            "/*", "/a*", "/;a=b", "/=", "/%21", "/%40",
        ] { XCTAssertEqual(request(line("GET \(plain) HTTP/1.1")), "GET \(plain)") }
        for (text, path) in [
            ("/?", "/"), ("/?a", "/"), ("/a?b?c", "/a"), ("/a?/../b", "/a"), ("/a?%2e%2F%00", "/a"),
            ("/a?\"<>^`{|}\\", "/a"),
            ("/a/?x=//", "/a/"),
        ] { XCTAssertEqual(target(text), "\(path) target=\(text)") }
    }

    func testRefused() {
        for text in [
            // Dot and empty segments.
            "/.", "/..", "/./", "/../", "/a/.", "/a/..", "/a/./b", "/a/../b", "/./a", "/../a", "/a/./", "/a/../",
            "/..?x", "/.?x", "//", "//a", "/a//", "/a//b", "///", "//?x",
            // Encoded bytes with meaning, and encoded bytes that need no encoding.
            "/%2f", "/%2F", "/a%2fb", "/%5c", "/%5C", "/%2e", "/%2E%2e", "/%2e%2e/a", "/.%2e/", "/%61", "/%41", "/%30",
            "/%7e", "/%7E", "/%2d", "/%5f", "/%00", "/%0a", "/%0D", "/%1f", "/%7f", "/%25", "/%252e", "/%252f", "/%3f",
            "/%23",
            // Broken encodings.
            "/%", "/%2", "/%zz", "/%2g", "/%g2", "/a%", "/a%2?b", "/%%20", "/% 20", "/%u002f",
            // Bytes that a target cannot hold.
            "/a\\b", "/a#b", "/#", "/a?b#c", "/a\"b", "/a<b", "/a>b", "/a^b", "/a`b", "/a{b", "/a}b", "/a|b",
            "/a\u{7f}", "/a\u{80}", "/\u{e9}", "/a?\u{e9}", "/a\u{1}", "/a\0",
            // Not an origin form.
            "a", "v1/completions", "?a", "*", "*a", "**", ".", "../a", "\\a", "#", "%2f",
        ] { XCTAssertEqual(request(line("GET \(text) HTTP/1.1")), "400", text) }
    }

    func testAsteriskIsForOptionsOnly() {
        XCTAssertEqual(request(line("OPTIONS * HTTP/1.1")), "OPTIONS *")
        XCTAssertEqual(request(line("OPTIONS *a HTTP/1.1")), "400")
        XCTAssertEqual(request(line("POST * HTTP/1.1")), "400")
    }

    private func absolute(_ target: String, host: String) -> String {
        request("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    }

    func testAbsoluteForm() {
        XCTAssertEqual(absolute("http://h/a?b", host: "h"), "GET /a target=/a?b authority=h")
        XCTAssertEqual(absolute("HTTP://h/", host: "h"), "GET / authority=h")
        XCTAssertEqual(absolute("http://h:1/a/", host: "h:1"), "GET /a/ authority=h:1")
        XCTAssertEqual(absolute("http://EXAMPLE.com/", host: "example.COM"), "GET / authority=EXAMPLE.com")
        XCTAssertEqual(absolute("http://[2001:DB8::1]:8/", host: "[2001:db8::1]:8"), "GET / authority=[2001:DB8::1]:8")
        XCTAssertEqual(absolute("http://a_b~c/", host: "a_b~c"), "GET / authority=a_b~c")
    }

    func testAbsoluteFormRefused() {
        for target in [
            "http://", "http:///", "http:///a", "http://h", "http://h?a", "http://h?a/b", "http://u@h/", "http://h@/",
            "http:/h/", "http:h/", "http//h/", "ftp://h/", "httpx://h/", "https://h/", "HTTPS://h/a", "ws://h/", "h/a",
            "h:80",
            "http://h//a", "http://h/../a", "http://h/%2e", "http://h/a#b", "http://h/.", "http://h#/", "http://h\\/",
        ] { XCTAssertEqual(absolute(target, host: "h"), "400", target) }
    }

    func testTheAuthorityIsTheHosts() {
        for (target, host) in [
            ("http://a/", "b"), ("http://a/", "ab"), ("http://ab/", "a"), ("http://a:80/", "a"), ("http://a/", "a:80"),
            ("http://a/", ""),
            // Characters that differ only in the bit that tells upper from lower case.
            ("http://{::1}/", "[::1]"), ("http://a^/", "a~"),
        ] { XCTAssertEqual(absolute(target, host: host), "400", "\(target) for \(host)") }
    }
}
