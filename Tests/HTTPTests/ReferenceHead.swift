/// A request head read in the slowest and plainest way: lines cut apart, then rules of RFC 9110 and 9112 one after the
/// other. It says only whether a head is sound and what it means for the message; which status a refusal has is in the
/// tables. It shares nothing with the parser. The fuzz target uses it as well.
struct ReferenceHead: Equatable {
    var method = ""
    var path = ""
    var target = ""
    var authority = ""
    var minorVersion = 1
    var contentLength: Int64 = -1
    var isChunked = false
    var keepsAlive = true
    var expectsContinue = false
    var isWebSocket = false
    var names: [String] = []
    var values: [String] = []
    var ends: [Bool] = []

    /// nil = refused.
    static func request(_ bytes: [UInt8]) -> ReferenceHead? {
        guard let lines = lines(bytes), let first = lines.first, lines.count - 1 <= 100 else { return nil }
        var head = ReferenceHead()
        guard head.readFields(Array(lines.dropFirst())), head.readRequestLine(first), head.conclude() else {
            return nil
        }
        return head
    }

    /// Bytes as characters of the same number.
    private static func string(_ bytes: some Collection<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// The lines between CRLFs; nil when a CR or LF stands alone or the empty line is not the last.
    private static func lines(_ bytes: [UInt8]) -> [String]? {
        var lines: [String] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let lf = rest.firstIndex(of: 10), lf > rest.startIndex, rest[lf - 1] == 13 else { return nil }
            let line = rest[rest.startIndex..<lf - 1]
            if line.contains(13) { return nil }
            rest = rest[(lf + 1)...]
            if line.isEmpty { return rest.isEmpty ? lines : nil }
            lines.append(string(line))
        }
        return nil
    }

    private static let digits = Set("0123456789".unicodeScalars)
    private static let hexadecimal = Set("0123456789abcdefABCDEF".unicodeScalars)
    private static let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".unicodeScalars)
    private static let tokens = digits.union(letters).union("!#$%&'*+-.^_`|~".unicodeScalars)

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.unicodeScalars.allSatisfy { tokens.contains($0) }
    }

    private static func lower(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.isASCII ? Unicode.Scalar($0.properties.lowercaseMapping)! : $0 }))
    }

    private static func split(_ text: String, _ separator: Unicode.Scalar) -> [String] {
        text.unicodeScalars.split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
    }

    private static func trim(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, first == " " || first == "\t" { scalars.removeFirst() }
        while let last = scalars.last, last == " " || last == "\t" { scalars.removeLast() }
        return String(scalars)
    }

    // MARK: Fields

    private mutating func readFields(_ lines: [String]) -> Bool {
        for line in lines {
            guard let colon = line.unicodeScalars.firstIndex(of: ":") else { return false }
            let name = String(line.unicodeScalars[..<colon])
            let value = Self.trim(String(line.unicodeScalars[line.unicodeScalars.index(after: colon)...]))
            guard Self.isToken(name),
                value.unicodeScalars.allSatisfy({ $0 == "\t" || ($0.value >= 32 && $0.value != 127) })
            else { return false }
            names.append(name)
            values.append(value)
            ends.append(false)
        }
        return true
    }

    private func all(_ name: String) -> [String] {
        zip(names, values).filter { Self.lower($0.0) == name }.map { $0.1 }
    }

    private func list(_ name: String) -> [String] {
        all(name).flatMap { Self.split($0, ",") }.map { Self.lower(Self.trim($0)) }.filter { !$0.isEmpty }
    }

    // MARK: The request line

    private mutating func readRequestLine(_ line: String) -> Bool {
        let parts = Self.split(line, " ")
        guard parts.count == 3, Self.isToken(parts[0]), parts[0].unicodeScalars.count <= 32 else { return false }
        guard parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0" else { return false }
        method = parts[0]
        minorVersion = parts[2] == "HTTP/1.1" ? 1 : 0
        if ["CONNECT", "TRACE", "PRI"].contains(method) { return false }
        return readTarget(parts[1])
    }

    private mutating func readTarget(_ text: String) -> Bool {
        guard !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value < 127 }) else { return false }
        if text == "*" {
            path = "*"
            target = "*"
            return method == "OPTIONS"
        }
        target = text
        if !text.unicodeScalars.starts(with: "/".unicodeScalars) {
            let parts = Self.split(text, "/")
            guard parts.count >= 4, Self.lower(parts[0]) == "http:", parts[1].isEmpty else { return false }
            authority = parts[2]
            guard !authority.isEmpty, !authority.unicodeScalars.contains(where: { $0 == "@" || $0 == "?" }) else {
                return false
            }
            target = "/" + parts[3...].joined(separator: "/")
        }
        path = Self.split(target, "?")[0]
        return !target.unicodeScalars.contains("#") && Self.isPlainPath(path)
    }

    private static func isPlainPath(_ path: String) -> Bool {
        if path.unicodeScalars.contains(where: { "\\\"<>^`{|}".unicodeScalars.contains($0) }) { return false }
        let segments = split(path, "/").dropFirst()
        if segments.dropLast().contains("") || segments.contains(".") || segments.contains("..") { return false }
        for part in split(path, "%").dropFirst() {
            let digits = part.unicodeScalars.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ hexadecimal.contains($0) }),
                let value = UInt8(String(digits), radix: 16)
            else { return false }
            let meant = Unicode.Scalar(value)
            if value < 32 || value == 127 || "/\\?#%-._~".unicodeScalars.contains(meant) { return false }
            if Self.letters.contains(meant) || Self.digits.contains(meant) { return false }
        }
        return true
    }

    // MARK: The message

    private mutating func conclude() -> Bool {
        let lengths = all("content-length")
        let codings = all("transfer-encoding")
        guard lengths.count <= 1, codings.count <= 1, lengths.isEmpty || codings.isEmpty else { return false }
        if let length = lengths.first {
            guard !length.isEmpty, length.unicodeScalars.count <= 18,
                length.unicodeScalars.allSatisfy({ Self.digits.contains($0) }), let value = Int64(length)
            else { return false }
            contentLength = value
        }
        if let coding = codings.first {
            guard Self.lower(coding) == "chunked", minorVersion == 1 else { return false }
            isChunked = true
        }
        let hosts = all("host")
        guard hosts.count == 1 || (hosts.isEmpty && minorVersion == 0) else { return false }
        if let host = hosts.first {
            let allowed = Self.letters.union(Self.digits).union("-.:[]_~".unicodeScalars)
            guard host.unicodeScalars.allSatisfy({ allowed.contains($0) }) else { return false }
            if !authority.isEmpty && Self.lower(authority) != Self.lower(host) { return false }
        }
        for value in all("expect") { if Self.lower(value) != "100-continue" { return false } }
        expectsContinue = !all("expect").isEmpty
        // Of several Upgrade lines the last one counts.
        if let upgrade = all("upgrade").last {
            guard Self.lower(upgrade) == "websocket" else { return false }
            isWebSocket = true
        }
        return concludeConnection()
    }

    private mutating func concludeConnection() -> Bool {
        let options = list("connection")
        keepsAlive = !options.contains("close") && (minorVersion == 1 || options.contains("keep-alive"))
        let protected: Set<String> = [
            "host", "content-length", "transfer-encoding", "expect", "content-type", "content-encoding",
            "authorization",
            "cookie", "x-request-id", "x-forwarded-for", "x-prefiller-host-port",
        ]
        for (i, name) in names.enumerated() where options.contains(Self.lower(name)) {
            if protected.contains(Self.lower(name)) { return false }
            ends[i] = true
        }
        return true
    }
}
