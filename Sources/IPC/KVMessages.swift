import Linux

/// How the bytes of a transfer are checked.
public enum KVCheck: Sendable, Equatable {
    /// Against the peer's own checksum of what it holds.
    case verify
    /// Against this CRC-32C, which somebody else has vouched for.
    case expect(UInt32)
}

/// One transfer: a range of a peer's region into a range of ours.
public struct KVTransfer: Sendable, Equatable {
    /// The longest request id, in bytes.
    public static let longestRequest = 128
    /// The longest encoding in bytes.
    static let longest = 4 + 18 + 8 + 8 + 8 + 4 + 1 + 4 + 4 + 2 + longestRequest

    /// The supervisor's number for it.
    public var id: UInt32 = 0
    /// Where the other agent listens.
    public var peer = Endpoint(.any, 0)
    /// Where the range begins in the peer's region.
    public var remoteOffset: UInt64 = 0
    /// Where it is to stand in ours.
    public var localOffset: UInt64 = 0
    /// Bytes.
    public var length: UInt64 = 0
    /// Bytes of a block; the length is a whole number of them.
    public var blockSize: UInt32 = 1
    /// How the bytes are checked.
    public var check = KVCheck.verify
    /// Milliseconds from now until it has failed.
    public var deadlineMilliseconds: UInt32 = 0
    /// For the logs of both sides: the request that the blocks belong to.
    public var request = ""

    /// Nothing yet.
    public init() {}

    func encode(into writer: inout WireWriter) {
        writer.write(id)
        peer.encode(into: &writer)
        writer.write(remoteOffset)
        writer.write(localOffset)
        writer.write(length)
        writer.write(blockSize)
        switch check {
        case .verify:
            writer.write(false)
            writer.write(UInt32(0))
        case .expect(let checksum):
            writer.write(true)
            writer.write(checksum)
        }
        writer.write(deadlineMilliseconds)
        writer.write(request)
    }

    init(from reader: inout WireReader) {
        id = reader.read()
        peer = Endpoint(from: &reader)
        remoteOffset = reader.read()
        localOffset = reader.read()
        length = reader.read()
        blockSize = reader.read()
        let expects = reader.readBool()
        let checksum = reader.read(UInt32.self)
        check = expects ? .expect(checksum) : .verify
        // A checksum that nobody asks for is a second spelling of the same order.
        if !expects && checksum != 0 { reader.invalidate() }
        deadlineMilliseconds = reader.read()
        request = reader.readText(limit: Self.longestRequest)
    }
}

/// What became of a transfer.
public enum KVOutcome: UInt8, CaseIterable, Sendable {
    /// The bytes are there and were checked.
    case done = 0
    /// Nobody of the house connects to such an address.
    case forbiddenAddress = 1
    /// Protection is on and the peer is no member of the pool, or the list is missing or too old.
    case notInPool = 2
    /// The peer's port is none of those that agents listen on.
    case portNotAllowed = 3
    /// The range is not inside our region, or not a whole number of blocks.
    case invalidRange = 4
    /// There are as many transfers as may run.
    case tooMany = 5
    /// Nobody answers there.
    case unreachable = 6
    /// The peer speaks another version, or its memory is registered in another way.
    case incompatible = 7
    /// The peer refuses the range: it isn't inside its region.
    case refusedRange = 8
    /// The peer has as many transfers as it takes.
    case refusedBusy = 9
    /// The peer sent what it must not.
    case peerBrokeProtocol = 10
    /// The peer went away.
    case peerLost = 11
    /// The bytes are not what they should be.
    case checksumMismatch = 12
    /// The deadline passed.
    case timedOut = 13
    /// The one who asked for it gave up.
    case cancelled = 14
    /// The agent ended while it ran. The supervisor says so for one that can't any more, and keeps count of both.
    case agentLost = 15

    /// The name in results, logs and metric labels.
    public var name: String {
        switch self {
        case .done: "done"
        case .forbiddenAddress: "forbidden_address"
        case .notInPool: "not_in_pool"
        case .portNotAllowed: "port_not_allowed"
        case .invalidRange: "invalid_range"
        case .tooMany: "too_many"
        case .unreachable: "unreachable"
        case .incompatible: "incompatible"
        case .refusedRange: "refused_range"
        case .refusedBusy: "refused_busy"
        case .peerBrokeProtocol: "peer_broke_protocol"
        case .peerLost: "peer_lost"
        case .checksumMismatch: "checksum_mismatch"
        case .timedOut: "timed_out"
        case .cancelled: "cancelled"
        case .agentLost: "agent_lost"
        }
    }
}

/// The end of a transfer.
public struct KVResult: Sendable, Equatable {
    /// Which one.
    public var id: UInt32
    /// What became of it.
    public var outcome: KVOutcome
    /// Bytes that were read, whether or not they may be used.
    public var bytes: UInt64
    /// Their CRC-32C; 0 when it didn't come to that.
    public var checksum: UInt32
    /// From the order to the end.
    public var microseconds: UInt64

    /// From its parts.
    public init(id: UInt32, outcome: KVOutcome, bytes: UInt64 = 0, checksum: UInt32 = 0, microseconds: UInt64 = 0) {
        self.id = id
        self.outcome = outcome
        self.bytes = bytes
        self.checksum = checksum
        self.microseconds = microseconds
    }

    static let longest = 4 + 1 + 8 + 4 + 8

    func encode(into writer: inout WireWriter) {
        writer.write(id)
        writer.write(outcome.rawValue)
        writer.write(bytes)
        writer.write(checksum)
        writer.write(microseconds)
    }

    init(from reader: inout WireReader) {
        id = reader.read()
        outcome = reader.read(case: KVOutcome.self, fallback: .agentLost)
        bytes = reader.read()
        checksum = reader.read()
        microseconds = reader.read()
    }
}

/// What the supervisor tells the KV agent besides what it tells every child.
public enum KVOrder: Sendable, Equatable {
    /// The memory that blocks are moved into and out of, as a sealed descriptor.
    case region(size: UInt64)
    /// Carry a transfer out. Answered once, with its result.
    case transfer(KVTransfer)
    /// Nobody wants that transfer any more.
    case cancel(id: UInt32)

    /// The types of these messages among those to children.
    static let types: ClosedRange<UInt8> = 40...42

    var type: UInt8 {
        switch self {
        case .region: 40
        case .transfer: 41
        case .cancel: 42
        }
    }

    var name: String {
        switch self {
        case .region: "kv-region"
        case .transfer: "kv-transfer"
        case .cancel: "kv-cancel"
        }
    }

    var carriesDescriptor: Bool {
        switch self {
        case .region: true
        case .transfer, .cancel: false
        }
    }

    static func longestPayload(ofType type: UInt8) -> Int? {
        switch type {
        case 40: 8
        case 41: KVTransfer.longest
        case 42: 4
        default: nil
        }
    }

    func encode(into writer: inout WireWriter) {
        switch self {
        case .region(let size): writer.write(size)
        case .transfer(let transfer): transfer.encode(into: &writer)
        case .cancel(let id): writer.write(id)
        }
    }

    static func decode(type: UInt8, from reader: inout WireReader) -> KVOrder? {
        switch type {
        case 40: .region(size: reader.read())
        case 41: .transfer(KVTransfer(from: &reader))
        case 42: .cancel(id: reader.read())
        default: nil
        }
    }
}
