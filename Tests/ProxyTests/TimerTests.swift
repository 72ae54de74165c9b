import TestSupport
import XCTest

@testable import Proxy

/// The timer wheel against a plain list of deadlines.
final class TimerTests: XCTestCase {
    private static let tick = Int64(1) << Timers.tickShift

    /// A table of connections, and what their deadlines should be.
    private final class Bench {
        let table: UnsafeMutablePointer<Client>
        let count: Int
        var timers: Timers
        var deadlines: [Int64]
        /// When each could fire at the earliest: a deadline may have passed already when it is set.
        var due: [Int64]
        var now: Int64
        var fired = 0

        init(count: Int, now: Int64) {
            self.count = count
            self.now = now
            table = .allocate(capacity: count)
            table.initialize(repeating: Client(), count: count)
            timers = Timers(now: now)
            deadlines = [Int64](repeating: 0, count: count)
            due = deadlines
        }

        deinit { table.deallocate() }

        func set(_ fd: Int, _ deadline: Int64) {
            timers.set(Int32(fd), deadline, in: table)
            deadlines[fd] = deadline
            due[fd] = max(deadline, now)
        }

        /// Turns the wheel and checks everything that comes up.
        func turn(to time: Int64, file: StaticString = #filePath, line: UInt = #line) {
            let last = now
            now = time
            while let fd = timers.nextExpired(now: now, in: table) {
                let deadline = deadlines[Int(fd)]
                if deadline == 0 {
                    XCTFail("\(fd) fired without a deadline", file: file, line: line)
                } else if deadline > now {
                    XCTFail("\(fd) fired \(deadline - now) ms early", file: file, line: line)
                }
                deadlines[Int(fd)] = 0
                fired += 1
            }
            // Whatever was due two ticks before must have fired by now.
            for (fd, deadline) in deadlines.enumerated() where deadline != 0 && due[fd] + 2 * TimerTests.tick <= now {
                XCTFail(
                    "\(fd) is \(now - due[fd]) ms late; the last turn was \(now - last) ms ago", file: file, line: line)
                // Once is enough.
                due[fd] = .max / 2
            }
        }
    }

    func testADeadlineFiresOnceAndNeverEarly() {
        let bench = Bench(count: 8, now: 1_000_003)
        bench.set(3, 1_000_503)
        for time in stride(from: Int64(1_000_003), to: 1_002_000, by: 1) { bench.turn(to: time) }
        XCTAssertEqual(bench.fired, 1)
    }

    func testAClearedDeadlineDoesNotFire() {
        let bench = Bench(count: 8, now: 0)
        bench.set(1, 500)
        bench.set(1, 0)
        for time in stride(from: Int64(0), to: 3000, by: 7) { bench.turn(to: time) }
        XCTAssertEqual(bench.fired, 0)
        XCTAssertEqual(bench.timers.wait(now: 3000), -1)
    }

    func testADeadlineMovedLaterFiresAtItsLastPlaceOnly() {
        let bench = Bench(count: 8, now: 0)
        for time in stride(from: Int64(0), to: 100_000, by: 50) {
            bench.set(2, time + 1000)
            bench.turn(to: time)
        }
        XCTAssertEqual(bench.fired, 0)
        for time in stride(from: Int64(100_000), to: 102_000, by: 10) { bench.turn(to: time) }
        XCTAssertEqual(bench.fired, 1)
    }

    func testADeadlineMovedEarlierFiresEarlier() {
        let bench = Bench(count: 8, now: 0)
        bench.set(2, 60_000)
        bench.set(2, 300)
        bench.turn(to: 299)
        XCTAssertEqual(bench.fired, 0)
        bench.turn(to: 300 + 2 * Self.tick)
        XCTAssertEqual(bench.fired, 1)
    }

    func testDeadlinesBeyondOneTurnOfTheWheelAreKept() {
        let bench = Bench(count: 8, now: 123_456)
        let hour: Int64 = 3_600_000
        bench.set(1, 123_456 + hour)
        bench.set(2, 123_456 + 10 * hour)
        bench.set(3, 123_456 + 65_536)
        var time: Int64 = 123_456
        while time < 123_456 + 11 * hour {
            bench.turn(to: time)
            time += 997
        }
        XCTAssertEqual(bench.fired, 3)
    }

    func testADeadlineInThePastFiresWithinTwoTicks() {
        let bench = Bench(count: 8, now: 1_000_000)
        bench.turn(to: 1_000_000)
        bench.set(1, 1)
        bench.set(2, 999_999)
        bench.set(3, 1_000_000)
        bench.turn(to: 1_000_000 + 2 * Self.tick)
        XCTAssertEqual(bench.fired, 3)
    }

    func testALongSleepLosesNothing() {
        let bench = Bench(count: 64, now: 0)
        for fd in 0..<64 { bench.set(fd, Int64(fd) * 5000 + 1) }
        bench.turn(to: 10_000_000)
        XCTAssertEqual(bench.fired, 64)
    }

    func testARemovedConnectionIsForgottenAndItsPlaceCanBeUsedAgain() {
        let bench = Bench(count: 4, now: 0)
        for round in 0..<1000 {
            let now = Int64(round) * 10
            bench.set(1, now + 200)
            bench.timers.remove(1, from: bench.table)
            bench.table[1] = Client()
            bench.deadlines[1] = 0
            bench.turn(to: now)
        }
        XCTAssertEqual(bench.fired, 0)
        bench.set(1, 10_200)
        bench.turn(to: 11_000)
        XCTAssertEqual(bench.fired, 1)
    }

    func testTheWaitIsNeverLongerThanUntilTheNextDeadlineAndItsTwoTicks() {
        var generator = SeededGenerator(seed: 21)
        let bench = Bench(count: 16, now: 5_000)
        for _ in 0..<20_000 {
            bench.set(
                Int.random(in: 0..<16, using: &generator), bench.now + Int64.random(in: 1...5000, using: &generator))
            bench.turn(to: bench.now)
            let wait = bench.timers.wait(now: bench.now)
            guard let next = bench.deadlines.filter({ $0 != 0 }).min() else { continue }
            XCTAssertGreaterThan(wait, 0)
            XCTAssertLessThanOrEqual(bench.now + Int64(wait), max(next, bench.now) + 2 * Self.tick)
            bench.turn(to: bench.now + Int64(wait))
        }
        XCTAssertGreaterThan(bench.fired, 1000)
    }

    func testTwoMillionMovesAgreeWithTheList() {
        var generator = SeededGenerator(seed: 20)
        let bench = Bench(count: 128, now: 7_777)
        for _ in 0..<100_000 {
            for _ in 0..<20 {
                // One draw for all choices: this is the inner loop.
                let random = generator.next()
                let fd = Int(random & 127)
                switch random >> 8 & 15 {
                case 0: bench.set(fd, 0)
                case 1: bench.set(fd, bench.now + Int64(random >> 16 & 0x3FFFF))
                case 2: bench.set(fd, max(1, bench.now - Int64(random >> 16 & 0xFFF)))
                default: bench.set(fd, bench.now + Int64(random >> 16 & 0x3FFF))
                }
            }
            let random = generator.next()
            let step = random & 255 == 0 ? Int64(random >> 8 & 0x1FFFF) : Int64(random >> 8 & 127)
            bench.turn(to: bench.now + step)
        }
        XCTAssertGreaterThan(bench.fired, 100_000)
    }
}
