/// Where `usage.prompt_tokens_details.cached_tokens` lies in an object, as far as it exists.
///
/// Of several members of one name the last counts, as it does for the readers of these answers.
struct UsageSpans {
    /// The last `usage`, if it is an object.
    var usage = ObjectSpan()
    /// Its last `prompt_tokens_details`, and whether that is an object.
    var details = ObjectSpan()
    var detailsValue = 0..<0
    /// The value of the last `cached_tokens` in those, empty if there is none.
    var cached = 0..<0

    /// An object of the text.
    struct ObjectSpan {
        /// The offset of its closing brace, 0 when there is no such object.
        var closing = 0
        /// Whether it has no members.
        var isEmpty = true
    }

    /// Reads the value of a top-level `usage`, at the cursor's position.
    mutating func read(_ cursor: inout Cursor, scratch: UnsafeMutablePointer<UInt8>) -> Bool {
        self = UsageSpans()
        guard cursor.byte == Bytes.openBrace else { return cursor.skipValue(enclosing: 1) }
        var walk = MemberWalk()
        while cursor.nextMember(&walk, enclosing: 1) {
            if PlainName(walk.rawName, scratch: scratch).equals("prompt_tokens_details") {
                let begin = cursor.offset(cursor.position)
                guard readDetails(&cursor, scratch: scratch) else { return false }
                detailsValue = begin..<cursor.offset(cursor.position)
            } else {
                guard cursor.skipValue(enclosing: 2) else { return false }
            }
        }
        guard cursor.fault == .none else { return false }
        usage = ObjectSpan(closing: cursor.offset(cursor.position) - 1, isEmpty: walk.ordinal < 0)
        return true
    }

    private mutating func readDetails(_ cursor: inout Cursor, scratch: UnsafeMutablePointer<UInt8>) -> Bool {
        details = ObjectSpan()
        cached = 0..<0
        guard cursor.byte == Bytes.openBrace else { return cursor.skipValue(enclosing: 2) }
        var walk = MemberWalk()
        while cursor.nextMember(&walk, enclosing: 2) {
            let isCount = PlainName(walk.rawName, scratch: scratch).equals("cached_tokens")
            let begin = cursor.offset(cursor.position)
            guard cursor.skipValue(enclosing: 3) else { return false }
            if isCount {
                cached = begin..<cursor.offset(cursor.position)
            }
        }
        guard cursor.fault == .none else { return false }
        details = ObjectSpan(closing: cursor.offset(cursor.position) - 1, isEmpty: walk.ordinal < 0)
        return true
    }

    /// The count as a number: 0 when missing, negative or not a number; a fraction is cut off, and so is whatever
    /// is written with an exponent (no engine counts tokens that way).
    func cachedTokens(_ base: Address) -> Int {
        guard !cached.isEmpty else { return 0 }
        var count = 0
        while count < cached.count && isDigit(base[cached.lowerBound + count]) { count += 1 }
        if count < cached.count && base[cached.lowerBound + count] != Bytes.dot { return 0 }
        return decimal(base + cached.lowerBound, count) ?? 0
    }
}
