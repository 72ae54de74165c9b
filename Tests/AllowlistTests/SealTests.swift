import CLinux
import Glibc
import Linux
import XCTest

@testable import Allowlist

/// Only what nobody can change any more is a snapshot: it is checked once and trusted ever after.
final class SealTests: XCTestCase {
    // linux/fcntl.h; the C library's header hides them behind a macro.
    private static let addSeals: Int32 = 1033
    private static let seals: [(name: String, bit: Int32)] = [("seal", 1), ("shrink", 2), ("grow", 4), ("write", 8)]
    private static let futureWrite: Int32 = 16

    private func image() throws -> [UInt8] {
        let fd = try seal([Member("a", ["10.0.0.1"], [80])])
        defer { close(fd) }
        return bytes(of: fd)
    }

    /// A memory file with the image and these seals; the descriptor is the caller's.
    private func file(_ image: [UInt8], seals: Int32) throws -> Int32 {
        typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
        // The C library's header shows it to GNU sources only.
        let create = unsafeBitCast(try XCTUnwrap(dlsym(nil, "memfd_create")), to: Create.self)
        let fd = create("test", 2)  // MFD_ALLOW_SEALING
        XCTAssertGreaterThanOrEqual(fd, 0)
        XCTAssertEqual(image.withUnsafeBytes { pwrite(fd, $0.baseAddress, $0.count, 0) }, image.count)
        if seals != 0 { XCTAssertEqual(fcntl(fd, Self.addSeals, seals), 0) }
        return fd
    }

    func testEveryCombinationOfSealsButTheWholeIsRefused() throws {
        let image = try image()
        for combination in 0..<Int32(16) {
            let fd = try file(image, seals: combination)
            defer { close(fd) }
            let names = Self.seals.filter { combination & $0.bit != 0 }.map(\.name)
            XCTAssertEqual(Snapshot(fd: fd) != nil, combination == 15, "sealed against \(names)")
        }
    }

    /// It would leave a mapping made before able to write.
    func testASealAgainstFutureWritesIsNoSealAgainstWriting() throws {
        let fd = try file(try image(), seals: 7 | Self.futureWrite)
        defer { close(fd) }
        XCTAssertNil(Snapshot(fd: fd))
    }

    func testWhatIsNoMemoryFileIsRefused() throws {
        let image = try image()
        let path = "/tmp/allowlist-test-\(getpid())"
        let regular = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        XCTAssertGreaterThanOrEqual(regular, 0)
        unlink(path)
        XCTAssertEqual(image.withUnsafeBytes { pwrite(regular, $0.baseAddress, $0.count, 0) }, image.count)
        var pair: [Int32] = [-1, -1]
        XCTAssertEqual(cl_socketpair(&pair), 0)
        let others = [regular, pair[0], pair[1], open("/dev/zero", O_RDONLY), open("/", O_RDONLY), cl_eventfd()]
        for fd in others {
            XCTAssertGreaterThanOrEqual(fd, 0)
            XCTAssertNil(Snapshot(fd: fd))
            close(fd)
        }
        for fd: Int32 in [-1, 100_000, .max, .min] { XCTAssertNil(Snapshot(fd: fd)) }
    }

    func testASnapshotCannotBeChangedByWhoeverHoldsIt() throws {
        let fd = try seal([Member("a", ["10.0.0.1"], [80])])
        defer { close(fd) }
        let before = bytes(of: fd)
        var byte: UInt8 = 0xFF
        XCTAssertEqual(pwrite(fd, &byte, 1, 64), -1)
        XCTAssertEqual(errno, EPERM)
        for size in [0, before.count - 1, before.count + 1, 1 << 20] {
            XCTAssertEqual(ftruncate(fd, size), -1)
            XCTAssertEqual(errno, EPERM)
        }
        XCTAssertEqual(fcntl(fd, Self.addSeals, Int32(1)), -1)
        XCTAssertNil(cl_map(fd, before.count, 1), "no mapping can write")
        // Not through a descriptor of one's own either.
        let again = open("/proc/self/fd/\(fd)", O_RDWR | O_CLOEXEC)
        if again >= 0 {
            XCTAssertEqual(pwrite(again, &byte, 1, 64), -1)
            close(again)
        }
        XCTAssertEqual(bytes(of: fd), before)
    }

    func testTheDescriptorStaysTheCallersAndTheSnapshotOutlivesIt() throws {
        let fd = try seal([Member("a", ["10.0.0.1"], [80])])
        let pool = try XCTUnwrap(Snapshot(fd: fd))
        XCTAssertGreaterThanOrEqual(fcntl(fd, F_GETFD), 0)
        XCTAssertEqual(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "it survives no exec")
        close(fd)
        XCTAssertEqual(pool.verdict(on: endpoint("10.0.0.1", 80)), .allowed)
        XCTAssertEqual(addresses(pool, "a"), [endpoint("10.0.0.1", 0).address])
    }
}
