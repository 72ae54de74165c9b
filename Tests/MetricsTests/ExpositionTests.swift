import XCTest

@testable import Metrics

/// The text for Prometheus, read line by line as a scraper reads it.
final class ExpositionTests: XCTestCase {
    /// One sample line.
    private struct Sample {
        var name: String
        var labels: [(name: String, value: String)]
        var value: String

        var key: String { name + labels.map { "|\($0.name)=\($0.value)" }.joined() }
        func label(_ name: String) -> String? { labels.first { $0.name == name }?.value }
        var withoutBound: String { labels.filter { $0.name != "le" }.map { "|\($0.name)=\($0.value)" }.joined() }
    }

    private struct Parsed {
        var help: [String: Int] = [:]
        var types: [String: String] = [:]
        var samples: [Sample] = []
    }

    private func isName(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, first < 0x30 || first > 0x39 else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
        }
    }

    /// Strict: HELP, then TYPE, then samples of that family, each line in the one form the format has.
    private func parse(_ text: String) -> Parsed {
        var parsed = Parsed()
        var family = ""
        XCTAssertTrue(text.hasSuffix("\n"))
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            if line.hasPrefix("# HELP ") {
                family = String(words[2])
                XCTAssertTrue(isName(family), family)
                parsed.help[family, default: 0] += 1
                XCTAssertGreaterThan(words.count, 4, "the help of \(family) is a sentence")
                XCTAssertTrue(line.hasSuffix("."), "the help of \(family) is a sentence")
                XCTAssertFalse(line.contains("\\"))
            } else if line.hasPrefix("# TYPE ") {
                XCTAssertEqual(words.count, 4)
                XCTAssertEqual(String(words[2]), family, "TYPE stands behind its HELP")
                XCTAssertNil(parsed.types.updateValue(String(words[3]), forKey: family), "\(family) has one TYPE")
                XCTAssertTrue(["counter", "gauge", "histogram"].contains(words[3]))
            } else {
                guard let sample = parseSample(String(line)) else {
                    XCTFail("not a sample: \(line)")
                    continue
                }
                let suffixes = parsed.types[family] == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
                XCTAssertTrue(suffixes.contains { family + $0 == sample.name }, "\(line) stands in \(family)")
                parsed.samples.append(sample)
            }
        }
        return parsed
    }

    private func parseSample(_ line: String) -> Sample? {
        guard let space = line.lastIndex(of: " ") else { return nil }
        let value = String(line[line.index(after: space)...])
        var name = String(line[..<space])
        var labels: [(String, String)] = []
        if let brace = name.firstIndex(of: "{") {
            guard name.hasSuffix("}") else { return nil }
            let inside = name[name.index(after: brace)...].dropLast()
            guard !inside.isEmpty else { return nil }
            for part in inside.split(separator: ",", omittingEmptySubsequences: false) {
                let sides = part.split(separator: "=", maxSplits: 1)
                guard sides.count == 2, isName(sides[0]), sides[1].count >= 2, sides[1].hasPrefix("\""),
                    sides[1].hasSuffix("\"")
                else { return nil }
                let content = sides[1].dropFirst().dropLast()
                guard !content.contains("\""), !content.contains("\\") else { return nil }
                labels.append((String(sides[0]), String(content)))
            }
            name = String(name[..<brace])
        }
        guard isName(name), Double(value) != nil else { return nil }
        return Sample(name: name, labels: labels, value: value)
    }

    private func render(_ totals: [UInt64]) -> String {
        var text = ""
        Exposition.render(totals, into: &text)
        return text
    }

    private var zeros: [UInt64] { [UInt64](repeating: 0, count: Layout.words) }

    func testEveryLineParsesAndNothingIsSaidTwice() {
        let parsed = parse(render(zeros))
        XCTAssertEqual(Set(parsed.help.keys), Set(parsed.types.keys))
        for (name, count) in parsed.help { XCTAssertEqual(count, 1, name) }
        var keys: Set<String> = []
        for sample in parsed.samples {
            XCTAssertTrue(keys.insert(sample.key).inserted, "\(sample.key) twice")
            XCTAssertEqual(Set(sample.labels.map(\.name)).count, sample.labels.count, sample.key)
        }
        for (name, type) in parsed.types {
            XCTAssertEqual(name.hasSuffix("_total"), type == "counter", name)
            XCTAssertTrue(parsed.samples.contains { $0.name.hasPrefix(name) }, "\(name) has samples")
        }
        XCTAssertEqual(parsed.samples.filter { $0.name == "sidecar_requests_total" }.count, 30)
    }

    /// Each word changes exactly the line that stands for it, but for one that two families have in common.
    func testEveryWordIsPrinted() {
        let plain = render(zeros).split(separator: "\n")
        var silent: [String] = []
        var lines: Set<Int> = []
        for (name, counter) in requestCounters + namedCounters + namedGauges {
            var totals = zeros
            totals[counter.index] = 4711
            let changed = render(totals).split(separator: "\n")
            let differences = changed.indices.filter { changed[$0] != plain[$0] }
            if differences.isEmpty { silent.append(name) }
            // Addresses that are never dialled are a refusal of the dialer's, and a blocked target too.
            XCTAssertLessThanOrEqual(differences.count, name == "dialsRefusedPolicy" ? 2 : 1, name)
            for line in differences {
                XCTAssertTrue(changed[line].hasSuffix(" 4711"), String(changed[line]))
                XCTAssertTrue(lines.insert(line).inserted, "\(changed[line]) stands for two counters")
            }
        }
        // How many pieces an answer had matters to nobody outside.
        XCTAssertTrue(Set(silent).isSubset(of: ["chunks"]), "not printed: \(silent)")
        for (name, histogram) in histograms {
            for word in 0..<Histogram.words {
                var totals = zeros
                totals[histogram.index + word] = 1_000_000
                XCTAssertNotEqual(render(totals).split(separator: "\n"), plain, "\(name) word \(word)")
            }
        }
    }

    func testLabelsNameWhatWasCounted() {
        var totals = zeros
        totals[Counter.requests(.completions, .decoderOnly, .clientError).index] = 3
        totals[Counter.requests(.chatCompletions, .disaggregated, .aborted).index] = 4
        totals[Counter.errorsTimeout.index] = 5
        totals[Counter.blockedNotInPool.index] = 6
        totals[Counter.blockedPort.index] = 7
        totals[Counter.blockedNoAllowlist.index] = 8
        totals[Counter.dialsRefusedNotInPool.index] = 9
        totals[Counter.dialsRefusedPort.index] = 10
        totals[Counter.dialsRefusedNoAllowlist.index] = 11
        totals[Counter.dialsRefusedPolicy.index] = 12
        totals[Counter.inFlight.index] = UInt64(bitPattern: -1)
        let text = render(totals)
        for line in [
            #"sidecar_requests_total{api="completions",mode="decoder_only",status="4xx"} 3"#,
            #"sidecar_requests_total{api="chat_completions",mode="disaggregated",status="aborted"} 4"#,
            #"sidecar_requests_total{api="other",mode="decoder_only",status="2xx"} 0"#,
            #"ssrf_blocked_total{reason="not_in_pool"} 6"#, #"ssrf_blocked_total{reason="port_not_allowed"} 7"#,
            #"ssrf_blocked_total{reason="no_allowlist"} 8"#, #"ssrf_blocked_total{reason="forbidden_address"} 12"#,
            #"sidecar_dialer_refusals_total{reason="not_in_pool"} 9"#,
            #"sidecar_dialer_refusals_total{reason="port_not_allowed"} 10"#,
            #"sidecar_dialer_refusals_total{reason="no_allowlist"} 11"#,
            #"sidecar_dialer_refusals_total{reason="forbidden_address"} 12"#,
            #"sidecar_errors_total{type="timeout"} 5"#, "sidecar_requests_in_flight -1",
            #"sidecar_request_duration_seconds_bucket{mode="disaggregated",le="0.0005"} 0"#,
            #"sidecar_prefill_duration_seconds_bucket{le="+Inf"} 0"#, "sidecar_prefill_duration_seconds_sum 0",
        ] { XCTAssertTrue(text.contains("\n\(line)\n"), line) }
    }

    func testHistogramsAreCumulative() {
        let stripe = Stripe.detached()
        var random: UInt64 = 1
        var observed: [UInt64] = []
        for _ in 0..<1000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            observed.append((random >> 34) >> (random & 15))
        }
        for (_, histogram) in histograms { for value in observed { stripe.observe(histogram, microseconds: value) } }
        var totals = zeros
        for (_, histogram) in histograms {
            for word in histogram.index..<histogram.index + Histogram.words {
                totals[word] = UInt64(stripe.value(Counter(word)))
            }
        }
        let samples = parse(render(totals)).samples
        var checked = 0
        for base in [
            "sidecar_request_duration_seconds", "sidecar_time_to_first_byte_seconds",
            "sidecar_prefill_duration_seconds",
        ] {
            let buckets = samples.filter { $0.name == base + "_bucket" }
            for labels in Set(buckets.map(\.withoutBound)) {
                checked += 1
                let series = buckets.filter { $0.withoutBound == labels }
                XCTAssertEqual(series.last?.label("le"), "+Inf")
                XCTAssertEqual(series.count, Histogram.bounds.count + 1)
                var before = -1.0
                for sample in series {
                    let bound =
                        sample.label("le") == "+Inf" ? Double.infinity : Double(sample.label("le") ?? "") ?? .nan
                    XCTAssertGreaterThan(bound, before)
                    before = bound
                    // Counted anew from what was observed, in microseconds.
                    let below = observed.filter { Double($0) <= (bound * 1_000_000).rounded() }.count
                    XCTAssertEqual(sample.value, String(below), "\(base) \(labels) up to \(bound)")
                }
                let count = samples.first { $0.name == base + "_count" && $0.withoutBound == labels }
                XCTAssertEqual(count?.value, String(observed.count))
                let sum = samples.first { $0.name == base + "_sum" && $0.withoutBound == labels }
                XCTAssertEqual(sum?.value, Exposition.seconds(observed.reduce(0, +)))
            }
        }
        XCTAssertEqual(checked, Histogram.count)
    }

    func testSecondsAreExact() {
        for (microseconds, text) in [
            (0, "0"), (1, "0.000001"), (500, "0.0005"), (999_999, "0.999999"), (1_000_000, "1"),
            (1_000_001, "1.000001"),
            (1_500_000, "1.5"), (100_000, "0.1"), (10_010_000, "10.01"), (300_000_000, "300"),
            (.max, "18446744073709.551615"),
        ] as [(UInt64, String)] { XCTAssertEqual(Exposition.seconds(microseconds), text) }
    }
}
