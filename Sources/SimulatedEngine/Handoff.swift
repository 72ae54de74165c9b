import Glibc

/// The `kv_transfer_params` of the NIXL connector: what a prefiller answers and a decoder fetches KV with.
struct Handoff {
    /// Tokens in one KV block; vLLM's default on CPU.
    static let blockSize = 128

    let engine: String
    let request: String
    let host: String
    let port: UInt16
    let blocks: [Int]
    /// The prefiller's own count of cached tokens, where it told.
    let cachedTokens: Int?

    enum Reading {
        case absent
        case handoff(Handoff)
        case malformed(String)
    }

    /// Reads the params of a decode request, as strictly as vLLM does: block ids are a list of lists.
    static func read(_ params: JSONValue?) -> Reading {
        guard let params, params["do_remote_prefill"]?.isTruthy == true else { return .absent }
        guard let groups = params["remote_block_ids"]?.array else { return .malformed("remote_block_ids is missing") }
        var blocks: [Int] = []
        for group in groups {
            guard let ids = group.array else { return .malformed("remote_block_ids is not a list of lists") }
            for id in ids {
                guard let id = id.int else { return .malformed("remote_block_ids holds what is no number") }
                blocks.append(id)
            }
        }
        guard !blocks.isEmpty else { return .malformed("remote_block_ids is empty") }
        guard let engine = params["remote_engine_id"]?.string else { return .malformed("remote_engine_id is missing") }
        guard let request = params["remote_request_id"]?.string else {
            return .malformed("remote_request_id is missing")
        }
        guard let host = params["remote_host"]?.string else { return .malformed("remote_host is missing") }
        // vLLM takes the port as a number or as text.
        let port = params["remote_port"].flatMap { $0.int ?? $0.string.flatMap { Int($0) } }
        guard let port, let port = UInt16(exactly: port) else { return .malformed("remote_port is missing") }
        return .handoff(
            Handoff(
                engine: engine, request: request, host: host, port: port, blocks: blocks,
                cachedTokens: params["remote_prefill_cached_tokens"]?.int))
    }

    /// What a prefiller answers, in the shape of vLLM 0.32.
    static func answer(engine: Engine, request: String, blocks: [Int], tokens: Int, cachedTokens: Int) -> JSONValue {
        let advertised = engine.options.advertisedHost ?? engine.options.host
        let host = advertised == "0.0.0.0" ? "127.0.0.1" : advertised == "::" ? "::1" : advertised
        return .object([
            ("do_remote_prefill", .bool(true)), ("do_remote_decode", .bool(false)),
            ("remote_block_ids", .array([.array(blocks.map { .number(String($0)) })])),
            ("remote_engine_id", .string(engine.identity)), ("remote_request_id", .string(request)),
            ("remote_host", .string(host)), ("remote_port", .number(String(engine.port))),
            ("tp_size", .number("1")), ("dcp_size", .number("1")), ("pp_size", .number("1")),
            ("remote_num_tokens", .number(String(tokens))), ("remote_blocks_expiry_time", .null),
            ("transfer_mode", .string("pull")), ("remote_prefill_cached_tokens", .number(String(cachedTokens))),
        ])
    }

    /// Fetches the prompt whose KV this names from the prefill engine, over a connection of its own.
    func fetch() throws -> String {
        // vLLM waits five seconds for the other side's first answer.
        let connection = Connection(fd: try connectTo(host: host, port: port, timeoutSeconds: 5))
        defer { connection.finish() }
        let list = blocks.map(String.init).joined(separator: ",")
        let target = "/_kv/\(percentEncoded(request))?engine=\(percentEncoded(engine))&blocks=\(list)"
        try connection.send("GET \(target) HTTP/1.1\r\nhost: \(host):\(port)\r\nconnection: close\r\n\r\n")
        let status = try connection.line(limit: 8192).map { latin1($0).split(separator: " ") }
        var length: Int?
        while let line = try connection.line(limit: 8192), !line.isEmpty {
            let parts = latin1(line).lowercased().split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0] == "content-length" { length = Int(parts[1].drop { $0 == " " }) }
        }
        guard let status, status.count > 1, status[1] == "200", let length else {
            throw SystemError(message: "the prefill engine knows no KV for \(request)")
        }
        return String(decoding: try connection.bytes(length), as: UTF8.self)
    }
}
