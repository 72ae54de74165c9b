import Glibc
import Linux
import XCTest

@testable import Allowlist

/// A snapshot has bounds, and a pool beyond them is an error that says so, not half a snapshot.
final class LimitTests: XCTestCase {
    private func addresses(_ count: Int) -> [Address] {
        (0..<count).map { Address(high: 0xFD00 << 48, low: UInt64($0)) }
    }

    /// What sealing comes to: a snapshot, or why there is none.
    private func outcome(_ builder: inout SnapshotBuilder) throws -> Snapshot? {
        let fd: Int32
        do throws(SnapshotBuilder.Failure) {
            fd = try builder.seal()
        } catch {
            XCTAssertEqual(error, .tooLarge)
            return nil
        }
        defer { close(fd) }
        return try XCTUnwrap(Snapshot(fd: fd))
    }

    func testTheMostEndpointsFitAndOneMoreDoesNot() throws {
        let all = addresses(SnapshotLayout.mostEntries + 1)
        var full = SnapshotBuilder()
        full.add(name: [], addresses: Array(all.dropLast()), ports: [80])
        let pool = try XCTUnwrap(try outcome(&full))
        XCTAssertEqual(pool.entryCount, SnapshotLayout.mostEntries)
        for address in [all[0], all[all.count / 2], all[all.count - 2]] {
            XCTAssertEqual(pool.verdict(on: Endpoint(address, 80)), .allowed)
        }
        XCTAssertEqual(pool.verdict(on: Endpoint(all[all.count - 1], 80)), .addressNotAllowed)
        var more = SnapshotBuilder()
        more.add(name: [], addresses: all, ports: [80])
        XCTAssertNil(try outcome(&more))
    }

    func testPortsCountAsEndpointsAndRepetitionsDoNot() throws {
        var repeated = SnapshotBuilder()
        for _ in 0..<3 { repeated.add(name: [], addresses: addresses(100_000), ports: [80]) }
        XCTAssertEqual(try outcome(&repeated)?.entryCount, 100_000)
        var ported = SnapshotBuilder()
        ported.add(name: [], addresses: addresses(100_000), ports: [80, 81, 82])
        XCTAssertNil(try outcome(&ported))
    }

    func testTheMostPodsFitAndOneMoreDoesNot() throws {
        var builder = SnapshotBuilder()
        builder.reserve(pods: SnapshotLayout.mostPods + 1)
        for i in 0..<SnapshotLayout.mostPods {
            builder.add(name: Array("\(10_000_000 + i)".utf8), addresses: [], ports: [])
        }
        XCTAssertEqual(try outcome(&builder)?.podCount, SnapshotLayout.mostPods)
        builder.add(name: Array("one-more".utf8), addresses: [], ports: [])
        XCTAssertNil(try outcome(&builder))
    }

    func testTheMostAddressesOfPodsFitAndOneMoreDoesNot() throws {
        let same = [Address](repeating: .loopback4, count: SnapshotLayout.mostAddresses)
        var builder = SnapshotBuilder()
        builder.add(name: Array("many".utf8), addresses: same, ports: [80])
        XCTAssertEqual(try outcome(&builder)?.entryCount, 1)
        builder.add(name: Array("one".utf8), addresses: [.loopback4], ports: [80])
        XCTAssertNil(try outcome(&builder))
    }

    func testTheMostPodsWithTheLongestNamesHaveRoomForThem() {
        XCTAssertLessThanOrEqual(SnapshotLayout.mostPods * SnapshotLayout.longestName, SnapshotLayout.mostText)
    }

    func testAFailureSaysWhatWasTooMuch() {
        let text = SnapshotBuilder.Failure.tooLarge.description
        XCTAssertTrue(
            text.contains("\(SnapshotLayout.mostEntries)") && text.contains("\(SnapshotLayout.mostPods)"), text)
        XCTAssertEqual(SnapshotBuilder.Failure.system(Errno(ENOMEM)).description, Errno(ENOMEM).description)
    }

    func testWithoutADescriptorThereIsAnErrorAndNoSnapshot() throws {
        var builder = SnapshotBuilder()
        builder.add(name: [], addresses: [.loopback4], ports: [80])
        var old = rlimit()
        XCTAssertEqual(getrlimit(__rlimit_resource_t(7), &old), 0)  // RLIMIT_NOFILE
        var none = rlimit(rlim_cur: 0, rlim_max: old.rlim_max)
        XCTAssertEqual(setrlimit(__rlimit_resource_t(7), &none), 0)
        var failure: SnapshotBuilder.Failure?
        do throws(SnapshotBuilder.Failure) {
            close(try builder.seal())
        } catch {
            failure = error
        }
        XCTAssertEqual(setrlimit(__rlimit_resource_t(7), &old), 0)
        XCTAssertEqual(failure, .system(Errno(EMFILE)))
        let fd = try builder.seal()
        defer { close(fd) }
        XCTAssertEqual(Snapshot(fd: fd)?.entryCount, 1, "the next try has everything")
    }
}
