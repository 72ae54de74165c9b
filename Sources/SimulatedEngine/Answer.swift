import Glibc

/// Writes one answer, with the faults that were asked for.
struct AnswerWriter {
    private enum Framing {
        case length
        case chunked
        case untilClose
        case none
    }

    private let connection: Connection
    private let request: Request
    private let settings: Settings
    private let server: String
    private var framing = Framing.none
    private var pieces = 0
    /// True once the connection cannot serve another request.
    private(set) var endsConnection: Bool

    init(connection: Connection, request: Request, settings: Settings, server: String) {
        self.connection = connection
        self.request = request
        self.settings = settings
        self.server = server
        endsConnection = request.wantsClose
    }

    /// Sends a head. `length` nil: the body's length is not known yet.
    mutating func head(
        _ status: Int, contentType: String?, length: Int?, extra: [(name: String, value: String)] = []
    ) throws {
        choose(status: status, length: length)
        var lines = ["date: \(AnswerWriter.date())", "server: \(server)"]
        if let contentType { lines.append("content-type: \(contentType)") }
        lines += extra.map { "\($0.name): \($0.value)" }
        switch framing {
        case .length, .none:
            // A 204 has no length, and a 304 only where it is meant to mislead.
            if let length, status != 204 { lines.append("content-length: \(length)") }
        case .chunked:
            if settings.bothLengths { lines.append("content-length: \(length ?? 5)") }
            lines.append("transfer-encoding: chunked")
            if settings.trailers { lines.append("trailer: x-simulated-trailer") }
        case .untilClose: break
        }
        if endsConnection { lines.append("connection: close") }
        if settings.hugeHead > 0 { lines.append("x-padding: " + String(repeating: "x", count: settings.hugeHead)) }
        let flood = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: max(0, settings.hundredContinueFlood))
        let first = "HTTP/1.1 \(status) \(AnswerWriter.reason(status))\r\n"
        try connection.send(flood + first + lines.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    private mutating func choose(status: Int, length: Int?) {
        if request.method == "HEAD" || status == 204 || status == 304 {
            framing = .none
        } else if settings.untilClose || !request.isHTTP11 && length == nil {
            framing = .untilClose
            endsConnection = true
        } else if length == nil || settings.bothLengths || settings.trailers || settings.chunkExtensions {
            framing = .chunked
        } else {
            framing = .length
        }
    }

    /// Sends one piece of the body.
    mutating func piece(_ bytes: [UInt8]) throws {
        if framing == .none || bytes.isEmpty { return }
        try cutWhereAsked()
        pieces += 1
        guard framing == .chunked else { return try connection.send(bytes) }
        let mark = settings.chunkExtensions ? ";simulated=\"yes\"" : ""
        try connection.send(Array("\(String(bytes.count, radix: 16))\(mark)\r\n".utf8) + bytes + [0x0d, 0x0a])
    }

    /// Ends the body.
    mutating func end() throws {
        if framing == .none { return }
        try cutWhereAsked()
        guard framing == .chunked else { return }
        try connection.send("0\r\n" + (settings.trailers ? "x-simulated-trailer: done\r\n" : "") + "\r\n")
    }

    private func cutWhereAsked() throws {
        if settings.resetAfterChunks >= 0, pieces >= settings.resetAfterChunks { throw ConnectionEnd.cutByReset }
        if settings.closeAfterChunks >= 0, pieces >= settings.closeAfterChunks { throw ConnectionEnd.cutByClose }
    }

    /// Sends a whole answer. Where a fault counts pieces, such a body has two.
    mutating func whole(
        _ status: Int, contentType: String? = "application/json", extra: [(name: String, value: String)] = [],
        _ body: [UInt8]
    ) throws {
        try head(status, contentType: contentType, length: body.count, extra: extra)
        if settings.cutsBodies {
            try piece(Array(body[..<(body.count / 2)]))
            try piece(Array(body[(body.count / 2)...]))
        } else {
            try piece(body)
        }
        try end()
    }

    /// Sends a status that has no body, with some bytes behind it where `withBody`: an engine that breaks the rule.
    mutating func bodiless(_ status: Int, withBody: Bool) throws {
        if withBody { endsConnection = true }
        try head(status, contentType: nil, length: withBody ? 5 : nil)
        if withBody { try connection.send("stray") }
    }

    mutating func error(_ error: APIError) throws {
        try whole(error.status, Array(error.json.text.utf8))
    }

    /// Marks the connection as one that must not be used again.
    mutating func endConnection() {
        endsConnection = true
    }

    private static func date() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static func reason(_ status: Int) -> String {
        switch status {
        case 200: return "OK"
        case 204: return "No Content"
        case 304: return "Not Modified"
        case 400: return "Bad Request"
        case 404: return "Not Found"
        case 405: return "Method Not Allowed"
        case 409: return "Conflict"
        case 413: return "Content Too Large"
        case 429: return "Too Many Requests"
        case 500: return "Internal Server Error"
        case 503: return "Service Unavailable"
        default: return "Status \(status)"
        }
    }
}

/// An error as vLLM words it: `{"error":{"message","type","param","code"}}`.
struct APIError: Error {
    let status: Int
    let message: String
    let type: String
    var param: String?

    init(_ status: Int, _ type: String, _ message: String, param: String? = nil) {
        self.status = status
        self.type = type
        self.message = message
        self.param = param
    }

    static let internalError = APIError(500, "InternalServerError", "Internal server error")

    /// The error a fault setting asks for.
    static func simulated(_ status: Int) -> APIError {
        APIError(status, status < 500 ? "BadRequestError" : "InternalServerError", "simulated failure \(status)")
    }

    var json: JSONValue {
        .object([
            (
                "error",
                .object([
                    ("message", .string(message)), ("type", .string(type)),
                    ("param", param.map(JSONValue.string) ?? .null), ("code", .number(String(status))),
                ])
            )
        ])
    }
}
