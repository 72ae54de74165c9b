import CLinux
import Glibc
import IPC
import JSON
import Linux
import XCTest

@testable import Supervisor

/// What is written to standard error while `body` runs. Assertions inside would be swallowed: check afterwards.
func standardError(of body: () throws -> Void) rethrows -> [UInt8] {
    var ends: (Int32, Int32) = (-1, -1)
    _ = withUnsafeMutableBytes(of: &ends) { cl_pipe($0.baseAddress!.assumingMemoryBound(to: Int32.self)) }
    let (receiving, sending) = ends
    // F_SETPIPE_SZ: room for some thousand lines, so that only what must be dropped is.
    _ = fcntl(sending, 1031, 1 << 20)
    let saved = dup(2)
    dup2(sending, 2)
    close(sending)
    defer { close(receiving) }
    do {
        defer {
            dup2(saved, 2)
            close(saved)
        }
        try body()
    }
    return readAll(receiving)
}

/// Everything that can be read without waiting.
func readAll(_ fd: Int32) -> [UInt8] {
    var all: [UInt8] = []
    while true {
        let more = [UInt8](unsafeUninitializedCapacity: 65_536) { room, count in
            count = max(0, read(fd, room.baseAddress, 65_536))
        }
        if more.isEmpty { return all }
        all += more
    }
}

/// The lines of a log, each without its time and its line end. A line without a time as it must be fails the test.
func lines(_ log: [UInt8], file: StaticString = #filePath, line: UInt = #line) -> [String] {
    if log.isEmpty { return [] }
    XCTAssertEqual(log.last, 0x0A, "the log ends within a line", file: file, line: line)
    return log.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false).map { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        XCTAssertTrue(isTimed(bytes), text, file: file, line: line)
        return "{" + text.dropFirst(#"{"time":"2026-01-02T03:04:05.678Z","#.count)
    }
}

private func isTimed(_ line: ArraySlice<UInt8>) -> Bool {
    let shape = Array(#"{"time":"dddd-dd-ddTdd:dd:dd.dddZ","#.utf8)
    guard line.count > shape.count else { return false }
    return zip(line, shape).allSatisfy { byte, wanted in
        wanted == UInt8(ascii: "d") ? (0x30...0x39).contains(byte) : byte == wanted
    }
}

/// The log lines that one line of a child becomes.
func relayed(_ text: [UInt8], level: ChildLog.Level = .trace, role: Role = .proxy) -> [String] {
    lines(
        standardError {
            var sink = LogSink(level: level)
            sink.relay(text[...], role: role, pid: 42)
        })
}

func relayed(_ text: String, level: ChildLog.Level = .trace, role: Role = .proxy) -> [String] {
    relayed(Array(text.utf8), level: level, role: role)
}

/// Is this one whole JSON object, by the project's own strict reader?
func isJSONObject(_ text: String) -> Bool {
    var scanner = BodyScanner()
    let isValid = Array(text.utf8).withUnsafeBytes { scanner.scan($0, refuseDuplicateEdited: false) == .none }
    return isValid && scanner.isObject
}
