import XCTest

@testable import Metrics

/// The table of what is counted: every place is used once, and none lies outside a stripe.
final class LayoutTests: XCTestCase {
    func testEveryPlaceHasOneUse() {
        var uses: [Int: [String]] = [:]
        for (name, counter) in requestCounters + namedCounters + supervisorCounters + namedGauges {
            uses[counter.index, default: []].append(name)
        }
        for (name, histogram) in histograms {
            for word in 0..<Histogram.words { uses[histogram.index + word, default: []].append("\(name) \(word)") }
        }
        for (index, names) in uses where names.count > 1 {
            XCTFail("word \(index) is \(names.joined(separator: " and "))")
        }
        XCTAssertEqual(Set(uses.keys), Set(0..<Layout.words), "no word of a stripe is without a use")
    }

    func testCountersStandBeforeGauges() {
        for (name, counter) in requestCounters + namedCounters {
            XCTAssertLessThan(counter.index, Counter.countersEnd, name)
        }
        for (name, gauge) in namedGauges {
            XCTAssertTrue((Counter.countersEnd..<Counter.wordsEnd).contains(gauge.index), name)
        }
    }

    func testStripesAreWholeCacheLinesAndDoNotOverlap() {
        XCTAssertGreaterThanOrEqual(Layout.stride, Layout.words)
        XCTAssertEqual(Layout.stride % 8, 0)
        XCTAssertEqual(Layout.headerWords % 8, 0)
        for stripes in 1...Layout.mostStripes {
            XCTAssertEqual(Layout.size(stripes: stripes), (Layout.headerWords + stripes * Layout.stride) * 8)
        }
    }

    func testHistogramsHoldTheirBounds() {
        XCTAssertEqual(Histogram.words, Histogram.bounds.count + 2, "buckets, one for +Inf, and the sum")
        XCTAssertEqual(histograms.count, Histogram.count)
        for (one, next) in zip(Histogram.bounds, Histogram.bounds.dropFirst()) { XCTAssertLessThan(one, next) }
    }

    func testOutcomesOfStatuses() {
        let rows: [(Int, Outcome)] = [
            (101, .success), (200, .success), (204, .success), (299, .success), (300, .redirect), (304, .redirect),
            (399, .redirect), (400, .clientError), (404, .clientError), (431, .clientError), (499, .clientError),
            (500, .serverError), (502, .serverError), (504, .serverError), (599, .serverError),
        ]
        for (status, outcome) in rows { XCTAssertEqual(Outcome(status: status), outcome, "\(status)") }
    }
}
