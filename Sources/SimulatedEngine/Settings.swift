/// How the engine behaves: set by flags at start and by `POST /_config` while it runs.
struct Settings: Sendable {
    var delayMS = 0
    var tokenDelayMS = 0
    var tokens = 16
    var cachedTokens = -1
    var promptTokensDetails = true
    var keepaliveMS = 5000
    var record = true
    var fragile = false
    var leaseMS = 30_000

    var status = 0
    var failNext = 0
    var body: String?
    var resetBeforeHead = false
    var resetAfterChunks = -1
    var closeAfterChunks = -1
    var noKV = false
    var kvNull = false
    var kvJSON: String?
    var earlyAnswer = false
    var status204 = 0
    var status304 = 0
    var hundredContinueFlood = 0
    var bothLengths = false
    var untilClose = false
    var trailers = false
    var chunkExtensions = false
    var hugeHead = 0

    /// Where a setting is kept, and with that which values it takes.
    enum Place: Sendable {
        case number(WritableKeyPath<Settings, Int> & Sendable)
        case toggle(WritableKeyPath<Settings, Bool> & Sendable)
        case text(WritableKeyPath<Settings, String?> & Sendable)
    }

    struct Entry: Sendable {
        let name: String
        let place: Place
        let help: String

        init(_ name: String, _ place: Place, _ help: String) {
            self.name = name
            self.place = place
            self.help = help
        }
    }

    /// The one list of settings: flags, `/_config` and `--help` are all made of it.
    static let entries: [Entry] = [
        Entry("delay_ms", .number(\.delayMS), "wait before the head of an answer"),
        Entry("token_delay_ms", .number(\.tokenDelayMS), "wait before every token"),
        Entry("tokens", .number(\.tokens), "tokens to generate where the request sets no limit"),
        Entry("cached_tokens", .number(\.cachedTokens), "cached_tokens to report; -1: what vLLM would report"),
        Entry("prompt_tokens_details", .toggle(\.promptTokensDetails), "report prompt_tokens_details at all"),
        Entry("keepalive_ms", .number(\.keepaliveMS), "close a connection idle for that long; 0: never"),
        Entry("record", .toggle(\.record), "keep requests for /_last"),
        Entry("fragile", .toggle(\.fragile), "exit(1) on malformed kv_transfer_params, as vLLM does"),
        Entry("lease_ms", .number(\.leaseMS), "how long the KV of a prefill is kept intact"),
        Entry("status", .number(\.status), "answer this status with an error body; 0: off"),
        Entry("fail_next", .number(\.failNext), "fail that many requests with status (500 where status is 0)"),
        Entry("body", .text(\.body), "answer 200 with exactly this body; empty: off"),
        Entry("reset_before_head", .toggle(\.resetBeforeHead), "reset the connection instead of answering"),
        Entry("reset_after_chunks", .number(\.resetAfterChunks), "reset after that many pieces of a body; -1: off"),
        Entry("close_after_chunks", .number(\.closeAfterChunks), "close after that many pieces of a body; -1: off"),
        Entry("no_kv", .toggle(\.noKV), "prefill: leave kv_transfer_params out of the answer"),
        Entry("kv_null", .toggle(\.kvNull), "prefill: answer kv_transfer_params null"),
        Entry("kv_json", .text(\.kvJSON), "prefill: answer this text as kv_transfer_params; empty: off"),
        Entry("early_answer", .toggle(\.earlyAnswer), "answer (status, or 413) before the request's body was read"),
        Entry("status204", .number(\.status204), "1: answer 204; 2: 204 with a body behind it"),
        Entry("status304", .number(\.status304), "1: answer 304; 2: 304 with a body behind it"),
        Entry("hundred_continue_flood", .number(\.hundredContinueFlood), "100 Continue heads before the answer"),
        Entry("both_lengths", .toggle(\.bothLengths), "send Content-Length beside Transfer-Encoding"),
        Entry("until_close", .toggle(\.untilClose), "send no length: the body ends with the connection"),
        Entry("trailers", .toggle(\.trailers), "send bodies in chunks, with trailers"),
        Entry("chunk_extensions", .toggle(\.chunkExtensions), "send bodies in chunks with chunk extensions"),
        Entry("huge_head", .number(\.hugeHead), "add that many bytes to the head of an answer"),
    ]

    /// Sets one setting by name. Returns what was wrong, or nil.
    mutating func set(_ name: String, _ value: String) -> String? {
        guard let entry = Settings.entries.first(where: { $0.name == name }) else {
            let known = Settings.entries.map(\.name).joined(separator: ", ")
            return "unknown setting '\(name)'; known: \(known)"
        }
        switch entry.place {
        case .number(let path):
            guard let number = Int(value) else { return "\(name)=\(value): a whole number is expected" }
            self[keyPath: path] = number
        case .toggle(let path):
            switch value {
            case "1", "true", "on", "": self[keyPath: path] = true
            case "0", "false", "off": self[keyPath: path] = false
            default: return "\(name)=\(value): 1 or 0 is expected"
            }
        case .text(let path):
            self[keyPath: path] = value.isEmpty ? nil : value
        }
        return nil
    }

    /// All settings and their values.
    var json: JSONValue {
        .object(
            Settings.entries.map { entry in
                switch entry.place {
                case .number(let path): return (entry.name, .number(String(self[keyPath: path])))
                case .toggle(let path): return (entry.name, .bool(self[keyPath: path]))
                case .text(let path): return (entry.name, self[keyPath: path].map(JSONValue.string) ?? .null)
                }
            })
    }

    /// True where a fault may end a body before its time.
    var cutsBodies: Bool {
        resetAfterChunks >= 0 || closeAfterChunks >= 0
    }
}
