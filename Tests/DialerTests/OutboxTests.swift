import CLinux
import Glibc
import IPC
import Linux
import XCTest

@testable import Dialer

/// Answers that a proxy hasn't read: what waits is handed over only while it is allowed.
final class OutboxTests: XCTestCase {
    private var client: ProxyChannel!
    private var proxy: Channel!

    override func setUp() {
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) {
            cl_socketpair($0.baseAddress!.assumingMemoryBound(to: Int32.self))
        }
        XCTAssertEqual(made, 0)
        client = ProxyChannel(fd: ends.0, token: 1)
        proxy = Channel(fd: ends.1)
    }

    private let member = Endpoint(address("10.0.0.5"), 8000)
    private let stranger = Endpoint(address("10.0.0.6"), 8000)

    /// A connection, and the other end of it, where its closing is seen.
    private func connection() -> (ours: Int32, far: Int32) {
        var ends: (Int32, Int32) = (-1, -1)
        _ = withUnsafeMutableBytes(of: &ends) {
            cl_socketpair($0.baseAddress!.assumingMemoryBound(to: Int32.self))
        }
        return ends
    }

    private func isClosed(_ far: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(far, &byte, 1, Int32(MSG_DONTWAIT)) == 0
    }

    /// Answers without a connection until the channel takes no more.
    private func fill() -> UInt32 {
        var id: UInt32 = 1_000
        while client.outbox.isEmpty {
            client.answer(.refused(id: id, reason: .timedOut))
            id += 1
        }
        return id
    }

    /// Everything that arrives, with the descriptors closed.
    private func arrivals() -> [FromDialer] {
        var all: [FromDialer] = []
        while true {
            client.flush()
            guard case .message(let message, let fd) = proxy.receive(FromDialer.self) else { return all }
            if fd >= 0 { close(fd) }
            all.append(message)
        }
    }

    func testAConnectionThatWaitsWhileItsTargetIsRevokedIsClosedAndRefused() {
        _ = fill()
        let (gone, farGone) = connection()
        let (kept, farKept) = connection()
        let (decoder, farDecoder) = connection()
        client.answer(.connected(id: 1, peer: stranger), fd: gone, revocable: stranger)
        client.answer(.connected(id: 2, peer: member), fd: kept, revocable: member)
        // The decoder is no member, and needn't be.
        client.answer(.connected(id: 3, peer: stranger), fd: decoder)
        client.revoke { $0 == self.member ? nil : .notInPool }
        XCTAssertTrue(isClosed(farGone))
        XCTAssertFalse(isClosed(farKept))
        XCTAssertFalse(isClosed(farDecoder))
        XCTAssertEqual(
            Array(arrivals().suffix(3)),
            [
                .refused(id: 1, reason: .notInPool), .connected(id: 2, peer: member),
                .connected(id: 3, peer: stranger),
            ])
        for fd in [farGone, farKept, farDecoder] { close(fd) }
    }

    func testNothingIsLostOrRepeatedByARevocation() {
        let next = fill()
        for id in next..<next + 20 {
            let (ours, far) = connection()
            close(far)
            client.answer(.connected(id: id, peer: member), fd: ours, revocable: member)
        }
        client.revoke { _ in .notInPool }
        client.revoke { _ in .notInPool }
        let ids = arrivals().map {
            switch $0 {
            case .connected(let id, _): id
            case .refused(let id, _): id
            }
        }
        XCTAssertEqual(ids, Array(1_000..<next + 20))
        XCTAssertTrue(client.outbox.isEmpty)
    }
}
