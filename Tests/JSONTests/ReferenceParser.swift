/// A JSON value as the reference parser reads it. Numbers keep their text, objects the order of their members.
indirect enum Tree: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string([UInt32])
    case array([Tree])
    case object([Member])

    struct Member: Equatable {
        var name: [UInt32]
        /// The name as text; lone surrogates become U+FFFD, which no name in these tests contains.
        var text: String
        var value: Tree

        init(name: [UInt32], value: Tree) {
            self.name = name
            self.value = value
            var scalars = String.UnicodeScalarView()
            for value in name {
                scalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
            }
            text = String(scalars)
        }

        init(_ text: String, _ value: Tree) {
            name = text.unicodeScalars.map(\.value)
            self.text = text
            self.value = value
        }
    }

    /// The members of an object, nil for anything else.
    var members: [Member]? {
        if case .object(let members) = self { return members }
        return nil
    }

    /// The last member of a name.
    subscript(name: String) -> Tree? {
        members?.last { $0.text == name }?.value
    }
}

/// A slow JSON parser, written from RFC 8259 and RFC 3629 without a look at the scanner: one recursive function per
/// rule of the grammar, code points by arithmetic.
struct ReferenceParser {
    enum Fault: Error {
        case syntax
        case invalidUTF8
        case tooDeep
    }

    private let bytes: [UInt8]
    private let maximumDepth: Int
    private var at = 0

    static func parse(_ bytes: [UInt8], maximumDepth: Int = 512) throws -> Tree {
        var parser = ReferenceParser(bytes: bytes, maximumDepth: maximumDepth)
        let tree = try parser.value(depth: 0)
        parser.blank()
        if parser.at != bytes.count { throw Fault.syntax }
        return tree
    }

    private init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func blank() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { at += 1 }
    }

    private mutating func take(_ text: String) -> Bool {
        var end = at
        for byte in text.utf8 {
            guard end < bytes.count, bytes[end] == byte else { return false }
            end += 1
        }
        at = end
        return true
    }

    private mutating func value(depth: Int) throws -> Tree {
        blank()
        switch next {
        case 0x22: return .string(try string())
        case 0x7B: return try object(depth: depth)
        case 0x5B: return try array(depth: depth)
        case 0x2D, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39: return try number()
        default: break
        }
        if take("null") { return .null }
        if take("true") { return .bool(true) }
        if take("false") { return .bool(false) }
        throw Fault.syntax
    }

    private mutating func object(depth: Int) throws -> Tree {
        if depth >= maximumDepth { throw Fault.tooDeep }
        at += 1
        var members: [Tree.Member] = []
        blank()
        if take("}") { return .object(members) }
        repeat {
            blank()
            if next != 0x22 { throw Fault.syntax }
            let name = try string()
            blank()
            if !take(":") { throw Fault.syntax }
            members.append(Tree.Member(name: name, value: try value(depth: depth + 1)))
            blank()
        } while take(",")
        if !take("}") { throw Fault.syntax }
        return .object(members)
    }

    private mutating func array(depth: Int) throws -> Tree {
        if depth >= maximumDepth { throw Fault.tooDeep }
        at += 1
        var elements: [Tree] = []
        blank()
        if take("]") { return .array(elements) }
        repeat {
            elements.append(try value(depth: depth + 1))
            blank()
        } while take(",")
        if !take("]") { throw Fault.syntax }
        return .array(elements)
    }

    private mutating func number() throws -> Tree {
        let start = at
        func digit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
        _ = take("-")
        if !take("0") {
            if !digit(next) { throw Fault.syntax }
            while digit(next) { at += 1 }
        }
        if take(".") {
            if !digit(next) { throw Fault.syntax }
            while digit(next) { at += 1 }
        }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            if !digit(next) { throw Fault.syntax }
            while digit(next) { at += 1 }
        }
        return .number(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private static let escapes: [UInt8: UInt32] = [
        0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9,
    ]
    private static let hexadecimal = Set("0123456789abcdefABCDEF".utf8)

    private mutating func string() throws -> [UInt32] {
        at += 1
        var out: [UInt32] = []
        /// Whether the last element of `out` was written as an escape: only such halves make a pair.
        var escaped = false
        while let byte = next {
            if byte == 0x22 {
                at += 1
                return out
            }
            if byte < 0x20 { throw Fault.syntax }
            if byte != 0x5C {
                out.append(try character())
                escaped = false
                continue
            }
            at += 1
            guard let letter = next else { throw Fault.syntax }
            at += 1
            if let value = Self.escapes[letter] {
                out.append(value)
                escaped = false
                continue
            }
            guard letter == 0x75, at + 4 <= bytes.count else { throw Fault.syntax }
            let digits = bytes[at..<at + 4]
            guard digits.allSatisfy({ Self.hexadecimal.contains($0) }) else { throw Fault.syntax }
            let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
            at += 4
            if escaped, let high = out.last, (0xD800...0xDBFF).contains(high), (0xDC00...0xDFFF).contains(unit) {
                out[out.count - 1] = 0x10000 + (high - 0xD800) * 0x400 + (unit - 0xDC00)
                escaped = false
            } else {
                out.append(unit)
                escaped = true
            }
        }
        throw Fault.syntax
    }

    private static let forms: [(range: ClosedRange<UInt32>, length: Int, smallest: UInt32)] = [
        (0xC0...0xDF, 2, 0x80), (0xE0...0xEF, 3, 0x800), (0xF0...0xF7, 4, 0x10000),
    ]

    private mutating func character() throws -> UInt32 {
        let lead = UInt32(bytes[at])
        if lead < 0x80 {
            at += 1
            return lead
        }
        guard let form = Self.forms.first(where: { $0.range.contains(lead) }), at + form.length <= bytes.count else {
            throw Fault.invalidUTF8
        }
        var value = lead - form.range.lowerBound
        for byte in bytes[at + 1..<at + form.length] {
            if !(0x80...0xBF).contains(byte) { throw Fault.invalidUTF8 }
            value = value * 64 + UInt32(byte - 0x80)
        }
        if value < form.smallest || value > 0x10FFFF || (0xD800...0xDFFF).contains(value) { throw Fault.invalidUTF8 }
        at += form.length
        return value
    }
}
