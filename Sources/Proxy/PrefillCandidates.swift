import HTTP
import IPC
import Linux

/// The prefillers that a request names, in its order. Several header lines and a comma list mean the same (RFC 9110,
/// 5.3).
struct PrefillCandidates: Equatable {
    /// The most a request may name.
    static let most = 16

    /// `.none`: the request names no prefiller, and the decoder alone serves it.
    var first = PrefillTarget.none
    /// Empty for nearly every request, and then without an allocation.
    var others: [PrefillTarget] = []

    /// Nil: something in it is no target. One element that can't be read makes the whole value unreadable: what its
    /// writer meant with the rest is a guess.
    static func parse(_ head: borrowing Head, _ bytes: UnsafeRawBufferPointer) -> PrefillCandidates? {
        var candidates = PrefillCandidates()
        if head.prefillerCount == 0 { return candidates }
        var elements = 0
        var empty = 0
        for i in head.prefiller..<head.fieldCount where head[i].known == .prefillerHostPort {
            let span = head[i].value
            var rest = UnsafeRawBufferPointer(rebasing: bytes[Int(span.start)..<Int(span.start + span.count)])
            while true {
                let comma = rest.firstIndex(of: UInt8(ascii: ","))
                let element = trimmed(UnsafeRawBufferPointer(rebasing: rest[..<(comma ?? rest.count)]))
                elements += 1
                guard elements <= most else { return nil }
                if element.isEmpty { empty += 1 } else if !candidates.append(element) { return nil }
                guard let comma else { break }
                rest = UnsafeRawBufferPointer(rebasing: rest[(comma + 1)...])
            }
        }
        // An empty value names no prefiller; an empty element among others is a mistake.
        return empty == 0 || elements == 1 ? candidates : nil
    }

    private mutating func append(_ element: UnsafeRawBufferPointer) -> Bool {
        let target = PrefillTarget.parse(element)
        if target == .malformed { return false }
        if first == .none { first = target } else { others.append(target) }
        return true
    }

    private static func trimmed(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        var end = text.count
        while start < end, text[start] == 0x20 || text[start] == 0x09 { start += 1 }
        while end > start, text[end - 1] == 0x20 || text[end - 1] == 0x09 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: text[start..<end])
    }
}
