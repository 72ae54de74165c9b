import CLinux
import Glibc
import IPC
import Linux

/// Where all log lines come together and leave as JSON, one object a line, on standard error. It never blocks and never
/// fails: a line that nobody takes (a full pipe, a full disk) is dropped and counted.
struct LogSink {
    let level: ChildLog.Level
    private(set) var dropped: UInt64 = 0

    init(level: ChildLog.Level) { self.level = level }

    /// A line of the supervisor's own.
    mutating func write(_ level: ChildLog.Level, _ message: String, _ fields: [(String, String)] = []) {
        emit(level, component: Role.supervisor.name, pid: getpid(), message, fields)
    }

    /// A line that came through a child's pipe. Nothing in it is trusted: level and fields are taken only where they
    /// have the agreed form, and everything is escaped.
    mutating func relay(_ line: ArraySlice<UInt8>, role: Role, pid: Int32) {
        var level = ChildLog.Level.error
        var rest = line
        if line.count >= 2, line[line.startIndex + 1] == 0x20, let known = Self.level(line[line.startIndex]) {
            level = known
            rest = line.dropFirst(2)
        }
        if level > self.level { return }
        let parts = rest.split(separator: 0x09, maxSplits: 16, omittingEmptySubsequences: false)
        var fields: [(String, String)] = []
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")), Self.isName(part[..<equals]) else { continue }
            fields.append(
                (
                    String(decoding: part[..<equals], as: UTF8.self),
                    String(decoding: part[(equals + 1)...], as: UTF8.self)
                ))
        }
        emit(level, component: role.name, pid: pid, String(decoding: parts.first ?? rest, as: UTF8.self), fields)
    }

    mutating func countDropped(_ n: UInt64) { dropped += n }

    private static func level(_ letter: UInt8) -> ChildLog.Level? {
        switch letter {
        case UInt8(ascii: "E"): .error
        case UInt8(ascii: "W"): .warning
        case UInt8(ascii: "I"): .info
        case UInt8(ascii: "D"): .debug
        case UInt8(ascii: "T"): .trace
        default: nil
        }
    }

    private static let reserved = ["time", "level", "component", "pid", "message"]

    private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= 32 else { return false }
        let plain = bytes.allSatisfy { $0 == UInt8(ascii: "_") || $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 }
        return plain && !reserved.contains(String(decoding: bytes, as: UTF8.self))
    }

    private mutating func emit(
        _ level: ChildLog.Level, component: String, pid: Int32, _ message: String, _ fields: [(String, String)]
    ) {
        if level > self.level { return }
        var line =
            "{\"time\":\"\(Clock.timestamp())\",\"level\":\"\(level)\",\"component\":\"\(component)\",\"pid\":\(pid)"
        line += ",\"message\":" + Self.quoted(message)
        for (name, value) in fields {
            let field = ",\"\(name)\":" + Self.quoted(value)
            // A pipe takes up to 4096 bytes in one piece; a longer line could be torn or block us.
            if line.utf8.count + field.utf8.count > ChildLog.longestLine - 2 { break }
            line += field
        }
        line += "}\n"
        let bytes = Array(line.utf8)
        let n = bytes.withUnsafeBytes { cl_write_ready(2, $0.baseAddress, $0.count) }
        if n < bytes.count { dropped += 1 }
    }

    /// Characters that a terminal or a viewer could act on: controls, line separators, and marks of direction.
    private static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// A JSON string of at most 2 KiB.
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            if out.utf8.count > 2048 {
                out += "…"
                break
            }
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            default:
                if isDangerous(scalar) {
                    let digits = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}

/// Lines from one child's pipe, cut out of what arrives, capped and limited in rate.
struct LogPipe {
    /// Lines a child may write in a burst, and per second after it.
    private static let burst = 1000
    private static let perSecond: Int64 = 200

    let fd: Int32
    private var partial: [UInt8] = []
    private var tokens = burst
    private var refilledAt: Int64 = 0

    init(fd: Int32) { self.fd = fd }

    /// Reads what is there. False: the other end is closed and nothing is left.
    mutating func read(into sink: inout LogSink, role: Role, pid: Int32, now: Int64) -> Bool {
        // Bounded for each event, so that a flood from one child doesn't hold up the others.
        for _ in 0..<16 {
            let n = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { room in
                let n = Glibc.read(fd, room.baseAddress!, room.count)
                if n > 0 { take(UnsafeRawBufferPointer(rebasing: room[..<n]), &sink, role, pid, now) }
                return n
            }
            if n == 0 {
                // A last word without a line end is a word all the same.
                if !partial.isEmpty { sink.relay(partial[...], role: role, pid: pid) }
                partial = []
                return false
            }
            if n < 0 { return errno == EAGAIN || errno == EINTR }
        }
        return true
    }

    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ sink: inout LogSink, _ role: Role, _ pid: Int32, _ now: Int64
    ) {
        for byte in bytes {
            if byte != 0x0A {
                if partial.count < ChildLog.longestLine { partial.append(byte) }
                continue
            }
            if mayWrite(now) { sink.relay(partial[...], role: role, pid: pid) } else { sink.countDropped(1) }
            partial.removeAll(keepingCapacity: true)
        }
    }

    private mutating func mayWrite(_ now: Int64) -> Bool {
        let refill = (now - refilledAt) * Self.perSecond / 1000
        if refill > 0 {
            tokens = min(Self.burst, tokens + Int(clamping: refill))
            refilledAt = now
        }
        if tokens == 0 { return false }
        tokens -= 1
        return true
    }
}
