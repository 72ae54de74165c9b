import XCTest

@testable import Configuration

/// Without TLS, so that what is tested depends on no certificate.
let plain = "--secure-proxy=false"

/// Parses what must be free of mistakes.
func parsed(
    _ arguments: [String], _ environment: [String: String] = [:], file: StaticString = #filePath, line: UInt = #line
) throws -> Invocation {
    switch parse(arguments: arguments, environment: environment) {
    case .success(let invocation): return invocation
    case .failure(let mistakes):
        XCTFail("\(arguments) \(environment): \(mistakes.map(\.text))", file: file, line: line)
        throw Unexpected()
    }
}

/// The mistakes of what must have some.
func mistakes(
    _ arguments: [String], _ environment: [String: String] = [:], file: StaticString = #filePath, line: UInt = #line
) -> [String] {
    switch parse(arguments: arguments, environment: environment) {
    case .success(let invocation):
        XCTFail("\(arguments) \(environment) was accepted: \(invocation.command)", file: file, line: line)
        return []
    case .failure(let mistakes): return mistakes.map(\.text)
    }
}

/// Asserts that the mistakes are as many as the expectations, in their order, and each holds all of its parts.
func assertMistakes(
    _ arguments: [String], _ environment: [String: String], _ expected: [[String]],
    file: StaticString = #filePath, line: UInt = #line
) {
    let found = mistakes(arguments, environment, file: file, line: line)
    XCTAssertEqual(found.count, expected.count, "\(found)", file: file, line: line)
    for (text, parts) in zip(found, expected) {
        for part in parts where !text.contains(part) {
            XCTFail("\"\(text)\" does not contain \"\(part)\"", file: file, line: line)
        }
    }
}

func assertMistakes(
    _ arguments: [String], _ expected: [[String]], file: StaticString = #filePath, line: UInt = #line
) {
    assertMistakes(arguments, [:], expected, file: file, line: line)
}

extension AllowedTarget {
    /// From a text that is one; nil otherwise.
    init?(_ text: String) {
        guard let target = try? AllowedTarget(parsing: text) else { return nil }
        self = target
    }
}

struct Unexpected: Error {}
