import CLinux
import Glibc
import XCTest

@testable import Metrics

/// The page between the supervisor and the admin process.
final class StatusPageTests: XCTestCase {
    /// A page of zeros, as the supervisor's is at its start.
    private func withPage(_ body: (UnsafeMutableRawPointer) -> Void) {
        let page = UnsafeMutableRawPointer.allocate(byteCount: StatusPage.size, alignment: 64)
        page.initializeMemory(as: UInt8.self, repeating: 0, count: StatusPage.size)
        body(page)
        page.deallocate()
    }

    private var full: SupervisorStatus {
        var status = SupervisorStatus()
        status.ready = true
        status.draining = true
        status.droppedLogLines = .max
        status.violations = .max - 1
        status.missingWalls = .max - 4
        status.sandboxDeaths = .max - 5
        status.wallFailures = .max - 6
        status.isProtected = true
        status.allowlistGeneration = .max - 2
        status.allowlistEndpoints = .max - 3
        status.allowlistConfirmedAt = .min
        status.servingCertificateEnds = .max
        status.upstreamCertificateEnds = .min + 1
        status.isSelfSigned = true
        status.certificateReloadsTaken = .max - 6
        status.certificateReloadsRefused = .max - 7
        status.components = (0..<SupervisorStatus.mostComponents).map { i in
            var row = ComponentStatus()
            row.role = UInt8(i)
            row.instance = .max - UInt32(i)
            row.pid = .max - Int32(i)
            row.ready = i % 2 == 0
            row.failed = i % 3 == 0
            row.restarts = .max - UInt64(i)
            return row
        }
        status.live = (0..<UInt32(SupervisorStatus.mostInstances)).map { .max - $0 }
        status.carried = (0..<Layout.words).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
        return status
    }

    func testRoundTrip() {
        withPage { page in
            XCTAssertEqual(StatusPage.read(page), SupervisorStatus(), "a fresh page says nothing")
            StatusPage.write(full, to: page)
            XCTAssertEqual(StatusPage.read(page), full)
            var small = SupervisorStatus()
            small.draining = true
            var row = ComponentStatus()
            row.pid = -1
            row.failed = true
            small.components = [row]
            small.live = [7]
            StatusPage.write(small, to: page)
            XCTAssertEqual(StatusPage.read(page), small, "nothing of the page before shines through")
        }
    }

    func testWhatDoesNotFitIsLeftOut() {
        withPage { page in
            var status = full
            status.components.append(ComponentStatus())
            status.live.append(1)
            StatusPage.write(status, to: page)
            XCTAssertEqual(StatusPage.read(page), full)
        }
    }

    func testAPageInTheMiddleOfAChangeIsNotRead() {
        withPage { page in
            StatusPage.write(full, to: page)
            let words = page.assumingMemoryBound(to: UInt64.self)
            words[0] |= 1
            XCTAssertNil(StatusPage.read(page))
            // The next whole write makes it readable again.
            StatusPage.write(full, to: page)
            XCTAssertEqual(StatusPage.read(page), full)
        }
    }

    func testAnyContentIsReadWithoutHarm() {
        withPage { page in
            let words = page.assumingMemoryBound(to: UInt64.self)
            for value: UInt64 in [1, 2, 9, 33, 1 << 31, 1 << 32, 1 << 63, .max - 1, .max] {
                for i in 1..<StatusPage.size / 8 { words[i] = value }
                words[0] = 2
                guard let status = StatusPage.read(page) else { return XCTFail("an even sequence is readable") }
                XCTAssertLessThanOrEqual(status.components.count, SupervisorStatus.mostComponents)
                XCTAssertLessThanOrEqual(status.live.count, SupervisorStatus.mostInstances)
                XCTAssertEqual(status.carried.count, Layout.words)
            }
        }
    }

    // MARK: While it changes

    /// A status in which every number is the same.
    fileprivate static func uniform(_ number: UInt64) -> SupervisorStatus {
        var status = SupervisorStatus()
        status.ready = number % 2 == 1
        status.draining = number % 2 == 1
        status.droppedLogLines = number
        status.violations = number
        status.missingWalls = number
        status.sandboxDeaths = number
        status.wallFailures = number
        status.isProtected = number % 2 == 1
        status.allowlistGeneration = number
        status.allowlistEndpoints = number
        status.allowlistConfirmedAt = Int64(bitPattern: number)
        // As many rows as the number says, so that lengths belong together too.
        var row = ComponentStatus()
        row.instance = UInt32(truncatingIfNeeded: number)
        row.restarts = number
        status.components = Array(repeating: row, count: Int(number % 8))
        status.live = Array(repeating: UInt32(truncatingIfNeeded: number), count: Int(number % 32))
        status.carried = [UInt64](repeating: number, count: Layout.words)
        return status
    }

    func testAReaderNeverSeesTwoStatesMixed() {
        withPage { page in
            let run = Run(page: page)
            StatusPage.write(Self.uniform(1), to: page)
            var thread = pthread_t()
            let started = pthread_create(&thread, nil, { Run.write($0) }, Unmanaged.passUnretained(run).toOpaque())
            XCTAssertEqual(started, 0)
            var seen: Set<UInt64> = []
            var reads = 0
            // Half a second on a quiet machine, and as long as it takes to see enough on a busy one.
            let start = milliseconds()
            while milliseconds() - start < (seen.count > 10 && reads > 100 ? 500 : 20_000) {
                guard let status = StatusPage.read(page) else { continue }
                reads += 1
                seen.insert(status.violations)
                if status != Self.uniform(status.violations) {
                    XCTFail("a page of two states: \(status.violations) and others")
                    break
                }
            }
            run.stop()
            pthread_join(thread, nil)
            XCTAssertGreaterThan(reads, 100)
            XCTAssertGreaterThan(seen.count, 10, "the page changed while it was read")
        }
    }

    private func milliseconds() -> UInt64 {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return UInt64(t.tv_sec) * 1000 + UInt64(t.tv_nsec) / 1_000_000
    }
}

/// What the writing thread needs: the page, and a word that ends it.
private final class Run {
    let page: UnsafeMutableRawPointer
    private let stopped = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

    init(page: UnsafeMutableRawPointer) {
        self.page = page
        stopped.initialize(to: 0)
    }

    deinit { stopped.deallocate() }

    func stop() { cl_store(stopped, 1) }

    static func write(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        let run = Unmanaged<Run>.fromOpaque(argument!).takeUnretainedValue()
        var number: UInt64 = 2
        while cl_load(run.stopped) == 0 {
            StatusPage.write(StatusPageTests.uniform(number), to: run.page)
            number += 1
            // A supervisor writes a few times a second; without any pause a reader would rarely find a quiet moment.
            if number % 4 == 0 { usleep(20) }
        }
        return nil
    }
}
