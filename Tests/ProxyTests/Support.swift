import HTTP
import Linux
import XCTest

@testable import Proxy

/// Calls `body` with the bytes of a text.
func withBytes<R>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withBytes(Array(text.utf8), body)
}

func withBytes<R>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes(body)
}

func text(_ literal: StaticString) -> String { literal.description }

/// A request head with these field lines, a Host among them.
func request(_ method: String, _ target: String, _ fields: [String] = []) -> String {
    ([method + " " + target + " HTTP/1.1", "host: sidecar:8000"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
}

/// Parses a request head; nil when it was refused.
func parsing<R>(_ text: String, _ body: (borrowing Head, UnsafeRawBufferPointer) -> R) -> R? {
    var head = Head()
    return withBytes(text) { bytes in
        guard head.parseRequest(bytes) == nil else { return nil }
        return body(head, bytes)
    }
}

/// An address from its text; a text that is none fails the test.
func address(_ text: String, file: StaticString = #filePath, line: UInt = #line) -> Address {
    guard let address = Address.parse(text) else {
        XCTFail("'\(text)' is no address", file: file, line: line)
        return .any
    }
    return address
}
