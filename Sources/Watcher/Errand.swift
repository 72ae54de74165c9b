/// What is under way for one collection: at most one request, or the pause before the next.
final class Errand {
    /// A request that waits for the token.
    struct Ask {
        var url: String
        var kind: Transfer.Kind
    }

    /// For messages.
    let name: String
    var ask: Ask?
    var transfer: Transfer?
    /// When a pause is over; nil = there is none.
    var due: Int64?
    var outages = OutageLog()

    init(_ name: String) { self.name = name }

    /// When it needs attention although nothing has arrived.
    var nextTurn: Int64 { min(due ?? .max, transfer?.deadline ?? .max) }
}
