import Glibc
import Synchronization

/// What all connections of the engine share.
final class Engine: Sendable {
    let options: Options
    let port: UInt16
    /// Drawn at start, as vLLM does: a restarted prefiller is another engine.
    let identity: String
    let startTime: Int
    private let state: Mutex<State>

    /// The KV of one prompt, kept for the decoder that will fetch it.
    struct HeldKV: Sendable {
        let prompt: String
        let blocks: [Int]
        let expiry: Int
        var isFetched = false
        var isReused = false
    }

    struct State: Sendable {
        var settings: Settings
        var counters = Counters()
        var lastRequests: [Request] = []
        var held: [String: HeldKV] = [:]
        var heldOrder: [String] = []
        var nextBlock = 1
    }

    init(options: Options, port: UInt16) {
        self.options = options
        self.port = port
        identity = [8, 4, 4, 4, 12].map(randomHex).joined(separator: "-")
        startTime = time(nil)
        state = Mutex(State(settings: options.settings))
    }

    var server: String { "simulated-engine/\(options.role.rawValue)" }

    var settings: Settings { state.withLock { $0.settings } }

    var counters: Counters {
        state.withLock { state in
            Engine.expire(&state)
            state.counters.kvHeld = state.held.values.count { !$0.isReused }
            return state.counters
        }
    }

    func count(_ change: @Sendable (inout Counters) -> Void) {
        state.withLock { change(&$0.counters) }
    }

    /// Changes settings one after the other. Returns what was wrong with the first wrong one.
    func configure(_ changes: [(name: String, value: String)]) -> String? {
        state.withLock { state in
            var settings = state.settings
            for change in changes {
                if let mistake = settings.set(change.name, change.value) { return mistake }
            }
            state.settings = settings
            return nil
        }
    }

    /// Back to the state after the start, except for the connections that are open.
    func reset() {
        state.withLock { state in
            var fresh = State(settings: options.settings)
            fresh.counters.connectionsOpen = state.counters.connectionsOpen
            fresh.counters.inFlight = state.counters.inFlight
            fresh.nextBlock = state.nextBlock
            state = fresh
        }
    }

    /// Takes note of an API request and returns the settings it is served with.
    func begin(_ request: Request) -> Settings {
        state.withLock { state in
            state.counters.requests += 1
            state.counters.inFlight += 1
            let paths = state.counters.byPath
            let path = paths[request.path] == nil && paths.count >= 100 ? "(other)" : request.path
            state.counters.byPath[path, default: 0] += 1
            if state.settings.record {
                state.lastRequests.append(request)
                if state.lastRequests.count > 64 { state.lastRequests.removeFirst() }
            }
            var settings = state.settings
            if settings.failNext > 0 {
                state.settings.failNext -= 1
                if settings.status == 0 { settings.status = 500 }
            }
            return settings
        }
    }

    func lastRequests(_ count: Int, path: String?) -> [Request] {
        let all = state.withLock { $0.lastRequests }
        return Array(all.filter { path == nil || $0.path == path }.suffix(max(0, count)))
    }

    /// Keeps the KV of `prompt` for a lease. Returns the numbers of its blocks.
    func hold(prompt: String, tokens: Int, id: String) -> [Int] {
        state.withLock { state in
            Engine.expire(&state)
            let count = (tokens + Handoff.blockSize - 1) / Handoff.blockSize
            let blocks = Array(state.nextBlock..<state.nextBlock + count)
            state.nextBlock += count
            let expiry = monotonicMS() + state.settings.leaseMS
            state.held[id] = HeldKV(prompt: prompt, blocks: blocks, expiry: expiry)
            state.heldOrder.append(id)
            if state.heldOrder.count > 4096 { state.held[state.heldOrder.removeFirst()] = nil }
            return blocks
        }
    }

    enum Fetch {
        case prompt(String)
        case unknown
        case wrongBlocks
    }

    /// The prompt behind KV blocks. Once the lease is over the blocks belong to others, and vLLM hands them out all
    /// the same: the text that comes of it is wrong, silently.
    func fetch(id: String, engine: String, blocks: [Int]) -> Fetch {
        state.withLock { state in
            Engine.expire(&state)
            guard let held = state.held[id], engine == identity else { return .unknown }
            guard held.blocks == blocks else { return .wrongBlocks }
            if held.isReused {
                state.counters.kvFetchedLate += 1
                return .prompt(held.prompt + " (blocks of another request)")
            }
            state.counters.kvFetched += 1
            state.held[id]?.isFetched = true
            return .prompt(held.prompt)
        }
    }

    private static func expire(_ state: inout State) {
        let now = monotonicMS()
        for (id, held) in state.held where held.expiry <= now && !held.isReused {
            state.held[id]?.isReused = true
            if !held.isFetched { state.counters.kvExpired += 1 }
        }
    }
}

/// Sums for `/_stats` and `/metrics`.
struct Counters: Sendable {
    var requests = 0
    var byPath: [String: Int] = [:]
    var aborts = 0
    var malformed = 0
    var inFlight = 0
    var connectionsOpen = 0
    var connectionsTotal = 0
    var promptTokensLocal = 0
    var promptTokensRemote = 0
    var generatedTokens = 0
    var finished = 0
    var kvHeld = 0
    var kvFetched = 0
    var kvFetchedLate = 0
    var kvExpired = 0
    var kvFailures = 0

    var json: JSONValue {
        let paths = byPath.sorted { $0.key < $1.key }.map { (name: $0.key, value: JSONValue.number(String($0.value))) }
        let numbers: [(name: String, value: Int)] = [
            ("requests", requests), ("aborts", aborts), ("malformed", malformed), ("in_flight", inFlight),
            ("connections", connectionsOpen), ("connections_total", connectionsTotal),
            ("prompt_tokens_local", promptTokensLocal), ("prompt_tokens_remote", promptTokensRemote),
            ("generated_tokens", generatedTokens), ("finished", finished), ("kv_held", kvHeld),
            ("kv_fetched", kvFetched), ("kv_fetched_late", kvFetchedLate), ("kv_expired", kvExpired),
            ("kv_failures", kvFailures),
        ]
        let members = numbers.map { (name: $0.name, value: JSONValue.number(String($0.value))) }
        return .object(members + [("by_path", .object(paths))])
    }

    /// The metrics a vLLM would show for the same events, as far as tests look at them.
    func prometheus(model: String) -> String {
        let labels = "engine=\"0\",model_name=\"\(model)\""
        let promptTokens = promptTokensLocal + promptTokensRemote
        let metrics: [(kind: String, name: String, label: String, value: Int)] = [
            ("gauge", "vllm:num_requests_running", "", inFlight),
            ("counter", "vllm:prompt_tokens_total", "", promptTokens),
            ("counter", "vllm:prompt_tokens_by_source_total", ",source=\"local_compute\"", promptTokensLocal),
            ("counter", "vllm:prompt_tokens_by_source_total", ",source=\"external_kv_transfer\"", promptTokensRemote),
            ("counter", "vllm:generation_tokens_total", "", generatedTokens),
            ("counter", "vllm:external_prefix_cache_queries_total", "", promptTokens),
            ("counter", "vllm:external_prefix_cache_hits_total", "", promptTokensRemote),
            ("counter", "vllm:request_success_total", ",finished_reason=\"length\"", finished),
            ("counter", "vllm:request_success_total", ",finished_reason=\"abort\"", aborts),
            ("counter", "vllm:nixl_num_failed_transfers_total", "", kvFailures),
            ("counter", "vllm:nixl_num_kv_expired_reqs_total", "", kvExpired),
            ("counter", "vllm:nixl_num_notifications_after_expiry_total", "", kvFetchedLate),
        ]
        var text = ""
        var previous = ""
        for metric in metrics {
            if metric.name != previous { text += "# TYPE \(metric.name) \(metric.kind)\n" }
            previous = metric.name
            text += "\(metric.name){\(labels)\(metric.label)} \(metric.value).0\n"
        }
        return text
    }
}
