/// A request of the OpenAI API, as far as the engine heeds it.
struct ChatRequest {
    let isChat: Bool
    let prompt: String
    let isStreaming: Bool
    let includesUsage: Bool
    let tokenCount: Int
    /// The id answers carry: `chatcmpl-` or `cmpl-` and the client's X-Request-Id.
    let id: String
    let transferParams: JSONValue?

    /// Reads a request's body. What vLLM refuses is refused here, in its words.
    init(_ request: Request, isChat: Bool, model: String, defaultTokens: Int) throws(APIError) {
        let body: JSONValue
        do {
            body = try JSONValue(parsing: request.body)
        } catch {
            throw APIError(400, "Bad Request", "[{'type': 'json_invalid', 'msg': '\(error.message)'}]", param: "body")
        }
        guard case .object = body else {
            throw APIError(400, "Bad Request", "Input should be a valid dictionary", param: "body")
        }
        if let asked = body["model"]?.string, asked != model {
            let message = "The model `\(asked)` does not exist. Valid aliases: \(model)."
            throw APIError(404, "NotFoundError", message, param: "model")
        }
        let params = body["kv_transfer_params"]
        if let params, !params.isNull {
            guard case .object = params else {
                throw APIError(
                    400, "Bad Request", "Input should be a valid dictionary", param: "body.kv_transfer_params")
            }
        }
        let isStreaming = body["stream"]?.isTruthy ?? false
        let streamOptions = body["stream_options"]
        if !isStreaming, let streamOptions, !streamOptions.isNull {
            let message = "Stream options can only be defined when `stream=True`. (parameter=stream_options)"
            throw APIError(400, "BadRequestError", message, param: "stream_options")
        }
        // The newer name wins over the older one.
        let limit = body["max_completion_tokens"]?.int ?? body["max_tokens"]?.int
        let tokens = limit ?? defaultTokens
        guard tokens >= 1 else {
            let message = "max_tokens must be at least 1, got \(tokens). (parameter=max_tokens, value=\(tokens))"
            throw APIError(400, "BadRequestError", message, param: "max_tokens")
        }
        if let minimum = body["min_tokens"]?.int, minimum > tokens {
            let message = "min_tokens must be less than or equal to max_tokens=\(tokens), got \(minimum)."
            throw APIError(400, "BadRequestError", message)
        }
        guard let prompt = isChat ? ChatRequest.chatPrompt(body) : ChatRequest.completionPrompt(body) else {
            let name = isChat ? "messages" : "prompt"
            throw APIError(400, "Bad Request", "[{'type': 'missing', 'loc': '\(name)'}]", param: "body.\(name)")
        }
        self.isChat = isChat
        self.prompt = prompt
        self.isStreaming = isStreaming
        includesUsage = streamOptions?["include_usage"]?.isTruthy ?? false
        tokenCount = tokens
        transferParams = params
        id = (isChat ? "chatcmpl-" : "cmpl-") + (request.values("x-request-id").first ?? "req-" + randomHex(8))
    }

    /// The chat as one text: the part of a chat template. Tools belong to it, spelled as the client spelled them.
    private static func chatPrompt(_ body: JSONValue) -> String? {
        guard let messages = body["messages"]?.array, !messages.isEmpty else { return nil }
        var prompt = body["tools"].map { "tools: \($0.text)\n" } ?? ""
        for message in messages {
            let content = message["content"]
            let text = content?.string ?? content?.array?.compactMap { $0["text"]?.string }.joined() ?? ""
            prompt += "\(message["role"]?.string ?? "user"): \(text)\n"
        }
        return prompt
    }

    private static func completionPrompt(_ body: JSONValue) -> String? {
        guard let prompt = body["prompt"] else { return nil }
        return prompt.string ?? prompt.array.map { $0.map(\.text).joined(separator: " ") }
    }
}
