import IPC
import Metrics

/// Whether requests can be served, from what is known and not from what is hoped: every needed process is ready, nothing
/// drains, and the decoder accepts connections.
struct Readiness {
    let isReady: Bool
    private let reasons: [String]

    init(_ status: SupervisorStatus, _ totals: [UInt64]) {
        var reasons: [String] = []
        if status.draining { reasons.append("the sidecar is draining") }
        if !status.ready && !status.draining { reasons.append("not every process is ready") }
        if status.isProtected && status.allowlistGeneration == 0 {
            reasons.append("the allowlist is not there yet")
        }
        for row in status.components where !row.ready {
            let role = Role(rawValue: row.role)
            guard role?.isNeededToServe ?? true else { continue }
            reasons.append("\(role?.name ?? "a process") is \(row.failed ? "failed" : "not ready")")
        }
        if totals[Counter.decoderReachable.index] == 0 { reasons.append("the decoder does not accept connections") }
        self.reasons = reasons
        isReady = reasons.isEmpty
    }

    var answer: AdminAnswer {
        if isReady { return AdminAnswer(status: 200, text: #"{"ready":true}"# + "\n", type: "application/json") }
        let list = reasons.map { "\"\($0)\"" }.joined(separator: ",")
        return AdminAnswer(status: 503, text: "{\"ready\":false,\"reasons\":[\(list)]}\n", type: "application/json")
    }
}
