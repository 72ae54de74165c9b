import XCTest

@testable import Proxy

/// What epoll gives back must say exactly what it was given.
final class TokenTests: XCTestCase {
    func testDescriptorKindAndGenerationComeBack() {
        for fd: Int32 in [0, 1, 3, 1023, 65_535, 1_048_576, 0xFF_FFFF] {
            for generation: UInt32 in [0, 1, 0x7FFF_FFFF, .max] {
                for (token, kind) in [
                    (Token.client(fd, generation), Token.clientKind),
                    (Token.upstream(fd, generation), Token.upstreamKind),
                ] {
                    XCTAssertEqual(Token.fd(token), fd)
                    XCTAssertEqual(Token.kind(token), kind)
                    XCTAssertEqual(Token.generation(token), generation)
                }
            }
            XCTAssertEqual(Token.fd(Token.special(fd)), fd)
            XCTAssertEqual(Token.kind(Token.special(fd)), Token.specialKind)
        }
    }

    func testNoTwoThingsShareAToken() {
        var seen: Set<UInt64> = []
        for fd: Int32 in 0..<64 {
            XCTAssertTrue(seen.insert(Token.special(fd)).inserted)
            for generation: UInt32 in 0..<16 {
                XCTAssertTrue(seen.insert(Token.client(fd, generation)).inserted)
                XCTAssertTrue(seen.insert(Token.upstream(fd, generation)).inserted)
            }
        }
    }
}
