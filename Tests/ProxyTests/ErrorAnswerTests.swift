import HTTP
import Metrics
import XCTest

@testable import Proxy

/// Every error that a client can see has a status, a type and a sentence that says what to do or where to look.
final class ErrorAnswerTests: XCTestCase {
    private static let statuses: [Failure: UInt16] = [
        .prefillerForbidden: 403, .prefillerNotAllowed: 403, .allowlistUnusable: 403,
        .prefillerUnreachable: 504, .prefillTimeout: 504, .prefillerBroken: 502,
        .prefillAnswerTooLarge: 502, .invalidHandoff: 502, .missingHandoff: 502, .handoffExpired: 502,
        .prefillerTLS: 502, .decoderTLS: 502, .decoderRefused: 503, .decoderUnreachable: 502, .decoderBroken: 502,
        .noResources: 503, .draining: 503,
    ]

    private static let others: [ErrorAnswer] = [
        .badTarget, .badChunks, .encodedBody, .bodyTooLarge, .noBufferSpace, .slowHead, .slowBody, .needsLength,
    ]

    private func check(_ answer: ErrorAnswer, _ label: String) {
        XCTAssertTrue((400...599).contains(answer.status), label)
        XCTAssertNotEqual(text(reasonPhrase(answer.status)), "Error", "\(label): no reason phrase for \(answer.status)")
        let type = text(answer.type)
        XCTAssertFalse(type.isEmpty, label)
        XCTAssertTrue(type.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "_") }, "\(label): type '\(type)'")
        let message = text(answer.message)
        XCTAssertTrue(message.count > 10 && message.hasSuffix("."), "\(label): message '\(message)'")
        // It stands in JSON unescaped.
        XCTAssertTrue(
            message.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") },
            "\(label): message '\(message)'")
        XCTAssertEqual(answer.retryAfter > 0, answer.status == 503, "\(label): Retry-After goes with 503")
    }

    func testEveryFailureHasItsStatusTypeAndMessage() {
        XCTAssertEqual(Self.statuses.count, Failure.allCases.count)
        for failure in Failure.allCases {
            let answer = ErrorAnswer(failure)
            XCTAssertEqual(answer.status, Self.statuses[failure], "\(failure)")
            check(answer, "\(failure)")
        }
    }

    func testMessagesOfFailuresAreAllDifferent() {
        let messages = Failure.allCases.map { text(ErrorAnswer($0).message) }
        XCTAssertEqual(Set(messages).count, messages.count)
    }

    func testNoMessageTellsAnAddress() {
        for failure in Failure.allCases {
            XCTAssertFalse(text(ErrorAnswer(failure).message).contains { $0.isNumber }, "\(failure)")
        }
    }

    func testEveryFaultOfAHeadAnswersWithItsOwnStatus() {
        for fault: HeadFault in [.malformed, .expectation, .tooLarge, .notImplemented, .version] {
            XCTAssertEqual(ErrorAnswer(fault).status, fault.rawValue)
            check(ErrorAnswer(fault), "\(fault)")
        }
    }

    func testTheOtherErrorsAreWholeToo() {
        for answer in Self.others { check(answer, text(answer.message)) }
        XCTAssertEqual(Self.others.map(\.status), [400, 400, 415, 413, 503, 408, 408, 400])
    }

    func testTheDecoderThatIsNotReadyIsToldInTheOriginalsWords() {
        let answer = ErrorAnswer(.decoderRefused)
        XCTAssertEqual(text(answer.type), "ServiceUnavailable")
        XCTAssertEqual(
            text(answer.message),
            "The decode node is not ready. Please check that the vLLM service is running and the port configuration is "
                + "correct.")
    }

    func testEveryFailureIsCountedInItsClass() {
        let classes: [(Counter, [Failure])] = [
            (.errorsTimeout, [.prefillTimeout]),
            (.errorsTLS, [.prefillerTLS, .decoderTLS]),
            (.errorsHandoff, [.invalidHandoff, .missingHandoff, .handoffExpired]),
            (.errorsLimit, [.prefillAnswerTooLarge, .noResources, .draining]),
            (.errorsClient, [.prefillerForbidden, .prefillerNotAllowed, .allowlistUnusable]),
            (
                .errorsNetwork,
                [.prefillerUnreachable, .prefillerBroken, .decoderRefused, .decoderUnreachable, .decoderBroken]
            ),
        ]
        XCTAssertEqual(classes.flatMap(\.1).count, Failure.allCases.count)
        for (counter, failures) in classes {
            for failure in failures {
                XCTAssertEqual(ErrorAnswer.counter(failure).index, counter.index, "\(failure)")
            }
        }
    }
}
