/// What a scan of a client's body found. Reused; allocated once per event loop.
///
/// One pass validates the body (RFC 8259) and notes, as offsets, the members that the legs of a request cut or change.
/// The plans turn these into lists of pieces. They take the body's address anew, since the bytes may have been moved
/// after the scan. Nothing is allocated after `init`.
///
/// *Hostile* members are those of the protocol between sidecar and workers: `kv_transfer_params`,
/// `ec_transfer_params`, and every name that begins with `do_remote_`, `remote_` or `bootstrap_`. A vLLM that is given
/// malformed ones exits, and well-formed ones name an address it connects to. They are looked for wherever vLLM takes
/// them from: the body, the objects of a body that is an array, and in each of these `vllm_xargs`, `sampling_params`,
/// `extra_args` and `sampling_params.extra_args`. Names are compared with their escapes resolved.
public struct BodyScanner: ~Copyable {
    /// How many hostile members a body may have before it is refused with `tooManyMembers`.
    public static var maximumHostileMembers: Int { 128 }

    private static var maximumMarks: Int { maximumHostileMembers + 5 }

    private let nesting: NestingStack
    private let scratch: UnsafeMutablePointer<UInt8>
    private let marks: UnsafeMutablePointer<MemberMark>
    private(set) var markCount = 0

    private var base: UnsafeRawPointer?
    private(set) var length = 0
    private var refuseDuplicateEdited = false
    private var objects: UInt32 = 0
    private(set) var seenEdited: UInt16 = 0
    private(set) var hasDuplicateEdited = false

    /// The offset of the body's closing brace.
    private(set) var insertion = 0
    /// Whether any member is left when the hostile ones are cut, and when `stream_options` is cut as well.
    private(set) var keepsMembers = false
    private(set) var keepsMembersInPrefill = false

    /// The offset of the fault in bytes: at most the body's length, which means that something is missing at its end.
    public private(set) var faultOffset = 0
    /// The name of the member in question as written, without its quotes; empty for faults that are not about members.
    /// Points into the buffer given to `scan`.
    public private(set) var faultMember = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Whether the body is an object. Only an object can be planned for a prefill and a decode leg.
    public private(set) var isObject = false
    /// Whether the body is an object or an array.
    public private(set) var isContainer = false
    /// How many hostile members the client sent.
    public private(set) var hostileCount = 0
    /// Whether the body's `stream` is `true`. Of several the last counts, as it does for vLLM.
    public private(set) var wantsStream = false
    /// Whether `prompt` is an array of several prompts (strings, or arrays of tokens). An engine answers a prefill of
    /// several with the handoff of the first alone, which fits none of the others.
    public private(set) var hasSeveralPrompts = false

    /// - Parameter maximumDepth: how many brackets may be open at once (at least 1).
    public init(maximumDepth: Int = 512) {
        nesting = NestingStack(maximumDepth: maximumDepth)
        scratch = .allocate(capacity: PlainName.scratchSize)
        scratch.initialize(repeating: 0, count: PlainName.scratchSize)
        marks = .allocate(capacity: Self.maximumMarks)
    }

    deinit {
        scratch.deallocate()
        marks.deallocate()
    }

    /// Validates the whole body and indexes the members that matter.
    ///
    /// Two members of one hostile name in one object are refused, and so are two `vllm_xargs`, `sampling_params` or
    /// `extra_args`: one would hide the other from whoever keeps only the first or the last.
    /// - Parameters:
    ///   - body: fewer than 4 GiB.
    ///   - refuseDuplicateEdited: also refuse duplicates of the members that a prefill leg edits (`stream`,
    ///     `stream_options`, `max_tokens`, `max_completion_tokens`, `min_tokens`). Without it `planPrefill` returns
    ///     false for such a body.
    /// - Returns: `none`, `syntax`, `invalidUTF8`, `tooDeep`, `duplicateMember` or `tooManyMembers`. After a fault
    ///   there is nothing to plan: the plans return false.
    public mutating func scan(_ body: UnsafeRawBufferPointer, refuseDuplicateEdited: Bool) -> BodyFault {
        reset()
        guard let start = body.baseAddress, body.count > 0, body.count < Int(UInt32.max) else { return .syntax }
        base = start
        length = body.count
        self.refuseDuplicateEdited = refuseDuplicateEdited
        let first = start.assumingMemoryBound(to: UInt8.self)
        var cursor = Cursor(first, body.count, nesting: nesting)
        if scanTop(&cursor) && cursor.finish() {
            return .none
        }
        let fault = cursor.fault
        // Faults of members have set their own offset.
        if fault != .duplicateMember && fault != .tooManyMembers {
            faultOffset = cursor.offset(cursor.position)
        }
        forgetFindings()
        return fault
    }

    /// The name of the `i`-th hostile member as written, without its quotes. Points into the buffer given to `scan`.
    public func hostileName(_ i: Int) -> UnsafeRawBufferPointer {
        var remaining = i
        for k in 0..<markCount where marks[k].role == .hostile {
            if remaining == 0 {
                return nameBytes(marks[k])
            }
            remaining -= 1
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// The mark at `i`, in the order of the body.
    func mark(_ i: Int) -> MemberMark {
        precondition(i >= 0 && i < markCount, "mark index out of range")
        return marks[i]
    }

    // MARK: - Indexing

    private mutating func reset() {
        base = nil
        objects = 0
        faultOffset = 0
        faultMember = UnsafeRawBufferPointer(start: nil, count: 0)
        forgetFindings()
    }

    /// A body with a fault has no members: what was found before the fault must not be taken for all of them.
    private mutating func forgetFindings() {
        length = 0
        markCount = 0
        seenEdited = 0
        hasDuplicateEdited = false
        insertion = 0
        keepsMembers = false
        keepsMembersInPrefill = false
        isObject = false
        isContainer = false
        hostileCount = 0
        wantsStream = false
        hasSeveralPrompts = false
    }

    private mutating func scanTop(_ cursor: inout Cursor) -> Bool {
        cursor.skipWhitespace()
        switch cursor.byte {
        case Bytes.openBrace:
            isObject = true
            isContainer = true
            return indexObject(&cursor, .body, enclosing: 0)
        case Bytes.openBracket:
            isContainer = true
            return indexElements(&cursor)
        default:
            return cursor.skipValue(enclosing: 0)
        }
    }

    /// Reads a body that is an array, looking into the objects directly inside.
    private mutating func indexElements(_ cursor: inout Cursor) -> Bool {
        cursor.position += 1
        cursor.skipWhitespace()
        if cursor.byte == Bytes.closeBracket {
            cursor.position += 1
            return true
        }
        while true {
            cursor.skipWhitespace()
            let read =
                cursor.byte == Bytes.openBrace
                ? indexObject(&cursor, .element, enclosing: 1) : cursor.skipValue(enclosing: 1)
            guard read else { return false }
            cursor.skipWhitespace()
            let next = cursor.byte
            guard next == Bytes.comma || next == Bytes.closeBracket else { return cursor.fail(.syntax) }
            cursor.position += 1
            if next == Bytes.closeBracket { return true }
        }
    }

    /// Reads an object whose members are looked at by name.
    ///
    /// Calls itself for the places inside, which are at most two levels deep (`sampling_params.extra_args`); every
    /// other value is read by the cursor's loop, whatever its depth.
    private mutating func indexObject(_ cursor: inout Cursor, _ place: Place, enclosing: Int) -> Bool {
        objects &+= 1
        let object = objects
        var walk = MemberWalk()
        var seen: UInt16 = 0
        var cutMembers = 0
        var cutMembersInPrefill = 0
        var leader = -1
        while cursor.nextMember(&walk, enclosing: enclosing) {
            if leader >= 0 {
                // Only now is it known that a comma follows the marked member that leads its object.
                marks[leader].followerEnd = UInt32(walk.separator + 1)
                leader = -1
            }
            let role = place.role(of: PlainName(walk.rawName, scratch: scratch))
            if role == .ordinary {
                guard cursor.skipValue(enclosing: enclosing + 1) else { return false }
                continue
            }
            let repeated = seen & role.bit != 0
            seen |= role.bit
            if role == .prompt {
                guard readPrompt(&cursor, enclosing: enclosing + 1) else { return false }
                continue
            }
            if let inside = place.inside(role) {
                guard !repeated else { return refuse(&cursor, .duplicateMember, walk) }
                let read =
                    cursor.byte == Bytes.openBrace
                    ? indexObject(&cursor, inside, enclosing: enclosing + 1)
                    : cursor.skipValue(enclosing: enclosing + 1)
                guard read else { return false }
                continue
            }
            if role.isEdited && repeated {
                guard !refuseDuplicateEdited else { return refuse(&cursor, .duplicateMember, walk) }
                hasDuplicateEdited = true
            }
            var mark = MemberMark(
                name: UInt32(walk.name), value: UInt32(cursor.offset(cursor.position)), end: 0,
                separator: UInt32(walk.separator), followerEnd: 0, role: role,
                leads: cutMembers == walk.ordinal, leadsPrefill: cutMembersInPrefill == walk.ordinal,
                nameLength: UInt32(walk.rawName.count), object: object, hash: 0)
            if role == .hostile {
                mark.hash = nameHash(walk.rawName)
                guard !isKnown(mark) else { return refuse(&cursor, .duplicateMember, walk) }
                guard hostileCount < Self.maximumHostileMembers else {
                    return refuse(&cursor, .tooManyMembers, walk)
                }
                hostileCount += 1
                cutMembers += 1
            }
            if role == .hostile || role == .streamOptions {
                cutMembersInPrefill += 1
            }
            guard cursor.skipValue(enclosing: enclosing + 1) else { return false }
            mark.end = UInt32(cursor.offset(cursor.position))
            mark.followerEnd = mark.end
            if role == .stream {
                wantsStream = mark.end - mark.value == 4 && cursor.base[Int(mark.value)] == Bytes.lowerT
            }
            // A repeated edited member is beyond planning for a prefill, and without meaning for every other plan.
            guard !(role.isEdited && repeated) else { continue }
            if mark.leads || mark.leadsPrefill {
                leader = markCount
            }
            (marks + markCount).initialize(to: mark)
            markCount += 1
        }
        guard cursor.fault == .none else { return false }
        if place == .body {
            insertion = cursor.offset(cursor.position) - 1
            seenEdited = seen
            keepsMembers = cutMembers <= walk.ordinal
            keepsMembersInPrefill = cutMembersInPrefill <= walk.ordinal
        }
        return true
    }

    /// Reads the value of `prompt` and notes whether it holds several.
    private mutating func readPrompt(_ cursor: inout Cursor, enclosing: Int) -> Bool {
        guard cursor.byte == Bytes.openBracket else { return cursor.skipValue(enclosing: enclosing) }
        cursor.position += 1
        cursor.skipWhitespace()
        if cursor.byte == Bytes.closeBracket {
            cursor.position += 1
            return true
        }
        var elements = 0
        var holdsPrompts = false
        while true {
            cursor.skipWhitespace()
            let first = cursor.byte
            // Numbers are the tokens of one prompt; anything else in the array is a prompt of its own.
            if first == Bytes.quote || first == Bytes.openBracket || first == Bytes.openBrace { holdsPrompts = true }
            elements += 1
            guard cursor.skipValue(enclosing: enclosing + 1) else { return false }
            cursor.skipWhitespace()
            let next = cursor.byte
            guard next == Bytes.comma || next == Bytes.closeBracket else { return cursor.fail(.syntax) }
            cursor.position += 1
            if next == Bytes.closeBracket { break }
        }
        if holdsPrompts && elements > 1 { hasSeveralPrompts = true }
        return true
    }

    /// Whether a hostile member of this name is already marked in the same object.
    private func isKnown(_ mark: MemberMark) -> Bool {
        for k in 0..<markCount
        where marks[k].hash == mark.hash && marks[k].object == mark.object && marks[k].role == .hostile {
            return true
        }
        return false
    }

    private mutating func refuse(_ cursor: inout Cursor, _ fault: BodyFault, _ walk: MemberWalk) -> Bool {
        faultOffset = walk.name
        faultMember = walk.rawName
        return cursor.fail(fault)
    }

    private func nameBytes(_ mark: MemberMark) -> UnsafeRawBufferPointer {
        guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: base + Int(mark.name) + 1, count: Int(mark.nameLength))
    }
}
