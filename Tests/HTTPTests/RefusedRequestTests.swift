import XCTest

@testable import HTTP

/// Request heads that are refused, with the status for the client.
final class RefusedRequestTests: XCTestCase {
    func testStartLines() {
        check(
            [
                Row("\r\n\r\n", "400"),
                Row(" / HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
                Row(line("GET"), "400"),
                Row(line("GET "), "400"),
                Row(line("GET /"), "400"),
                Row(line("GET / "), "400"),
                Row(line("GET  / HTTP/1.1"), "400"),
                Row(line("GET /  HTTP/1.1"), "400"),
                Row(line("GET\t/ HTTP/1.1"), "400"),
                Row(line("GET /\tHTTP/1.1"), "400"),
                Row(line(" GET / HTTP/1.1"), "400"),
                Row(line("GET / HTTP/1.1 "), "400"),
                Row(line("GET / HTTP/1.1x"), "400"),
                Row(line("GET / HTTP/1.10"), "400"),
                Row(line("GET / HTTP/11"), "400"),
                Row(line("GET / HTTP/1"), "400"),
                Row(line("GET / HTTP/1."), "400"),
                Row(line("GET / HTTP/.1"), "400"),
                Row(line("GET / HTTP/1,1"), "400"),
                Row(line("GET / HTTP/a.1"), "400"),
                Row(line("GET / http/1.1"), "400"),
                Row(line("GET / HTTPS/1.1"), "400"),
                Row(line("GET / HTTP 1.1"), "400"),
                Row(line("G(T / HTTP/1.1"), "400"),
                Row(line("GET: / HTTP/1.1"), "400"),
                Row(line("G\u{c9}T / HTTP/1.1"), "400"),
                Row(line("G\0T / HTTP/1.1"), "400"),
                Row(line("\(String(repeating: "M", count: 33)) / HTTP/1.1"), "400"),
                Row("GET / HTTP/1.1\rHost: h\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\nHost: h\r\n\r\n", "400"),
                Row(line("GET / HTTP/1.2"), "505"),
                Row(line("GET / HTTP/1.9"), "505"),
                Row(line("GET / HTTP/0.9"), "505"),
                Row(line("GET / HTTP/2.0"), "505"),
                Row(line("GET / HTTP/3.0"), "505"),
                Row("PRI * HTTP/2.0\r\n\r\n", "505"),
                Row(line("PRI / HTTP/1.1"), "505"),
                Row(line("TRACE / HTTP/1.1"), "501"),
                Row(line("CONNECT h:443 HTTP/1.1"), "501"),
                Row(line("CONNECT / HTTP/1.1"), "501"),
            ], request)
    }

    func testFieldLines() {
        check(
            [
                Row(get("no colon"), "400"),
                Row(get("nocolon"), "400"),
                Row(get(": empty name"), "400"),
                Row(get("Name : value"), "400"),
                Row(get("Name\t: value"), "400"),
                Row(get(" Name: value"), "400"),
                Row(get("X: 1", " folded"), "400"),
                Row(get("X: 1", "\tfolded"), "400"),
                Row(get("X: 1", " "), "400"),
                Row(get("X(Y): 1"), "400"),
                Row(get("X Y: 1"), "400"),
                Row(get("X\u{e9}: 1"), "400"),
                Row(get("X: a\0b"), "400"),
                Row(get("X: a\rb"), "400"),
                Row(get("X: a\nb"), "400"),
                Row(get("X: a\u{1}"), "400"),
                Row(get("X: \u{1f}"), "400"),
                Row(get("X: a\u{7f}b"), "400"),
                Row(get("X: abcdefgh\u{0b}ijklmnop"), "400"),
                Row(get("X: a\r"), "400"),
                Row(get("x-prefiller-host-port: 10.0.0.1:8000\rX: y"), "400"),
                Row(get("x-prefiller-host-port: 10.0.0.1:8000\0"), "400"),
                Row("GET / HTTP/1.1\r\nHost: h\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h\r\n\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h\r\n\r", "400"),
                // Bytes behind the end of the head do not belong to it.
                Row(get() + "x", "400"),
                Row(get() + "\r\n", "400"),
            ], request)
    }

    func testBodies() {
        check(
            [
                Row(get("Content-Length:"), "400"),
                Row(get("Content-Length: -1"), "400"),
                Row(get("Content-Length: +1"), "400"),
                Row(get("Content-Length: 1a"), "400"),
                Row(get("Content-Length: 0x10"), "400"),
                Row(get("Content-Length: 1 2"), "400"),
                Row(get("Content-Length: 1, 1"), "400"),
                Row(get("Content-Length: 1,2"), "400"),
                Row(get("Content-Length: 1.0"), "400"),
                Row(get("Content-Length: \"1\""), "400"),
                Row(get("Content-Length: 1000000000000000000"), "400"),
                Row(get("Content-Length: 18446744073709551617"), "400"),
                Row(get("Content-Length: \u{b2}"), "400"),
                Row(get("Content-Length: 1", "Content-Length: 1"), "400"),
                Row(get("Content-Length: 1", "content-length: 2"), "400"),
                Row(get("Content-Length: 1", "Transfer-Encoding: chunked"), "400"),
                Row(get("Transfer-Encoding: chunked", "Content-Length: 1"), "400"),
                Row(get("Transfer-Encoding: chunked", "Content-Length: 0"), "400"),
                Row(get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), "400"),
                Row(get("Transfer-Encoding: chunked, chunked"), "400"),
                Row(get("Transfer-Encoding: gzip, chunked"), "400"),
                Row(get("Transfer-Encoding: chunked, identity"), "400"),
                Row(get("Transfer-Encoding: gzip"), "400"),
                Row(get("Transfer-Encoding: identity"), "400"),
                Row(get("Transfer-Encoding: xchunked"), "400"),
                Row(get("Transfer-Encoding: chunkedx"), "400"),
                Row(get("Transfer-Encoding: \"chunked\""), "400"),
                Row(get("Transfer-Encoding: chunked;q=1"), "400"),
                Row(get("Transfer-Encoding: chun\u{6b}e\u{64}\u{a0}"), "400"),
                Row(get("Transfer-Encoding:"), "400"),
                Row("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
                Row(get("Expect: 200-ok"), "417"),
                Row(get("Expect:"), "417"),
                Row(get("Expect: 100-continue, x"), "417"),
                Row(get("Expect: 100-continue", "Expect: x"), "417"),
            ], request)
    }

    func testHosts() {
        check(
            [
                Row("GET / HTTP/1.1\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHosts: h\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "400"),
                Row("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: user@h\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h/a\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h?a\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h#a\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h%2e\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h\u{e9}\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: h\\a\r\n\r\n", "400"),
                Row("GET / HTTP/1.1\r\nHost: {h}\r\n\r\n", "400"),
            ], request)
    }

    /// A hop that drops such a field and one that keeps it would understand two different requests.
    func testConnectionMayNotNameWhatTheRequestDependsOn() {
        let values = [
            ("Content-Length", "1"), ("Transfer-Encoding", "chunked"), ("Content-Type", "t"),
            ("Content-Encoding", "br"),
            ("Authorization", "a"), ("Cookie", "c"), ("X-Request-Id", "r"), ("X-Forwarded-For", "1.1.1.1"),
            ("x-prefiller-host-port", "a:1"), ("Expect", "100-continue"),
        ]
        XCTAssertEqual(request(get("Connection: host")), "400")
        for (name, value) in values {
            XCTAssertEqual(request(get("\(name): \(value)", "Connection: \(name.lowercased())")), "400", name)
            XCTAssertEqual(request(get("Connection: close, \(name.uppercased())", "\(name): \(value)")), "400", name)
            // Naming what is not there changes nothing.
            XCTAssertEqual(request(get("Connection: \(name)")), "GET /", name)
        }
    }

    func testUpgrades() {
        check(
            [
                Row(get("Upgrade: h2c"), "400"),
                Row(get("Upgrade: TLS/1.0"), "400"),
                Row(get("Upgrade: websocket, h2c"), "400"),
                Row(get("Upgrade:"), "400"),
            ], request)
    }

    func testEveryTruncationIsRefused() {
        let head = latin1(
            "POST http://h/a%20b?q HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nConnection: close, x\r\nx: y\r\n\r\n")
        XCTAssertEqual(
            request(head), "POST /a%20b target=/a%20b?q authority=h length=12 close ends=x")
        for count in 0..<head.count { XCTAssertEqual(request(Array(head[..<count])), "400", "\(count) bytes") }
    }
}
