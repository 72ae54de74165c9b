import Glibc
import IPC
import Linux

/// The way of one loop to the signer. The table of what is awaited has a fixed size, and an id carries its place and a
/// generation, so that a late answer is recognised. What a signer that died was asked is asked of the next one.
public final class SignerLink {
    /// Handshakes that wait at once; a power of two.
    public static let capacity = 1024

    /// An answer.
    public enum Answer: Equatable {
        case signature([UInt8])
        case refused(SignRefusal)
    }

    private struct Pending {
        var id: UInt32 = 0
        var owner: UInt64 = 0
        var request: SignRequest?
        var isSent = false
    }

    private var table = [Pending](repeating: Pending(), count: capacity)
    private var free: [UInt32] = (0..<UInt32(capacity)).reversed()
    private var generation: UInt32 = 0
    private var channel: Channel?
    private var unsent = 0
    /// There was a channel, and there is none now.
    public private(set) var isCutOff = false

    /// Without a signer yet; what is asked waits for one.
    public init() {}

    /// The socket to watch for input, -1 = none.
    public var fd: Int32 { channel?.fd ?? -1 }
    /// Handshakes that wait.
    public var count: Int { Self.capacity - free.count }
    /// Something waits for room in the channel: call `sendUnsent` before long.
    public var hasUnsent: Bool { unsent > 0 && channel != nil }

    /// Takes over a channel to a signer and asks it everything that is still open. The old channel is closed; stop
    /// watching it before.
    public func connect(_ fd: Int32) {
        channel = Channel(fd: fd)
        isCutOff = false
        unsent = 0
        for place in table.indices where table[place].id != 0 {
            table[place].isSent = false
            unsent += 1
        }
        sendUnsent()
    }

    /// Asks for a signature. `owner` comes back with the answer. Nil: too many wait.
    public func ask(_ request: SignRequest, for owner: UInt64) -> UInt32? {
        guard let place = free.popLast() else { return nil }
        generation = (generation &+ 1) & 0x3F_FFFF
        if generation == 0 { generation = 1 }
        let id = generation << 10 | place
        table[Int(place)] = Pending(id: id, owner: owner, request: request)
        unsent += 1
        // In order: what came before goes first.
        if unsent == 1 { send(Int(place)) } else { sendUnsent() }
        return id
    }

    /// Never mind: the connection is gone.
    public func cancel(_ id: UInt32) { _ = take(id) }

    /// Sends what the channel had no room for.
    public func sendUnsent() {
        guard unsent > 0, channel != nil else { return }
        for place in table.indices where table[place].id != 0 && !table[place].isSent {
            if !send(place) { return }
        }
    }

    /// Reads answers; call when the channel has input. False: the signer is gone or broke the protocol, the channel is
    /// closed, and what is awaited waits for the next signer.
    public func receive(_ body: (_ owner: UInt64, _ answer: Answer) -> Void) -> Bool {
        while let channel {
            switch channel.receive(FromSigner.self) {
            case .nothing: return true
            case .closed:
                loseChannel()
                return false
            case .violation(let violation):
                ChildLog.write(.error, "the signer broke the protocol", [("violation", violation.description)])
                loseChannel()
                return false
            case .message(.signed(let id, let signature), _):
                if let pending = take(id) { body(pending.owner, .signature(signature)) }
            case .message(.refused(let id, let reason), _):
                if let pending = take(id) { body(pending.owner, .refused(reason)) }
            }
        }
        return false
    }

    private func loseChannel() {
        channel = nil
        isCutOff = true
    }

    @discardableResult
    private func send(_ place: Int) -> Bool {
        guard let channel, let request = table[place].request else { return false }
        if case .failure = channel.send(ToSigner.sign(id: table[place].id, request)) { return false }
        table[place].isSent = true
        unsent -= 1
        return true
    }

    private func take(_ id: UInt32) -> Pending? {
        let place = Int(id & UInt32(Self.capacity - 1))
        guard id != 0, table[place].id == id else { return nil }
        let pending = table[place]
        if !pending.isSent { unsent -= 1 }
        table[place] = Pending()
        free.append(UInt32(place))
        return pending
    }
}
