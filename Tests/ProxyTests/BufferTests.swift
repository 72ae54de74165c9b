import TestSupport
import XCTest

@testable import Proxy

/// A buffer against an array.
final class BufferTests: XCTestCase {
    func testRandomUseAgreesWithAnArray() {
        var generator = SeededGenerator(seed: 2)
        var buffer = Buffer()
        var model: [UInt8] = []
        for _ in 0..<20_000 {
            switch Int.random(in: 0..<8, using: &generator) {
            case 0...3:
                let bytes = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                    UInt8(truncatingIfNeeded: generator.next())
                }
                XCTAssertTrue(withBytes(bytes) { buffer.append($0) })
                model += bytes
            case 4, 5:
                let n = Int.random(in: 0...700, using: &generator)
                buffer.consume(n)
                model.removeFirst(min(n, model.count))
            case 6:
                XCTAssertTrue(buffer.reserve(100))
                XCTAssertGreaterThanOrEqual(buffer.spare.count, 100)
                for i in 0..<40 { buffer.spare[i] = UInt8(i) }
                buffer.grewBy(40)
                model += (0..<40).map { UInt8($0) }
            default:
                if Int.random(in: 0..<10, using: &generator) == 0 {
                    buffer.free()
                    model = []
                }
            }
            XCTAssertEqual(buffer.count, model.count)
            XCTAssertEqual(buffer.isEmpty, model.isEmpty)
            XCTAssertGreaterThanOrEqual(buffer.capacity, buffer.count)
            XCTAssertTrue(buffer.bytes.elementsEqual(model))
        }
        buffer.free()
    }

    func testAnEmptyBufferOwnsNothingAndTakesNothing() {
        var buffer = Buffer()
        XCTAssertNil(buffer.base)
        XCTAssertTrue(buffer.append(UnsafeRawBufferPointer(start: nil, count: 0)))
        XCTAssertEqual(buffer.bytes.count, 0)
        XCTAssertEqual(buffer.spare.count, buffer.capacity)
        buffer.consume(5)
        buffer.free()
        buffer.free()
        XCTAssertNil(buffer.base)
    }

    func testARoomOfKnownSizeIsNotMovedWhileItSuffices() {
        var buffer = Buffer(capacity: 1000)
        let base = buffer.base
        XCTAssertTrue(withBytes([UInt8](repeating: 7, count: 1000)) { buffer.append($0) })
        XCTAssertEqual(buffer.base, base)
        XCTAssertEqual(buffer.capacity, 1000)
        XCTAssertTrue(buffer.reserve(0))
        XCTAssertEqual(buffer.base, base)
        buffer.free()
    }

    func testConsumingEverythingGivesTheMemoryBack() {
        var buffer = Buffer(capacity: 10)
        XCTAssertTrue(withBytes("0123456789") { buffer.append($0) })
        buffer.consume(3)
        XCTAssertTrue(buffer.bytes.elementsEqual("3456789".utf8))
        buffer.consume(7)
        XCTAssertNil(buffer.base)
        XCTAssertEqual(buffer.capacity, 0)
    }

    func testMemoryThatCannotBeHadIsToldAndNothingIsLost() {
        var buffer = Buffer()
        XCTAssertTrue(withBytes("kept") { buffer.append($0) })
        XCTAssertFalse(buffer.reserve(1 << 60))
        XCTAssertTrue(buffer.bytes.elementsEqual("kept".utf8))
        buffer.free()
    }
}
