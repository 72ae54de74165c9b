/// A chat request of the demo.
struct Chat: Sendable {
    let prompt: String
    let tokens: Int

    func body(streaming: Bool) -> String {
        let messages = JSONValue.array([.object([("role", .string("user")), ("content", .string(prompt))])])
        return JSONValue.object([
            ("model", .string("tiny")), ("messages", messages), ("max_tokens", .number(String(tokens))),
            ("stream", .bool(streaming)),
        ]).text
    }

    /// Sends the chat as a stream, by way of a prefiller where one is named, and returns once the head is there.
    func open(port: UInt16, prefillPort: UInt16?, interrupt: Interrupt) throws -> HTTPExchange {
        let routing = prefillPort.map { [(name: "x-prefiller-host-port", value: "127.0.0.1:\($0)")] } ?? []
        let exchange = try HTTPExchange(
            port: port, method: "POST", path: "/v1/chat/completions", headers: routing, body: body(streaming: true),
            interrupt: interrupt, limitMS: 60_000)
        guard exchange.status == 200 else {
            throw Failure("the request was answered \(exchange.status): \(try exchange.text())")
        }
        return exchange
    }

    /// The whole text of a streamed answer.
    func text(port: UInt16, prefillPort: UInt16?, interrupt: Interrupt) throws -> String {
        var stream = TokenStream(try open(port: port, prefillPort: prefillPort, interrupt: interrupt))
        var text = ""
        while let token = try stream.next() { text += token }
        guard stream.sawDone else { throw Failure("the stream ended without [DONE]") }
        return text
    }
}
