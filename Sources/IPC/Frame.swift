/// The frame around every message between our processes. A frame is one packet of a SOCK_SEQPACKET socket, so it can't
/// be split or joined on the way; its length field must say exactly what arrived.
///
///     version u8 · type u8 · descriptors u8 (0 or 1) · reserved u8 (0) · payload length u32 · payload
public enum Frame {
    /// Version of the protocol; both ends come from one build, so any other is a violation.
    public static let version: UInt8 = 1
    /// Bytes before the payload.
    public static let headerSize = 8
    /// No payload is longer than this; each message's own cap is smaller where it can be.
    public static let largestPayload = 16_384
    /// A buffer of this size takes any frame; one byte more would show a packet that is too long.
    public static let bufferSize = headerSize + largestPayload + 1

    /// Why a packet was refused. Between siblings each of these is fatal for the sender.
    public enum Violation: Error, Equatable, Sendable, CustomStringConvertible {
        case short
        case truncated
        case wrongVersion(UInt8)
        case reservedBits
        case wrongLength(declared: Int, actual: Int)
        case unknownType(UInt8)
        case tooLong(String)
        case malformed(String)
        case unexpectedDescriptor(String)
        case missingDescriptor(String)
        case notAllowed(String)
        case overdue(String)

        /// For the log line that names the violation.
        public var description: String {
            switch self {
            case .short: "a packet shorter than a frame header"
            case .truncated: "a packet or its descriptors did not fit"
            case .wrongVersion(let version): "protocol version \(version) instead of \(Frame.version)"
            case .reservedBits: "reserved bits set"
            case .wrongLength(let declared, let actual):
                "length field says \(declared) bytes, the packet holds \(actual)"
            case .unknownType(let type): "unknown message type \(type)"
            case .tooLong(let name): "message '\(name)' is longer than it may be"
            case .malformed(let name): "message '\(name)' has malformed fields"
            case .unexpectedDescriptor(let name): "message '\(name)' carries a descriptor it must not carry"
            case .missingDescriptor(let name): "message '\(name)' lacks its descriptor"
            case .notAllowed(let name): "message '\(name)' is not allowed from this sender in this state"
            case .overdue(let name): "message '\(name)' did not come in time"
            }
        }
    }

    /// Checks the header of a packet and returns its type and payload.
    public static func open(
        _ packet: UnsafeRawBufferPointer, descriptors: Int
    ) throws(Violation)
        -> (type: UInt8, payload: UnsafeRawBufferPointer)
    {
        guard packet.count >= headerSize else { throw .short }
        guard packet[0] == version else { throw .wrongVersion(packet[0]) }
        guard packet[3] == 0, packet[2] <= 1 else { throw .reservedBits }
        let declared = Int(UInt32(littleEndian: packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        guard declared == packet.count - headerSize, declared <= largestPayload else {
            throw .wrongLength(declared: declared, actual: packet.count - headerSize)
        }
        if Int(packet[2]) > descriptors { throw .missingDescriptor("type \(packet[1])") }
        if Int(packet[2]) < descriptors { throw .unexpectedDescriptor("type \(packet[1])") }
        return (packet[1], UnsafeRawBufferPointer(rebasing: packet[headerSize...]))
    }

    /// Writes the header for a payload that already stands behind it.
    static func seal(_ buffer: UnsafeMutableRawBufferPointer, type: UInt8, payload: Int, descriptors: Int) {
        buffer[0] = version
        buffer[1] = type
        buffer[2] = UInt8(descriptors)
        buffer[3] = 0
        buffer.storeBytes(of: UInt32(payload).littleEndian, toByteOffset: 4, as: UInt32.self)
    }
}

/// One direction of one channel: an enum whose every case knows its number, its name, its size and whether it carries a
/// descriptor. What isn't in the enum can't be said.
public protocol Message: Sendable {
    /// The number on the wire.
    var type: UInt8 { get }
    /// For logs.
    var name: String { get }
    /// Does exactly one descriptor travel with it?
    var carriesDescriptor: Bool { get }
    /// Writes the payload.
    func encode(into writer: inout WireWriter)
    /// The longest payload of a type in bytes, or nil for a type that doesn't exist.
    static func longestPayload(ofType type: UInt8) -> Int?
    /// Reads a payload; nil when the type is unknown. The caller checks the reader for completeness.
    static func decode(type: UInt8, from reader: inout WireReader) -> Self?
}
