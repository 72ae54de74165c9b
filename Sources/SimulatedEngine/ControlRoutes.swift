/// The paths beside the API that tests steer and watch the engine with. Fault settings do not touch them.
struct ControlRoutes {
    let engine: Engine

    func answer(_ request: Request, _ answer: inout AnswerWriter) throws {
        switch (request.method, request.path) {
        case ("GET", "/_stats"):
            try answer.whole(200, Array(engine.counters.json.text.utf8))
        case ("GET", "/_last"):
            let query = request.query
            let count = query.last { $0.name == "n" }.flatMap { Int($0.value) } ?? 1
            let path = query.last { $0.name == "path" }?.value
            let list = JSONValue.array(engine.lastRequests(count, path: path).map(describe))
            try answer.whole(200, Array(list.text.utf8))
        case ("GET", "/_config"):
            try answer.whole(200, Array(engine.settings.json.text.utf8))
        case ("POST", "/_config"):
            if let mistake = engine.configure(request.query) {
                try answer.error(APIError(400, "BadRequestError", mistake))
            } else {
                try answer.whole(200, Array(engine.settings.json.text.utf8))
            }
        case ("POST", "/_reset"):
            engine.reset()
            try answer.whole(200, Array("{}".utf8))
        case ("GET", let path) where path.hasPrefix("/_kv/"):
            try fetch(request, &answer)
        default:
            try answer.error(APIError(404, "NotFoundError", "Not Found"))
        }
    }

    /// The other side of `Handoff.fetch`.
    private func fetch(_ request: Request, _ answer: inout AnswerWriter) throws {
        let query = request.query
        let id = percentDecoded(request.path.dropFirst("/_kv/".count), plusIsSpace: false)
        let blocks = query.last { $0.name == "blocks" }?.value.split(separator: ",").compactMap { Int($0) } ?? []
        let identity = query.last { $0.name == "engine" }?.value ?? ""
        switch engine.fetch(id: id, engine: identity, blocks: blocks) {
        case .prompt(let prompt): try answer.whole(200, contentType: "text/plain", Array(prompt.utf8))
        case .unknown: try answer.error(APIError(404, "NotFoundError", "no KV for this request and engine id"))
        case .wrongBlocks: try answer.error(APIError(409, "BadRequestError", "NIXL_ERR_INVALID_PARAM"))
        }
    }

    /// A request as it was received. The head is Latin-1, one character per byte; `body` is the body as text, and
    /// `body_base64` exact.
    private func describe(_ request: Request) -> JSONValue {
        let headers = request.headers.map { JSONValue.array([.string($0.name), .string($0.value)]) }
        return .object([
            ("method", .string(request.method)), ("target", .string(request.target)),
            ("version", .string(request.isHTTP11 ? "HTTP/1.1" : "HTTP/1.0")), ("headers", .array(headers)),
            ("body", .string(String(decoding: request.body, as: UTF8.self))),
            ("body_base64", .string(base64(request.body))),
        ])
    }
}
