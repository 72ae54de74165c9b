import TestSupport
import XCTest

@testable import JSON

final class PieceListTests: XCTestCase {
    func testAdjacentRunsBecomeOnePiece() {
        let memory = GuardedBytes(Array("abcdefgh".utf8))
        guard let base = memory.bytes.baseAddress else { return XCTFail("no memory") }
        var list = PieceList(capacity: 4)
        XCTAssertTrue(list.append(base, 3))
        XCTAssertTrue(list.append(base + 3, 2))
        XCTAssertEqual(list.count, 1)
        XCTAssertEqual(list[0].count, 5)
        XCTAssertTrue(list.append(base + 6, 2))
        XCTAssertEqual(list.count, 2)
        XCTAssertEqual(list.totalBytes, 7)
        XCTAssertEqual(joined(list), Array("abcdegh".utf8))
    }

    func testEmptyRunsAreIgnored() {
        let memory = GuardedBytes([1])
        guard let base = memory.bytes.baseAddress else { return XCTFail("no memory") }
        var list = PieceList(capacity: 1)
        XCTAssertTrue(list.append(base, 0))
        XCTAssertTrue(list.append(""))
        XCTAssertEqual(list.count, 0)
        XCTAssertTrue(list.append(base, 1))
        XCTAssertTrue(list.append(""), "an empty run also fits into a full list")
    }

    func testAFullListTakesOnlyWhatItCanMerge() {
        let memory = GuardedBytes(Array("abcdefgh".utf8))
        guard let base = memory.bytes.baseAddress else { return XCTFail("no memory") }
        var list = PieceList(capacity: 2)
        XCTAssertTrue(list.append(base, 1))
        XCTAssertTrue(list.append(base + 2, 1))
        XCTAssertFalse(list.append(base + 4, 1))
        XCTAssertEqual(list.totalBytes, 2)
        XCTAssertTrue(list.append(base + 3, 1))
        XCTAssertEqual(joined(list), Array("acd".utf8))
        list.removeAll()
        XCTAssertEqual(list.count, 0)
        XCTAssertEqual(list.totalBytes, 0)
        XCTAssertTrue(list.append("xyz"))
        XCTAssertEqual(joined(list), Array("xyz".utf8))
    }

    func testAPlanThatDoesNotFitLeavesTheListAsItWas() {
        let text = #"{"a":1,"remote_a":2,"b":3,"remote_b":4,"c":5,"max_tokens":7}"#
        let whole = GuardedBytes(Array(("head" + text).utf8))
        guard let base = whole.bytes.baseAddress else { return XCTFail("no memory") }
        let body = UnsafeRawBufferPointer(start: base + 4, count: text.utf8.count)
        let handoff = GuardedBytes([0x31])
        var scanner = BodyScanner()
        XCTAssertEqual(scanner.scan(body, refuseDuplicateEdited: true), .none)
        guard let address = body.baseAddress, let plan = scanner.decodePlan() else { return XCTFail("no plan") }
        var fits = 0
        for capacity in 1...16 {
            var list = PieceList(capacity: capacity)
            // The body begins where this run ends: the first piece of a plan merges with it.
            XCTAssertTrue(list.append(base, 4))
            func check(_ planned: Bool, _ list: inout PieceList) {
                if planned {
                    fits += 1
                } else {
                    XCTAssertEqual(joined(list), Array("head".utf8))
                    XCTAssertEqual(list.totalBytes, 4)
                }
                list.removeAll()
                XCTAssertTrue(list.append(base, 4))
            }
            check(scanner.planPassThrough(address, into: &list), &list)
            check(scanner.planPrefill(address, into: &list), &list)
            check(scanner.planDecode(address, handoff: handoff.bytes, into: &list), &list)
            check(plan.plan(address, handoff: handoff.bytes, into: &list), &list)
        }
        XCTAssertGreaterThan(fits, 20)
        XCTAssertLessThan(fits, 60)
    }
}
