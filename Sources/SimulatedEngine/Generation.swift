import Glibc

/// Serves one chat or text completion.
struct Generation {
    private let engine: Engine
    private let connection: Connection
    private let settings: Settings
    private let chat: ChatRequest
    private let created = time(nil)

    private enum Source: String {
        case local
        case remotePrefill = "remote-prefill"
    }

    init(engine: Engine, connection: Connection, settings: Settings, chat: ChatRequest) {
        self.engine = engine
        self.connection = connection
        self.settings = settings
        self.chat = chat
    }

    func run(_ answer: inout AnswerWriter) throws {
        let source: Source
        let prompt: String
        var remoteCached: Int?
        switch Handoff.read(chat.transferParams) {
        case .absent:
            source = .local
            prompt = chat.prompt
        case .malformed(let what):
            try refuseMalformed(what, &answer)
            return
        case .handoff(let handoff):
            do {
                prompt = try handoff.fetch()
            } catch {
                try failLoading(&answer)
                return
            }
            source = .remotePrefill
            remoteCached = handoff.cachedTokens ?? TextGenerator.tokenCount(of: prompt)
        }
        let promptTokens = TextGenerator.tokenCount(of: prompt)
        engine.count {
            if source == .local { $0.promptTokensLocal += promptTokens } else { $0.promptTokensRemote += promptTokens }
        }
        let cached = settings.cachedTokens >= 0 ? settings.cachedTokens : remoteCached ?? 0
        let extra = [(name: "x-simulated-source", value: source.rawValue)]
        if chat.isStreaming {
            // The blocks are held all the same, but a stream never tells their names.
            _ = transferAnswer(prompt: prompt, promptTokens: promptTokens, cached: cached)
            try stream(prompt, promptTokens, cached, extra, &answer)
        } else {
            try whole(prompt, promptTokens, cached, extra, &answer)
        }
        engine.count { $0.finished += 1 }
    }

    /// Malformed params stop a real vLLM's engine, and with it the server; `fragile` does likewise.
    private func refuseMalformed(_ what: String, _ answer: inout AnswerWriter) throws {
        engine.count { $0.kvFailures += 1 }
        let message = "EngineCore encountered an issue. See stack trace (above) for the root cause. (\(what))"
        try answer.error(APIError(500, "InternalServerError", message))
        guard settings.fragile else { return }
        report("malformed kv_transfer_params: \(what); exiting as vLLM does")
        exit(1)
    }

    /// A KV load that failed: 500, or for a stream 200 and the error as its only event, as vLLM does.
    private func failLoading(_ answer: inout AnswerWriter) throws {
        engine.count { $0.kvFailures += 1 }
        guard chat.isStreaming else { return try answer.error(.internalError) }
        try answer.head(200, contentType: "text/event-stream; charset=utf-8", length: nil)
        if chat.isChat { try answer.piece(event(roleChunk)) }
        try answer.piece(Array("data: \(APIError.internalError.json.text)\n\n".utf8))
        try answer.piece(Array("data: [DONE]\n\n".utf8))
        try answer.end()
    }

    // MARK: Answers

    private func whole(
        _ prompt: String, _ promptTokens: Int, _ cached: Int, _ extra: [(name: String, value: String)],
        _ answer: inout AnswerWriter
    ) throws {
        var generator = TextGenerator(prompt: prompt)
        var text = ""
        for index in 0..<chat.tokenCount {
            try connection.pause(milliseconds: settings.tokenDelayMS)
            text += (index == 0 ? "" : " ") + generator.next()
        }
        let count = chat.tokenCount
        engine.count { $0.generatedTokens += count }
        var choice: [(name: String, value: JSONValue)] = [("index", .number("0"))]
        if chat.isChat {
            let message: [(name: String, value: JSONValue)] = [
                ("role", .string("assistant")), ("content", .string(text)), ("refusal", .null),
            ]
            choice.append(("message", .object(message)))
        } else {
            choice.append(("text", .string(text)))
        }
        choice += [("logprobs", .null), ("finish_reason", .string("length")), ("stop_reason", .null)]
        var members = common(chat.isChat ? "chat.completion" : "text_completion")
        members += [
            ("choices", .array([.object(choice)])), ("service_tier", .null),
            ("system_fingerprint", .string("vllm-0.32.0-simulated")), ("usage", usage(promptTokens, cached)),
        ]
        let params = transferAnswer(prompt: prompt, promptTokens: promptTokens, cached: cached)
        var body = JSONValue.object(members).text
        if let params {
            // The text of kv_json goes out as it was given, valid or not.
            body.removeLast()
            body += ",\"kv_transfer_params\":\(params)}"
        }
        try answer.whole(200, extra: extra, Array(body.utf8))
    }

    private func stream(
        _ prompt: String, _ promptTokens: Int, _ cached: Int, _ extra: [(name: String, value: String)],
        _ answer: inout AnswerWriter
    ) throws {
        try answer.head(200, contentType: "text/event-stream; charset=utf-8", length: nil, extra: extra)
        if chat.isChat { try answer.piece(event(roleChunk)) }
        var generator = TextGenerator(prompt: prompt)
        for index in 0..<chat.tokenCount {
            try connection.pause(milliseconds: settings.tokenDelayMS)
            let word = (index == 0 ? "" : " ") + generator.next()
            let isLast = index == chat.tokenCount - 1
            let delta: (name: String, value: JSONValue) =
                chat.isChat ? ("delta", .object([("content", .string(word))])) : ("text", .string(word))
            let reason: JSONValue = isLast ? .string("length") : .null
            try answer.piece(event([("index", .number("0")), delta, ("logprobs", .null), ("finish_reason", reason)]))
            engine.count { $0.generatedTokens += 1 }
        }
        if chat.includesUsage {
            let members = common(chunkObject) + [("choices", .array([])), ("usage", usage(promptTokens, cached))]
            try answer.piece(Array("data: \(JSONValue.object(members).text)\n\n".utf8))
        }
        try answer.piece(Array("data: [DONE]\n\n".utf8))
        try answer.end()
    }

    private var chunkObject: String { chat.isChat ? "chat.completion.chunk" : "text_completion" }

    private var roleChunk: [(name: String, value: JSONValue)] {
        let delta: [(name: String, value: JSONValue)] = [("role", .string("assistant")), ("content", .string(""))]
        return [("index", .number("0")), ("delta", .object(delta)), ("logprobs", .null), ("finish_reason", .null)]
    }

    /// One server-sent event with one choice.
    private func event(_ choice: [(name: String, value: JSONValue)]) -> [UInt8] {
        let chunk = JSONValue.object(common(chunkObject) + [("choices", .array([.object(choice)]))])
        return Array("data: \(chunk.text)\n\n".utf8)
    }

    private func common(_ object: String) -> [(name: String, value: JSONValue)] {
        [
            ("id", .string(chat.id)), ("object", .string(object)), ("created", .number(String(created))),
            ("model", .string(engine.options.model)),
        ]
    }

    private func usage(_ promptTokens: Int, _ cached: Int) -> JSONValue {
        let details = JSONValue.object([("cached_tokens", .number(String(cached)))])
        return .object([
            ("prompt_tokens", .number(String(promptTokens))),
            ("total_tokens", .number(String(promptTokens + chat.tokenCount))),
            ("completion_tokens", .number(String(chat.tokenCount))),
            ("prompt_tokens_details", settings.promptTokensDetails ? details : .null),
        ])
    }

    /// The text of the answer's `kv_transfer_params`; nil where the member is left out. Holds the KV where asked to.
    private func transferAnswer(prompt: String, promptTokens: Int, cached: Int) -> String? {
        guard chat.transferParams?["do_remote_decode"]?.isTruthy == true else { return "null" }
        let request = "\(chat.id)-\(randomHex(8))"
        let blocks = engine.hold(prompt: prompt, tokens: promptTokens, id: request)
        if settings.noKV { return nil }
        if settings.kvNull { return "null" }
        // Tokens beyond the first are part of what is handed over, as in vLLM.
        let tokens = promptTokens + chat.tokenCount - 1
        return settings.kvJSON
            ?? Handoff.answer(
                engine: engine, request: request, blocks: blocks, tokens: tokens, cachedTokens: cached
            ).text
    }
}
