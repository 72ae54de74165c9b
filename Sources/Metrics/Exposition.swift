/// Prints totals as Prometheus text, version 0.0.4.
public enum Exposition {
    /// The counters and histograms of all processes together.
    public static func render(_ totals: [UInt64], into text: inout String) {
        func header(_ name: String, _ kind: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
        }
        func row(_ name: String, _ labels: String, _ counter: Counter) {
            text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(Int64(bitPattern: totals[counter.index]))\n"
        }

        header(
            "sidecar_requests_total", "counter", "Requests by API, by how they were served and by what the client got.")
        for api in API.allCases {
            for mode in Mode.allCases {
                for outcome in Outcome.allCases {
                    row(
                        "sidecar_requests_total",
                        "api=\"\(api.label)\",mode=\"\(mode.label)\",status=\"\(outcome.label)\"",
                        .requests(api, mode, outcome))
                }
            }
        }
        header("sidecar_errors_total", "counter", "Errors by type.")
        for (label, counter) in [
            ("network", Counter.errorsNetwork), ("http", .errorsHTTP), ("tls", .errorsTLS), ("timeout", .errorsTimeout),
            ("handoff", .errorsHandoff), ("client", .errorsClient), ("limit", .errorsLimit),
        ] { row("sidecar_errors_total", "type=\"\(label)\"", counter) }
        renderTLS(header, row)
        header(
            "sidecar_retries_total", "counter", "Legs sent again on a new connection after a pooled one had gone stale."
        )
        row("sidecar_retries_total", "", .retries)
        header("ssrf_blocked_total", "counter", "Prefill targets that were refused, by reason.")
        row("ssrf_blocked_total", "reason=\"malformed\"", .blockedMalformed)
        row("ssrf_blocked_total", "reason=\"not_in_pool\"", .blockedNotInPool)
        row("ssrf_blocked_total", "reason=\"port_not_allowed\"", .blockedPort)
        row("ssrf_blocked_total", "reason=\"no_allowlist\"", .blockedNoAllowlist)
        row("ssrf_blocked_total", "reason=\"forbidden_address\"", .dialsRefusedPolicy)
        header(
            "sidecar_dialer_refusals_total", "counter",
            "Connections that the dialer refused to make, by reason: what a proxy asked for although it knew better.")
        row("sidecar_dialer_refusals_total", "reason=\"forbidden_address\"", .dialsRefusedPolicy)
        row("sidecar_dialer_refusals_total", "reason=\"not_in_pool\"", .dialsRefusedNotInPool)
        row("sidecar_dialer_refusals_total", "reason=\"port_not_allowed\"", .dialsRefusedPort)
        row("sidecar_dialer_refusals_total", "reason=\"no_allowlist\"", .dialsRefusedNoAllowlist)
        header(
            "sidecar_dialer_violations_total", "counter", "Channels of proxies that broke the protocol and were cut.")
        row("sidecar_dialer_violations_total", "", .dialerViolations)
        header(
            "sidecar_revoked_connections_total", "counter",
            "Connections and dials ended because their upstream left the allowlist.")
        row("sidecar_revoked_connections_total", "stage=\"connected\"", .revoked)
        row("sidecar_revoked_connections_total", "stage=\"dialling\"", .dialsRevoked)
        header("sidecar_kubernetes_requests_total", "counter", "Requests to the Kubernetes API.")
        row("sidecar_kubernetes_requests_total", "", .apiRequests)
        header("sidecar_kubernetes_failures_total", "counter", "Requests to the Kubernetes API that failed.")
        row("sidecar_kubernetes_failures_total", "", .apiFailures)
        header("sidecar_kubernetes_lists_total", "counter", "Complete lists of pools or pods.")
        row("sidecar_kubernetes_lists_total", "", .apiLists)
        header("sidecar_kubernetes_events_total", "counter", "Events of watches on pools or pods.")
        row("sidecar_kubernetes_events_total", "", .apiEvents)
        header("sidecar_allowlist_snapshots_total", "counter", "Snapshots that the watcher published.")
        row("sidecar_allowlist_snapshots_total", "", .apiSnapshots)
        header(
            "sidecar_client_aborts_total", "counter",
            "Clients that left before their answer, by the phase they left in.")
        row("sidecar_client_aborts_total", "phase=\"prefill\"", .abortedPrefill)
        row("sidecar_client_aborts_total", "phase=\"decode\"", .abortedDecode)
        header(
            "sidecar_client_protocol_members_total", "counter",
            "Protocol members of clients that never reached an engine, by what was done.")
        row("sidecar_client_protocol_members_total", "action=\"stripped\"", .hostileStripped)
        row("sidecar_client_protocol_members_total", "action=\"refused\"", .hostileRefused)
        header("sidecar_handoffs_total", "counter", "Handoffs of prefillers that could not be used, by reason.")
        row("sidecar_handoffs_total", "result=\"absent\"", .handoffAbsent)
        row("sidecar_handoffs_total", "result=\"expired\"", .handoffExpired)
        row("sidecar_handoffs_total", "result=\"invalid\"", .handoffInvalid)
        header(
            "sidecar_streams_cut_total", "counter",
            "Answers cut after their head: upstream failures and drain deadlines.")
        row("sidecar_streams_cut_total", "", .streamsCut)
        header("sidecar_dials_total", "counter", "Connections the dialer was asked for.")
        row("sidecar_dials_total", "purpose=\"decoder\"", .dialsDecoder)
        row("sidecar_dials_total", "purpose=\"prefiller\"", .dialsPrefiller)
        header("sidecar_dial_failures_total", "counter", "Connections that could not be made.")
        row("sidecar_dial_failures_total", "", .dialsFailed)
        header("sidecar_upstream_reused_total", "counter", "Legs that went over a pooled connection.")
        row("sidecar_upstream_reused_total", "", .upstreamReused)
        header("sidecar_answer_pieces_total", "counter", "Pieces in which answers were passed on.")
        row("sidecar_answer_pieces_total", "", .chunks)
        text += transfers(totals)
        header("sidecar_connections_open", "gauge", "Open connections.")
        row("sidecar_connections_open", "side=\"client\"", .clientsOpen)
        row("sidecar_connections_open", "side=\"decoder\"", .decodersOpen)
        row("sidecar_connections_open", "side=\"prefiller\"", .prefillersOpen)
        header("sidecar_requests_in_flight", "gauge", "Requests being served.")
        row("sidecar_requests_in_flight", "", .inFlight)
        header("sidecar_buffered_bytes", "gauge", "Bytes of request bodies and prefill answers held in memory.")
        row("sidecar_buffered_bytes", "", .buffered)
        header("sidecar_decoder_reachable", "gauge", "1 while the decoder accepts connections.")
        row("sidecar_decoder_reachable", "", .decoderReachable)

        for (name, help, modes) in [
            (
                "sidecar_request_duration_seconds", "From the end of a request's head to the end of its answer.",
                Histogram.duration
            ),
            (
                "sidecar_time_to_first_byte_seconds",
                "From the end of a request's head to the first byte of its answer.",
                Histogram.firstByte
            ),
        ] {
            header(name, "histogram", help)
            for mode in Mode.allCases { render(modes(mode), name, "mode=\"\(mode.label)\"", totals, into: &text) }
        }
        header("sidecar_prefill_duration_seconds", "histogram", "The prefill leg whole.")
        render(.prefill, "sidecar_prefill_duration_seconds", "", totals, into: &text)
    }

    private static func renderTLS(
        _ header: (String, String, String) -> Void, _ row: (String, String, Counter) -> Void
    ) {
        header("sidecar_tls_handshakes_total", "counter", "TLS handshakes that succeeded, by side and kind.")
        for side in TLSSide.allCases {
            for (kind, resumed) in [("full", false), ("resumed", true)] {
                row(
                    "sidecar_tls_handshakes_total", "side=\"\(side.label)\",kind=\"\(kind)\"",
                    .tlsHandshakes(side, resumed: resumed))
            }
        }
        header("sidecar_tls_handshake_failures_total", "counter", "TLS handshakes that failed, by side.")
        for side in TLSSide.allCases {
            row("sidecar_tls_handshake_failures_total", "side=\"\(side.label)\"", .tlsFailures(side))
        }
        header(
            "sidecar_tls_unverified_connections_total", "counter",
            "Connections to upstreams whose certificates were not checked.")
        for side in [TLSSide.prefiller, .decoder] {
            row("sidecar_tls_unverified_connections_total", "side=\"\(side.label)\"", .tlsUnverified(side))
        }
    }

    private static func render(
        _ histogram: Histogram, _ name: String, _ labels: String, _ totals: [UInt64], into text: inout String
    ) {
        var sum: UInt64 = 0
        let comma = labels.isEmpty ? "" : ","
        for (i, bound) in Histogram.bounds.enumerated() {
            sum &+= totals[histogram.index + i]
            text += "\(name)_bucket{\(labels)\(comma)le=\"\(seconds(bound))\"} \(sum)\n"
        }
        sum &+= totals[histogram.index + Histogram.bounds.count]
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        text += "\(name)_bucket{\(labels)\(comma)le=\"+Inf\"} \(sum)\n"
        text += "\(name)_sum\(braces) \(seconds(totals[histogram.index + Histogram.words - 1]))\n"
        text += "\(name)_count\(braces) \(sum)\n"
    }

    /// Microseconds as a decimal number of seconds, without rounding.
    public static func seconds(_ microseconds: UInt64) -> String {
        let whole = microseconds / 1_000_000
        let rest = microseconds % 1_000_000
        if rest == 0 { return String(whole) }
        var digits = String(rest)
        digits = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}
