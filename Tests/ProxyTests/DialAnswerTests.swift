import IPC
import Linux
import XCTest

@testable import Proxy

/// Which connections the dialer may give for what it was asked: the certificate is judged by the peer that it names.
final class DialAnswerTests: XCTestCase {
    private let asked = Endpoint(Address.parse("10.1.2.3")!, 8000)

    private func answers(_ purpose: DialPurpose, isNamed: Bool, _ target: Endpoint, _ peer: Endpoint) -> Bool {
        Dials.Pending(purpose: purpose, endpoint: target, isNamed: isNamed).isAnswered(by: peer)
    }

    func testAPrefillerIsTheOneThatWasAskedFor() {
        XCTAssertTrue(answers(.prefiller, isNamed: false, asked, asked))
        for other in [
            Endpoint(Address.parse("10.1.2.4")!, 8000), Endpoint(asked.address, 8001), Endpoint(.any, 8000),
            Endpoint(Address.parse("2001:db8::1")!, 8000),
        ] {
            XCTAssertFalse(answers(.prefiller, isNamed: false, asked, other), "\(other)")
        }
    }

    func testOfANameThePortIsGivenAndTheAddressIsFound() {
        let named = Endpoint(.any, 8000)
        XCTAssertTrue(answers(.prefiller, isNamed: true, named, asked))
        XCTAssertFalse(answers(.prefiller, isNamed: true, named, Endpoint(asked.address, 8001)))
    }

    func testADecoderHasNoAddressHere() {
        XCTAssertTrue(answers(.decoder, isNamed: false, Endpoint(.any, 0), asked))
    }
}
