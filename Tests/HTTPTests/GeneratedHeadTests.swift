import TestSupport
import XCTest

@testable import HTTP

/// Generated and damaged request heads, with a fixed seed, against the reference.
final class GeneratedHeadTests: XCTestCase {
    /// What the parser and the reference must agree on.
    private func parsed(_ bytes: [UInt8]) -> ReferenceHead? {
        let guarded = GuardedBytes(bytes)
        var head = Head()
        guard head.parseRequest(guarded.bytes) == nil else { return nil }
        var facts = ReferenceHead()
        facts.method = text(head.methodSpan, in: guarded.bytes)
        facts.path = text(head.path, in: guarded.bytes)
        facts.target = text(head.target, in: guarded.bytes)
        facts.authority = text(head.authority, in: guarded.bytes)
        facts.minorVersion = head.minorVersion
        facts.contentLength = head.contentLength
        facts.isChunked = head.isChunked
        facts.keepsAlive = head.keepsAlive
        facts.expectsContinue = head.expectsContinue
        facts.isWebSocket = head.upgrade == .websocket
        for i in 0..<head.fieldCount {
            facts.names.append(text(head[i].name, in: guarded.bytes))
            facts.values.append(text(head[i].value, in: guarded.bytes))
            facts.ends.append(head[i].endsHere)
        }
        return facts
    }

    private func compare(_ bytes: [UInt8]) -> Bool? {
        let expected = ReferenceHead.request(bytes)
        let found = parsed(bytes)
        if found != expected {
            XCTFail(
                "\(latin1(bytes).debugDescription)\nparser \(String(describing: found))\nreference \(String(describing: expected))"
            )
            return nil
        }
        return found != nil
    }

    private func generate(_ random: inout SeededGenerator) -> [UInt8] {
        // Half of the heads have a sound first line and host, so that the fields behind them matter.
        let sound = random.below(2) == 0
        let method = random.pick(sound ? ["GET", "POST"] : ["GET", "POST", "OPTIONS", "HEAD", "X", "TRACE", "PRI"])
        let target = random.pick(
            sound
                ? ["/", "/v1/completions", "/a?b=c", "http://h/a"]
                : [
                    "/", "/v1/completions", "/a?b=c", "/a//b", "/a/../b", "/%2e", "/%20", "*", "http://h/a",
                    "http://H/", "http://i/",
                    "https://h/a/?q", "h:1", "/a/", "/a%zz", "/a#b", "http://[::1]/", "http://{::1}/",
                ])
        let version = random.pick(sound ? ["HTTP/1.1", "HTTP/1.0"] : ["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0"])
        var lines = ["\(method) \(target) \(version)"]
        if sound {
            lines.append(random.pick(["Host: h", "host:H", "HOST: \th "]))
        } else if random.below(8) > 0 {
            lines.append(random.pick(["Host: h", "Host: [::1]", "Host: a b"]))
        }
        let other = [
            "Content-Length: 5", "content-length:0", "Content-Length: x", "Transfer-Encoding: chunked",
            "Connection: close",
            "connection: keep-alive", "Connection: x-a , close", "Connection: host", "Connection: cookie", "X-A: b",
            "x-a:",
            "Expect: 100-continue", "Expect: else", "Upgrade: websocket", "Upgrade: h2c", "Cookie: a=b", "TE: trailers",
            "x-prefiller-host-port: 10.0.0.1:1", "Host: h", "X : y", ": z", " folded", "Content-Type: application/json",
            "X-Request-Id: r", "Connection: ,,", "Keep-Alive: 5", "Connection: keep-alive, te",
            "Content-Encoding: gzip",
        ]
        for _ in 0..<random.below(4) { lines.append(random.pick(other)) }
        var bytes = latin1(lines.map { $0 + "\r\n" }.joined() + "\r\n")
        switch random.below(8) {
        case 0: bytes[random.below(bytes.count)] = UInt8(random.below(256))
        case 1: bytes.remove(at: random.below(bytes.count))
        case 2: bytes.insert(random.pick(latin1("\r\n \t:/,\0%?\u{7f}\u{e9}")), at: random.below(bytes.count + 1))
        case 3: bytes = Array(bytes[..<random.below(bytes.count)])
        default: break
        }
        return bytes
    }

    func testGenerated() {
        var random = SeededGenerator(seed: 0xC0FFEE)
        var accepted = 0
        let rounds = 15_000
        for _ in 0..<rounds {
            guard let sound = compare(generate(&random)) else { return }
            if sound { accepted += 1 }
        }
        XCTAssertGreaterThan(accepted, rounds / 10)
        XCTAssertLessThan(accepted, rounds * 9 / 10)
    }

    /// Every byte of a head replaced by every other byte.
    func testEveryByteInEveryPlace() {
        let head = latin1(
            "POST /v1/a%20?b HTTP/1.1\r\nHost: h:1\r\nContent-Length: 10\r\nConnection: close, x-a\r\nX-A: b\r\n\r\n")
        var accepted = 0
        for place in head.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = head
                changed[place] = byte
                guard let sound = compare(changed) else { return }
                if sound { accepted += 1 }
            }
        }
        XCTAssertGreaterThan(accepted, head.count)
    }

    /// What is accepted stays accepted, and means the same, when it is written out again from its parts.
    func testWritingAnAcceptedHeadAgainGivesTheSameHead() {
        var random = SeededGenerator(seed: 7)
        var compared = 0
        for _ in 0..<8000 {
            guard let first = parsed(generate(&random)) else { continue }
            let scheme = first.authority.isEmpty ? "" : "http://\(first.authority)"
            var text = "\(first.method) \(scheme)\(first.target) HTTP/1.\(first.minorVersion)\r\n"
            for (name, value) in zip(first.names, first.values) { text += "\(name):\(value)\r\n" }
            XCTAssertEqual(parsed(latin1(text + "\r\n")), first)
            compared += 1
        }
        XCTAssertGreaterThan(compared, 300)
    }
}
