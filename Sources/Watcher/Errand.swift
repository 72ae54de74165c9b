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

/// Which collections were last refused because of who asks. A token and a permission are mostly given back for both at
/// once: when one is shown again, the other needn't wait for the end of its pause.
struct Denials {
    private var denied: Set<String> = []

    /// A request for this collection came to nothing.
    mutating func failed(_ collection: String, _ failure: Failure) {
        if case .refused(let refusal) = failure, refusal.isDenial {
            denied.insert(collection)
        } else {
            denied.remove(collection)
        }
    }

    /// A collection is shown. True: it was refused before, and so was the other, which may be asked for at once. Only
    /// once for each time that it was refused: this makes no request that a pause of its own hasn't paid for.
    mutating func works(_ collection: String) -> Bool { denied.remove(collection) != nil && !denied.isEmpty }
}
