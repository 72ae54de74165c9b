import Linux
import XCTest

@testable import Resolver

final class CacheTests: XCTestCase {
    private func host(_ text: String) throws -> HostName { try XCTUnwrap(HostName(text)) }

    func testLifetimesAreClamped() throws {
        let cases: [(outcome: Outcome, milliseconds: Int64)] = [
            (.addresses([.loopback4], lifetime: 0), 1000), (.addresses([.loopback4], lifetime: 1), 1000),
            (.addresses([.loopback4], lifetime: 7), 7000), (.addresses([.loopback4], lifetime: 30), 30_000),
            (.addresses([.loopback4], lifetime: .max), 30_000), (.failed(.notFound), 1000),
        ]
        for (outcome, milliseconds) in cases {
            var cache = Cache()
            cache.store(outcome, for: try host("a"), now: 500)
            XCTAssertEqual(cache.outcome(of: try host("a"), now: 500 + milliseconds - 1), outcome)
            XCTAssertNil(cache.outcome(of: try host("a"), now: 500 + milliseconds))
        }
    }

    func testFailuresOfServersAreNotRemembered() throws {
        var cache = Cache()
        cache.store(.failed(.timedOut), for: try host("a"), now: 0)
        cache.store(.failed(.serverFailure), for: try host("a"), now: 0)
        cache.store(.failed(.tooMany), for: try host("a"), now: 0)
        XCTAssertEqual(cache.count, 0)
    }

    func testNamesAreKeptApart() throws {
        var cache = Cache()
        cache.store(.failed(.notFound), for: try host("a"), now: 0)
        XCTAssertNil(cache.outcome(of: try host("a."), now: 1))
        XCTAssertNotNil(cache.outcome(of: try host("A"), now: 1))
    }

    func testRoomIsMadeByDroppingWhatEndsFirst() throws {
        var cache = Cache()
        for i in 0..<Cache.mostNames {
            cache.store(.addresses([.loopback4], lifetime: 10 + UInt32(i % 2)), for: try host("n\(i)"), now: 0)
        }
        cache.store(.addresses([.loopback4], lifetime: 5), for: try host("short"), now: 0)
        XCTAssertEqual(cache.count, Cache.mostNames)
        cache.store(.addresses([.loopback4], lifetime: 30), for: try host("last"), now: 0)
        XCTAssertEqual(cache.count, Cache.mostNames)
        XCTAssertNil(cache.outcome(of: try host("short"), now: 1))
        XCTAssertNotNil(cache.outcome(of: try host("last"), now: 1))
        // The stale ones make room before any that still holds.
        cache.store(.addresses([.loopback4], lifetime: 30), for: try host("later"), now: 10_500)
        XCTAssertLessThan(cache.count, Cache.mostNames / 2 + 3)
        XCTAssertNotNil(cache.outcome(of: try host("n1"), now: 10_500))
    }

    func testTheOrderOfAddresses() {
        let all = ["2001:db8::1", "10.0.0.2", "10.0.0.1", "2001:db8::1", "10.0.0.2"].map(numeric)
        XCTAssertEqual(Outcome.ordered(all), ["10.0.0.2", "10.0.0.1", "2001:db8::1"].map(numeric))
        let many = (0..<40).map { Address(v4: $0) } + [.loopback6]
        XCTAssertEqual(Outcome.ordered(many).count, 16)
    }
}
