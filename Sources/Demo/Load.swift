import Synchronization

/// A gentle load: two requests a second, every other one disaggregated, each compared with the text it must give.
final class Load: Sendable {
    struct Tally: Sendable {
        var sent = 0
        var running = 0
        var correct = 0
        var failed = 0
        /// Ended by Ctrl-C: nobody's failure.
        var cut = 0
        var lastFailure: String?
    }

    private struct Expectation: Sendable {
        let chat: Chat
        let text: String
    }

    private let port: UInt16
    private let prefillPort: UInt16
    private let interrupt: Interrupt
    private let expectations: [Expectation]
    private let state = Mutex(Tally())

    /// Asks the decoder straight for the texts the load will be compared with.
    init(stage: Stage) throws {
        port = stage.port
        prefillPort = stage.prefillPort
        interrupt = stage.interrupt
        let prompts = [
            "Name a tree.", "What does the lantern see?", "Describe the reef at dusk.", "How old is the bridge?",
            "A short song, please.", "Which way to the summit?",
        ]
        let chats = prompts.enumerated().map { Chat(prompt: $0.element, tokens: 6 + 4 * $0.offset) }
        expectations = zip(chats, try stage.expectedTexts(chats)).map { Expectation(chat: $0, text: $1) }
    }

    var tally: Tally { state.withLock { $0 } }

    /// Sends the next request, on a thread of its own.
    func sendOne() {
        let number = state.withLock { tally in
            tally.sent += 1
            tally.running += 1
            return tally.sent
        }
        let expectation = expectations[number % expectations.count]
        let started = startThread { [self] in
            let result = self.result(expectation, disaggregated: number.isMultiple(of: 2))
            state.withLock { tally in
                tally.running -= 1
                switch result {
                case .correct: tally.correct += 1
                case .cut: tally.cut += 1
                case .failed(let why):
                    tally.failed += 1
                    tally.lastFailure = why
                }
            }
        }
        if !started { state.withLock { $0.running -= 1 } }
    }

    private enum Result {
        case correct
        case cut
        case failed(String)
    }

    private func result(_ expectation: Expectation, disaggregated: Bool) -> Result {
        do {
            let text = try expectation.chat.text(
                port: port, prefillPort: disaggregated ? prefillPort : nil, interrupt: interrupt)
            return text == expectation.text ? .correct : .failed("a text differed from the expected one")
        } catch is Interrupted {
            return .cut
        } catch {
            return .failed("\(error)")
        }
    }
}
