import Glibc
import IPC
import Linux
import XCTest

@testable import TLS

/// How connections end: with a goodbye, without, or in nonsense.
final class EndTests: XCTestCase {
    private func connected(_ version: TLSVersion = .v13) throws -> (Ends, Signing) {
        let signing = try Signing()
        let ends = try Ends(
            signing, server: server(signing.identity("p256")) { $0.versions = version...version },
            client: client(signing.authority))
        ends.connect()
        return (ends, signing)
    }

    func testAGoodbyeIsToldFromACut() throws {
        for version in TLSVersion.allCases {
            let (polite, _) = try connected(version)
            XCTAssertEqual(write([1, 2, 3], polite.server), .done(3))
            XCTAssertEqual(polite.server.shutdown(), .done(0))
            XCTAssertEqual(read(polite.client).bytes, [1, 2, 3])
            XCTAssertEqual(read(polite.client).outcome, .closed(cleanly: true))
            // Half closed: the other direction goes on.
            XCTAssertEqual(write([4], polite.client), .done(1))
            XCTAssertEqual(read(polite.server).bytes, [4])

            let (rude, _) = try connected(version)
            XCTAssertEqual(write([1, 2, 3], rude.server), .done(3))
            Glibc.shutdown(rude.serverFD, Int32(SHUT_RDWR))
            XCTAssertEqual(read(rude.client).bytes, [1, 2, 3])
            XCTAssertEqual(read(rude.client).outcome, .closed(cleanly: false))
            XCTAssertFalse(rude.client.failure.isEmpty)
            XCTAssertEqual(rude.client.shutdown(), .done(0), "nothing is sent after that, and nothing breaks")
        }
    }

    func testARecordThatBreaksOffIsNoData() throws {
        let (ends, _) = try connected()
        // Whoever sits between the two lets half of a record through.
        let (near, far) = socketPair()
        defer {
            close(near)
            close(far)
        }
        XCTAssertEqual(write(.init(repeating: 5, count: 1000), ends.server), .done(1000))
        var bytes = [UInt8](repeating: 0, count: 4096)
        let taken = recv(ends.clientFD, &bytes, bytes.count, 0)
        XCTAssertGreaterThan(taken, 1000)
        XCTAssertEqual(send(ends.serverFD, bytes, 700, 0), 700)
        // Past TLS: the bytes go back onto the wire, but not all of them.
        Glibc.shutdown(ends.serverFD, Int32(SHUT_WR))
        let cut = read(ends.client)
        XCTAssertEqual(cut.outcome, .closed(cleanly: false))
        XCTAssertEqual(cut.bytes, [])
    }

    func testAChangedByteBreaksTheConnection() throws {
        let (ends, _) = try connected()
        XCTAssertEqual(write(.init(repeating: 5, count: 100), ends.server), .done(100))
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(ends.clientFD, &bytes, bytes.count, 0)
        // A ticket comes first; the last byte is of the record in question.
        bytes[count - 1] ^= 1
        XCTAssertEqual(send(ends.serverFD, bytes, count, 0), count)
        XCTAssertEqual(read(ends.client).outcome, .failed)
        XCTAssertTrue(ends.client.failure.contains("mac"), ends.client.failure)
        XCTAssertEqual(read(ends.client).outcome, .failed)
    }

    func testNonsenseInsteadOfAHandshakeIsRefused() throws {
        let signing = try Signing()
        let context = try server(signing.identity("p256"))
        var random = SystemRandomNumberGenerator()
        var texts: [[UInt8]] = [
            Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), Array("SSH-2.0-x\r\n".utf8),
            .init(repeating: 0, count: 100), .init(repeating: 0xFF, count: 100),
            [22, 3, 1, 0xFF, 0xFF] + .init(repeating: 1, count: 1000),
            // SSL 2's hello.
            [0x80, 0x2E, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10] + .init(repeating: 7, count: 37),
        ]
        for count in [5, 6, 20, 600, 20_000] {
            texts.append((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        for text in texts {
            let (near, far) = socketPair()
            let connection = try TLSConnection(accepting: far, context)
            XCTAssertEqual(send(near, text, text.count, 0), text.count)
            Glibc.shutdown(near, Int32(SHUT_WR))
            switch connection.handshake() {
            case .failed, .closed(cleanly: false): XCTAssertFalse(connection.failure.isEmpty)
            case let outcome: XCTFail("\(outcome)")
            }
            connection.free()
            close(near)
            close(far)
        }
    }

    func testNothingIsReadOrWrittenBeforeTheHandshake() throws {
        let signing = try Signing()
        let ends = try Ends(signing, server: server(signing.identity("p256")), client: client(signing.authority))
        XCTAssertEqual(write([1], ends.client), .failed)
        XCTAssertEqual(read(ends.server).outcome, .failed)
        XCTAssertEqual(ends.client.shutdown(), .done(0))
        ends.connect()
    }

    func testAWriteGoesOnWhereTheSocketWasFull() throws {
        let (ends, _) = try connected()
        let message = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var sent = 0
        var received: [UInt8] = []
        var wasFull = false
        while received.count < message.count {
            while sent < message.count {
                // Each time from other memory: only the bytes must be the same.
                let outcome = write(Array(message[sent..<min(sent + 50_000, message.count)]), ends.server)
                guard case .done(let count) = outcome else {
                    XCTAssertEqual(outcome, .wantsWrite)
                    wasFull = true
                    break
                }
                sent += count
            }
            while case (.done, let bytes) = read(ends.client) { received += bytes }
        }
        XCTAssertTrue(wasFull)
        XCTAssertEqual(received, message)
    }

    func testWhatStaysBehindAReadIsKnown() throws {
        let (ends, _) = try connected()
        XCTAssertEqual(write(.init(repeating: 5, count: 1000), ends.client), .done(1000))
        XCTAssertEqual(write(.init(repeating: 6, count: 1000), ends.client), .done(1000))
        XCTAssertEqual(read(ends.server, most: 10).bytes.count, 10)
        XCTAssertFalse(ends.server.isDrained)
        XCTAssertEqual(read(ends.server, most: 2000).bytes.count, 990)
        XCTAssertFalse(ends.server.isDrained, "the next record was read along")
        XCTAssertEqual(read(ends.server, most: 2000).bytes.count, 1000)
        XCTAssertEqual(read(ends.server).outcome, .wantsRead)
        XCTAssertTrue(ends.server.isDrained)
    }
}
