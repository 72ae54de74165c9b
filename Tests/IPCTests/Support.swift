import CLinux
import Glibc
import Linux
import XCTest

@testable import IPC

/// The whole frame of a message; empty when it does not fit one.
func frame<M: Message>(_ message: M) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: Frame.bufferSize)
    let size = bytes.withUnsafeMutableBytes {
        Channel.encode(message, descriptors: message.carriesDescriptor ? 1 : 0, into: $0)
    }
    return Array(bytes[..<size])
}

/// What a receiver of `M` makes of a packet.
enum Decoded<M: Message & Equatable>: Equatable {
    case message(M)
    case violation(Frame.Violation)
}

func decode<M: Message & Equatable>(_ packet: [UInt8], _ descriptors: Int, as type: M.Type = M.self) -> Decoded<M> {
    packet.withUnsafeBytes { bytes in
        do throws(Frame.Violation) {
            return .message(try Channel.decode(bytes, descriptors: descriptors))
        } catch {
            return .violation(error)
        }
    }
}

/// A header of the present version.
func header(_ type: UInt8, _ count: Int, descriptors: UInt8 = 0) -> [UInt8] {
    [Frame.version, type, descriptors, 0] + withUnsafeBytes(of: UInt32(count).littleEndian) { Array($0) }
}

/// The descriptors this process has open.
func openDescriptors() -> Set<Int32> {
    var found: Set<Int32> = []
    guard let directory = opendir("/proc/self/fd") else { return found }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if let number = Int32(name), number != dirfd(directory) { found.insert(number) }
    }
    return found
}

/// Runs a body and checks that it leaves no descriptor open and closes none of its caller's.
func leakingNothing(_ body: () -> Void, file: StaticString = #filePath, line: UInt = #line) {
    // The test runner's own threads open and close descriptors when they like. A leak shows every time, they don't.
    var seen: (before: Set<Int32>, after: Set<Int32>) = ([], [])
    for _ in 0..<5 {
        seen.before = openDescriptors()
        body()
        seen.after = openDescriptors()
        if seen.before == seen.after { return }
    }
    XCTAssertEqual(seen.after, seen.before, "descriptors", file: file, line: line)
}

/// Both ends of a channel; the sender is raw, so that it can say anything.
struct Pair {
    let raw: Int32
    let channel: Channel

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(cl_socketpair(&ends) == 0)
        raw = ends[0]
        channel = Channel(fd: ends[1])
    }

    func send(_ packet: [UInt8], descriptor: Int32 = -1) -> Int {
        packet.withUnsafeBytes { cl_send_packet(raw, $0.baseAddress, $0.count, descriptor) }
    }
}

/// What a channel received, in a form that can be compared. The descriptor is closed here.
enum Seen<M: Message & Equatable>: Equatable {
    case message(M, withDescriptor: Bool)
    case nothing
    case closed
    case violation(Frame.Violation)
}

func receive<M: Message & Equatable>(_ channel: Channel, as type: M.Type = M.self) -> Seen<M> {
    switch channel.receive(M.self) {
    case .message(let message, let descriptor):
        if descriptor >= 0 {
            XCTAssertEqual(
                fcntl(descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "a received descriptor survives no exec")
            close(descriptor)
        }
        return .message(message, withDescriptor: descriptor >= 0)
    case .nothing: return .nothing
    case .closed: return .closed
    case .violation(let violation): return .violation(violation)
    }
}
