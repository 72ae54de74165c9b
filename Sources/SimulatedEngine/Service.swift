import Glibc

/// Serves the requests of one connection, one after the other.
struct Service {
    let engine: Engine
    let connection: Connection

    func run() {
        engine.count {
            $0.connectionsOpen += 1
            $0.connectionsTotal += 1
        }
        do {
            try serveUntilClosed()
            connection.finish()
        } catch ConnectionEnd.cutByReset {
            connection.reset()
        } catch ConnectionEnd.answeredEarly {
            connection.finishLingering()
        } catch ConnectionEnd.malformed(let what) {
            engine.count { $0.malformed += 1 }
            let body = "Invalid HTTP request received: \(what)"
            try? connection.send(
                "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: \(body.utf8.count)\r\n"
                    + "connection: close\r\n\r\n\(body)")
            connection.finishLingering()
        } catch {
            connection.finish()
        }
        engine.count { $0.connectionsOpen -= 1 }
    }

    private func serveUntilClosed() throws {
        while true {
            let idle = engine.settings.keepaliveMS
            try connection.waitForInput(milliseconds: idle > 0 ? idle : nil)
            guard var request = try Request.readHead(from: connection) else { return }
            if request.path.hasPrefix("/_") {
                try request.readBody(from: connection)
                var answer = AnswerWriter(
                    connection: connection, request: request, settings: Settings(), server: engine.server)
                try ControlRoutes(engine: engine).answer(request, &answer)
                if answer.endsConnection { return }
            } else if try !serve(&request) {
                return
            }
        }
    }

    /// Serves one API request. False where the connection ends with it.
    private func serve(_ request: inout Request) throws -> Bool {
        if engine.settings.earlyAnswer {
            let settings = engine.begin(request)
            defer { engine.count { $0.inFlight -= 1 } }
            var answer = writer(request, settings)
            answer.endConnection()
            try answer.error(.simulated(settings.status == 0 ? 413 : settings.status))
            throw ConnectionEnd.answeredEarly
        }
        if request.expectsContinue { try connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
        try request.readBody(from: connection)
        let settings = engine.begin(request)
        defer { engine.count { $0.inFlight -= 1 } }
        var answer = writer(request, settings)
        do {
            try connection.pause(milliseconds: settings.delayMS)
            try respond(request, settings, &answer)
        } catch ConnectionEnd.peerLeft {
            engine.count { $0.aborts += 1 }
            throw ConnectionEnd.peerLeft
        }
        return !answer.endsConnection
    }

    private func writer(_ request: Request, _ settings: Settings) -> AnswerWriter {
        AnswerWriter(connection: connection, request: request, settings: settings, server: engine.server)
    }

    private func respond(_ request: Request, _ settings: Settings, _ answer: inout AnswerWriter) throws {
        if settings.resetBeforeHead { throw ConnectionEnd.cutByReset }
        if settings.status204 > 0 { return try answer.bodiless(204, withBody: settings.status204 > 1) }
        if settings.status304 > 0 { return try answer.bodiless(304, withBody: settings.status304 > 1) }
        if settings.status > 0 { return try answer.error(.simulated(settings.status)) }
        if let body = settings.body { return try answer.whole(200, Array(body.utf8)) }
        switch (request.method, request.path) {
        case ("POST", "/v1/chat/completions"), ("POST", "/v1/completions"):
            do {
                let chat = try ChatRequest(
                    request, isChat: request.path == "/v1/chat/completions", model: engine.options.model,
                    defaultTokens: settings.tokens)
                let generation = Generation(
                    engine: engine, connection: connection, settings: settings, chat: chat)
                try generation.run(&answer)
            } catch let error as APIError {
                try answer.error(error)
            }
        case (_, "/v1/chat/completions"), (_, "/v1/completions"):
            try answer.error(APIError(405, "MethodNotAllowedError", "Method Not Allowed"))
        case ("GET", "/health"), ("HEAD", "/health"):
            try answer.whole(200, contentType: nil, [])
        case ("GET", "/v1/models"), ("HEAD", "/v1/models"):
            try answer.whole(200, Array(models.text.utf8))
        case ("GET", "/metrics"), ("HEAD", "/metrics"):
            let text = engine.counters.prometheus(model: engine.options.model)
            try answer.whole(200, contentType: "text/plain; version=0.0.4; charset=utf-8", Array(text.utf8))
        case ("GET", "/ws") where request.values("upgrade").contains { $0.lowercased() == "websocket" }:
            try echo()
            answer.endConnection()
        default:
            try answer.error(APIError(404, "NotFoundError", "Not Found"))
        }
    }

    private var models: JSONValue {
        let model: [(name: String, value: JSONValue)] = [
            ("id", .string(engine.options.model)), ("object", .string("model")),
            ("created", .number(String(engine.startTime))), ("owned_by", .string("vllm")),
            ("root", .string(engine.options.model)), ("parent", .null), ("max_model_len", .number("4096")),
        ]
        return .object([("object", .string("list")), ("data", .array([.object(model)]))])
    }

    /// Switches protocols and sends every byte back. The bytes are not read as WebSocket frames.
    private func echo() throws {
        try connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n")
        while true {
            let bytes = try connection.someBytes()
            if bytes.isEmpty { return }
            try connection.send(bytes)
        }
    }
}
