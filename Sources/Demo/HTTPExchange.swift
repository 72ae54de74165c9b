import Glibc

/// One request over a connection of its own, its answer read piece by piece. Every wait ends with Ctrl-C.
final class HTTPExchange {
    private(set) var status = 0
    private(set) var headers: [(name: String, value: String)] = []
    private let fd: Int32
    private let interrupt: Interrupt
    private let deadline: Int
    private var buffer: [UInt8] = []
    private var isChunked = false
    private var left: Int?
    private var isComplete = false

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Sends the request and reads the answer's head. The whole exchange ends after `limitMS`.
    init(
        port: UInt16, method: String, path: String, headers: [(name: String, value: String)] = [], body: String? = nil,
        interrupt: Interrupt, limitMS: Int
    ) throws {
        fd = try connectTo(host: "127.0.0.1", port: port, timeoutSeconds: 5)
        self.interrupt = interrupt
        deadline = monotonicMS() + limitMS
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for header in headers { head += "\(header.name): \(header.value)\r\n" }
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        try send(Array((head + "\r\n" + (body ?? "")).utf8))
        try readHead()
    }

    deinit {
        close(fd)
    }

    func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// The next piece of the body; nil at its proper end. A body that is cut short throws.
    func piece() throws -> [UInt8]? {
        if isComplete { return nil }
        if isChunked, left == nil {
            let size = Int(try line().prefix { $0.isHexDigit }, radix: 16)
            guard let size else { throw Failure(description: "the answer has a bad chunk size") }
            left = size
            if size == 0 {
                while try !line().isEmpty {}
                isComplete = true
                return nil
            }
        }
        if buffer.isEmpty, left != 0, try !fill() {
            guard left == nil else { throw Failure(description: "the answer was cut off") }
            isComplete = true
            return nil
        }
        let count = min(left ?? buffer.count, buffer.count)
        let piece = Array(buffer[..<count])
        buffer.removeFirst(count)
        if let before = left {
            left = before - count
            if left == 0 {
                if isChunked {
                    guard try line().isEmpty else { throw Failure(description: "a chunk does not end as announced") }
                    left = nil
                } else {
                    isComplete = true
                }
            }
        }
        return piece
    }

    /// The rest of the body as text.
    func text() throws -> String {
        var body: [UInt8] = []
        while let piece = try piece() { body += piece }
        return String(decoding: body, as: UTF8.self)
    }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(fd, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SystemError("sending a request") }
            sent += count
        }
    }

    private func fill() throws -> Bool {
        guard try interrupt.waitForInput(of: fd, milliseconds: max(0, deadline - monotonicMS())) else {
            throw Failure(description: "no answer in time")
        }
        var part = [UInt8](repeating: 0, count: 16_384)
        let count = recv(fd, &part, part.count, 0)
        guard count >= 0 else { throw SystemError("reading an answer") }
        buffer += part[..<count]
        return count > 0
    }

    private func line() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 0x0a) {
                let line = buffer[..<end].filter { $0 != 0x0d }
                buffer.removeFirst(end + 1)
                return String(decoding: line, as: UTF8.self)
            }
            guard try fill() else { throw Failure(description: "the answer was cut off") }
        }
    }

    private func readHead() throws {
        repeat {
            let words = try line().split(separator: " ")
            guard words.count > 1, let code = Int(words[1]) else { throw Failure(description: "the answer is no HTTP") }
            status = code
            headers = []
            while true {
                let line = try line()
                guard let colon = line.firstIndex(of: ":") else { break }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                headers.append((name: line[..<colon].lowercased(), value: String(value)))
            }
        } while status < 200
        isChunked = header("transfer-encoding")?.lowercased() == "chunked"
        if !isChunked { left = header("content-length").flatMap { Int($0) } }
        if status == 204 || left == 0 { isComplete = true }
    }
}

/// The tokens of a streamed chat answer, as they arrive.
struct TokenStream {
    private let exchange: HTTPExchange
    private var pending: [UInt8] = []
    private(set) var sawDone = false

    init(_ exchange: HTTPExchange) {
        self.exchange = exchange
    }

    /// The text of the next token; nil once the answer has ended. An error event throws.
    mutating func next() throws -> String? {
        while true {
            while let end = pending.firstIndex(of: 0x0a) {
                let line = Array(pending[..<end])
                pending.removeFirst(end + 1)
                guard line.starts(with: "data: ".utf8) else { continue }
                let data = Array(line.dropFirst(6))
                if data == Array("[DONE]".utf8) {
                    sawDone = true
                    continue
                }
                let event = try? JSONValue(parsing: data)
                if let error = event?["error"] {
                    throw HTTPExchange.Failure(description: error["message"]?.string ?? "an error event")
                }
                let text = event?["choices"]?.array?.first?["delta"]?["content"]?.string ?? ""
                if !text.isEmpty { return text }
            }
            guard let piece = try exchange.piece() else { return nil }
            pending += piece
        }
    }
}
