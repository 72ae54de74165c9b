import IPC
import Linux
import XCTest

@testable import Resolver

/// The way through candidates, servers and attempts, without a socket.
final class LookupTests: XCTestCase {
    private static let v4 = numeric("10.0.0.1")
    private static let v6 = numeric("2001:db8::1")

    private func lookup(
        _ name: String, servers: Int = 2, attempts: Int = 2, search: [String] = [], ndots: Int = 1
    ) throws -> Lookup {
        var conf = ResolvConf()
        conf.servers = (1...servers).map { Endpoint(Address(v4: UInt32($0)), 53) }
        conf.attempts = attempts
        conf.search = search.map(domain)
        conf.ndots = ndots
        return Lookup(try XCTUnwrap(HostName(name)), conf)
    }

    /// An ask in short: `name/type@server`, with `/tcp` behind it for a stream.
    private func text(_ step: Lookup.Step) -> String {
        switch step {
        case .wait: return "wait"
        case .settle(let within): return "settle \(within)"
        case .finished(.failed(let reason)): return "failed \(reason)"
        case .finished(.addresses(let addresses, let lifetime)):
            return "\(addresses.map(\.description).joined(separator: " ")) for \(lifetime)"
        case .ask(let asks):
            return asks.map {
                "\($0.question.name)/\($0.question.type)@\($0.server.address.v4)"
                    + ($0.transport == .stream ? "/tcp" : "")
            }.joined(separator: " ")
        }
    }

    private func walk(
        _ lookup: Lookup, _ replies: [(RecordType, Lookup.Reply)], file: StaticString = #filePath, line: UInt = #line
    ) -> [String] {
        var lookup = lookup
        var steps = [text(lookup.begin(remaining: 5000))]
        for (type, reply) in replies { steps.append(text(lookup.take(reply, of: type, remaining: 5000))) }
        return steps
    }

    func testBothFamiliesAreAskedAtOnceAndIPv4GoesFirst() throws {
        XCTAssertEqual(
            walk(
                try lookup("a"),
                [
                    (.aaaa, .answer(.addresses([Self.v6], lifetime: 9))),
                    (.a, .answer(.addresses([Self.v4], lifetime: 20))),
                ]),
            ["a/a@1 a/aaaa@1", "wait", "10.0.0.1 2001:db8::1 for 9"])
    }

    func testIPv6IsWaitedForBrieflyOnceIPv4IsThere() throws {
        var lookup = try lookup("a")
        _ = lookup.begin(remaining: 5000)
        let step = lookup.take(.answer(.addresses([Self.v4], lifetime: 20)), of: .a, remaining: 5000)
        XCTAssertEqual(step, .settle(within: 50))
        XCTAssertEqual(lookup.outcomeSoFar, .addresses([Self.v4], lifetime: 0))
    }

    func testOneFamilyIsEnough() throws {
        XCTAssertEqual(
            walk(try lookup("a"), [(.a, .answer(.nothing)), (.aaaa, .answer(.addresses([Self.v6], lifetime: 3)))]),
            ["a/a@1 a/aaaa@1", "wait", "2001:db8::1 for 3"])
        XCTAssertEqual(
            walk(
                try lookup("a", servers: 1, attempts: 1),
                [(.aaaa, .none), (.a, .answer(.addresses([Self.v4], lifetime: 3)))]),
            ["a/a@1 a/aaaa@1", "wait", "10.0.0.1 for 0"])
    }

    func testAbsenceLeadsToTheNextSuffixAndThenToNotFound() throws {
        XCTAssertEqual(
            walk(
                try lookup("a", search: ["x"]),
                [
                    (.a, .answer(.nothing)), (.aaaa, .answer(.nothing)), (.aaaa, .answer(.nothing)),
                    (.a, .answer(.nothing)),
                ]),
            ["a.x/a@1 a.x/aaaa@1", "wait", "a/a@1 a/aaaa@1", "wait", "failed notFound"])
    }

    func testSilenceAndFailureLeadToTheNextServerAndThenToTheNextRound() throws {
        XCTAssertEqual(
            walk(
                try lookup("a"),
                [
                    (.aaaa, .answer(.nothing)), (.a, .none), (.a, .answer(.failure)), (.a, .none),
                    (.a, .answer(.addresses([Self.v4], lifetime: 3))),
                ]),
            ["a/a@1 a/aaaa@1", "wait", "a/a@2", "a/a@1", "a/a@2", "10.0.0.1 for 3"])
    }

    func testSilenceAllOverIsATimeoutAndAFailureAnywhereIsAFailure() throws {
        XCTAssertEqual(
            walk(try lookup("a", attempts: 1), [(.a, .none), (.aaaa, .none), (.a, .none), (.aaaa, .none)]),
            ["a/a@1 a/aaaa@1", "a/a@2", "a/aaaa@2", "wait", "failed timedOut"])
        XCTAssertEqual(
            walk(
                try lookup("a", attempts: 1), [(.a, .none), (.aaaa, .none), (.a, .answer(.failure)), (.aaaa, .none)]
            ).last, "failed serverFailure")
    }

    func testAnUnknownCandidateIsNotPassedOver() throws {
        // Were it, a later suffix could answer for a host that an earlier one names.
        XCTAssertEqual(
            walk(try lookup("a", servers: 1, attempts: 1, search: ["x"]), [(.a, .none), (.aaaa, .answer(.nothing))]),
            ["a.x/a@1 a.x/aaaa@1", "wait", "failed timedOut"])
    }

    func testATruncatedAnswerIsAskedForAgainOnAStream() throws {
        XCTAssertEqual(
            walk(
                try lookup("a", servers: 1),
                [
                    (.aaaa, .answer(.nothing)), (.a, .answer(.truncated)), (.a, .answer(.truncated)),
                    (.a, .answer(.truncated)), (.a, .none),
                ]),
            ["a/a@1 a/aaaa@1", "wait", "a/a@1/tcp", "a/a@1", "a/a@1/tcp", "failed serverFailure"])
    }

    func testAReplyTooMuchChangesNothing() throws {
        XCTAssertEqual(
            walk(try lookup("a"), [(.a, .answer(.nothing)), (.a, .answer(.addresses([Self.v4], lifetime: 3)))]),
            ["a/a@1 a/aaaa@1", "wait", "wait"])
    }

    func testTheDeadlineIsSharedOutAmongTheServers() throws {
        func patience(_ remaining: Int64, servers: Int, attempts: Int) throws -> Int64? {
            var lookup = try lookup("a", servers: servers, attempts: attempts)
            guard case .ask(let asks) = lookup.begin(remaining: remaining) else { return nil }
            return asks.first?.patience
        }
        XCTAssertEqual(try patience(5000, servers: 1, attempts: 2), 2500)
        XCTAssertEqual(try patience(6000, servers: 3, attempts: 2), 1000)
        XCTAssertEqual(try patience(600_000, servers: 1, attempts: 2), 5000, "no more than the file's timeout")
        XCTAssertEqual(try patience(100, servers: 3, attempts: 2), Lookup.leastPatience)
    }

    func testEveryLookupEnds() throws {
        var state: UInt64 = 0x2545_F491_4F6C_DD1D
        func random(below bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let replies: [Lookup.Reply] = [
            .none, .answer(.failure), .answer(.nothing), .answer(.truncated),
            .answer(.addresses([Self.v4], lifetime: 1)),
        ]
        for _ in 0..<500 {
            let suffixes = (0..<random(below: 6)).map { "s\($0)" }
            var lookup = try lookup(
                "a", servers: 1 + random(below: 3), attempts: 1 + random(below: 5), search: suffixes)
            var open: Set<RecordType> = []
            var step = lookup.begin(remaining: 5000)
            var asked = 0
            while true {
                if case .finished = step { break }
                if case .ask(let asks) = step {
                    asked += asks.count
                    for ask in asks {
                        XCTAssertTrue(open.insert(ask.question.type).inserted, "one ask of a type at a time")
                    }
                }
                guard let type = open.randomElement() else { return XCTFail("stuck after \(asked) asks") }
                open.remove(type)
                step = lookup.take(replies[random(below: replies.count)], of: type, remaining: 5000)
            }
            XCTAssertTrue(open.isEmpty)
            XCTAssertLessThanOrEqual(asked, 7 * 2 * 15 * 2)
        }
    }
}
