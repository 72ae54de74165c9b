import CLinux
import Glibc
import HTTP
import IPC
import JSON
import Linux
import Metrics
import TLS

/// One event loop: one thread, one epoll instance, its own connections, pool, channel to the dialer and counters. Loops
/// share nothing but the listener and the few words of `Shared`, so there are no locks.
///
/// Connections live in two tables indexed by descriptor. The tables are reserved as address space when the loop starts
/// and cost memory only where a descriptor has been used. Everything is edge-triggered and registered once.
final class Loop {
    /// Bytes read at once, into one buffer for all connections.
    static let readSize = 64 << 10
    /// Reads of one connection before the others get their turn.
    static let readBudget = 8
    /// What a head may grow by on its way through.
    static let headRoom = HeadLimits.bytes + 4096
    /// How soon a full channel to the signer is tried again, in milliseconds.
    private static let signerRetry: Int32 = 5

    let index: Int
    let settings: ProxySettings
    let shared: Shared
    let stripe: Stripe
    let poll: EventPoll
    let clients: UnsafeMutablePointer<Client>
    let upstreams: UnsafeMutablePointer<Upstream>
    let tableSize: Int
    let readBuffer: UnsafeMutableRawBufferPointer
    let scratch: UnsafeMutableRawBufferPointer
    let vector: UnsafeMutablePointer<iovec>
    var vectorCount = 0

    /// Parsers and editors that are reused by all connections; their results hold until the next use.
    var head = Head()
    var answerHead = Head()
    var scanner = BodyScanner()
    var handoffScanner = HandoffScanner()
    var usage = UsageRewriter()
    var pieces = PieceList()
    var requestIDs = RequestIDs()

    var timers: Timers
    var pool = Pool()
    var spareBody = SpareBody()
    var dials: Dials
    /// How TLS is spoken; nil where it isn't, and until certificates have come.
    var tls: TLSContexts?
    /// Signatures that handshakes wait for; nil where we show no certificate.
    var signing: SignerLink?
    /// Handshakes that wait for their turn: as many as may wait for a signature do.
    var crowd = Crowd()
    var sessions = TLSSessions()
    /// Two budgets: what strangers do to the port must not keep an operator from reading why an engine can't be reached.
    var clientTLSLog = LogBudget()
    var upstreamTLSLog = LogBudget()
    /// Room for what TLS seals as one record, where answers and legs come in pieces.
    let recordBuffer: UnsafeMutableRawBufferPointer
    var listener: Int32 = -1
    var accepting = false
    var openClients = 0
    var openUpstreams = 0
    /// Milliseconds: accepting pauses until then.
    var acceptAgainAt: Int64 = 0
    /// Who may be called; nil until the first snapshot has come.
    var allowlist: AllowlistInForce?
    var blockedLog = LogBudget()
    var draining = false
    var reportedDrained = false
    /// Called once when a drain is complete, on this loop's thread.
    var onDrained: (() -> Void)?
    /// Called when this loop goes by a new snapshot of the pool, on this loop's thread.
    var onAdopted: ((UInt64) -> Void)?
    /// Called after each turn.
    var onTurn: (() -> Void)?
    /// The pipe through which the first loop gives orders.
    let mailbox: Int32
    private let mailboxInput: Int32
    /// Milliseconds on the monotonic clock, taken once for each turn of the loop.
    var now: Int64
    /// Connections whose reading was put off with input left, as tokens.
    var resumable: [UInt64] = []
    /// Clients that left in this turn, as tokens.
    var departed: [UInt64] = []
    private var nextGeneration: UInt32 = 1
    private var stopped = false

    init(index: Int, settings: ProxySettings, shared: Shared, stripe: Stripe) throws(Errno) {
        self.index = index
        self.settings = settings
        self.shared = shared
        self.stripe = stripe
        poll = try EventPoll()
        var pipe: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &pipe) { cl_pipe($0.baseAddress!.assumingMemoryBound(to: Int32.self)) }
        _ = try Errno.check(made)
        mailbox = pipe.0
        mailboxInput = pipe.1
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        tableSize = Int(min(limit.rlim_cur, 1 << 20))
        clients = try Self.table(of: Client.self, tableSize)
        upstreams = try Self.table(of: Upstream.self, tableSize)
        readBuffer = .allocate(byteCount: Self.readSize, alignment: 4096)
        scratch = .allocate(byteCount: Self.headRoom, alignment: 4096)
        recordBuffer = .allocate(byteCount: settings.tls.isUsed ? TLSConnection.largestRecord : 0, alignment: 64)
        vector = .allocate(capacity: Self.vectorCapacity)
        now = Clock.milliseconds()
        timers = Timers(now: now)
        dials = Dials()
        resumable.reserveCapacity(1024)
        guard poll.watch(mailbox, .mailbox) else { throw Errno(ENOMEM) }
    }

    /// Zeroed address space for a table. A slot is initialised when its descriptor is first used; `generation` 0 and
    /// phase 0 (free) are what a zeroed slot holds.
    private static func table<T>(of type: T.Type, _ count: Int) throws(Errno) -> UnsafeMutablePointer<T> {
        let bytes = count * MemoryLayout<T>.stride
        let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let base, base != MAP_FAILED else { throw Errno(errno) }
        return base.assumingMemoryBound(to: T.self)
    }

    func generation() -> UInt32 {
        nextGeneration &+= 1
        if nextGeneration == 0 { nextGeneration = 1 }
        return nextGeneration
    }

    // MARK: Running

    /// Turns until `stop()`.
    func run() {
        withUnsafeTemporaryAllocation(of: cl_event.self, capacity: 256) { events in
            while !stopped { turn(events) }
        }
    }

    private func turn(_ events: UnsafeMutableBufferPointer<cl_event>) {
        let count = poll.wait(into: events, milliseconds: waitTime())
        now = Clock.milliseconds()
        for i in 0..<count { closeIdle(events[i]) }
        for i in 0..<count { dispatch(events[i]) }
        closeDeparted()
        resumeListed()
        while let fd = timers.nextExpired(now: now, in: clients) { clientDeadline(clients + Int(fd)) }
        // Signatures, and those who left, have made room.
        resumeCrowd()
        sweepPool()
        dials.sendUnsent(self)
        signing?.sendUnsent()
        dials.expire(self)
        spareBody.expire(now: now)
        onTurn?()
        if !accepting && listener >= 0 && openClients < maximumClients && now >= acceptAgainAt && !draining {
            startAccepting()
        }
    }

    private func waitTime() -> Int32 {
        if !resumable.isEmpty { return 0 }
        // While draining, the deadline must be seen in time.
        if draining { return 50 }
        var wait = timers.wait(now: now)
        wait = Self.sooner(wait, pool.wait(now: now, idle: Int64(settings.upstreamIdle), upstreams))
        wait = Self.sooner(wait, dials.wait(now: now))
        if !crowd.isEmpty { wait = Self.sooner(wait, Self.crowdRetry) }
        if signing?.hasUnsent == true { wait = Self.sooner(wait, Self.signerRetry) }
        if listener >= 0 && !accepting { wait = Self.sooner(wait, Int32(clamping: max(20, acceptAgainAt - now))) }
        return Self.sooner(wait, spareBody.wait(now: now))
    }

    /// The shorter of two waits, where -1 is for ever.
    private static func sooner(_ a: Int32, _ b: Int32) -> Int32 { a < 0 ? b : b < 0 ? a : min(a, b) }

    func stop() { stopped = true }

    /// Gives this loop an order, from any thread.
    func post(_ kind: Order.Kind, _ value: Int = 0) {
        var order = Order(kind: kind.rawValue, value: value)
        _ = withUnsafeBytes(of: &order) { Glibc.write(mailboxInput, $0.baseAddress!, $0.count) }
    }

    /// Before anything else in a turn: an idle upstream connection that has ended, or has bytes that nobody asked for, is
    /// closed before a request of the same turn could be given to it, and take those bytes for its answer. (One that
    /// becomes idle and is taken again within a turn has just been read to its end.)
    private func closeIdle(_ event: cl_event) {
        guard Token.kind(event.data) == Token.upstreamKind else { return }
        let upstream = upstreams + Int(Token.fd(event.data))
        guard upstream.pointee.phase == .idle, upstream.pointee.generation == Token.generation(event.data) else {
            return
        }
        upstreamEvent(upstream, event.events)
    }

    private func dispatch(_ event: cl_event) {
        let fd = Int(Token.fd(event.data))
        switch Token.kind(event.data) {
        case Token.clientKind:
            let client = clients + fd
            guard client.pointee.phase != .free, client.pointee.generation == Token.generation(event.data) else {
                return
            }
            clientEvent(client, event.events)
        case Token.upstreamKind:
            let upstream = upstreams + fd
            guard upstream.pointee.phase != .free, upstream.pointee.generation == Token.generation(event.data) else {
                return
            }
            upstreamEvent(upstream, event.events)
        default: special(Special(rawValue: Int32(fd)), event.events)
        }
    }

    private func special(_ special: Special?, _ events: UInt32) {
        switch special {
        case .listener: acceptClients()
        case .dialer: dials.receive(self)
        case .signer: receiveSignatures()
        case .mailbox: readMailbox()
        case .control: shared.onControl?(self)
        case nil: break
        }
    }

    /// Descriptors that are not connections.
    enum Special: Int32 {
        case listener = 1
        case dialer = 2
        case mailbox = 3
        case control = 4
        case signer = 5
    }

    // MARK: Fairness

    /// Comes back to a connection after the others had their turn.
    func resumeLater(_ client: UnsafeMutablePointer<Client>) {
        if client.pointee.isListed { return }
        client.pointee.isListed = true
        resumable.append(client.pointee.token)
    }

    /// Comes back to a connection after the others had their turn.
    func resumeLater(_ upstream: UnsafeMutablePointer<Upstream>) {
        if upstream.pointee.isListed { return }
        upstream.pointee.isListed = true
        resumable.append(upstream.pointee.token)
    }

    private func resumeListed() {
        let count = resumable.count
        if count == 0 { return }
        for i in 0..<count {
            let token = resumable[i]
            let fd = Int(Token.fd(token))
            if Token.kind(token) == Token.clientKind {
                let client = clients + fd
                guard client.pointee.generation == Token.generation(token), client.pointee.phase != .free else {
                    continue
                }
                client.pointee.isListed = false
                if client.pointee.phase == .idle && client.pointee.pending.isEmpty { processKept(client) }
                if client.pointee.generation == Token.generation(token) { readClient(client) }
            } else {
                let upstream = upstreams + fd
                guard upstream.pointee.generation == Token.generation(token), upstream.pointee.phase != .free else {
                    continue
                }
                upstream.pointee.isListed = false
                readUpstream(upstream)
            }
        }
        resumable.removeFirst(count)
    }
}

/// What all loops of a process share: words, changed by atomic operations only.
final class Shared: @unchecked Sendable {
    // Sound: the words are only touched by atomic adds; the rest is set before the other threads start, or belongs to the
    // first loop's thread.
    private let bufferedWord: UnsafeMutablePointer<Int64>
    private let cutWord: UnsafeMutablePointer<Int64>
    private let busyWord: UnsafeMutablePointer<Int64>
    private let runningWord: UnsafeMutablePointer<Int64>
    private let withoutDialerWord: UnsafeMutablePointer<Int64>
    private let withoutSignerWord: UnsafeMutablePointer<Int64>
    /// Handles the control channel; called on the first loop's thread.
    var onControl: ((Loop) -> Void)?
    let limit: Int64

    init(limit: UInt64) {
        self.limit = Int64(clamping: limit)
        bufferedWord = Self.word()
        cutWord = Self.word()
        busyWord = Self.word()
        runningWord = Self.word()
        withoutDialerWord = Self.word()
        withoutSignerWord = Self.word()
    }

    private static func word() -> UnsafeMutablePointer<Int64> {
        let word = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
        word.initialize(to: 0)
        return word
    }

    /// Takes `n` bytes from the account of buffered bytes; false when it is overdrawn.
    func charge(_ n: Int) -> Bool {
        if cl_add(bufferedWord, Int64(n)) > limit {
            _ = cl_add(bufferedWord, -Int64(n))
            return false
        }
        return true
    }

    func discharge(_ n: Int) { _ = cl_add(bufferedWord, -Int64(n)) }

    /// Requests cut at the drain deadline, over all loops.
    func countCut() { _ = cl_add(cutWord, 1) }
    var cut: Int { Int(cl_add(cutWord, 0)) }

    /// Threads of loops that have begun; returns the new number.
    func loopsRunning(_ change: Int) -> Int { Int(cl_add(runningWord, Int64(change))) }

    /// Loops whose drain isn't complete; returns the new number.
    func loopsBusy(_ change: Int) -> Int { Int(cl_add(busyWord, Int64(change))) }

    /// Loops that have lost their channel to the dialer and have got no other yet; returns the new number.
    @discardableResult
    func loopsWithoutDialer(_ change: Int) -> Int { Int(cl_add(withoutDialerWord, Int64(change))) }

    /// The same for the signer.
    @discardableResult
    func loopsWithoutSigner(_ change: Int) -> Int { Int(cl_add(withoutSignerWord, Int64(change))) }
}
