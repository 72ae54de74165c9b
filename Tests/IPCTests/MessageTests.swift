import Linux
import TestSupport
import XCTest

@testable import IPC

/// Every message of every direction: it survives the wire, and no damaged frame does anything but decode or be refused.
final class MessageTests: XCTestCase {
    /// Runs a check for each direction with its samples.
    private func forEachDirection(_ check: any DirectionCheck) {
        check.run(Samples.toChild, cases: Samples.toChildCases, number: Samples.number)
        check.run(Samples.fromChild, cases: Samples.fromChildCases, number: Samples.number)
        check.run(Samples.toDialer, cases: Samples.toDialerCases, number: Samples.number)
        check.run(Samples.fromDialer, cases: Samples.fromDialerCases, number: Samples.number)
        check.run(Samples.toResolver, cases: Samples.toResolverCases, number: Samples.number)
        check.run(Samples.fromResolver, cases: Samples.fromResolverCases, number: Samples.number)
        check.run(Samples.toSigner, cases: Samples.toSignerCases, number: Samples.number)
        check.run(Samples.fromSigner, cases: Samples.fromSignerCases, number: Samples.number)
        check.run(Samples.controlRequests, cases: Samples.controlRequestCases, number: Samples.number)
        check.run(Samples.controlAnswers, cases: Samples.controlAnswerCases, number: Samples.number)
    }

    func testEveryMessageRoundTrips() { forEachDirection(RoundTrip()) }
    func testNumbersNamesAndCapsAreConsistent() { forEachDirection(Consistency()) }
    func testEveryTruncationAndExtensionIsRefused() { forEachDirection(Length()) }
    func testEveryBitFlipIsRefusedOrDecodesToAMessage() { forEachDirection(BitFlips()) }
    func testHeadersAreCheckedFirst() { forEachDirection(Headers()) }
    func testRandomPayloadsNeverCrash() { forEachDirection(RandomPayloads()) }
}

protocol DirectionCheck {
    func run<M: Message & Equatable>(_ samples: [M], cases: Int, number: (M) -> Int)
}

private struct RoundTrip: DirectionCheck {
    func run<M: Message & Equatable>(_ samples: [M], cases: Int, number: (M) -> Int) {
        XCTAssertEqual(Set(samples.map(number)), Set(0..<cases), "every case of \(M.self) has a sample")
        for message in samples {
            let packet = frame(message)
            XCTAssertGreaterThanOrEqual(packet.count, Frame.headerSize, "\(message)")
            XCTAssertEqual(packet[1], message.type)
            XCTAssertEqual(decode(packet, message.carriesDescriptor ? 1 : 0), .message(message))
        }
    }
}

private struct Consistency: DirectionCheck {
    func run<M: Message & Equatable>(_ samples: [M], cases: Int, number: (M) -> Int) {
        var types: [Int: UInt8] = [:]
        var names: [Int: String] = [:]
        for message in samples {
            XCTAssertEqual(types.updateValue(message.type, forKey: number(message)) ?? message.type, message.type)
            XCTAssertEqual(names.updateValue(message.name, forKey: number(message)) ?? message.name, message.name)
            let longest = M.longestPayload(ofType: message.type)
            XCTAssertNotNil(longest, message.name)
            XCTAssertLessThanOrEqual(frame(message).count - Frame.headerSize, longest ?? -1, message.name)
            XCTAssertLessThanOrEqual(longest ?? .max, Frame.largestPayload, message.name)
        }
        XCTAssertEqual(Set(types.values).count, cases, "each case of \(M.self) has its own number")
        XCTAssertEqual(Set(names.values).count, cases, "each case of \(M.self) has its own name")
        for type in UInt8.min...UInt8.max {
            XCTAssertEqual(M.longestPayload(ofType: type) != nil, types.values.contains(type), "\(M.self) type \(type)")
        }
    }
}

private struct Length: DirectionCheck {
    func run<M: Message & Equatable>(_ samples: [M], cases: Int, number: (M) -> Int) {
        for message in samples {
            let packet = frame(message)
            let descriptors = message.carriesDescriptor ? 1 : 0
            // Long texts are cut at their ends and here and there, short messages everywhere.
            let step = packet.count > 600 ? 97 : 1
            for count in stride(from: 0, to: packet.count, by: step) {
                var cut = Array(packet[..<count])
                let violation: Frame.Violation =
                    count < Frame.headerSize
                    ? .short : .wrongLength(declared: packet.count - Frame.headerSize, actual: count - Frame.headerSize)
                XCTAssertEqual(
                    decode(cut, descriptors, as: M.self), .violation(violation), "\(message.name) cut to \(count)")
                // The same with a length field that agrees.
                guard count >= Frame.headerSize else { continue }
                cut[4...7] = header(message.type, count - Frame.headerSize)[4...7]
                XCTAssertEqual(
                    decode(cut, descriptors, as: M.self), .violation(.malformed(message.name)),
                    "\(message.name) shortened to \(count)")
            }
            for extra in [1, 2, 7, 300] {
                var longer = packet + [UInt8](repeating: 0, count: extra)
                let payload = longer.count - Frame.headerSize
                XCTAssertEqual(
                    decode(longer, descriptors, as: M.self),
                    .violation(.wrongLength(declared: packet.count - Frame.headerSize, actual: payload)))
                longer[4...7] = header(message.type, payload)[4...7]
                let longest = M.longestPayload(ofType: message.type) ?? 0
                let violation: Frame.Violation =
                    payload > Frame.largestPayload
                    ? .wrongLength(declared: payload, actual: payload)
                    : payload > longest ? .tooLong("type \(message.type)") : .malformed(message.name)
                XCTAssertEqual(
                    decode(longer, descriptors, as: M.self), .violation(violation), "\(message.name) + \(extra)")
            }
        }
    }
}

private struct BitFlips: DirectionCheck {
    func run<M: Message & Equatable>(_ samples: [M], cases: Int, number: (M) -> Int) {
        var accepted = 0
        for message in samples {
            let packet = frame(message)
            let step = packet.count > 600 ? 97 : 1
            for place in stride(from: 0, to: packet.count, by: step) {
                for bit in 0..<8 {
                    var flipped = packet
                    flipped[place] ^= 1 << bit
                    for descriptors in 0...1 {
                        guard case .message(let other) = decode(flipped, descriptors, as: M.self) else { continue }
                        accepted += 1
                        XCTAssertNotEqual(other, message, "bit \(bit) of byte \(place) means something")
                        XCTAssertEqual(frame(other), flipped, "what is accepted has this one spelling")
                        XCTAssertEqual(descriptors, other.carriesDescriptor ? 1 : 0)
                    }
                }
            }
        }
        // Numbers have no wrong values, so some flips must be accepted; otherwise this checked nothing.
        if samples.contains(where: { frame($0).count >= Frame.headerSize + 4 }) { XCTAssertGreaterThan(accepted, 0) }
    }
}

private struct Headers: DirectionCheck {
    func run<M: Message & Equatable>(_ samples: [M], cases: Int, number: (M) -> Int) {
        for message in samples {
            let packet = frame(message)
            let descriptors = message.carriesDescriptor ? 1 : 0
            for version in UInt8.min...UInt8.max where version != Frame.version {
                let other = [version] + packet.dropFirst()
                XCTAssertEqual(decode(other, descriptors, as: M.self), .violation(.wrongVersion(version)))
            }
            for reserved in 1...UInt8.max {
                var other = packet
                other[3] = reserved
                XCTAssertEqual(decode(other, descriptors, as: M.self), .violation(.reservedBits))
            }
            for count in 2...UInt8.max {
                var other = packet
                other[2] = count
                XCTAssertEqual(decode(other, descriptors, as: M.self), .violation(.reservedBits))
            }
            let type = "type \(message.type)"
            if message.carriesDescriptor {
                XCTAssertEqual(decode(packet, 0, as: M.self), .violation(.missingDescriptor(type)))
                var silent = packet
                silent[2] = 0
                XCTAssertEqual(decode(silent, 0, as: M.self), .violation(.missingDescriptor(message.name)))
                XCTAssertEqual(decode(silent, 1, as: M.self), .violation(.unexpectedDescriptor(type)))
            } else {
                XCTAssertEqual(decode(packet, 1, as: M.self), .violation(.unexpectedDescriptor(type)))
                var loud = packet
                loud[2] = 1
                XCTAssertEqual(decode(loud, 0, as: M.self), .violation(.missingDescriptor(type)))
                XCTAssertEqual(decode(loud, 1, as: M.self), .violation(.unexpectedDescriptor(message.name)))
            }
            for many in 2...4 {
                XCTAssertEqual(decode(packet, many, as: M.self), .violation(.unexpectedDescriptor(type)))
            }
        }
        for type in UInt8.min...UInt8.max where M.longestPayload(ofType: type) == nil {
            XCTAssertEqual(decode(header(type, 0), 0, as: M.self), .violation(.unknownType(type)))
        }
    }
}

private struct RandomPayloads: DirectionCheck {
    func run<M: Message & Equatable>(_ samples: [M], cases: Int, number: (M) -> Int) {
        var random = SeededGenerator(seed: 42)
        for round in 0..<20_000 {
            let type = UInt8(random.below(cases + 2))
            var payload = (0..<random.below(40)).map { _ in UInt8(random.below(round % 2 == 0 ? 4 : 256)) }
            // Settings begin with a role; half of the time it is a real one.
            if random.below(2) == 0, !payload.isEmpty { payload[0] = UInt8(random.below(8)) }
            for descriptors: UInt8 in 0...1 {
                let packet = header(type, payload.count, descriptors: descriptors) + payload
                if case .message(let message) = decode(packet, Int(descriptors), as: M.self) {
                    XCTAssertEqual(frame(message), packet, "what is accepted has this one spelling")
                }
            }
        }
    }
}
