import CLinux
import Glibc
import IPC
import Linux
import XCTest

@testable import Supervisor

/// What a child writes, cut into lines and held to a measure.
final class LogPipeTests: XCTestCase {
    /// A pipe with a log reader at its end.
    private final class Bench {
        let sending: Int32
        private let receiving: Int32
        private var log: LogPipe
        var sink = LogSink(level: .trace)
        var isOpen = true

        init() {
            var ends: (Int32, Int32) = (-1, -1)
            _ = withUnsafeMutableBytes(of: &ends) { cl_pipe($0.baseAddress!.assumingMemoryBound(to: Int32.self)) }
            (receiving, sending) = ends
            _ = fcntl(sending, 1031, 1 << 20)
            log = LogPipe(fd: receiving)
        }

        deinit {
            close(receiving)
            close(sending)
        }

        func write(_ bytes: [UInt8]) {
            let n = bytes.withUnsafeBytes { Glibc.write(sending, $0.baseAddress, $0.count) }
            XCTAssertEqual(n, bytes.count)
        }

        func write(_ text: String) { write(Array(text.utf8)) }

        /// Reads until nothing is left; the messages that came of it.
        func read(now: Int64 = 0, turns: Int = 1000) -> [String] {
            let log = standardError {
                for _ in 0..<turns {
                    isOpen = self.log.read(into: &sink, role: .proxy, pid: 1, now: now)
                    var left: Int32 = 0
                    _ = ioctl(receiving, UInt(FIONREAD), &left)
                    if left == 0 { break }
                }
            }
            return lines(log).map { line in
                let start = #"{"level":"info","component":"proxy","pid":1,"message":""#
                return line.hasPrefix(start) ? String(line.dropFirst(start.count).dropLast(2)) : line
            }
        }
    }

    func testSeveralLinesInOnePieceAreSeveralLines() {
        let bench = Bench()
        bench.write("I one\nI two\nI three\n")
        XCTAssertEqual(bench.read(), ["one", "two", "three"])
        XCTAssertTrue(bench.isOpen)
    }

    func testALineThatComesByteByByteIsOneLine() {
        let bench = Bench()
        for byte in "I slowly".utf8 {
            bench.write([byte])
            XCTAssertEqual(bench.read(), [])
        }
        bench.write("\nI next")
        XCTAssertEqual(bench.read(), ["slowly"])
        bench.write(" one\n")
        XCTAssertEqual(bench.read(), ["next one"])
    }

    func testAnOverlongLineIsCutAndTheNextOneIsWhole() {
        let bench = Bench()
        bench.write("I " + String(repeating: "x", count: 100_000) + "\nI next\n")
        let out = bench.read()
        XCTAssertEqual(out.count, 2)
        XCTAssertLessThan(out.first?.utf8.count ?? .max, ChildLog.longestLine)
        XCTAssertEqual(out.last, "next")
    }

    func testAnEndlessLineTakesNoMoreThanOneLinesRoom() {
        // A child that never ends its line must neither fill our memory nor hold up the loop.
        let bench = Bench()
        for _ in 0..<200 {
            bench.write([UInt8](repeating: 0x78, count: 65_536))
            XCTAssertEqual(bench.read(), [])
        }
        bench.write("\nI after\n")
        XCTAssertEqual(bench.read().last, "after")
    }

    func testOneTurnReadsABoundedAmount() {
        let bench = Bench()
        bench.write(String(repeating: "I x\n", count: 100_000))
        let first = bench.read(turns: 1)
        XCTAssertLessThanOrEqual(first.count + Int(bench.sink.dropped), 16 * 4096 / 4)
        XCTAssertTrue(bench.isOpen)
    }

    func testAFloodIsLimitedAndWhatIsDroppedIsCounted() {
        let bench = Bench()
        bench.write(String(repeating: "I x\n", count: 1500))
        XCTAssertEqual(bench.read(now: 0).count, 1000)
        XCTAssertEqual(bench.sink.dropped, 500)
        // Half a second later there is room for a hundred.
        bench.write(String(repeating: "I x\n", count: 300))
        XCTAssertEqual(bench.read(now: 500).count, 100)
        XCTAssertEqual(bench.sink.dropped, 700)
        // However long it was quiet, no more than the burst.
        bench.write(String(repeating: "I x\n", count: 1200))
        XCTAssertEqual(bench.read(now: 86_400_000).count, 1000)
        XCTAssertEqual(bench.sink.dropped, 900)
    }

    func testASteadyWriterWithinTheMeasureLosesNothing() {
        let bench = Bench()
        var now: Int64 = 0
        for _ in 0..<3000 {
            now += 5
            bench.write("I x\n")
            XCTAssertEqual(bench.read(now: now).count, 1)
        }
        XCTAssertEqual(bench.sink.dropped, 0)
    }

    func testTheEndOfTheChildIsTold() {
        let bench = Bench()
        bench.write("I last words\n")
        // The sending end is also held by the bench: give it up by another descriptor in its place.
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        dup2(null, bench.sending)
        close(null)
        XCTAssertEqual(bench.read(), ["last words"])
        XCTAssertEqual(bench.read(), [])
        XCTAssertFalse(bench.isOpen)
    }

    func testALogThatNobodyReadsIsDroppedAndCountedAndNeverBlocks() {
        var ends: (Int32, Int32) = (-1, -1)
        _ = withUnsafeMutableBytes(of: &ends) { cl_pipe($0.baseAddress!.assumingMemoryBound(to: Int32.self)) }
        let saved = dup(2)
        // A blocking pipe that is full: what container runtimes give.
        _ = fcntl(ends.1, F_SETFL, 0)
        dup2(ends.1, 2)
        var sink = LogSink(level: .info)
        for i in 0..<2000 { sink.write(.info, "line \(i) " + String(repeating: "x", count: 200)) }
        dup2(saved, 2)
        close(saved)
        let written = lines(readAllBlocking(ends.0)).count
        close(ends.0)
        close(ends.1)
        XCTAssertGreaterThan(sink.dropped, 0)
        XCTAssertEqual(UInt64(written) + sink.dropped, 2000)
    }

    private func readAllBlocking(_ fd: Int32) -> [UInt8] {
        _ = cl_set_nonblocking(fd)
        return readAll(fd)
    }
}
