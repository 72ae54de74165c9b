extension Head {
    /// Parses a request head whose end has been found: `bytes` is exactly the head.
    public mutating func parseRequest(_ bytes: UnsafeRawBufferPointer) -> HeadFault? {
        reset()
        do throws(HeadFault) {
            var at = try requestLine(bytes)
            try fieldLines(bytes, &at)
            try concludeRequest(bytes)
            return nil
        } catch {
            return error
        }
    }

    /// Parses a response head whose end has been found.
    public mutating func parseResponse(_ bytes: UnsafeRawBufferPointer) -> HeadFault? {
        reset()
        do throws(HeadFault) {
            var at = try statusLine(bytes)
            try fieldLines(bytes, &at)
            if isChunked && contentLengthCount > 0 { throw .malformed }
            keepsAlive = minorVersion == 1 ? !wantsClose : wantsKeepAlive && !wantsClose
            if connectionFields > 0 { try endNamedFields(bytes, protected: false) }
            return nil
        } catch {
            return error
        }
    }

    // MARK: Start lines

    private mutating func requestLine(_ bytes: UnsafeRawBufferPointer) throws(HeadFault) -> Int {
        var i = 0
        while i < bytes.count, Bytes.isToken(bytes[i]) { i += 1 }
        guard i > 0, i <= 32, i < bytes.count, bytes[i] == Bytes.space else { throw .malformed }
        methodSpan = Span(0, i)
        method = Self.method(bytes, i)
        let start = i + 1
        i = start
        while i < bytes.count, bytes[i] > 0x20, bytes[i] < 0x7F { i += 1 }
        guard i > start, i < bytes.count, bytes[i] == Bytes.space else { throw .malformed }
        try version(bytes, i + 1)
        guard i + 11 <= bytes.count, bytes[i + 9] == Bytes.cr, bytes[i + 10] == Bytes.lf else { throw .malformed }
        try requestTarget(UnsafeRawBufferPointer(rebasing: bytes[start..<i]), offset: start)
        return i + 11
    }

    private mutating func version(_ bytes: UnsafeRawBufferPointer, _ at: Int) throws(HeadFault) {
        let base = bytes.baseAddress!
        guard at + 8 <= bytes.count, bytes[at] == 0x48, bytes[at + 1] == 0x54, bytes[at + 2] == 0x54,
            bytes[at + 3] == 0x50, bytes[at + 4] == 0x2F
        else { throw .malformed }
        let major = base.load(fromByteOffset: at + 5, as: UInt8.self)
        let minor = base.load(fromByteOffset: at + 7, as: UInt8.self)
        guard major >= 0x30, major <= 0x39, bytes[at + 6] == 0x2E, minor >= 0x30, minor <= 0x39 else {
            throw .malformed
        }
        guard major == 0x31, minor <= 0x31 else { throw .version }
        minorVersion = Int(minor &- 0x30)
    }

    private mutating func statusLine(_ bytes: UnsafeRawBufferPointer) throws(HeadFault) -> Int {
        try version(bytes, 0)
        guard bytes.count >= 14, bytes[8] == Bytes.space else { throw .malformed }
        var value = 0
        for i in 9..<12 {
            guard bytes[i] >= 0x30, bytes[i] <= 0x39 else { throw .malformed }
            value = value * 10 + Int(bytes[i] &- 0x30)
        }
        guard value >= 100, value <= 599 else { throw .malformed }
        status = value
        guard let lf = Self.find(Bytes.lf, in: bytes, from: 12), bytes[lf - 1] == Bytes.cr else { throw .malformed }
        // "HTTP/1.1 200 OK", and without a reason both with and without the space before it.
        if lf - 1 == 12 {
            reason = .empty
        } else {
            guard bytes[12] == Bytes.space, !Bytes.hasControl(bytes.baseAddress! + 13, lf - 14) else {
                throw .malformed
            }
            reason = Span(13, lf - 14)
        }
        return lf + 1
    }

    private static func method(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Method {
        // Methods are case-sensitive.
        func `is`(_ literal: StaticString) -> Bool {
            guard count == literal.utf8CodeUnitCount else { return false }
            for i in 0..<count where bytes[i] != literal.utf8Start[i] { return false }
            return true
        }
        switch count {
        case 3: return `is`("GET") ? .get : `is`("PUT") ? .put : .other
        case 4: return `is`("POST") ? .post : `is`("HEAD") ? .head : .other
        case 5: return `is`("PATCH") ? .patch : `is`("TRACE") ? .trace : .other
        case 6: return `is`("DELETE") ? .delete : .other
        case 7: return `is`("OPTIONS") ? .options : `is`("CONNECT") ? .connect : .other
        default: return .other
        }
    }

    // MARK: Fields

    private mutating func fieldLines(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) throws(HeadFault) {
        let base = bytes.baseAddress!
        let count = bytes.count
        while true {
            guard at + 1 < count else { throw .malformed }
            if bytes[at] == Bytes.cr {
                guard bytes[at + 1] == Bytes.lf, at + 2 == count else { throw .malformed }
                return
            }
            guard fieldCount < HeadLimits.fields else { throw .tooLarge }
            var i = at
            while i < count, Bytes.isToken(base.load(fromByteOffset: i, as: UInt8.self)) { i += 1 }
            // An empty name, a space before the colon, a folded line: all end here.
            guard i > at, i < count, bytes[i] == Bytes.colon else { throw .malformed }
            let name = Span(at, i - at)
            i += 1
            guard let lf = Self.find(Bytes.lf, in: bytes, from: i), lf > i, bytes[lf - 1] == Bytes.cr else {
                throw .malformed
            }
            var start = i
            var end = lf - 1
            while start < end, bytes[start] == Bytes.space || bytes[start] == Bytes.tab { start += 1 }
            while end > start, bytes[end - 1] == Bytes.space || bytes[end - 1] == Bytes.tab { end -= 1 }
            guard !Bytes.hasControl(base + start, end - start) else { throw .malformed }
            let known = Self.classify(base + Int(name.start), Int(name.count))
            let field = Field(name: name, value: Span(start, end - start), known: known, endsHere: false)
            (fields + fieldCount).initialize(to: field)
            if known != .other { try note(field, bytes) }
            fieldCount += 1
            at = lf + 1
        }
    }

    @inline(__always)
    private static func classify(_ name: UnsafeRawPointer, _ count: Int) -> KnownField {
        func `is`(_ literal: StaticString) -> Bool { Bytes.equal(name, count, literal) }
        switch count {
        case 2: return `is`("te") ? .hopByHop : .other
        case 4: return `is`("host") ? .host : .other
        case 6: return `is`("expect") ? .expect : `is`("cookie") ? .cookie : .other
        case 7: return `is`("upgrade") ? .upgrade : `is`("trailer") ? .hopByHop : .other
        case 10: return `is`("connection") ? .connection : `is`("keep-alive") ? .hopByHop : .other
        case 12: return `is`("content-type") ? .contentType : `is`("x-request-id") ? .requestID : .other
        case 13: return `is`("authorization") ? .authorization : .other
        case 14:
            if `is`("content-length") { return .contentLength }
            return `is`("x-nixl-version") || `is`("x-kv-connector") ? .connectorOwned : .other
        case 15: return `is`("x-forwarded-for") ? .forwardedFor : `is`("accept-encoding") ? .acceptEncoding : .other
        case 16: return `is`("content-encoding") ? .contentEncoding : `is`("proxy-connection") ? .hopByHop : .other
        case 17: return `is`("transfer-encoding") ? .transferEncoding : .other
        case 18: return `is`("proxy-authenticate") ? .hopByHop : .other
        case 19: return `is`("proxy-authorization") ? .hopByHop : `is`("x-decoder-host-port") ? .connectorOwned : .other
        case 21: return `is`("x-prefiller-host-port") ? .prefillerHostPort : .other
        default: return .other
        }
    }

    /// Takes in what a field means for the message as a whole.
    private mutating func note(_ field: Field, _ bytes: UnsafeRawBufferPointer) throws(HeadFault) {
        let value = bytes.baseAddress! + Int(field.value.start)
        let count = Int(field.value.count)
        switch field.known {
        case .other, .acceptEncoding, .authorization, .cookie, .forwardedFor, .hopByHop, .connectorOwned: break
        case .host:
            hostCount += 1
            if host < 0 { host = fieldCount }
        case .connection:
            connectionFields += 1
            noteConnection(value, count)
        case .contentLength:
            contentLengthCount += 1
            // One line, digits only: lists and signs are how two readers come to different lengths.
            guard contentLengthCount == 1, count > 0, count <= 18 else { throw .malformed }
            var length: Int64 = 0
            for i in 0..<count {
                let digit = value.load(fromByteOffset: i, as: UInt8.self)
                guard digit >= 0x30, digit <= 0x39 else { throw .malformed }
                length = length &* 10 &+ Int64(digit &- 0x30)
            }
            contentLength = length
        case .transferEncoding:
            transferEncodingCount += 1
            guard transferEncodingCount == 1, Bytes.equal(value, count, "chunked") else { throw .malformed }
            isChunked = true
        case .expect:
            guard Bytes.equal(value, count, "100-continue") else { throw .expectation }
            expectsContinue = true
        case .upgrade: upgrade = Bytes.equal(value, count, "websocket") ? .websocket : .refused
        case .contentType: if contentType < 0 { contentType = fieldCount }
        case .contentEncoding:
            if count > 0 && !Bytes.equal(value, count, "identity") { hasContentEncoding = true }
        case .requestID:
            requestIDCount += 1
            if requestID < 0 { requestID = fieldCount }
        case .prefillerHostPort:
            prefillerCount += 1
            if prefiller < 0 { prefiller = fieldCount }
        }
    }

    private mutating func noteConnection(_ value: UnsafeRawPointer, _ count: Int) {
        Self.forEachToken(value, count) { token, length in
            if Bytes.equal(token, length, "close") { wantsClose = true }
            if Bytes.equal(token, length, "keep-alive") { wantsKeepAlive = true }
        }
    }

    /// Calls `body` with each element of a comma list, without the white space around it.
    private static func forEachToken(_ value: UnsafeRawPointer, _ count: Int, _ body: (UnsafeRawPointer, Int) -> Void) {
        var i = 0
        while i < count {
            var end = i
            while end < count, value.load(fromByteOffset: end, as: UInt8.self) != Bytes.comma { end += 1 }
            var start = i
            var last = end
            func blank(_ at: Int) -> Bool {
                let byte = value.load(fromByteOffset: at, as: UInt8.self)
                return byte == Bytes.space || byte == Bytes.tab
            }
            while start < last, blank(start) { start += 1 }
            while last > start, blank(last - 1) { last -= 1 }
            if last > start { body(value + start, last - start) }
            i = end + 1
        }
    }

    // MARK: The message as a whole

    private mutating func concludeRequest(_ bytes: UnsafeRawBufferPointer) throws(HeadFault) {
        if isChunked && (contentLengthCount > 0 || minorVersion == 0) { throw .malformed }
        if hostCount > 1 || (hostCount == 0 && minorVersion == 1) { throw .malformed }
        if host >= 0 { try checkHost(bytes) }
        keepsAlive = minorVersion == 1 ? !wantsClose : wantsKeepAlive && !wantsClose
        if connectionFields > 0 { try endNamedFields(bytes, protected: true) }
        if method == .connect || method == .trace { throw .notImplemented }
        // An HTTP/2 preface in clear text looks like this method.
        if method == .other, methodSpan.count == 3, bytes[0] == 0x50, bytes[1] == 0x52, bytes[2] == 0x49 {
            throw .version
        }
        if upgrade == .refused { throw .malformed }
    }

    private func checkHost(_ bytes: UnsafeRawBufferPointer) throws(HeadFault) {
        let value = fields[host].value
        let text = UnsafeRawBufferPointer(rebasing: bytes[Int(value.start)..<Int(value.start + value.count)])
        // Of all that RFC 3986 allows in an authority, what could be understood in two ways is refused.
        for byte in text {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3A, 0x5B, 0x5D, 0x5F, 0x7E: continue
            default: throw .malformed
            }
        }
        if authority.count > 0 {
            let base = bytes.baseAddress!
            guard authority.count == value.count,
                Self.equalFolded(base + Int(authority.start), base + Int(value.start), Int(value.count))
            else { throw .malformed }
        }
    }

    /// Marks the fields that a Connection field names. A request that names one of the fields its own meaning depends on
    /// is refused: it would mean one thing here and another one at the next hop.
    private mutating func endNamedFields(_ bytes: UnsafeRawBufferPointer, protected: Bool) throws(HeadFault) {
        var refused = false
        let fields = fields
        let count = fieldCount
        for i in 0..<count where fields[i].known == .connection {
            let value = fields[i].value
            Self.forEachToken(bytes.baseAddress! + Int(value.start), Int(value.count)) { token, length in
                for j in 0..<count where Int(fields[j].name.count) == length {
                    let name = bytes.baseAddress! + Int(fields[j].name.start)
                    guard Self.equalFolded(name, token, length) else { continue }
                    switch fields[j].known {
                    case .other, .hopByHop, .upgrade, .connection, .connectorOwned, .acceptEncoding:
                        fields[j].endsHere = true
                    case .host, .contentLength, .transferEncoding, .expect, .contentType, .contentEncoding,
                        .authorization, .cookie, .requestID, .forwardedFor, .prefillerHostPort:
                        refused = true
                    }
                }
            }
        }
        if refused && protected { throw .malformed }
    }

    private static func equalFolded(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool {
        for i in 0..<count {
            let x = a.load(fromByteOffset: i, as: UInt8.self)
            let y = b.load(fromByteOffset: i, as: UInt8.self)
            if x == y { continue }
            guard x | 0x20 == y | 0x20, x | 0x20 >= 0x61, x | 0x20 <= 0x7A else { return false }
        }
        return true
    }
}
