extension Head {
    /// Splits and checks a request target. Routes are matched on the decoded path, as the engines do; so that one path
    /// has one spelling, encoded slashes, encoded unreserved characters, dot segments and empty segments are refused.
    mutating func requestTarget(_ text: UnsafeRawBufferPointer, offset: Int) throws(HeadFault) {
        var start = 0
        if text[0] == UInt8(ascii: "*") {
            guard text.count == 1, method == .options else { throw .malformed }
            path = Span(offset, 1)
            target = path
            return
        }
        if text[0] != UInt8(ascii: "/") {
            // CONNECT's authority form; refused as a method later.
            if method == .connect {
                path = Span(offset, 0)
                target = path
                return
            }
            start = try absoluteForm(text, offset: offset)
        }
        let base = text.baseAddress!
        var i = start
        var segmentStart = start + 1
        while i < text.count {
            let byte = base.load(fromByteOffset: i, as: UInt8.self)
            if byte == UInt8(ascii: "?") { break }
            switch byte {
            case UInt8(ascii: "/"):
                if i > start { try checkSegment(text, segmentStart, i, last: false) }
                segmentStart = i + 1
            case UInt8(ascii: "%"): try checkEscape(text, i)
            case UInt8(ascii: "\\"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
                throw .malformed
            default: break
            }
            i += 1
        }
        try checkSegment(text, segmentStart, i, last: true)
        path = Span(offset + start, i - start)
        while i < text.count {
            if text[i] == UInt8(ascii: "#") { throw .malformed }
            i += 1
        }
        target = Span(offset + start, text.count - start)
    }

    /// `http://host[:port]/path`: what clients send to a forward proxy. The authority must be the Host field's.
    private mutating func absoluteForm(_ text: UnsafeRawBufferPointer, offset: Int) throws(HeadFault) -> Int {
        let base = text.baseAddress!
        // Connections are in clear text, so another scheme asks for something that isn't here.
        guard text.count > 7, Bytes.equal(base, 7, "http://") else { throw .malformed }
        let scheme = 7
        var end = scheme
        while end < text.count, text[end] != UInt8(ascii: "/") {
            if text[end] == UInt8(ascii: "@") || text[end] == UInt8(ascii: "?") { throw .malformed }
            end += 1
        }
        guard end > scheme, end < text.count else { throw .malformed }
        authority = Span(offset + scheme, end - scheme)
        return end
    }

    private func checkSegment(_ text: UnsafeRawBufferPointer, _ from: Int, _ to: Int, last: Bool) throws(HeadFault) {
        // The last segment may be empty (a trailing slash), the others may not (`//`).
        if to <= from {
            if last { return }
            throw .malformed
        }
        // Encoded dots are refused as encoded unreserved characters, so plain ones are all there is to look for.
        if text[from] == UInt8(ascii: "."), to - from == 1 || (to - from == 2 && text[from + 1] == UInt8(ascii: ".")) {
            throw .malformed
        }
    }

    private func checkEscape(_ text: UnsafeRawBufferPointer, _ at: Int) throws(HeadFault) {
        guard at + 2 < text.count, let high = Bytes.hexadecimal(text[at + 1]), let low = Bytes.hexadecimal(text[at + 2])
        else { throw .malformed }
        switch high << 4 | low {
        case 0..<0x20, 0x7F, UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "#"),
            UInt8(ascii: "%"):
            throw .malformed
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            throw .malformed
        default: break
        }
    }
}
