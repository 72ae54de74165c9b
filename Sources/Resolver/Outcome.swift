import IPC
import Linux

/// What came of the lookup of one name.
enum Outcome: Equatable {
    /// At least one address, in the order in which to try them; seconds for which the servers vouch for them.
    case addresses([Address], lifetime: UInt32)
    /// There are none, and this is why.
    case failed(ResolveFailure)

    /// IPv4 first, each address once, no more than an answer may carry.
    static func ordered(_ all: [Address]) -> [Address] {
        var seen: Set<Address> = []
        let once = all.filter { seen.insert($0).inserted }
        return Array((once.filter(\.isV4) + once.filter { !$0.isV4 }).prefix(FromResolver.mostAddresses))
    }

    /// The message that says so.
    func message(id: UInt32) -> FromResolver {
        switch self {
        case .addresses(let addresses, _): .resolved(id: id, addresses: addresses)
        case .failed(let reason): .failed(id: id, reason: reason)
        }
    }
}
