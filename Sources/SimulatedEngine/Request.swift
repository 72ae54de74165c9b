/// A request as it was received.
struct Request: Sendable {
    let method: String
    let target: String
    /// False for HTTP/1.0.
    let isHTTP11: Bool
    let headers: [(name: String, value: String)]
    var body: [UInt8] = []

    private static let maximumLine = 1 << 20
    private static let maximumBody = 1 << 28

    var path: String {
        String(target.prefix { $0 != "?" })
    }

    var query: [(name: String, value: String)] {
        guard let mark = target.firstIndex(of: "?") else { return [] }
        return target[target.index(after: mark)...].split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? percentDecoded(parts[1], plusIsSpace: true) : ""
            return (percentDecoded(parts[0], plusIsSpace: true), value)
        }
    }

    func values(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name }.map(\.value)
    }

    var wantsClose: Bool {
        let options = values("connection").joined(separator: ",").lowercased()
        return isHTTP11 ? options.contains("close") : !options.contains("keep-alive")
    }

    var expectsContinue: Bool {
        values("expect").contains { $0.lowercased() == "100-continue" }
    }

    /// Reads a request's head; nil where the client ended the connection instead.
    static func readHead(from connection: Connection) throws -> Request? {
        guard let first = try connection.line(limit: maximumLine) else { return nil }
        let words = latin1(first).split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", words[1].hasPrefix("/") else {
            throw ConnectionEnd.malformed("bad request line")
        }
        var headers: [(name: String, value: String)] = []
        while true {
            guard let line = try connection.line(limit: maximumLine) else { throw ConnectionEnd.peerLeft }
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
                throw ConnectionEnd.malformed("bad header line")
            }
            let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
            let trimmed = value.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed()
            headers.append((name: latin1(line[..<colon]), value: latin1(trimmed)))
        }
        return Request(method: words[0], target: words[1], isHTTP11: words[2] == "HTTP/1.1", headers: headers)
    }

    /// Reads the body the head announced. A head that announces two lengths is malformed: an engine that sees one
    /// has been handed a smuggled request, and a test should notice.
    mutating func readBody(from connection: Connection) throws {
        let lengths = values("content-length")
        let codings = values("transfer-encoding")
        switch (lengths.count, codings.count) {
        case (0, 0): return
        case (0, 1) where codings[0].lowercased() == "chunked":
            body = try Request.readChunks(from: connection, limit: Request.maximumBody)
        case (1, 0):
            guard let length = Int(lengths[0]), length >= 0, length <= Request.maximumBody else {
                throw ConnectionEnd.malformed("bad content-length")
            }
            body = try connection.bytes(length)
        default: throw ConnectionEnd.malformed("the body's length is given twice, or by a coding other than chunked")
        }
    }

    /// A chunked body, without its trailers.
    static func readChunks(from connection: Connection, limit: Int) throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            guard let line = try connection.line(limit: 8192) else { throw ConnectionEnd.peerLeft }
            let digits = latin1(line).prefix { $0.isHexDigit }
            guard let size = Int(digits, radix: 16), size + body.count <= limit else {
                throw ConnectionEnd.malformed("bad chunk size")
            }
            if size == 0 { break }
            body += try connection.bytes(size)
            guard try connection.line(limit: 0)?.isEmpty == true else {
                throw ConnectionEnd.malformed("a chunk does not end where its size says")
            }
        }
        while let trailer = try connection.line(limit: 8192), !trailer.isEmpty {}
        return body
    }
}
