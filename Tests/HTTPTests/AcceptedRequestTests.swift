import TestSupport
import XCTest

@testable import HTTP

/// Request heads that are accepted, with everything the parser learns from them.
final class AcceptedRequestTests: XCTestCase {
    func testStartLines() {
        check(
            [
                Row(line("GET / HTTP/1.1"), "GET /"),
                Row(line("POST /v1/completions HTTP/1.1"), "POST /v1/completions"),
                Row(line("HEAD /health HTTP/1.1"), "HEAD /health"),
                Row(line("PUT /a HTTP/1.1"), "PUT /a"),
                Row(line("PATCH /a HTTP/1.1"), "PATCH /a"),
                Row(line("DELETE /a HTTP/1.1"), "DELETE /a"),
                Row(line("OPTIONS /a HTTP/1.1"), "OPTIONS /a"),
                Row(line("OPTIONS * HTTP/1.1"), "OPTIONS *"),
                Row(line("PROPFIND /a HTTP/1.1"), "PROPFIND /a"),
                // Methods are case-sensitive: this one is merely unknown.
                Row(line("get / HTTP/1.1"), "get /"),
                Row(line("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1"), "!#$%&'*+-.^_`|~09azAZ /"),
                Row(line("\(String(repeating: "M", count: 32)) / HTTP/1.1"), "\(String(repeating: "M", count: 32)) /"),
                Row(line("GET /?a=b HTTP/1.1"), "GET / target=/?a=b"),
                Row(line("GET / HTTP/1.0"), "GET / 1.0 close"),
                // HTTP/1.0 knows requests without a host.
                Row("GET / HTTP/1.0\r\n\r\n", "GET / 1.0 close"),
            ], request)
    }

    func testMethodsAreRecognisedBySpelling() {
        let known: [(String, HTTP.Method)] = [
            ("GET", .get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("PATCH", .patch), ("DELETE", .delete),
            ("OPTIONS", .options), ("Get", .other), ("GETT", .other), ("GE", .other), ("POSTS", .other),
            ("HEAP", .other),
            ("PUSH", .other), ("DELETF", .other), ("OPTIONT", .other), ("X", .other),
        ]
        for (name, method) in known {
            let guarded = GuardedBytes(latin1(line("\(name) / HTTP/1.1")))
            var head = Head()
            XCTAssertNil(head.parseRequest(guarded.bytes), name)
            XCTAssertEqual(head.method, method, name)
        }
    }

    func testBodies() {
        check(
            [
                Row(get("Content-Length: 0"), "GET / length=0"),
                Row(get("Content-Length: 5"), "GET / length=5"),
                Row(get("content-length:5"), "GET / length=5"),
                Row(get("CONTENT-LENGTH: \t 00005 \t"), "GET / length=5"),
                Row(get("Content-Length: 999999999999999999"), "GET / length=999999999999999999"),
                Row(get("Transfer-Encoding: chunked"), "GET / chunked"),
                Row(get("transfer-encoding:CHUNKED"), "GET / chunked"),
                Row(get("Content-Type: application/json", "Content-Type: text/plain"), "GET / type=application/json"),
                Row(get("Content-Encoding: gzip"), "GET / encoded"),
                Row(get("Content-Encoding: identity"), "GET /"),
                Row(get("Content-Encoding: Identity"), "GET /"),
                Row(get("Content-Encoding:"), "GET /"),
                Row(get("Content-Encoding: identity", "Content-Encoding: br"), "GET / encoded"),
                Row(get("Content-Encoding: br", "Content-Encoding: identity"), "GET / encoded"),
                Row(get("Expect: 100-continue"), "GET / continue"),
                Row(get("Expect: 100-Continue", "Content-Length: 3"), "GET / length=3 continue"),
            ], request)
    }

    func testConnections() {
        check(
            [
                Row(get("Connection: close"), "GET / close"),
                Row(get("Connection: Close"), "GET / close"),
                Row(get("Connection: keep-alive"), "GET /"),
                Row(get("Connection: keep-alive, close"), "GET / close"),
                Row(get("Connection: close", "Connection: keep-alive"), "GET / close"),
                Row(get("Connection: ,, ,close\t,"), "GET / close"),
                Row(get("Connection:"), "GET /"),
                // A longer word with the same beginning is another word.
                Row(get("Connection: closed"), "GET /"),
                Row(get("Connection: clos"), "GET /"),
                Row("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / 1.0"),
                Row("GET / HTTP/1.0\r\nConnection: Keep-Alive, X\r\nX: y\r\n\r\n", "GET / 1.0 ends=X"),
                Row("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET / 1.0 close"),
                Row("GET / HTTP/1.0\r\nContent-Length: 3\r\n\r\n", "GET / 1.0 length=3 close"),
                Row(get("Connection: X-Secret", "x-secret: 1"), "GET / ends=x-secret"),
                Row(get("x-a: 1", "Connection: X-A, X-B", "x-b: 2", "x-ab: 3"), "GET / ends=x-a,x-b"),
                Row(get("x-a: 1", "x-b: 1", "Connection: X-A", "Connection: X-B"), "GET / ends=x-a,x-b"),
                Row(get("x-a: 1", "x-a: 2", "Connection: X-A"), "GET / ends=x-a,x-a"),
                Row(get("Connection: x-absent"), "GET /"),
                Row(get("Connection: connection"), "GET / ends=Connection"),
                Row(get("Connection: keep-alive", "Keep-Alive: timeout=5"), "GET / ends=Keep-Alive"),
                Row(get("Connection: accept-encoding", "Accept-Encoding: gzip"), "GET / ends=Accept-Encoding"),
                Row(get("Connection: x-nixl-version", "X-Nixl-Version: 1"), "GET / ends=X-Nixl-Version"),
                Row(get("Connection: Upgrade", "Upgrade: websocket"), "GET / websocket ends=Upgrade"),
                Row(get("Upgrade: WebSocket"), "GET / websocket"),
                // `{` is `[` with one bit more: folding case must not make them equal.
                Row(get("x-a^: 1", "Connection: X-A~"), "GET /"),
            ], request)
    }

    /// RFC 9110, 7.8: an Upgrade field counts only when Connection names it.
    func testWhatAsksForAWebSocket() {
        func asks(_ head: String) -> Bool {
            let guarded = GuardedBytes(latin1(head))
            var parsed = Head()
            XCTAssertNil(parsed.parseRequest(guarded.bytes), head)
            return parsed.asksForWebSocket
        }
        XCTAssertTrue(asks(get("Connection: Upgrade", "Upgrade: websocket")))
        XCTAssertTrue(asks(get("Upgrade: WebSocket", "Connection: keep-alive, upgrade")))
        XCTAssertFalse(asks(get("Upgrade: websocket")))
        XCTAssertFalse(asks(get("Upgrade: websocket", "Connection: keep-alive")))
        XCTAssertFalse(asks(get("Connection: Upgrade")))
        XCTAssertFalse(asks("POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))
        XCTAssertFalse(asks("GET / HTTP/1.0\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))
    }

    func testOurOwnFields() {
        check(
            [
                Row(get("x-prefiller-host-port: 10.0.0.1:8000"), "GET / prefillers=1:10.0.0.1:8000"),
                Row(get("X-Prefiller-Host-Port:  a:1 ", "x-prefiller-host-port: b:2"), "GET / prefillers=2:a:1"),
                Row(get("X-Prefiller-Host-Port:"), "GET / prefillers=1:"),
                Row(get("x-prefiller-host-port: a:1,b:2"), "GET / prefillers=1:a:1,b:2"),
                Row(get("X-Request-Id: abc"), "GET / ids=1:abc"),
                Row(get("X-Request-ID: abc", "x-request-id: def"), "GET / ids=2:abc"),
                Row(get("x-prefiller-host-por: a:1"), "GET /"),
                Row(get("x-prefiller-host-port1: a:1"), "GET /"),
                Row(get("x_prefiller_host_port: a:1"), "GET /"),
            ], request)
    }

    func testHosts() {
        for host in [
            "h", "example.com", "EXAMPLE.com:8000", "10.0.0.1", "10.0.0.1:80", "[::1]", "[2001:db8::1]:443", "a-b_c~d",
            "", "localhost.",
        ] {
            XCTAssertEqual(request("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n"), "GET /", host)
        }
    }

    func testFieldsKeepTheirSpelling() {
        XCTAssertEqual(
            fields(get("X-Odd!#$%&'*+-.^_`|~: a b\tc ", "Empty:", "Latin: \u{e9}\u{ff}", "Blank: \t ")),
            [
                "Host=h host", "X-Odd!#$%&'*+-.^_`|~=a b\tc other", "Empty= other", "Latin=\u{e9}\u{ff} other",
                "Blank= other",
            ])
    }

    /// Every second letter large.
    private func mixed(_ name: String) -> String {
        name.enumerated().map { $0.offset % 2 == 0 ? $0.element.uppercased() : String($0.element) }.joined()
    }

    func testEveryKnownFieldIsRecognisedInAnyCase() {
        let names: [(String, String)] = [
            ("host", "host"), ("connection", "connection"), ("expect", "expect"), ("upgrade", "upgrade"),
            ("content-type", "contentType"), ("content-encoding", "contentEncoding"),
            ("accept-encoding", "acceptEncoding"), ("authorization", "authorization"), ("cookie", "cookie"),
            ("x-request-id", "requestID"), ("x-forwarded-for", "forwardedFor"),
            ("x-prefiller-host-port", "prefillerHostPort"), ("keep-alive", "hopByHop"), ("te", "hopByHop"),
            ("trailer", "hopByHop"), ("proxy-connection", "hopByHop"), ("proxy-authenticate", "hopByHop"),
            ("proxy-authorization", "hopByHop"), ("x-nixl-version", "connectorOwned"),
            ("x-kv-connector", "connectorOwned"), ("x-decoder-host-port", "connectorOwned"),
            ("content-length", "contentLength"), ("transfer-encoding", "transferEncoding"),
        ]
        let values = [
            "content-length": "1", "transfer-encoding": "chunked", "expect": "100-continue", "upgrade": "websocket",
            "host": "h",
        ]
        for (name, kind) in names {
            for spelling in [name, name.uppercased(), mixed(name)] {
                let value = values[name] ?? "v"
                let host = name == "host" ? "" : "Host: h\r\n"
                let parsed = fields("GET / HTTP/1.1\r\n\(host)\(spelling): \(value)\r\n\r\n")
                XCTAssertEqual(parsed.last, "\(spelling)=\(value) \(kind)")
            }
            // One letter more, one less and one changed is another field.
            for other in [name + "x", "x" + name, String(name.dropLast()) + "_"] {
                XCTAssertEqual(fields(get("\(other): v")).last, "\(other)=v other")
            }
        }
    }

    func testAHeadIsForgottenBeforeTheNext() {
        var head = Head()
        let rich = GuardedBytes(
            latin1(
                "POST http://h/a?b HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nX-Request-Id: a\r\n"
                    + "Content-Encoding: br\r\nContent-Type: t\r\nUpgrade: websocket\r\nx-prefiller-host-port: a:1\r\n"
                    + "Connection: close, keep-alive, x\r\nx: y\r\n\r\n"))
        XCTAssertNil(head.parseRequest(rich.bytes))
        XCTAssertEqual(
            facts(head, rich.bytes),
            "POST /a target=/a?b authority=h 1.0 length=3 close continue websocket encoded type=t prefillers=1:a:1 ids=1:a "
                + "ends=x")
        let plain = GuardedBytes(latin1(get("x: y")))
        XCTAssertNil(head.parseRequest(plain.bytes))
        XCTAssertEqual(facts(head, plain.bytes), "GET /")
        XCTAssertEqual(head.fieldCount, 2)

        let chunked = GuardedBytes(latin1(get("Transfer-Encoding: chunked")))
        XCTAssertNil(head.parseRequest(chunked.bytes))
        XCTAssertNil(head.parseRequest(plain.bytes))
        XCTAssertEqual(facts(head, plain.bytes), "GET /")
    }

    func testTheMostFieldsFit() {
        let lines = (0..<HeadLimits.fields - 1).map { "f\($0): \($0)\r\n" }.joined()
        XCTAssertEqual(fields("GET / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n").count, HeadLimits.fields)
        XCTAssertEqual(request("GET / HTTP/1.1\r\nHost: h\r\n\(lines)one: more\r\n\r\n"), "431")
    }
}
