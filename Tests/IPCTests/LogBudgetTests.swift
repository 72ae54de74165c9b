import Linux
import XCTest

/// A stranger can't fill the log: ten lines of a kind, then silence for the rest of a minute.
final class LogBudgetTests: XCTestCase {
    func testTenLinesAreLoggedAndNoMoreInTheSameMinute() {
        var budget = LogBudget()
        let start: Int64 = 1_000_000
        for line in 1...10 { XCTAssertTrue(budget.mayLog(now: start), "line \(line)") }
        for line in 11...1000 { XCTAssertFalse(budget.mayLog(now: start + Int64(line)), "line \(line)") }
        XCTAssertFalse(budget.mayLog(now: start + 60_000))
    }

    func testAfterAMinuteThereIsAFullBudgetAgain() {
        var budget = LogBudget()
        for minute: Int64 in 1...5 {
            let start = minute * 60_001
            let logged = (0..<100).filter { budget.mayLog(now: start + Int64($0)) }.count
            XCTAssertEqual(logged, 10, "minute \(minute)")
        }
    }

    /// The clock counts from the start of the machine, which may have been a moment ago.
    func testAMachineThatHasJustStartedHasItsBudgetToo() {
        var budget = LogBudget()
        XCTAssertEqual((0..<100).filter { _ in budget.mayLog(now: 0) }.count, 10)
    }

    /// However the lines are spread: two minutes that touch share at most their two budgets.
    func testNoMinuteOfAFloodHasMoreThanTwoBudgets() {
        var budget = LogBudget()
        var times: [Int64] = []
        var now: Int64 = 5_000_000
        for _ in 0..<100_000 {
            now += 7
            if budget.mayLog(now: now) { times.append(now) }
        }
        XCTAssertGreaterThan(times.count, 100)
        for (first, time) in times.enumerated() {
            let within = times[first...].prefix { $0 - time <= 60_000 }.count
            XCTAssertLessThanOrEqual(within, 20, "from \(time)")
        }
    }
}
