/// Pulls what is wanted out of a JSON text and passes over the rest, without building a tree. What is passed over is
/// validated all the same; a fault anywhere ends the reading, and `isWhole` then says so.
///
///     var reader = ValueReader(text, nesting)
///     reader.readObject { name, reader in
///         switch name {
///         case "kind": kind = reader.readString()
///         default: break
///         }
///     }
///     guard reader.isWhole else { ... }
public struct ValueReader {
    private var cursor: Cursor
    private var depth = 0

    /// Memory that readers need for nesting; made once and used by one reader at a time.
    public struct Nesting: ~Copyable {
        fileprivate let stack = NestingStack(maximumDepth: 128)

        /// Room for texts of up to 128 levels.
        public init() {}
    }

    /// Reads a text, which must stay where it is while the reader lives.
    public init(_ text: UnsafeRawBufferPointer, _ nesting: borrowing Nesting) {
        // An empty text has no address; any will do for zero bytes.
        let start = text.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        cursor = Cursor(start.assumingMemoryBound(to: UInt8.self), text.count, nesting: nesting.stack)
        cursor.skipWhitespace()
    }

    /// After the value: was it JSON to its end, with nothing behind it?
    public var isWhole: Bool {
        var copy = cursor
        return copy.fault == .none && copy.finish()
    }

    /// Is everything read so far JSON?
    public var isSound: Bool { cursor.fault == .none }

    /// What stands here?
    public var kind: Kind {
        switch cursor.byte {
        case Bytes.openBrace: .object
        case Bytes.openBracket: .array
        case Bytes.quote: .string
        case Bytes.lowerT, Bytes.lowerF: .bool
        case Bytes.lowerN: .null
        default: .number
        }
    }

    /// The kinds of JSON values.
    public enum Kind: Equatable, Sendable {
        case object
        case array
        case string
        case number
        case bool
        case null
    }

    // MARK: Reading

    /// Calls `body` at the value of each member; what it doesn't read is passed over. False: the value was no object and
    /// is passed over, or it was no JSON.
    @discardableResult
    public mutating func readObject(_ body: (MemberText, inout ValueReader) -> Void) -> Bool {
        guard kind == .object else {
            skip()
            return false
        }
        var walk = MemberWalk()
        while cursor.nextMember(&walk, enclosing: depth) {
            let start = cursor.position
            depth += 1
            body(MemberText(raw: walk.rawName), &self)
            if cursor.fault == .none && cursor.position == start { skip() }
            depth -= 1
            guard cursor.fault == .none else { return false }
        }
        return cursor.fault == .none
    }

    /// Calls `body` at each element; what it doesn't read is passed over. False: the value was no array and is passed
    /// over, or it was no JSON.
    @discardableResult
    public mutating func readArray(_ body: (inout ValueReader) -> Void) -> Bool {
        guard kind == .array else {
            skip()
            return false
        }
        guard cursor.openArray(enclosing: depth) else { return false }
        var isFirst = true
        while cursor.nextElement(isFirst) {
            isFirst = false
            let start = cursor.position
            depth += 1
            body(&self)
            if cursor.fault == .none && cursor.position == start { skip() }
            depth -= 1
            guard cursor.fault == .none else { return false }
        }
        return cursor.fault == .none
    }

    /// A string with its escapes resolved; nil when the value is something else, which is passed over.
    public mutating func readString() -> String? {
        readText().map { String(decoding: $0, as: UTF8.self) }
    }

    /// The same as bytes of UTF-8.
    public mutating func readText() -> [UInt8]? {
        let isString = kind == .string
        guard let raw = skip(), isString else { return nil }
        return MemberText(raw: UnsafeRawBufferPointer(rebasing: raw[1..<raw.count - 1])).bytes
    }

    /// An integer; nil for anything else, a fraction or an exponent included, which is passed over.
    public mutating func readInteger() -> Int? {
        let isNumber = kind == .number
        guard let raw = skip(), isNumber, raw.count <= 20 else { return nil }
        return Int(String(decoding: raw, as: UTF8.self))
    }

    /// A Boolean; nil for anything else, which is passed over.
    public mutating func readBool() -> Bool? {
        let isBool = kind == .bool
        guard let raw = skip(), isBool else { return nil }
        return raw.count == 4
    }

    /// Passes over a value; its bytes, nil when it is no JSON.
    @discardableResult
    public mutating func skip() -> UnsafeRawBufferPointer? {
        guard cursor.fault == .none else { return nil }
        cursor.skipWhitespace()
        let start = cursor.position
        guard cursor.skipValue(enclosing: depth) else { return nil }
        return UnsafeRawBufferPointer(start: start, count: cursor.position - start)
    }
}

/// A member's name, or a string, as written between its quotes. Valid as long as the text.
public struct MemberText {
    /// The bytes as they stand there.
    public let raw: UnsafeRawBufferPointer

    /// With its escapes resolved.
    public var bytes: [UInt8] {
        guard raw.contains(Bytes.backslash), var plain = UnescapedBytes(raw) else { return Array(raw) }
        var all: [UInt8] = []
        while let byte = plain.next() { all.append(byte) }
        return all
    }

    /// The same as a string.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Compares with the escapes resolved; what `switch` uses.
    public static func ~= (pattern: StaticString, name: MemberText) -> Bool {
        let expected = UnsafeRawBufferPointer(start: pattern.utf8Start, count: pattern.utf8CodeUnitCount)
        if name.raw.elementsEqual(expected) { return true }
        return name.raw.contains(Bytes.backslash) && name.bytes.elementsEqual(expected)
    }
}

extension Cursor {
    /// Reads the bracket of an array.
    /// - Parameter enclosing: how many containers are open around the array.
    mutating func openArray(enclosing: Int) -> Bool {
        guard enclosing < maximumDepth else { return fail(.tooDeep) }
        position += 1
        return true
    }

    /// Moves to the next element of an array, whose bracket has been read.
    /// - Returns: false after the last one (`position` is after the closing bracket then) and on a fault.
    mutating func nextElement(_ isFirst: Bool) -> Bool {
        skipWhitespace()
        if byte == Bytes.closeBracket {
            position += 1
            return false
        }
        if isFirst { return true }
        guard byte == Bytes.comma else { return fail(.syntax) }
        position += 1
        skipWhitespace()
        // `[1,]` is no JSON; any other byte is the next value's to judge.
        return byte == Bytes.closeBracket ? fail(.syntax) : true
    }
}
