/// A place in a text that is being validated as JSON by RFC 8259: the one scanning core of all scanners.
///
/// Every method that returns Bool returns false on a fault; `fault` and `position` then say what and where. A cursor is
/// a value without references: it lives on the stack of one scan and owns nothing.
struct Cursor {
    /// The first byte of the text.
    let base: Address
    /// The address after the last byte of the text.
    let end: Address
    /// The next byte to read.
    var position: Address
    /// What was wrong at `position`.
    var fault: BodyFault

    private let nesting: NestingBits
    let maximumDepth: Int

    init(_ base: Address, _ count: Int, nesting: borrowing NestingStack) {
        self.base = base
        end = base + count
        position = base
        fault = .none
        self.nesting = nesting.bits
        maximumDepth = nesting.maximumDepth
    }

    /// The offset of an address of the text.
    @inline(__always)
    func offset(_ address: Address) -> Int {
        address - base
    }

    /// The byte at the position. NUL stands for the end: it is as wrong outside a string as the end would be.
    @inline(__always)
    var byte: UInt8 {
        position < end ? position.pointee : 0
    }

    /// Notes a fault at the position.
    /// - Returns: false, always, to be returned on.
    mutating func fail(_ fault: BodyFault) -> Bool {
        self.fault = fault
        return false
    }

    @inline(__always)
    mutating func skipWhitespace() {
        guard position < end, position.pointee <= 0x20 else { return }
        skipWhitespaceRun()
    }

    @inline(never)
    private mutating func skipWhitespaceRun() {
        var p = position
        while p < end {
            // Indentation of pretty-printed text.
            while end - p >= 8 && word(at: p) == 0x2020_2020_2020_2020 {
                p += 8
            }
            guard p < end else { break }
            let byte = p.pointee
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { break }
            p += 1
        }
        position = p
    }

    /// Reads the string at the position (its opening quote).
    @inline(__always)
    mutating func string() -> Bool {
        let found = endOfString(position + 1, end)
        position = found.address
        fault = found.fault
        return found.fault == .none
    }

    /// Reads a member's name and its colon.
    @inline(__always)
    private mutating func name() -> Bool {
        guard byte == Bytes.quote else { return fail(.syntax) }
        guard string() else { return false }
        return colon()
    }

    @inline(__always)
    private mutating func colon() -> Bool {
        skipWhitespace()
        guard byte == Bytes.colon else { return fail(.syntax) }
        position += 1
        return true
    }

    /// Reads one value of any kind, with the white space before it.
    /// - Parameter enclosing: how many containers are open around the value.
    mutating func skipValue(enclosing: Int) -> Bool {
        var depth = enclosing
        var inObject = false
        while true {
            skipWhitespace()
            let first = byte
            switch first {
            case Bytes.quote:
                guard string() else { return false }
            case Bytes.openBrace, Bytes.openBracket:
                guard depth < maximumDepth else { return fail(.tooDeep) }
                nesting.set(depth, inObject)
                depth += 1
                position += 1
                inObject = first == Bytes.openBrace
                skipWhitespace()
                if inObject {
                    if byte != Bytes.closeBrace {
                        guard name() else { return false }
                        continue
                    }
                } else if byte != Bytes.closeBracket {
                    continue
                }
            case Bytes.minus, Bytes.zero...Bytes.nine:
                guard number() else { return false }
            default:
                guard literal() else { return false }
            }
            // A value has ended, or an empty container is about to: close what closes here.
            while true {
                if depth == enclosing { return true }
                skipWhitespace()
                let next = byte
                if next == Bytes.comma {
                    position += 1
                    if inObject {
                        skipWhitespace()
                        guard name() else { return false }
                    }
                    break
                }
                guard next == (inObject ? Bytes.closeBrace : Bytes.closeBracket) else { return fail(.syntax) }
                position += 1
                depth -= 1
                inObject = nesting.get(depth)
            }
        }
    }

    /// Reads `true`, `false` or `null`.
    private mutating func literal() -> Bool {
        let remaining = end - position
        var length = 4
        switch byte {
        case Bytes.lowerT:
            guard remaining >= 4, isWord("true") else { return fail(.syntax) }
        case Bytes.lowerN:
            guard remaining >= 4, isWord("null") else { return fail(.syntax) }
        case Bytes.lowerF:
            guard remaining >= 5, isWord("false") else { return fail(.syntax) }
            length = 5
        default:
            return fail(.syntax)
        }
        position += length
        return true
    }

    /// Whether the text goes on with a word; the caller has made sure that it is long enough.
    @inline(__always)
    private func isWord(_ word: StaticString) -> Bool {
        let expected = word.utf8Start
        for i in 0..<word.utf8CodeUnitCount where position[i] != expected[i] {
            return false
        }
        return true
    }

    /// Reads a number: an optional minus, an integer without leading zeros, fraction and exponent if any.
    private mutating func number() -> Bool {
        var p = position
        if p.pointee == Bytes.minus { p += 1 }
        var digits = p
        p = endOfDigits(p)
        // `01` is the number 0 followed by a stray 1, at which the fault belongs.
        if p > digits && digits.pointee == Bytes.zero { p = digits + 1 }
        var complete = p > digits
        if complete && p < end && p.pointee == Bytes.dot {
            digits = p + 1
            p = endOfDigits(digits)
            complete = p > digits
        }
        if complete && p < end && p.pointee | 0x20 == 0x65 {
            p += 1
            if p < end && (p.pointee == Bytes.plus || p.pointee == Bytes.minus) { p += 1 }
            digits = p
            p = endOfDigits(digits)
            complete = p > digits
        }
        position = p
        return complete ? true : fail(.syntax)
    }

    @inline(__always)
    private func endOfDigits(_ start: Address) -> Address {
        var p = start
        while p < end && isDigit(p.pointee) { p += 1 }
        return p
    }

    /// After the top-level value: only white space may follow.
    mutating func finish() -> Bool {
        skipWhitespace()
        return position == end ? true : fail(.syntax)
    }

    /// Moves to the value of the next member of an object; the first call opens the object.
    ///
    /// Between two calls the caller reads the value, from `position` on, with `enclosing + 1` containers around it.
    /// - Parameter enclosing: how many containers are open around the object.
    /// - Returns: false after the last member (`position` is after the closing brace then) and on a fault.
    mutating func nextMember(_ walk: inout MemberWalk, enclosing: Int) -> Bool {
        if walk.ordinal < 0 {
            guard enclosing < maximumDepth else { return fail(.tooDeep) }
            position += 1
            skipWhitespace()
            if byte == Bytes.closeBrace {
                position += 1
                return false
            }
        } else {
            skipWhitespace()
            let separator = byte
            if separator == Bytes.closeBrace {
                position += 1
                return false
            }
            guard separator == Bytes.comma else { return fail(.syntax) }
            walk.separator = offset(position)
            position += 1
            skipWhitespace()
        }
        guard byte == Bytes.quote else { return fail(.syntax) }
        let opening = position
        guard string() else { return false }
        walk.name = offset(opening)
        walk.rawName = UnsafeRawBufferPointer(start: opening + 1, count: position - opening - 2)
        walk.ordinal += 1
        guard colon() else { return false }
        skipWhitespace()
        return true
    }
}

/// The member at which a walk over an object stands.
struct MemberWalk {
    /// The member's number in its object, from 0; after the walk one less than the count.
    var ordinal = -1
    /// The offset of the comma before the member; without meaning for the first one.
    var separator = 0
    /// The offset of the name's opening quote.
    var name = 0
    /// The name as written, between its quotes.
    var rawName = UnsafeRawBufferPointer(start: nil, count: 0)
}
