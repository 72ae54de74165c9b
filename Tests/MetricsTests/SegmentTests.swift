import CLinux
import Glibc
import XCTest

@testable import Metrics

/// Segments: what one process counts, another one adds up, and nothing about a segment is believed.
final class SegmentTests: XCTestCase {
    private func withSegment(stripes: Int, _ body: (SegmentWriter, WholeReader) -> Void) {
        let before = openDescriptors()
        let fd = segment(stripes: stripes)
        guard let reader = WholeReader(fd: fd),
            let writer = SegmentWriter.map(fd: dup(fd), stripes: stripes)
        else {
            return XCTFail("a segment of \(stripes) stripes")
        }
        close(fd)
        XCTAssertEqual(openDescriptors(), before, "a mapping needs no descriptor")
        body(writer, reader)
    }

    func testAProcessIsBelievedInItsOwnWordsOnly() {
        let fd = segment(stripes: 1)
        defer { close(fd) }
        guard let writer = SegmentWriter.map(fd: dup(fd), stripes: 1) else { return XCTFail("no segment") }
        for (_, counter) in requestCounters + namedCounters + namedGauges { writer.stripe(0).add(counter, 7) }
        var believed: [Int: [CountingRole]] = [:]
        for role in CountingRole.allCases {
            var totals = [UInt64](repeating: 0, count: Layout.words)
            SegmentReader(fd: fd, of: role)?.add(to: &totals, gauges: true)
            for (name, counter) in requestCounters + namedCounters + namedGauges
            where totals[counter.index] > 0 {
                XCTAssertEqual(totals[counter.index], 7, name)
                believed[counter.index, default: []].append(role)
            }
        }
        for (name, counter) in requestCounters + namedCounters + namedGauges {
            XCTAssertEqual(believed[counter.index]?.count, 1, name)
        }
        // What a hijacked proxy must not reach: the refusals are the dialer's, the API's counts the watcher's.
        for counter in [
            Counter.dialsRefusedPolicy, .dialsRefusedNotInPool, .dialsRefusedPort, .dialsRefusedNoAllowlist,
            .dialerViolations, .decoderReachable,
        ] { XCTAssertEqual(believed[counter.index], [.dialer]) }
        for counter in [Counter.apiRequests, .apiFailures] { XCTAssertEqual(believed[counter.index], [.watcher]) }
    }

    func testEveryWordOfEveryStripeIsAddedUp() {
        for stripes in [1, 2, 3, Layout.mostStripes] {
            withSegment(stripes: stripes) { writer, reader in
                XCTAssertEqual(totals(reader), [UInt64](repeating: 0, count: Layout.words))
                var expected = [UInt64](repeating: 0, count: Layout.words)
                for number in 0..<stripes {
                    let stripe = writer.stripe(number)
                    for (i, (_, counter)) in (requestCounters + namedCounters + namedGauges).enumerated() {
                        stripe.add(counter, i + 1)
                        stripe.add(counter)
                        expected[counter.index] += UInt64(i + 2)
                        XCTAssertEqual(stripe.value(counter), i + 2)
                    }
                }
                XCTAssertEqual(totals(reader), expected)
            }
        }
    }

    func testStripesKeepApart() {
        withSegment(stripes: 3) { writer, _ in
            writer.stripe(1).add(.retries, 7)
            XCTAssertEqual(writer.stripe(0).value(.retries), 0)
            XCTAssertEqual(writer.stripe(1).value(.retries), 7)
            XCTAssertEqual(writer.stripe(2).value(.retries), 0)
            // The last word of a stripe and the first of the next are neighbours at most.
            writer.stripe(0).observe(.prefill, microseconds: 5)
            XCTAssertEqual(writer.stripe(1).value(.requests(.chatCompletions, .disaggregated, .success)), 0)
        }
    }

    func testGaugesGoDownAndAreLeftOutOnDemand() {
        withSegment(stripes: 2) { writer, reader in
            for (_, gauge) in namedGauges {
                writer.stripe(0).add(gauge, 5)
                writer.stripe(0).add(gauge, -2)
                writer.stripe(1).set(gauge, 10)
            }
            for (_, counter) in requestCounters + namedCounters { writer.stripe(1).add(counter, 2) }
            writer.stripe(1).observe(.prefill, microseconds: 1)
            let all = totals(reader)
            let kept = totals(reader, gauges: false)
            for (name, gauge) in namedGauges {
                XCTAssertEqual(all[gauge.index], 13, name)
                XCTAssertEqual(kept[gauge.index], 0, name)
            }
            for (name, counter) in requestCounters + namedCounters { XCTAssertEqual(kept[counter.index], 2, name) }
            XCTAssertEqual(kept[Histogram.prefill.index], 1)
            // A gauge below zero in one stripe and above in another add up.
            writer.stripe(0).set(.inFlight, -3)
            XCTAssertEqual(writer.stripe(0).value(.inFlight), -3)
            XCTAssertEqual(Int64(bitPattern: totals(reader)[Counter.inFlight.index]), 7)
        }
    }

    func testSegmentsOfSeveralProcessesAddUp() {
        withSegment(stripes: 1) { one, first in
            withSegment(stripes: 2) { two, second in
                one.stripe(0).add(.retries, 3)
                two.stripe(1).add(.retries, 4)
                var sum = [UInt64](repeating: 1, count: Layout.words)
                first.add(to: &sum, gauges: true)
                second.add(to: &sum, gauges: true)
                XCTAssertEqual(sum[Counter.retries.index], 8)
                // A hostile writer can make numbers wrong, and nothing else: sums wrap.
                one.stripe(0).set(.retries, -1)
                first.add(to: &sum, gauges: true)
                XCTAssertEqual(sum[Counter.retries.index], 7)
            }
        }
    }

    func testObservationsFallIntoTheirBucket() {
        withSegment(stripes: 1) { writer, reader in
            for (name, histogram) in histograms {
                var expected = [UInt64](repeating: 0, count: Histogram.words)
                for (bucket, bound) in Histogram.bounds.enumerated() {
                    // A bound belongs to its bucket, what is above it to the next.
                    writer.stripe(0).observe(histogram, microseconds: bound)
                    expected[bucket] += 1
                    writer.stripe(0).observe(histogram, microseconds: bound + 1)
                    expected[bucket + 1] += 1
                    expected[Histogram.words - 1] += 2 * bound + 1
                }
                writer.stripe(0).observe(histogram, microseconds: 0)
                expected[0] += 1
                writer.stripe(0).observe(histogram, microseconds: 1 << 40)
                expected[Histogram.bounds.count] += 1
                expected[Histogram.words - 1] += 1 << 40
                let found = totals(reader)[histogram.index..<histogram.index + Histogram.words]
                XCTAssertEqual(Array(found), expected, name)
            }
        }
    }

    func testADetachedStripeCounts() {
        let stripe = Stripe.detached()
        stripe.add(.retries, 2)
        stripe.observe(.duration(.decoderOnly), microseconds: .max)
        XCTAssertEqual(stripe.value(.retries), 2)
        XCTAssertEqual(stripe.value(.chunks), 0)
    }

    // MARK: Segments that are none

    private func refused(_ fd: Int32, stripes: Int, _ what: String) {
        // The test runner's own threads open and close descriptors when they like. A leak shows every time, they don't.
        var leaked = 0
        for _ in 0..<5 {
            let before = openDescriptors()
            XCTAssertNil(SegmentReader(fd: fd, of: .proxy), what)
            XCTAssertNil(SegmentWriter.map(fd: dup(fd), stripes: stripes), what)
            if openDescriptors() != before { leaked += 1 }
        }
        XCTAssertLessThan(leaked, 5, "\(what): a refused descriptor is closed too")
        close(fd)
    }

    private func memory(_ size: Int, seals: Int32?) -> Int32 {
        // The C library hides this call and its numbers: MFD_ALLOW_SEALING is 2, F_ADD_SEALS is 1033.
        typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
        guard let create = dlsym(nil, "memfd_create") else { preconditionFailure("a C library without memfd_create") }
        let fd = unsafeBitCast(create, to: Create.self)("test", 2)
        precondition(fd >= 0 && ftruncate(fd, size) == 0)
        if let seals { precondition(fcntl(fd, 1033, seals) == 0) }
        return fd
    }

    func testSegmentsOfTheWrongSizeAreRefused() {
        for stripes in [1, 2, Layout.mostStripes] {
            let right = Layout.size(stripes: stripes)
            for size in [right - 1, right + 1, right - 8, right + 8, right - Layout.stride, right / 2] {
                refused(cl_segment_create("test", size), stripes: stripes, "\(size) bytes for \(stripes) stripes")
            }
        }
        for size in [0, 1, 8, Layout.headerWords * 8, 4096] {
            refused(cl_segment_create("test", size), stripes: 1, "\(size) bytes")
        }
        refused(
            cl_segment_create("test", Layout.size(stripes: Layout.mostStripes + 1)), stripes: Layout.mostStripes + 1,
            "too many stripes")
    }

    func testSegmentsWithoutTheirSealsAreRefused() {
        let size = Layout.size(stripes: 1)
        // Seals: 1 is against further seals, 2 against shrinking, 4 against growing.
        for seals: Int32? in [nil, 1, 2, 4, 3, 5, 6] {
            refused(memory(size, seals: seals), stripes: 1, "seals \(seals.map(String.init) ?? "none")")
        }
        let sealed = memory(size, seals: 7)
        XCTAssertNotNil(SegmentReader(fd: sealed, of: .proxy))
        close(sealed)
    }

    func testOtherDescriptorsAreRefused() {
        var pipe: [Int32] = [-1, -1]
        XCTAssertEqual(cl_pipe(&pipe), 0)
        refused(pipe[0], stripes: 1, "a pipe")
        close(pipe[1])
        refused(open("/proc/self/exe", O_RDONLY), stripes: 1, "a file")
        refused(cl_eventfd(), stripes: 1, "an eventfd")
        XCTAssertNil(SegmentReader(fd: -1, of: .proxy))
        XCTAssertNil(SegmentWriter.map(fd: -1, stripes: 1))
    }

    func testAWriterNeedsItsNumberOfStripes() {
        for stripes in [-1, 0, 1, 3, Layout.mostStripes + 1, Int.max] {
            let fd = segment(stripes: 2)
            XCTAssertNil(SegmentWriter.map(fd: fd, stripes: stripes), "\(stripes)")
        }
    }

    func testASegmentCannotChangeItsSizeUnderAReader() {
        let fd = segment(stripes: 1)
        XCTAssertEqual(ftruncate(fd, 8), -1)
        XCTAssertEqual(ftruncate(fd, Layout.size(stripes: 4)), -1)
        XCTAssertEqual(fcntl(fd, 1033, 16), -1, "no seal can be added")
        close(fd)
    }
}
