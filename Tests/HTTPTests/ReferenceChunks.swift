/// Chunked coding read in the slowest and plainest way, from RFC 9112, 7.1, and the limits the decoder promises. It needs
/// the whole message at once, and shares nothing with the decoder but those promises. The fuzz target uses it as well.
struct ReferenceChunks {
    enum Outcome: Equatable {
        /// The whole body, and how many bytes of the input it took.
        case complete(body: [UInt8], used: Int)
        /// All of the input is sound so far.
        case incomplete(body: [UInt8])
        /// It cannot be continued to a sound body.
        case broken
    }

    private var input: [UInt8]
    private var at = 0
    private var body: [UInt8] = []
    private var overhead = 0

    /// What a line turned out to be.
    private enum Line {
        case whole([UInt8])
        /// The input ends within the line.
        case begun([UInt8])
        case broken
    }

    static func decode(_ input: [UInt8]) -> Outcome {
        var reader = ReferenceChunks(input: input)
        return reader.run()
    }

    private init(input: [UInt8]) { self.input = input }

    /// Everything up to CRLF. CR and LF stand nowhere else in chunked coding, except within data.
    private mutating func line() -> Line {
        var text: [UInt8] = []
        while at < input.count {
            let byte = input[at]
            if byte == 0x0D {
                if at + 1 == input.count { return .begun(text + [byte]) }
                if input[at + 1] != 0x0A { return .broken }
                at += 2
                return .whole(text)
            }
            if byte == 0x0A { return .broken }
            text.append(byte)
            at += 1
        }
        return .begun(text)
    }

    private static func isPrintable(_ text: some Collection<UInt8>) -> Bool {
        text.allSatisfy { ($0 >= 0x20 || $0 == 0x09) && $0 != 0x7F }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        "0123456789abcdefABCDEF".utf8.contains(byte)
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        "!#$%&'*+-.^_`|~".utf8.contains(byte) || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
            || (0x61...0x7A).contains(byte)
    }

    /// The digits and the extensions of a size line; nil when it is broken. `begun` lines may lack their end.
    private mutating func size(_ text: [UInt8], begun: Bool) -> UInt64? {
        var rest = text[...]
        let cut = begun && rest.last == 0x0D
        if cut { rest.removeLast() }
        let digits = rest.prefix { Self.isHexadecimal($0) }
        let extensions = rest.dropFirst(digits.count)
        if digits.isEmpty { return begun && rest.isEmpty && !cut ? 0 : nil }
        if digits.count > 15 { return nil }
        if let first = extensions.first {
            guard first == UInt8(ascii: ";"), Self.isPrintable(extensions) else { return nil }
            overhead += extensions.count
            guard overhead <= 8192 else { return nil }
        }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    private mutating func trailer(_ text: [UInt8], begun: Bool) -> Bool {
        var rest = text[...]
        let cut = begun && rest.last == 0x0D
        if cut { rest.removeLast() }
        if rest.isEmpty { return true }
        overhead += rest.count
        let name = rest.prefix { Self.isTokenCharacter($0) }
        let value = rest.dropFirst(name.count)
        if name.isEmpty || overhead > 8192 { return false }
        if value.isEmpty { return begun && !cut }
        return value.first == UInt8(ascii: ":") && Self.isPrintable(value)
    }

    private mutating func run() -> Outcome {
        while true {
            let length: UInt64
            switch line() {
            case .broken: return .broken
            case .begun(let text): return size(text, begun: true) == nil ? .broken : .incomplete(body: body)
            case .whole(let text):
                guard let size = size(text, begun: false) else { return .broken }
                length = size
            }
            if length == 0 { return trailers() }
            let available = min(UInt64(input.count - at), length)
            body += input[at..<at + Int(available)]
            at += Int(available)
            if available < length { return .incomplete(body: body) }
            for expected: UInt8 in [0x0D, 0x0A] {
                if at == input.count { return .incomplete(body: body) }
                if input[at] != expected { return .broken }
                at += 1
            }
        }
    }

    private mutating func trailers() -> Outcome {
        while true {
            switch line() {
            case .broken: return .broken
            case .begun(let text): return trailer(text, begun: true) ? .incomplete(body: body) : .broken
            case .whole(let text):
                if text.isEmpty { return .complete(body: body, used: at) }
                guard trailer(text, begun: false) else { return .broken }
            }
        }
    }
}
