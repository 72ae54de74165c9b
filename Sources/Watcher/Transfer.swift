import CCurl

/// One request under way, and what has come of it.
final class Transfer {
    enum Kind: Equatable {
        /// A page of a list.
        case list
        /// A watch that the server ends after so many seconds.
        case watch(seconds: Int)
    }

    /// How it ended.
    struct End {
        var outcome: cc_outcome
        /// Milliseconds.
        var retryAfter: Int64
        var text: String
    }

    /// Times in milliseconds.
    static let connectTime: Int64 = 5_000
    /// No byte for so long, and a list, or any answer whose head is awaited, counts as dead.
    static let silence: Int64 = 15_000
    /// A page that takes longer is given up, however it drips.
    static let longestPage: Int64 = 120_000
    /// A watch that has brought a bookmark (they come about once a minute) and then nothing for so long.
    static let quiet: Int64 = 150_000
    /// What a watch may last beyond the time after which the server ends it.
    static let overtime: Int64 = 30_000
    /// No answer is gathered beyond this, in bytes.
    static let longestBody = 64 << 20
    /// A watch's unfinished line.
    static let longestLine = 16 << 20

    let kind: Kind
    private let startedAt: Int64
    private var lastByteAt: Int64
    var incoming = Incoming()
    /// The answer's status; 0 = its head isn't there yet.
    private(set) var status = 0
    /// The answer has brought a bookmark.
    var hasBookmark = false
    /// The head was made known to who asked.
    var isAnnounced = false
    var end: End?
    private var hasNewBytes = false
    fileprivate(set) var handle: OpaquePointer?

    init(_ kind: Kind, now: Int64) {
        self.kind = kind
        startedAt = now
        lastByteAt = now
    }

    /// Is it a watch that the server has agreed to?
    var isOpenWatch: Bool { kind != .list && status == 200 }

    /// Something may have come since the last turn.
    func noteTime(_ now: Int64) {
        if hasNewBytes { lastByteAt = now }
        hasNewBytes = false
    }

    /// When patience ends.
    var deadline: Int64 {
        switch kind {
        case .watch(let seconds) where status == 200:
            let total = startedAt + Int64(seconds) * 1_000 + Self.overtime
            return hasBookmark ? min(total, lastByteAt + Self.quiet) : total
        case .list, .watch: return min(lastByteAt + Self.silence, startedAt + Self.longestPage)
        }
    }

    fileprivate func noteHead(_ status: Int32) {
        self.status = Int(status)
        hasNewBytes = true
    }

    fileprivate func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        hasNewBytes = true
        return incoming.count + bytes.count <= Self.longestBody && incoming.append(bytes)
    }
}

/// All requests under way, over libcurl: one thread, no name lookups, no waiting but in `wait`.
final class Transfers {
    private let loop: OpaquePointer
    private var running: [OpaquePointer: Transfer] = [:]

    /// Nil: libcurl can't be set up.
    init?() {
        guard let loop = cc_loop_create() else { return nil }
        self.loop = loop
    }

    /// Begins a request. Nil: no memory.
    func begin(_ url: String, _ kind: Transfer.Kind, _ credentials: Credentials, now: Int64) -> Transfer? {
        guard let token = credentials.token else { return nil }
        let transfer = Transfer(kind, now: now)
        let handle = url.withCString { url in
            credentials.authority.withUnsafeBytes { authority in
                var request = cc_request(
                    url: url, token: token.bytes.baseAddress, token_count: token.bytes.count,
                    authority: authority.baseAddress, authority_count: authority.count,
                    connect_milliseconds: Int32(Transfer.connectTime), receiver: Self.receiver(transfer))
                return cc_begin(loop, &request)
            }
        }
        guard let handle else { return nil }
        transfer.handle = handle
        // Also what keeps the transfer alive while libcurl knows its address.
        running[handle] = transfer
        return transfer
    }

    /// Ends a request at whatever point it is.
    func end(_ transfer: Transfer) {
        guard let handle = transfer.handle else { return }
        transfer.handle = nil
        cc_end(loop, handle)
        running[handle] = nil
    }

    /// Takes in what can be taken without waiting.
    func perform(now: Int64) {
        cc_perform(loop)
        var ended = cc_ended()
        while cc_next_ended(loop, &ended) == 1 {
            guard let handle = ended.transfer, let transfer = running[handle] else { continue }
            transfer.end = Transfer.End(
                outcome: ended.outcome, retryAfter: max(0, min(ended.retry_after, 3_600)) * 1_000,
                text: String(cString: ended.text))
        }
        for transfer in running.values { transfer.noteTime(now) }
    }

    /// Waits for something to happen. True: `fd` is readable.
    func wait(_ fd: Int32, milliseconds: Int32) -> Bool { cc_wait(loop, fd, milliseconds) != 0 }

    // Sound: libcurl calls these from `perform` only, while `running` holds the transfer.
    private static func receiver(_ transfer: Transfer) -> cc_receiver {
        cc_receiver(
            context: Unmanaged.passUnretained(transfer).toOpaque(),
            head: { context, status in
                guard let context else { return }
                Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().noteHead(status)
            },
            body: { context, bytes, count in
                guard let context else { return 0 }
                let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                return transfer.take(UnsafeRawBufferPointer(start: bytes, count: count)) ? 1 : 0
            })
    }
}
