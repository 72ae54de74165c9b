/// A page of metrics in Prometheus' text format, as far as the demo reads it.
struct Metrics {
    struct Sample {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    let samples: [Sample]

    init(parsing text: String) {
        samples = text.split(separator: "\n").compactMap(Metrics.sample)
    }

    private static func sample(_ line: Substring) -> Sample? {
        if line.hasPrefix("#") { return nil }
        guard let space = line.lastIndex(of: " "), let value = number(line[line.index(after: space)...]) else {
            return nil
        }
        let series = line[..<space]
        guard let brace = series.firstIndex(of: "{") else {
            return Sample(name: String(series), labels: [:], value: value)
        }
        var labels: [String: String] = [:]
        // The sidecar's label values hold no comma, quote or brace.
        for pair in series[series.index(after: brace)...].dropLast().split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { labels[String(parts[0])] = parts[1].filter { $0 != "\"" } }
        }
        return Sample(name: String(series[..<brace]), labels: labels, value: value)
    }

    private static func number(_ text: Substring) -> Double? {
        text == "+Inf" ? .infinity : Double(text)
    }

    /// The sum of all samples of that name whose labels include `labels`.
    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        matching(name, labels).reduce(0) { $0 + $1.value }
    }

    private func matching(_ name: String, _ labels: [String: String]) -> [Sample] {
        samples.filter { sample in sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value } }
    }

    /// A quantile of a histogram, interpolated within its bucket as Prometheus' histogram_quantile does it; nil where
    /// nothing was counted.
    func quantile(_ quantile: Double, of name: String, _ labels: [String: String] = [:]) -> Double? {
        var counts: [Double: Double] = [:]
        for sample in matching(name + "_bucket", labels) {
            guard let text = sample.labels["le"], let bound = Metrics.number(text[...]) else { continue }
            counts[bound, default: 0] += sample.value
        }
        let buckets = counts.sorted { $0.key < $1.key }
        guard let total = buckets.last?.value, total > 0 else { return nil }
        let rank = quantile * total
        var lower = (bound: 0.0, count: 0.0)
        for bucket in buckets {
            if bucket.value >= rank {
                guard bucket.key.isFinite, bucket.value > lower.count else { return lower.bound }
                let share = (rank - lower.count) / (bucket.value - lower.count)
                return lower.bound + (bucket.key - lower.bound) * share
            }
            lower = (bucket.key, bucket.value)
        }
        return lower.bound
    }
}
