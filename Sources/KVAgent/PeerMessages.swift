import IPC

/// What agents say to each other, each message in one UCX message. Whoever is called answers; whoever calls reads.
enum PeerMessage: Equatable {
    /// Caller: I want to read.
    case hello
    /// Called: how large my region is, where it begins in my memory, and the key to it.
    case welcome(regionSize: UInt64, base: UInt64, key: [UInt8])
    /// Caller: what I am about to read.
    case announce(Announcement)
    /// Called: go ahead.
    case accepted
    /// Called: no, and why.
    case refused(PeerRefusal)
    /// Caller: what is the checksum of it all?
    case verify
    /// Called: this, a CRC-32C.
    case checksum(UInt32)
    /// Caller: I have what I wanted, or it is no use. The last message.
    case acknowledge(KVOutcome)
}

/// What is about to be read: blocks of a request, one after the other.
struct Announcement: Equatable {
    /// The request that they belong to, for the logs.
    var request: String
    /// How many blocks.
    var blocks: UInt64
    /// Bytes of each.
    var blockSize: UInt32
    /// Where they begin in the region that is read from.
    var offset: UInt64

    /// Bytes of all together; nil when there is no such number, or none at all.
    var length: UInt64? {
        let (length, overflow) = blocks.multipliedReportingOverflow(by: UInt64(blockSize))
        return overflow || length == 0 ? nil : length
    }
}

/// Why an agent doesn't let another read.
enum PeerRefusal: UInt8, CaseIterable {
    /// It speaks another version.
    case version = 1
    /// The range isn't inside its region.
    case range = 2
    /// It serves as many peers as it will.
    case busy = 3
}

extension PeerMessage {
    /// The version of the protocol between agents.
    static let version: UInt16 = 2
    /// "KVAG" as a number.
    static let magic: UInt32 = 0x4741_564B
    /// magic u32 · version u16 · type u8 · 0 u8, then the fields.
    static let headerSize = 8
    /// The longest key to a region, in bytes.
    static let longestKey = 128
    /// No message is longer: that of an announcement with the longest request.
    static let longest = headerSize + 2 + KVTransfer.longestRequest + 8 + 4 + 8

    /// What came of reading a frame.
    enum Read: Equatable {
        case message(PeerMessage)
        /// The header is an agent's, of this other version; what follows is not looked at.
        case otherVersion(UInt16)
        case malformed
    }

    var type: UInt8 {
        switch self {
        case .hello: 1
        case .welcome: 2
        case .announce: 3
        case .accepted: 4
        case .refused: 5
        case .verify: 6
        case .checksum: 7
        case .acknowledge: 8
        }
    }

    /// The whole frame.
    func encoded(version: UInt16 = PeerMessage.version) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.longest) { buffer, count in
            var writer = WireWriter(UnsafeMutableRawBufferPointer(buffer))
            writer.write(Self.magic)
            writer.write(version)
            writer.write(type)
            writer.write(UInt8(0))
            writeFields(to: &writer)
            // Every message fits: `longest` is the longest one's length, and texts and keys are cut before.
            precondition(!writer.overflowed)
            count = writer.count
        }
    }

    private func writeFields(to writer: inout WireWriter) {
        switch self {
        case .welcome(let size, let base, let key):
            writer.write(size)
            writer.write(base)
            writer.write(UInt8(clamping: key.count))
            for byte in key { writer.write(byte) }
        case .announce(let announcement):
            writer.write(announcement.request)
            writer.write(announcement.blocks)
            writer.write(announcement.blockSize)
            writer.write(announcement.offset)
        case .hello, .accepted, .verify: break
        case .refused(let refusal): writer.write(refusal.rawValue)
        case .checksum(let checksum): writer.write(checksum)
        case .acknowledge(let outcome): writer.write(outcome.rawValue)
        }
    }

    /// Reads a frame whole: every field there, nothing left over, and nothing allocated that the frame doesn't hold.
    static func read(_ frame: UnsafeRawBufferPointer) -> Read {
        guard frame.count >= headerSize, frame.count <= longest else { return .malformed }
        var reader = WireReader(frame)
        guard reader.read(UInt32.self) == magic else { return .malformed }
        let version = reader.read(UInt16.self)
        guard version == Self.version else { return .otherVersion(version) }
        let type = reader.read(UInt8.self)
        guard reader.read(UInt8.self) == 0, let message = fields(type, &reader), reader.isComplete else {
            return .malformed
        }
        return .message(message)
    }

    private static func fields(_ type: UInt8, _ reader: inout WireReader) -> PeerMessage? {
        switch type {
        case 1: return .hello
        case 2:
            let (size, base) = (reader.read(UInt64.self), reader.read(UInt64.self))
            let count = reader.readCount(UInt8.self, most: longestKey)
            return .welcome(regionSize: size, base: base, key: (0..<count).map { _ in reader.read() })
        case 3:
            return .announce(
                Announcement(
                    request: reader.readText(limit: KVTransfer.longestRequest), blocks: reader.read(),
                    blockSize: reader.read(), offset: reader.read()))
        case 4: return .accepted
        case 5: return .refused(reader.read(case: PeerRefusal.self, fallback: .version))
        case 6: return .verify
        case 7: return .checksum(reader.read())
        case 8: return .acknowledge(reader.read(case: KVOutcome.self, fallback: .agentLost))
        default: return nil
        }
    }
}
