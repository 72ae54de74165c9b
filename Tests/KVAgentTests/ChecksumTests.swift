import CUCX
import XCTest

@testable import KVAgent

/// CRC-32C, by the processor and without it, against the vectors of RFC 3720 (B.4) and itself.
final class ChecksumTests: XCTestCase {
    private static let vectors: [(name: String, bytes: [UInt8], checksum: UInt32)] = [
        ("nothing", [], 0),
        ("the usual digits", Array("123456789".utf8), 0xE306_9283),
        ("32 zeros", [UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ("32 ones", [UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ("ascending", Array(0..<32), 0x46DD_794E),
        ("descending", (0..<32).reversed().map { UInt8($0) }, 0x113F_DB5C),
    ]

    func testKnownVectors() {
        for vector in Self.vectors {
            XCTAssertEqual(cu_crc32c(0, vector.bytes, vector.bytes.count), vector.checksum, vector.name)
            XCTAssertEqual(cu_crc32c_portable(0, vector.bytes, vector.bytes.count), vector.checksum, vector.name)
        }
    }

    func testTheProcessorAndTheTableAgreeAtEveryLengthAndPlace() {
        var bytes = [UInt8](repeating: 0, count: 300)
        var state: UInt32 = 1
        for i in bytes.indices {
            state = state &* 1_664_525 &+ 1_013_904_223
            bytes[i] = UInt8(state >> 24)
        }
        bytes.withUnsafeBytes { all in
            for start in 0..<9 {
                for count in 0...(all.count - start) {
                    let place = all.baseAddress! + start
                    XCTAssertEqual(cu_crc32c(7, place, count), cu_crc32c_portable(7, place, count), "\(start) \(count)")
                }
            }
        }
    }

    func testPartsOneAfterTheOtherAreTheWhole() {
        let bytes = Array("a text that is cut in two at every place it has".utf8)
        let whole = cu_crc32c(0, bytes, bytes.count)
        for cut in 0...bytes.count {
            let (head, tail) = (Array(bytes[..<cut]), Array(bytes[cut...]))
            XCTAssertEqual(cu_crc32c(cu_crc32c(0, head, head.count), tail, tail.count), whole, "\(cut)")
            XCTAssertEqual(
                cu_crc32c_portable(cu_crc32c_portable(0, head, head.count), tail, tail.count), whole, "\(cut)")
        }
    }

    func testOneBitIsAlwaysNoticed() {
        var bytes = [UInt8](repeating: 0x5A, count: 64)
        let whole = cu_crc32c(0, bytes, bytes.count)
        for bit in 0..<bytes.count * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8)
            XCTAssertNotEqual(cu_crc32c(0, bytes, bytes.count), whole, "bit \(bit)")
            bytes[bit / 8] ^= 1 << (bit % 8)
        }
    }

    func testSlicesOfSeveralTakeTurnsAndComeToTheSame() {
        let size = 3 * Sums.slice + 17
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        bytes.withUnsafeBytes { all in
            let base = all.baseAddress!
            var sums = Sums()
            sums.add(.fetch(1), offset: 0, length: size)
            sums.add(.peer(2), offset: 5, length: 9)
            sums.add(.peer(3), offset: 0, length: 1)
            sums.drop(.peer(3))
            var found: [Sums.Owner] = []
            var turns = 0
            while !sums.isEmpty {
                turns += 1
                guard let (owner, checksum) = sums.work(on: base) else { continue }
                found.append(owner)
                let (offset, length) = owner == .fetch(1) ? (0, size) : (5, 9)
                XCTAssertEqual(checksum, cu_crc32c_portable(0, base + offset, length), "\(owner)")
            }
            XCTAssertEqual(found, [.peer(2), .fetch(1)], "a short one doesn't wait for a long one")
            XCTAssertEqual(turns, 5)
            XCTAssertNil(sums.work(on: base))
        }
    }
}
