import Glibc

/// The two requests the demo tells the story with.
struct Scenes {
    let stage: Stage
    private var console: Console { stage.console }

    init(stage: Stage) {
        self.stage = stage
    }

    func introduce() throws {
        console.title("routing-sidecar: two simulated vLLM engines and the sidecar between them")
        let engines = stage.children.filter { $0.pid != stage.supervisor }
        for (child, port) in zip(engines, [stage.prefillPort, stage.decodePort]) {
            console.fact(child.name, "127.0.0.1:\(port)   pid \(child.pid)")
        }
        console.fact("routing-sidecar", "127.0.0.1:\(stage.port)   pid \(stage.supervisor), the supervisor of:")
        for component in try stage.status().components {
            console.fact("", "\(padded(component.name, 8)) pid \(component.pid), \(component.actual)")
        }
    }

    // MARK: One request, two workers

    func disaggregatedRequest() throws {
        console.title("1. One request, two workers")
        let chat = Chat(prompt: "Tell me of the river behind the old harbor.", tokens: 24)
        console.line("   POST /v1/chat/completions to the sidecar, streaming, with")
        console.line("   x-prefiller-host-port: 127.0.0.1:\(stage.prefillPort)\n")
        let metricsBefore = try stage.metrics()
        let decoderBefore = try stage.engine(stage.decodePort, "/_stats")
        let began = monotonicMS()
        let exchange = try chat.open(
            port: stage.port, prefillPort: stage.prefillPort, interrupt: stage.interrupt)
        let headAt = monotonicMS()
        var firstAt: Int?
        let text = try show(exchange) { _ in firstAt = firstAt ?? monotonicMS() }
        let ended = monotonicMS()

        let prefillRequest = try lastRequest(stage.prefillPort)
        let decodeRequest = try lastRequest(stage.decodePort)
        let decoderAfter = try stage.engine(stage.decodePort, "/_stats")
        let prefillTime = try prefillSeconds(since: metricsBefore)
        let source = exchange.header("x-simulated-source") ?? "(unknown)"
        console.line()
        console.fact(
            "leg 1, prefill",
            "127.0.0.1:\(stage.prefillPort) read the prompt and kept its KV: \(duration(seconds: prefillTime))")
        console.fact(
            "leg 2, decode",
            "127.0.0.1:\(stage.decodePort) fetched that KV (x-simulated-source: \(source)) and generated")
        console.fact(
            "times",
            "answer's head after \(headAt - began) ms, first token \((firstAt ?? ended) - began) ms, "
                + "all \(ended - began) ms")
        let local = counted("prompt_tokens_local", decoderBefore, decoderAfter)
        let remote = counted("prompt_tokens_remote", decoderBefore, decoderAfter)
        console.fact("prompt tokens", "\(remote) came from the prefill engine, \(local) were computed by the decoder")
        let answerID = exchange.header("x-request-id") ?? "none"
        let ids = [prefillRequest, decodeRequest].map { header("x-request-id", $0) ?? "none" }
        guard ids.allSatisfy({ $0 == answerID }), answerID != "none" else {
            throw Failure("the request ids differ: answer \(answerID), prefill \(ids[0]), decode \(ids[1])")
        }
        console.fact("request id", "\(answerID), the same on both legs and in the answer")
        guard source == "remote-prefill" else {
            throw Failure("the decoder computed the prompt itself; the handoff did not reach it")
        }
        try compare(text, with: chat)
    }

    /// The time of the prefill leg as the sidecar measured it, from the metrics' growth.
    private func prefillSeconds(since before: Metrics) throws -> Double? {
        let name = "sidecar_prefill_duration_seconds"
        // The proxy may publish its counters a moment after the answer's last byte.
        for _ in 0..<20 {
            let after = try stage.metrics()
            let count = after.sum(name + "_count") - before.sum(name + "_count")
            if count > 0 { return (after.sum(name + "_sum") - before.sum(name + "_sum")) / count }
            try stage.interrupt.sleep(milliseconds: 50)
        }
        return nil
    }

    // MARK: A restart in the middle of a stream

    func gracefulRestart() throws {
        console.title("2. A new proxy in the middle of a stream")
        let chat = Chat(prompt: "And now a longer tale, of winter on the ridge.", tokens: 90)
        guard let old = try stage.status().servingProxy else { throw Failure("no proxy is running") }
        console.line("   A longer stream is under way through the proxy with pid \(old.pid).")
        console.line("   After 20 tokens the supervisor (pid \(stage.supervisor)) is sent SIGUSR2.\n")
        let exchange = try chat.open(
            port: stage.port, prefillPort: stage.prefillPort, interrupt: stage.interrupt)
        var count = 0
        var new: Status.Component?
        var oldState: String?
        var meanwhile: String?
        let text = try show(exchange) { _ in
            count += 1
            if count == 20 { kill(stage.supervisor, SIGUSR2) }
            if count > 20, count % 5 == 0, new == nil {
                let status = try stage.status()
                new = status.components.first {
                    $0.name == "proxy" && $0.pid != old.pid && $0.actual == "running" && $0.isReady
                }
                oldState = status.components.first { $0.pid == old.pid }?.actual
                if new != nil {
                    let small = Chat(prompt: "Who are you?", tokens: 2)
                    meanwhile = try small.text(
                        port: stage.port, prefillPort: nil, interrupt: stage.interrupt)
                }
            }
        }
        guard let new else { throw Failure("no new proxy was ready before the stream ended (old pid \(old.pid))") }
        console.line()
        console.fact("old proxy", "pid \(old.pid), \(oldState ?? "gone"): it finished its stream")
        console.fact("new proxy", "pid \(new.pid), ready while the old one was still streaming")
        console.fact("meanwhile", "another request was answered: \"\(meanwhile ?? "")\"")
        guard count == chat.tokens else { throw Failure("\(count) of \(chat.tokens) tokens arrived") }
        console.fact("tokens", "\(count) of \(chat.tokens) arrived")
        try compare(text, with: chat)
    }

    // MARK: What both share

    /// Prints the tokens as they arrive, wrapped, and returns the text. `each` is called after every token.
    private func show(_ exchange: HTTPExchange, each: (String) throws -> Void) throws -> String {
        var stream = TokenStream(exchange)
        var text = ""
        var column = 0
        console.put("   ")
        while let token = try stream.next() {
            text += token
            if column + token.count > 88 {
                console.put("\n   ")
                column = 0
            }
            let shown = column == 0 ? String(token.drop { $0 == " " }) : token
            console.put(console.styled(shown, .good))
            column += shown.count
            try each(token)
        }
        console.line()
        guard stream.sawDone else { throw Failure("the stream ended without [DONE]") }
        return text
    }

    /// Compares an answer with what the decoder says to the same prompt when it is asked straight.
    private func compare(_ text: String, with chat: Chat) throws {
        let expected = try stage.expectedTexts([chat])[0]
        guard text == expected else {
            throw Failure("the text differs from the decoder's own.\n  got:      \(text)\n  expected: \(expected)")
        }
        console.fact("text", console.styled("equal", .good) + " to what the decoder says when asked straight")
    }

    private func lastRequest(_ port: UInt16) throws -> JSONValue? {
        try stage.engine(port, "/_last?n=1&path=/v1/chat/completions").array?.last
    }

    private func header(_ name: String, _ request: JSONValue?) -> String? {
        let pairs = request?["headers"]?.array?.compactMap(\.array) ?? []
        return pairs.first { $0.first?.string?.lowercased() == name }?.last?.string
    }

    private func counted(_ name: String, _ before: JSONValue, _ after: JSONValue) -> Int {
        (after[name]?.int ?? 0) - (before[name]?.int ?? 0)
    }
}
