import Glibc
import JSON
import Linux
import TestSupport
import XCTest

@testable import Proxy

/// A leg on its way through a socket that takes little at a time.
final class OutgoingTests: XCTestCase {
    /// In the clear nothing is sealed.
    private let noRecord = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    override func setUp() {
        // As the supervisor leaves it to every child: a peer that is gone is an error and no signal.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Two ends of a stream; the sending one has a small buffer.
    private struct Stream {
        let sender: Int32
        let receiver: Int32

        init() throws {
            var ends: (Int32, Int32) = (-1, -1)
            let made = withUnsafeMutableBytes(of: &ends) {
                let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
                return socketpair(AF_UNIX, Int32(kind), 0, $0.baseAddress!.assumingMemoryBound(to: Int32.self))
            }
            guard made == 0 else { throw Errno(errno) }
            (sender, receiver) = ends
            var size: Int32 = 8192
            setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }

        /// Reads at most `limit` bytes of what is there.
        func read(limit: Int) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: limit) { room, count in
                count = max(0, recv(receiver, room.baseAddress, limit, Int32(MSG_DONTWAIT)))
            }
        }

        func close() {
            _ = Glibc.close(sender)
            _ = Glibc.close(receiver)
        }
    }

    /// A body in memory, cut into pieces that don't touch, and the bytes they amount to.
    private final class Body {
        let memory: UnsafeMutableRawPointer
        var pieces: [(Int, Int)] = []

        init(count: Int, pieces lengths: [Int]) {
            memory = .allocate(byteCount: count, alignment: 1)
            for i in 0..<count {
                memory.storeBytes(of: UInt8(truncatingIfNeeded: i &* 31 &+ i >> 8), toByteOffset: i, as: UInt8.self)
            }
            var at = 0
            for length in lengths {
                pieces.append((at, length))
                at += length + 1
            }
            precondition(at <= count + 1)
        }

        deinit { memory.deallocate() }

        func list() -> PieceList {
            var list = PieceList(capacity: 4096)
            for (at, length) in pieces { XCTAssertTrue(list.append(memory + at, length)) }
            return list
        }

        var bytes: [UInt8] {
            pieces.flatMap { at, length in Array(UnsafeRawBufferPointer(start: memory + at, count: length)) }
        }
    }

    private func send(_ outgoing: inout Outgoing, over stream: Stream, chunk: Int) -> [UInt8] {
        var got: [UInt8] = []
        var turns = 0
        while true {
            XCTAssertEqual(outgoing.send(to: stream.sender, nil, noRecord), 0)
            let more = stream.read(limit: chunk)
            got += more
            if more.isEmpty && outgoing.isSent { return got }
            turns += 1
            if turns > 1_000_000 {
                XCTFail("no end: \(outgoing.sent) of \(outgoing.total) sent")
                return got
            }
        }
    }

    private func check(_ body: Body, head: String, chunk: Int, line: UInt = #line) throws {
        let stream = try Stream()
        defer { stream.close() }
        var outgoing = Outgoing()
        XCTAssertTrue(withBytes(head) { outgoing.build(head: $0, body: body.list()) }, line: line)
        let expected = Array(head.utf8) + body.bytes
        XCTAssertEqual(outgoing.total, expected.count, line: line)
        XCTAssertEqual(outgoing.sent, 0, line: line)
        let got = send(&outgoing, over: stream, chunk: chunk)
        XCTAssertTrue(got == expected, "got \(got.count) of \(expected.count) bytes, or others", line: line)
        outgoing.free()
        XCTAssertTrue(outgoing.isEmpty, line: line)
    }

    private let head = "POST /v1/completions HTTP/1.1\r\nhost: decoder\r\n\r\n"

    func testAHeadAloneIsSent() throws { try check(Body(count: 1, pieces: []), head: head, chunk: 7) }

    func testASmallBodyFollowsItsHead() throws {
        try check(Body(count: 1000, pieces: [1, 10, 100, 500]), head: head, chunk: 13)
    }

    func testABodyAtTheLimitOfCopyingAndOneBeyondAreSentWhole() throws {
        for size in [Outgoing.flattenLimit - 1, Outgoing.flattenLimit, Outgoing.flattenLimit + 1] {
            try check(Body(count: size, pieces: [size]), head: head, chunk: 5000)
            try check(Body(count: size + 1, pieces: [size / 2, size - size / 2]), head: head, chunk: 5000)
        }
    }

    func testMorePiecesThanOneCallTakesAreSentInOrder() throws {
        for count in [63, 64, 65, 128, 200, 1000] {
            let lengths = (0..<count).map { 200_000 / count + $0 % 17 }
            let body = Body(count: lengths.reduce(0, +) + count, pieces: lengths)
            XCTAssertGreaterThan(body.bytes.count, Outgoing.flattenLimit)
            try check(body, head: head, chunk: 4096)
        }
    }

    func testHeadsOfAnyLengthKeepThePiecesInPlace() throws {
        let body = Body(count: 200_001, pieces: [100_000, 100_000])
        for length in 1...33 { try check(body, head: String(repeating: "h", count: length), chunk: 30_000) }
    }

    func testPiecesOfOddLengthsSurviveStopsAnywhere() throws {
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<10 {
            var lengths: [Int] = []
            while lengths.reduce(0, +) <= Outgoing.flattenLimit {
                lengths.append(Int.random(in: 1...9000, using: &generator))
            }
            let body = Body(count: lengths.reduce(0, +) + lengths.count, pieces: lengths)
            try check(body, head: head, chunk: Int.random(in: 1...20_000, using: &generator))
        }
    }

    func testALegCanStartOverOnAnotherConnection() throws {
        for size in [5000, 300_000] {
            let body = Body(count: size + 3, pieces: [size / 3, size / 3, size / 3])
            let expected = Array(head.utf8) + body.bytes
            var outgoing = Outgoing()
            XCTAssertTrue(withBytes(head) { outgoing.build(head: $0, body: body.list()) })
            let first = try Stream()
            XCTAssertEqual(outgoing.send(to: first.sender, nil, noRecord), 0)
            XCTAssertGreaterThan(outgoing.sent, 0)
            first.close()
            outgoing.rewind()
            XCTAssertEqual(outgoing.sent, 0)
            XCTAssertFalse(outgoing.isSent)
            let second = try Stream()
            XCTAssertTrue(send(&outgoing, over: second, chunk: 10_000) == expected)
            second.close()
            outgoing.free()
        }
    }

    func testAFullSocketIsNoErrorAndALostPeerIsOne() throws {
        let body = Body(count: 500_000, pieces: [500_000])
        var outgoing = Outgoing()
        XCTAssertTrue(withBytes(head) { outgoing.build(head: $0, body: body.list()) })
        let stream = try Stream()
        XCTAssertEqual(outgoing.send(to: stream.sender, nil, noRecord), 0)
        XCTAssertFalse(outgoing.isSent)
        let sent = outgoing.sent
        XCTAssertEqual(outgoing.send(to: stream.sender, nil, noRecord), 0)
        XCTAssertEqual(outgoing.sent, sent)
        _ = Glibc.close(stream.receiver)
        XCTAssertLessThan(outgoing.send(to: stream.sender, nil, noRecord), 0)
        _ = Glibc.close(stream.sender)
        outgoing.free()
    }

    func testBuildingAgainForgetsTheLegBefore() throws {
        let large = Body(count: 200_000, pieces: [200_000])
        let small = Body(count: 10, pieces: [10])
        var outgoing = Outgoing()
        for body in [large, small, large, small] {
            XCTAssertTrue(withBytes(head) { outgoing.build(head: $0, body: body.list()) })
            let stream = try Stream()
            XCTAssertTrue(send(&outgoing, over: stream, chunk: 9000) == Array(head.utf8) + body.bytes)
            stream.close()
        }
        outgoing.free()
        outgoing.free()
        XCTAssertTrue(outgoing.isEmpty && outgoing.isSent)
    }
}
