import IPC
import Linux

/// One element of x-prefiller-host-port. The grammar is closed: an optional `http://`, then an IP literal, `localhost` or
/// a name (of a pod, or of DNS where names are resolved), a colon and a port. Everything else is refused; nothing is ever
/// given to a URL parser, and what is read here is exactly what is dialled.
enum PrefillTarget: Equatable {
    /// No target: the decoder alone serves the request.
    case none
    case endpoint(Endpoint)
    /// `localhost`, which is 127.0.0.1, then ::1; it is never looked up.
    case localhost(port: UInt16)
    /// A name, which only counts where the allowlist knows it as a pod's or names are resolved.
    case name(String, port: UInt16)
    case malformed

    static func parse(_ text: UnsafeRawBufferPointer) -> PrefillTarget {
        if text.isEmpty { return .none }
        var rest = text
        if hasPrefix(rest, "http://") { rest = UnsafeRawBufferPointer(rebasing: rest[7...]) }
        guard let colon = rest.lastIndex(of: UInt8(ascii: ":")), colon > 0,
            let port = port(UnsafeRawBufferPointer(rebasing: rest[(colon + 1)...]))
        else { return .malformed }
        let host = UnsafeRawBufferPointer(rebasing: rest[..<colon])
        if host.count == 9 && hasPrefix(host, "localhost") { return .localhost(port: port) }
        if host[0] == UInt8(ascii: "[") {
            guard host.count > 2, host[host.count - 1] == UInt8(ascii: "]") else { return .malformed }
            let inner = UnsafeRawBufferPointer(rebasing: host[1..<host.count - 1])
            guard inner.contains(UInt8(ascii: ":")), let address = Address.parse(inner) else { return .malformed }
            return .endpoint(Endpoint(address, port))
        }
        if host.contains(UInt8(ascii: ":")) { return .malformed }
        if let address = Address.parse(host) { return .endpoint(Endpoint(address, port)) }
        return isName(host) ? .name(String(decoding: host, as: UTF8.self), port: port) : .malformed
    }

    /// Labels of letters, digits, hyphens and underscores. The last one may not begin with a digit: what looks like an
    /// address in an odd spelling (`127.1`, `0x7f.1`, `2130706433`) is not a name.
    private static func isName(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count <= ToDialer.longestName else { return false }
        var label = 0
        var startsWithDigit = false
        for (i, byte) in text.enumerated() {
            switch byte {
            case 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): label += 1
            case 0x30...0x39:
                if label == 0 { startsWithDigit = true }
                label += 1
            case UInt8(ascii: "-"):
                if label == 0 || i + 1 == text.count || text[i + 1] == UInt8(ascii: ".") { return false }
                label += 1
            case UInt8(ascii: "."):
                if label == 0 { return false }
                label = 0
                startsWithDigit = false
            default: return false
            }
            if label > 63 { return false }
        }
        return label > 0 && !startsWithDigit
    }

    private static func port(_ text: UnsafeRawBufferPointer) -> UInt16? {
        guard !text.isEmpty, text.count <= 5, text[0] != 0x30 else { return nil }
        var value = 0
        for byte in text {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return UInt16(exactly: value)
    }

    private static func hasPrefix(_ text: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        guard text.count >= literal.utf8CodeUnitCount else { return false }
        for i in 0..<literal.utf8CodeUnitCount {
            let byte = text[i]
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if folded != literal.utf8Start[i] { return false }
        }
        return true
    }
}
