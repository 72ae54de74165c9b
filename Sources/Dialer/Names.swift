import IPC
import Linux

/// Lookups under way at the resolver. It is trusted with nothing but the answer to "which addresses": what may be
/// dialled is decided here, on the addresses.
struct Names {
    /// A dial that waits for its addresses.
    struct Pending {
        /// The token of the proxy's channel.
        var channel: UInt64
        var id: UInt32
        var port: UInt16
        /// Milliseconds on the monotonic clock.
        var deadline: Int64
    }

    enum Event {
        case nothing
        case closed
        case resolved(Pending, [Address])
        case failed(Pending, DialRefusal)
    }

    private static let most = 1024

    private var channel: Channel?
    /// The token of the resolver's channel; 0 = there is none.
    private(set) var token: UInt64 = 0
    private var pending: [UInt32: Pending] = [:]
    private var nextID: UInt32 = 0
    /// There was a channel, and there is none now.
    private(set) var isCutOff = false

    var fd: Int32 { channel?.fd ?? -1 }
    var isEmpty: Bool { pending.isEmpty }

    /// Asks for a name. Nil: the answer will come; otherwise why there can be none.
    mutating func ask(_ name: String, _ dial: Pending, now: Int64) -> DialRefusal? {
        guard let channel, pending.count < Self.most else { return .noResources }
        nextID &+= 1
        let left = UInt32(clamping: max(1, dial.deadline - now))
        guard case .success = channel.send(ToResolver.resolve(id: nextID, name: name, deadlineMilliseconds: left))
        else {
            return .noResources
        }
        pending[nextID] = dial
        return nil
    }

    /// The next answer.
    mutating func receive() -> Event {
        guard let channel else { return .nothing }
        while true {
            switch channel.receive(FromResolver.self) {
            case .nothing: return .nothing
            case .closed: return .closed
            case .violation(let violation):
                ChildLog.write(.error, "the resolver broke the protocol", [("violation", violation.description)])
                return .closed
            case .message(.resolved(let id, let addresses), _):
                guard let dial = pending.removeValue(forKey: id) else { continue }
                return addresses.isEmpty ? .failed(dial, .nameNotFound) : .resolved(dial, addresses)
            case .message(.failed(let id, let reason), _):
                guard let dial = pending.removeValue(forKey: id) else { continue }
                switch reason {
                case .notFound: return .failed(dial, .nameNotFound)
                case .timedOut, .serverFailure: return .failed(dial, .nameTimedOut)
                case .tooMany: return .failed(dial, .tooMany)
                }
            }
        }
    }

    /// The resolver is gone; what waited for it is returned.
    mutating func closeChannel() -> [Pending] {
        channel = nil
        isCutOff = true
        token = 0
        defer { pending = [:] }
        return Array(pending.values)
    }

    /// Another resolver has taken over.
    mutating func replaceChannel(fd: Int32, token: UInt64) -> [Pending] {
        let lost = closeChannel()
        channel = Channel(fd: fd)
        isCutOff = false
        self.token = token
        return lost
    }

    /// A proxy's channel is gone, and nobody waits for what it asked.
    mutating func forget(channel: UInt64) { pending = pending.filter { $0.value.channel != channel } }

    mutating func cancel(channel: UInt64, id: UInt32) {
        guard !pending.isEmpty, let found = pending.first(where: { $0.value.channel == channel && $0.value.id == id })
        else { return }
        pending[found.key] = nil
    }

    mutating func expired(now: Int64) -> [Pending] {
        if pending.isEmpty { return [] }
        let due = pending.filter { $0.value.deadline <= now }
        for key in due.keys { pending[key] = nil }
        return Array(due.values)
    }
}
