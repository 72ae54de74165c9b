/// What the prefiller's answer says: the handoff and the cached-token count. Reused; allocated once per event loop.
public struct HandoffScanner: ~Copyable {
    /// Members of a handoff whose names are compared with each other; vLLM 0.32 sends 14.
    static var maximumMembers: Int { 256 }

    private let nesting = NestingStack(maximumDepth: 512)
    private let scratch: UnsafeMutablePointer<UInt8>
    private let names: UnsafeMutablePointer<UInt64>

    /// The range of the value of `kv_transfer_params` in the answer, in bytes. Empty when there is none, when it is
    /// null, and when the answer is not a JSON object.
    public private(set) var handoff = 0..<0
    /// The range of `remote_host`'s characters, between the quotes. They hold no escape: the bytes are the host.
    public private(set) var remoteHost = 0..<0
    /// The port of the prefiller's side channel, 0 when there is no valid one.
    public private(set) var remotePort: UInt16 = 0
    /// The handoff has members besides `remote_host` that name addresses.
    public var namesOtherAddresses: Bool { members.namesOtherAddresses }
    /// `usage.prompt_tokens_details.cached_tokens`: how much of the prompt the prefiller had cached. 0 when missing,
    /// null or not a number; a fraction is cut off.
    public private(set) var cachedTokens = 0

    private var members = HandoffMembers()

    /// A scanner; the only allocation it ever makes.
    public init() {
        scratch = .allocate(capacity: PlainName.scratchSize)
        scratch.initialize(repeating: 0, count: PlainName.scratchSize)
        names = .allocate(capacity: Self.maximumMembers)
    }

    deinit {
        scratch.deallocate()
        names.deallocate()
    }

    /// Validates a prefiller's answer and the handoff in it.
    ///
    /// Of several faults the one that comes first in `HandoffFault`'s list is returned, except that a duplicate is
    /// told before the faults inside the handoff (of two members nobody can say which one counts).
    /// - Parameters:
    ///   - acceptNested: accept a list of lists of block ids, one per cache group (vLLM since 0.12).
    ///   - acceptFlat: accept a flat list of block ids, as older engines send it. They know no `remote_request_id`:
    ///     with a flat list it may be missing or null.
    public mutating func scan(
        _ answer: UnsafeRawBufferPointer, acceptNested: Bool, acceptFlat: Bool
    ) -> HandoffFault {
        handoff = 0..<0
        remoteHost = 0..<0
        remotePort = 0
        cachedTokens = 0
        members = HandoffMembers()
        guard let start = answer.baseAddress, answer.count > 0 else { return .answerNotJSON }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var cursor = Cursor(base, answer.count, nesting: nesting)
        cursor.skipWhitespace()
        guard cursor.byte == Bytes.openBrace else {
            return cursor.skipValue(enclosing: 0) && cursor.finish() ? .answerNotAnObject : .answerNotJSON
        }
        var usage = UsageSpans()
        var found = 0
        var value = 0..<0
        var walk = MemberWalk()
        while cursor.nextMember(&walk, enclosing: 0) {
            let name = PlainName(walk.rawName, scratch: scratch)
            if name.equals("kv_transfer_params") {
                found += 1
                let begin = cursor.offset(cursor.position)
                guard readHandoff(&cursor) else { return .answerNotJSON }
                value = begin..<cursor.offset(cursor.position)
            } else if name.equals("usage") {
                guard usage.read(&cursor, scratch: scratch) else { return .answerNotJSON }
            } else {
                guard cursor.skipValue(enclosing: 1) else { return .answerNotJSON }
            }
        }
        guard cursor.fault == .none, cursor.finish() else { return .answerNotJSON }

        cachedTokens = usage.cachedTokens(base)
        if found > 1 { return .duplicateMember }
        if found == 0 || base[value.lowerBound] == Bytes.lowerN { return .absent }
        handoff = value
        guard base[value.lowerBound] == Bytes.openBrace else { return .notAnObject }
        if members.hasDuplicates { return .duplicateMember }
        let fault = members.judge(acceptNested: acceptNested, acceptFlat: acceptFlat)
        remoteHost = members.host
        remotePort = members.port
        return fault
    }

    /// Reads the value of `kv_transfer_params`, noting its members if it is an object.
    private mutating func readHandoff(_ cursor: inout Cursor) -> Bool {
        members = HandoffMembers()
        guard cursor.byte == Bytes.openBrace else { return cursor.skipValue(enclosing: 1) }
        var walk = MemberWalk()
        while cursor.nextMember(&walk, enclosing: 1) {
            note(nameHash(walk.rawName), walk.ordinal)
            let name = PlainName(walk.rawName, scratch: scratch)
            guard members.read(name, &cursor, enclosing: 2) else { return false }
        }
        return cursor.fault == .none
    }

    private mutating func note(_ hash: UInt64, _ ordinal: Int) {
        guard ordinal < Self.maximumMembers else {
            members.hasDuplicates = true
            return
        }
        for k in 0..<ordinal where names[k] == hash {
            members.hasDuplicates = true
        }
        (names + ordinal).initialize(to: hash)
    }
}
