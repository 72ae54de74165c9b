// A libFuzzer target for the HTTP module: heads and chunked bodies on arbitrary bytes, whole and cut to pieces, against
// the slow references of the unit tests.
//
// Built with the module's own sources into one module, so that no import is needed; Tests/Fuzz/run.sh does it.

import Glibc

/// Ends the run, with the input that led here, when `condition` does not hold.
private func require(_ condition: Bool, _ promise: StaticString) {
    if condition { return }
    // An optimised build drops the texts of preconditions, so the promise is written here.
    let text = "broken promise: \(promise)\n"
    _ = write(2, text, text.utf8.count)
    preconditionFailure()
}

/// Called by libFuzzer with one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: UnsafeRawPointer(data), count: size)
    // Cuts that depend on the content, so that the same input is always cut in the same places.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in input { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let first = Int(hash % UInt64(size + 1))
    let second = first + Int((hash >> 32) % UInt64(size - first + 1))
    fuzzEnd(input, first)
    fuzzRequest(input)
    fuzzResponse(input)
    fuzzChunks(input, [first, second])
    return 0
}

/// Memory of exactly these bytes: one byte too far is seen by the sanitizer.
private func withExactCopy<R>(_ bytes: Slice<UnsafeRawBufferPointer>, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return body(UnsafeRawBufferPointer(copy))
}

// MARK: Heads

private func fuzzEnd(_ input: UnsafeRawBufferPointer, _ cut: Int) {
    let whole = Head.end(of: input, from: 0)
    let before = withExactCopy(input[..<cut]) { Head.end(of: $0, from: 0) }
    if before == .incomplete {
        require(Head.end(of: input, from: cut) == whole, "a head that arrives in two pieces ends where it ends")
    } else {
        require(before == whole, "what is decided stays decided")
    }
    if case .complete(let count) = whole {
        require(count >= 5 && count <= input.count, "a head lies in the input")
        withExactCopy(input[..<count]) { bytes in
            fuzzRequest(bytes)
            fuzzResponse(bytes)
        }
    }
}

private func text(_ span: Span, _ bytes: UnsafeRawBufferPointer) -> String {
    require(span.start >= 0 && span.count >= 0, "a span is not negative")
    require(Int(span.start) + Int(span.count) <= bytes.count, "a span lies in the head")
    let part = bytes[Int(span.start)..<Int(span.start + span.count)]
    return String(String.UnicodeScalarView(part.map { Unicode.Scalar($0) }))
}

private func fuzzRequest(_ bytes: UnsafeRawBufferPointer) {
    let expected = ReferenceHead.request(Array(bytes))
    var head = Head()
    guard head.parseRequest(bytes) == nil else {
        require(expected == nil, "what the reference accepts is accepted")
        return
    }
    guard let expected else { return require(false, "what the reference refuses is refused") }
    var found = ReferenceHead()
    found.method = text(head.methodSpan, bytes)
    found.path = text(head.path, bytes)
    found.target = text(head.target, bytes)
    found.authority = text(head.authority, bytes)
    found.minorVersion = head.minorVersion
    found.contentLength = head.contentLength
    found.isChunked = head.isChunked
    found.keepsAlive = head.keepsAlive
    found.expectsContinue = head.expectsContinue
    found.isWebSocket = head.upgrade == .websocket
    for i in 0..<head.fieldCount {
        found.names.append(text(head[i].name, bytes))
        found.values.append(text(head[i].value, bytes))
        found.ends.append(head[i].endsHere)
    }
    require(found == expected, "parser and reference understand the same request")
    require(head.upgrade != .refused, "a refused upgrade refuses the request")
    checkFields(head, bytes)
    let framing = BodyReader.request(head).framing
    require(framing != .untilClose, "a request's body has an end")
    require((framing == .chunked) == head.isChunked, "a chunked body is read as one")
}

private func checkFields(_ head: borrowing Head, _ bytes: UnsafeRawBufferPointer) {
    require(head.fieldCount <= HeadLimits.fields, "fields are bounded")
    var position = 0
    for i in 0..<head.fieldCount {
        let field = head[i]
        require(Int(field.name.start) >= position && field.name.count > 0, "names stand in order")
        require(bytes[Int(field.name.start + field.name.count)] == UInt8(ascii: ":"), "a colon follows a name")
        require(field.value.start > field.name.start + field.name.count, "a value stands behind its name")
        position = Int(field.value.start + field.value.count)
        for byte in text(field.value, bytes).unicodeScalars {
            require((byte.value >= 32 || byte == "\t") && byte.value != 127, "a value holds no control character")
        }
    }
    require(position <= bytes.count, "fields lie in the head")
    require(!(head.isChunked && head.contentLength >= 0), "a body has one length")
    require(head.contentLength >= -1, "a length is not negative")
    for index in [head.contentType, head.requestID, head.prefiller, head.host] {
        require(index >= -1 && index < head.fieldCount, "an index is one of a field")
    }
}

private func fuzzResponse(_ bytes: UnsafeRawBufferPointer) {
    var head = Head()
    guard head.parseResponse(bytes) == nil else { return }
    require(head.status >= 100 && head.status <= 599, "a status has a class")
    for byte in text(head.reason, bytes).unicodeScalars {
        require((byte.value >= 32 || byte == "\t") && byte.value != 127, "a reason holds no control character")
    }
    checkFields(head, bytes)
    guard case .complete(bytes.count) = Head.end(of: bytes, from: 0) else {
        return require(false, "an accepted head ends where it ends")
    }
    require(BodyReader.response(head, toHead: true).isDone, "an answer to HEAD has no body")
    if head.status < 200 || head.status == 204 || head.status == 304 {
        require(BodyReader.response(head, toHead: false).isDone, "these statuses have no body")
    }
}

// MARK: Bodies

private func fuzzChunks(_ input: UnsafeRawBufferPointer, _ cuts: [Int]) {
    let expected = ReferenceChunks.decode(Array(input))
    require(chunks(input, []) == expected, "decoder and reference read the same body")
    require(chunks(input, cuts) == expected, "cuts change nothing")
}

private func chunks(_ input: UnsafeRawBufferPointer, _ cuts: [Int]) -> ReferenceChunks.Outcome {
    var reader = BodyReader(.chunked)
    var body: [UInt8] = []
    var start = 0
    for end in cuts + [input.count] {
        let outcome = withExactCopy(input[start..<end]) { piece -> ReferenceChunks.Outcome? in
            var offset = 0
            while true {
                switch reader.next(piece, &offset) {
                case .needMore:
                    require(offset == piece.count, "all input is used up before more is asked for")
                    return nil
                case .data(let from, let count):
                    require(count > 0 && from >= 0 && from + count == offset, "data lies where the reading goes on")
                    require(offset <= piece.count, "data lies in the input")
                    body += piece[from..<from + count]
                case .end:
                    require(reader.isDone, "a body that ended is done")
                    return .complete(body: body, used: start + offset)
                case .fault: return .broken
                }
            }
        }
        if let outcome { return outcome }
        start = end
    }
    return .incomplete(body: body)
}
