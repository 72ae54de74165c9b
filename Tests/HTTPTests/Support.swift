import Glibc
import TestSupport
import XCTest

@testable import HTTP

/// The bytes of a text whose characters stand for bytes (Latin-1), so that a table can hold any byte.
func latin1(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8(exactly: $0.value)! }
}

/// The text of bytes, one character for each.
func latin1<C: Collection>(_ bytes: C) -> String where C.Element == UInt8 {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
}

/// The bytes of a span as text.
func text(_ span: Span, in bytes: UnsafeRawBufferPointer) -> String {
    latin1(bytes[Int(span.start)..<Int(span.start + span.count)])
}

/// What a parsed request says: method, path, and every fact that is not as in the plainest HTTP/1.1 request.
func facts(_ head: borrowing Head, _ bytes: UnsafeRawBufferPointer) -> String {
    var out = [text(head.methodSpan, in: bytes), text(head.path, in: bytes)]
    if head.target != head.path { out.append("target=" + text(head.target, in: bytes)) }
    if head.authority.count > 0 { out.append("authority=" + text(head.authority, in: bytes)) }
    out += bodyFacts(head, bytes)
    return out.joined(separator: " ")
}

/// The part that requests and responses share.
func bodyFacts(_ head: borrowing Head, _ bytes: UnsafeRawBufferPointer) -> [String] {
    var out: [String] = []
    if head.minorVersion != 1 { out.append("1.\(head.minorVersion)") }
    if head.contentLength != -1 { out.append("length=\(head.contentLength)") }
    if head.isChunked { out.append("chunked") }
    if !head.keepsAlive { out.append("close") }
    if head.expectsContinue { out.append("continue") }
    if head.upgrade != .none { out.append("\(head.upgrade)") }
    if head.hasContentEncoding { out.append("encoded") }
    if head.contentType >= 0 { out.append("type=" + text(head[head.contentType].value, in: bytes)) }
    if head.prefillerCount > 0 {
        out.append("prefillers=\(head.prefillerCount):" + text(head[head.prefiller].value, in: bytes))
    }
    if head.requestIDCount > 0 {
        out.append("ids=\(head.requestIDCount):" + text(head[head.requestID].value, in: bytes))
    }
    var ends: [String] = []
    for i in 0..<head.fieldCount where head[i].endsHere { ends.append(text(head[i].name, in: bytes)) }
    if !ends.isEmpty { out.append("ends=" + ends.joined(separator: ",")) }
    return out
}

/// The facts of a request head, or the status it is refused with.
func request(_ head: String) -> String { request(latin1(head)) }

func request(_ head: [UInt8]) -> String {
    let guarded = GuardedBytes(head)
    var parsed = Head()
    if let fault = parsed.parseRequest(guarded.bytes) { return "\(fault.rawValue)" }
    return facts(parsed, guarded.bytes)
}

/// The facts of a response head, or "refused".
func response(_ head: String) -> String { response(latin1(head)) }

func response(_ head: [UInt8]) -> String {
    let guarded = GuardedBytes(head)
    var parsed = Head()
    if parsed.parseResponse(guarded.bytes) != nil { return "refused" }
    let reason = parsed.reason.count > 0 ? " " + text(parsed.reason, in: guarded.bytes) : ""
    return (["\(parsed.status)\(reason)"] + bodyFacts(parsed, guarded.bytes)).joined(separator: " ")
}

/// The field lines of a request head as name, value and kind.
func fields(_ head: String) -> [String] {
    let guarded = GuardedBytes(latin1(head))
    var parsed = Head()
    if let fault = parsed.parseRequest(guarded.bytes) { return ["\(fault.rawValue)"] }
    return (0..<parsed.fieldCount).map { i in
        "\(text(parsed[i].name, in: guarded.bytes))=\(text(parsed[i].value, in: guarded.bytes)) \(parsed[i].known)"
    }
}

/// A request head for `/` of host `h` with these field lines.
func get(_ lines: String...) -> String {
    "GET / HTTP/1.1\r\nHost: h\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// A request head with this request line.
func line(_ requestLine: String) -> String { requestLine + "\r\nHost: h\r\n\r\n" }

/// One row of a table of heads.
struct Row {
    var head: String
    var outcome: String
    var line: UInt

    init(_ head: String, _ outcome: String, line: UInt = #line) {
        self.head = head
        self.outcome = outcome
        self.line = line
    }
}

/// Checks a table row by row, each failure at its own line.
func check(_ rows: [Row], file: StaticString = #filePath, _ parse: (String) -> String) {
    for row in rows { XCTAssertEqual(parse(row.head), row.outcome, row.head, file: file, line: row.line) }
}
