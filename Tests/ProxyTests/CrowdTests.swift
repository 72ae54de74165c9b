import TestSupport
import XCTest

@testable import Proxy

/// The line of handshakes that wait for their turn.
final class CrowdTests: XCTestCase {
    func testItKeepsTheOrderWhateverComesAndGoes() {
        var crowd = Crowd()
        XCTAssertTrue(crowd.isEmpty)
        XCTAssertNil(crowd.next())
        var expected: [UInt64] = []
        var generator = SeededGenerator(seed: 4)
        for number in 0..<50_000 as Range<UInt64> {
            crowd.append(number)
            expected.append(number)
            for _ in 0..<Int.random(in: 0...(expected.count > 5000 ? 40 : 1), using: &generator) {
                XCTAssertEqual(crowd.next(), expected.first)
                if !expected.isEmpty { expected.removeFirst() }
            }
            XCTAssertEqual(crowd.count, expected.count)
        }
        crowd.keep { $0.isMultiple(of: 3) }
        expected.removeAll { !$0.isMultiple(of: 3) }
        XCTAssertEqual(crowd.count, expected.count)
        for number in expected { XCTAssertEqual(crowd.next(), number) }
        XCTAssertTrue(crowd.isEmpty)
    }
}
