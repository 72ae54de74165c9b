import CLinux
import Glibc

/// How a child process logs: one line on its standard error, a pipe to the supervisor, which adds component and
/// process id, escapes, caps and limits the rate. The form is a level letter, a space, the message, and fields behind
/// tabs as name=value. It never blocks: what the pipe has no room for is dropped and counted.
public enum ChildLog {
    /// Levels as letters, in order of weight.
    public enum Level: UInt8, Sendable, Comparable {
        case error = 0
        case warning = 1
        case info = 2
        case debug = 3
        case trace = 4

        /// The letter that opens a line.
        public var letter: String {
            switch self {
            case .error: "E"
            case .warning: "W"
            case .info: "I"
            case .debug: "D"
            case .trace: "T"
            }
        }

        /// Heavier is smaller.
        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    /// The longest line written, in bytes: a pipe takes this much in one piece or not at all.
    public static let longestLine = 4096

    /// Writes one line. Control characters in message and values become spaces, so that a value can't forge a line.
    public static func write(_ level: Level, _ message: String, _ fields: [(String, String)] = []) {
        var line = Array(level.letter.utf8)
        line.append(0x20)
        appendClean(message, to: &line)
        for (name, value) in fields {
            line.append(0x09)
            line.append(contentsOf: name.utf8)
            line.append(UInt8(ascii: "="))
            appendClean(value, to: &line)
        }
        if line.count > longestLine - 1 { line.removeSubrange((longestLine - 1)...) }
        line.append(0x0A)
        line.withUnsafeBytes { bytes in
            // Non-blocking by the pipe's own mode; a lost line is the price of never stalling a stream.
            _ = Glibc.write(2, bytes.baseAddress!, bytes.count)
        }
    }

    private static func appendClean(_ text: String, to line: inout [UInt8]) {
        for byte in text.utf8 { line.append(byte < 0x20 || byte == 0x7F ? 0x20 : byte) }
    }
}
