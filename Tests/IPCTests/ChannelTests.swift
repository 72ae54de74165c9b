import CLinux
import Glibc
import Linux
import XCTest

@testable import IPC

/// Channels over real socket pairs: descriptors, refused frames, peers that don't read and peers that are gone.
final class ChannelTests: XCTestCase {
    /// Runs a body with a fresh pair, closes the raw end, and checks that no descriptor is left.
    private func withPair(_ body: (Pair) -> Void, file: StaticString = #filePath, line: UInt = #line) {
        leakingNothing(
            {
                let pair = Pair()
                body(pair)
                close(pair.raw)
            }, file: file, line: line)
    }

    private func withDescriptor(_ body: (Int32) -> Void) {
        let fd = cl_eventfd()
        XCTAssertGreaterThanOrEqual(fd, 0)
        body(fd)
        close(fd)
    }

    func testEverySampleTravels() {
        func check<M: Message & Equatable>(_ samples: [M]) {
            withPair { pair in
                withDescriptor { fd in
                    for message in samples {
                        XCTAssertEqual(
                            pair.send(frame(message), descriptor: message.carriesDescriptor ? fd : -1),
                            frame(message).count)
                        XCTAssertEqual(
                            receive(pair.channel), .message(message, withDescriptor: message.carriesDescriptor))
                    }
                    XCTAssertEqual(receive(pair.channel, as: M.self), .nothing)
                }
            }
        }
        check(Samples.toChild)
        check(Samples.fromChild)
        check(Samples.toDialer)
        check(Samples.fromDialer)
        check(Samples.toResolver)
        check(Samples.fromResolver)
        check(Samples.toSigner)
        check(Samples.fromSigner)
        check(Samples.controlRequests)
        check(Samples.controlAnswers)
    }

    func testADescriptorArrivesAsTheSameFile() {
        withPair { pair in
            let sender = Channel(fd: dup(pair.raw))
            withDescriptor { fd in
                var one: UInt64 = 5
                XCTAssertEqual(write(fd, &one, 8), 8)
                guard case .success = sender.send(ToChild.listener, descriptor: fd) else { return XCTFail("send") }
                guard case .message(.listener, let received) = pair.channel.receive(ToChild.self) else {
                    return XCTFail("receive")
                }
                XCTAssertNotEqual(received, fd)
                var value: UInt64 = 0
                XCTAssertEqual(read(received, &value, 8), 8)
                XCTAssertEqual(value, 5)
                close(received)
            }
        }
    }

    func testFramesWithTheWrongNumberOfDescriptors() {
        withPair { pair in
            withDescriptor { fd in
                _ = pair.send(frame(FromChild.ready), descriptor: fd)
                XCTAssertEqual(receive(pair.channel, as: FromChild.self), .violation(.unexpectedDescriptor("type 1")))
                var loud = frame(FromChild.ready)
                loud[2] = 1
                _ = pair.send(loud, descriptor: fd)
                XCTAssertEqual(receive(pair.channel, as: FromChild.self), .violation(.unexpectedDescriptor("ready")))
                _ = pair.send(frame(ToChild.listener))
                XCTAssertEqual(receive(pair.channel, as: ToChild.self), .violation(.missingDescriptor("type 5")))
                for count in 2...6 {
                    self.send(frame(ToChild.listener), Array(repeating: fd, count: count), to: pair.raw)
                    // More than four do not fit, and the kernel says so.
                    let violation: Frame.Violation = count > 4 ? .truncated : .unexpectedDescriptor("type 5")
                    XCTAssertEqual(
                        receive(pair.channel, as: ToChild.self), .violation(violation), "\(count) descriptors")
                }
                // An empty packet with a descriptor is not the end of the connection.
                XCTAssertEqual(pair.send([], descriptor: fd), 0)
                XCTAssertEqual(receive(pair.channel, as: ToChild.self), .violation(.short))
            }
        }
    }

    func testDamagedFramesKeepNoDescriptor() {
        withPair { pair in
            withDescriptor { fd in
                let sound = frame(ToChild.peerSegment(role: .proxy, instance: 3))
                for place in sound.indices {
                    for bit in 0..<8 {
                        var packet = sound
                        packet[place] ^= 1 << bit
                        XCTAssertEqual(pair.send(packet, descriptor: fd), packet.count)
                        let expected = decode(packet, 1, as: ToChild.self)
                        switch receive(pair.channel, as: ToChild.self) {
                        case .message(let message, let withDescriptor):
                            XCTAssertTrue(withDescriptor)
                            XCTAssertEqual(.message(message), expected)
                        case .violation(let violation): XCTAssertEqual(.violation(violation), expected)
                        case .nothing, .closed: XCTFail("a packet was sent")
                        }
                    }
                }
                for count in 0..<sound.count {
                    _ = pair.send(Array(sound[..<count]), descriptor: fd)
                    guard case .violation = receive(pair.channel, as: ToChild.self) else {
                        XCTFail("\(count) bytes of a frame")
                        continue
                    }
                }
            }
        }
    }

    func testThePacketThatIsTooLong() {
        withPair { pair in
            withDescriptor { fd in
                let long = [UInt8](repeating: 1, count: Frame.bufferSize + 1)
                XCTAssertEqual(pair.send(long, descriptor: fd), long.count)
                XCTAssertEqual(receive(pair.channel, as: ToChild.self), .violation(.truncated))
                // What comes after it is whole again.
                XCTAssertEqual(pair.send(frame(ToChild.stop)), Frame.headerSize)
                XCTAssertEqual(receive(pair.channel), .message(ToChild.stop, withDescriptor: false))
            }
        }
    }

    func testAReaderThatDoesNotReadNeverBlocksTheSender() {
        withPair { pair in
            let sender = Channel(fd: dup(pair.raw))
            var sent: UInt32 = 0
            var failure: Errno?
            while failure == nil && sent < 1_000_000 {
                switch sender.send(FromChild.pong(sent)) {
                case .success: sent += 1
                case .failure(let error): failure = error
                }
            }
            XCTAssertEqual(failure, Errno(EAGAIN))
            XCTAssertGreaterThan(sent, 0)
            // Nothing that was accepted is lost, and there is room again.
            for number in 0..<sent {
                guard case .message(.pong(number), withDescriptor: false) = receive(pair.channel, as: FromChild.self)
                else {
                    return XCTFail("pong \(number) of \(sent)")
                }
            }
            XCTAssertEqual(receive(pair.channel, as: FromChild.self), .nothing)
            guard case .success = sender.send(FromChild.ready) else { return XCTFail("room again") }
            XCTAssertEqual(receive(pair.channel), .message(FromChild.ready, withDescriptor: false))
        }
    }

    func testAPeerThatIsGone() {
        leakingNothing {
            let pair = Pair()
            XCTAssertEqual(receive(pair.channel, as: FromChild.self), .nothing)
            _ = pair.send(frame(FromChild.ready))
            close(pair.raw)
            // What it said before it went still counts.
            XCTAssertEqual(receive(pair.channel), .message(FromChild.ready, withDescriptor: false))
            XCTAssertEqual(receive(pair.channel, as: FromChild.self), .closed)
            XCTAssertEqual(receive(pair.channel, as: FromChild.self), .closed)
            guard case .failure(let error) = pair.channel.send(ToChild.stop) else { return XCTFail("nobody is there") }
            XCTAssertEqual(error, Errno(EPIPE))
        }
    }

    func testDescriptorsOfUnreadMessagesGoWithTheChannel() {
        leakingNothing {
            let pair = Pair()
            withDescriptor { fd in
                for _ in 0..<5 { XCTAssertGreaterThan(pair.send(frame(ToChild.listener), descriptor: fd), 0) }
            }
            close(pair.raw)
        }
    }

    func testAMessageOverTheFrameIsNotSent() {
        withPair { pair in
            let sender = Channel(fd: dup(pair.raw))
            let text = String(repeating: "x", count: Frame.largestPayload)
            guard case .failure(let error) = sender.send(ControlAnswer.done(text: text)) else {
                return XCTFail("too long")
            }
            XCTAssertEqual(error, Errno(EMSGSIZE))
            XCTAssertEqual(receive(pair.channel, as: ControlAnswer.self), .nothing)
        }
    }

    /// `cl_send_packet` sends one descriptor at most; a hostile peer has no such manners.
    private func send(_ packet: [UInt8], _ descriptors: [Int32], to socket: Int32) {
        // A control message is its header, 16 bytes on a 64-bit system, and its data padded to 8.
        let length = 16 + descriptors.count * 4
        var control = [UInt64](repeating: 0, count: (length + 7) / 8)
        var bytes = packet
        let sent = control.withUnsafeMutableBytes { control in
            control.storeBytes(of: length, toByteOffset: 0, as: Int.self)
            control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
            control.storeBytes(of: 1, toByteOffset: 12, as: Int32.self)  // SCM_RIGHTS
            for (i, fd) in descriptors.enumerated() {
                control.storeBytes(of: fd, toByteOffset: 16 + 4 * i, as: Int32.self)
            }
            return bytes.withUnsafeMutableBytes { payload in
                var piece = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
                return withUnsafeMutablePointer(to: &piece) { piece in
                    var message = msghdr()
                    message.msg_iov = piece
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    return sendmsg(socket, &message, 0)
                }
            }
        }
        XCTAssertEqual(sent, packet.count)
    }
}
