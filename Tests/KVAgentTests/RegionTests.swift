import CLinux
import Glibc
import XCTest

@testable import KVAgent

/// The region: what is taken for one, and what is inside it.
final class RegionTests: XCTestCase {
    func testASealedRegionOfItsSizeIsTaken() throws {
        let fd = cl_segment_create("kv-region", 8192)
        defer { close(fd) }
        let region = try XCTUnwrap(Region(fd: fd, size: 8192))
        region.base.storeBytes(of: 0x5A, toByteOffset: 8191, as: UInt8.self)
        var byte: UInt8 = 0
        XCTAssertEqual(pread(fd, &byte, 1, 8191), 1)
        XCTAssertEqual(byte, 0x5A, "it is the same memory")
        cl_unmap(region.base, region.size)
    }

    func testAnotherSizeIsRefused() {
        let fd = cl_segment_create("kv-region", 8192)
        defer { close(fd) }
        for size: UInt64 in [0, 1, 8191, 8193, 1 << 40, .max] { XCTAssertNil(Region(fd: fd, size: size), "\(size)") }
    }

    func testWhatCouldChangeItsSizeIsRefused() throws {
        // Not in the module that Swift sees.
        typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
        let create = unsafeBitCast(try XCTUnwrap(dlsym(nil, "memfd_create")), to: Create.self)
        // F_SEAL_SEAL 1, F_SEAL_SHRINK 2, F_SEAL_GROW 4: all subsets but the whole.
        for seals: Int32 in 0..<7 {
            let fd = create("kv-region", 2)  // MFD_ALLOW_SEALING
            defer { close(fd) }
            XCTAssertEqual(ftruncate(fd, 4096), 0)
            XCTAssertEqual(fcntl(fd, 1033, seals), 0)
            XCTAssertNil(Region(fd: fd, size: 4096), "seals \(seals)")
        }
    }

    func testAFileThatIsNoMemoryIsRefused() {
        let fd = open("/dev/zero", O_RDWR)
        defer { close(fd) }
        XCTAssertNil(Region(fd: fd, size: 4096))
        XCTAssertNil(Region(fd: -1, size: 4096))
    }

    func testARangeIsInsideOrNot() {
        let rows: [(UInt64, UInt64, UInt64, Bool)] = [
            (0, 1, 1, true), (0, 10, 10, true), (9, 1, 10, true), (10, 1, 10, false), (9, 2, 10, false),
            (0, 0, 10, false), (10, 0, 10, false), (.max, 1, 10, false), (1, .max, 10, false),
            (.max, .max, .max, false),
            (0, .max, .max, true), (1, .max, .max, false), (0, 1, 0, false),
        ]
        for (offset, length, size, wanted) in rows {
            XCTAssertEqual(Region.range(offset, length, isInside: size), wanted, "\(offset) \(length) \(size)")
        }
    }
}
