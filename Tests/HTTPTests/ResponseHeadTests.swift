import XCTest

@testable import HTTP

/// Response heads. An upstream that is misunderstood is as dangerous as a client, so the same strictness holds.
final class ResponseHeadTests: XCTestCase {
    private func ok(_ lines: String...) -> String {
        "HTTP/1.1 200 OK\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    func testAccepted() {
        check(
            [
                Row(ok(), "200 OK"),
                Row("HTTP/1.1 204\r\n\r\n", "204"),
                Row("HTTP/1.1 204 \r\n\r\n", "204"),
                Row("HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found"),
                Row("HTTP/1.1 200  two  blanks \r\n\r\n", "200  two  blanks "),
                Row("HTTP/1.1 200 caf\u{e9}\tx\r\n\r\n", "200 caf\u{e9}\tx"),
                Row("HTTP/1.1 100 Continue\r\n\r\n", "100 Continue"),
                Row(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
                    "101 Switching Protocols websocket"),
                Row("HTTP/1.1 599 x\r\n\r\n", "599 x"),
                Row("HTTP/1.0 200 OK\r\n\r\n", "200 OK 1.0 close"),
                Row("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", "200 OK 1.0"),
                Row("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 OK 1.0 chunked close"),
                Row(ok("Content-Length: 12"), "200 OK length=12"),
                Row(ok("Content-Length: 0"), "200 OK length=0"),
                Row(ok("Transfer-Encoding: chunked"), "200 OK chunked"),
                Row(ok("Connection: close"), "200 OK close"),
                Row(ok("Connection: x-a", "x-a: 1"), "200 OK ends=x-a"),
                // A response may name anything: it is dropped or kept, and nothing of ours depends on it.
                Row(ok("Connection: content-type", "content-type: t"), "200 OK type=t"),
                Row(ok("X-Request-Id: r", "Content-Encoding: gzip"), "200 OK encoded ids=1:r"),
                Row(ok("Upgrade: h2c"), "200 OK refused"),
            ], response)
    }

    func testRefused() {
        for head in [
            "\r\n\r\n", "HTTP/1.1 200", "HTTP/1.1 200\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 \r\n\r\n",
            "HTTP/1.1 20\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 000 x\r\n\r\n",
            "HTTP/1.1 600 x\r\n\r\n", "HTTP/1.1 999 x\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1\t200 OK\r\n\r\n",
            "HTTP/1.1 200\tOK\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n",
            "HTTP/1.1 200 a\0b\r\n\r\n",
            "HTTP/1.1 200 a\rb\r\n\r\n", "HTTP/1.1 200 a\nb\r\n\r\n", "HTTP/1.1 200 a\u{7f}\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
            "HTTQ/1.1 200 OK\r\n\r\n", "HTTP/1x1 200 OK\r\n\r\n", " HTTP/1.1 200 OK\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 OK\n\r\n", ok("no colon"), ok("a : b"), ok(" a: b"), ok("a: b", " folded"), ok("a: \0"),
            ok("Content-Length: x"), ok("Content-Length: 1", "Content-Length: 1"), ok("Content-Length: 1, 1"),
            ok("Content-Length: 1", "Transfer-Encoding: chunked"), ok("Transfer-Encoding: gzip, chunked"),
            ok("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), ok("Transfer-Encoding: identity"),
            ok() + "x",
        ] { XCTAssertEqual(response(head), "refused", head) }
    }

    func testEveryTruncationIsRefused() {
        let head = latin1("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: x\r\nx: y\r\n\r\n")
        XCTAssertEqual(response(head), "200 OK length=3 ends=x")
        for count in 0..<head.count { XCTAssertEqual(response(Array(head[..<count])), "refused", "\(count) bytes") }
    }
}
