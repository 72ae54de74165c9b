/// Why a request to the API server came to nothing, or a watch to its end.
enum Failure: Error, Equatable {
    /// No connection, or one that broke off or fell silent.
    case connection(String)
    /// The server's certificate is not vouched for.
    case untrusted(String)
    /// There is no token, or no certificate to check the server with.
    case unprepared(String)
    /// The server answered, but not with what was asked for.
    case refused(Refusal)
    /// 410, as a status or as an event: the version that was asked from is too old.
    case expired
    /// What arrived can't be read.
    case unreadable(String)

    /// An answer other than 200, or an ERROR event of that code.
    struct Refusal: Equatable {
        var status: Int
        var reason = ""
        var message = ""
        /// How long the server wants to be left alone, in milliseconds.
        var retryAfter: Int64 = 0
        /// The version asked for lies in the server's future.
        var isVersionTooLarge = false

        /// The most that is given on a wish of a server that can't serve.
        static let longestOutageWish: Int64 = 1_000

        /// How long to leave it alone, at least. A server that starts names ten seconds for each custom resource (the pool
        /// is one), and serves it within one or two: with that wish followed, a pool that changed meanwhile would be
        /// followed that much too late. Who has too much to do says 429, and gets what it wishes.
        var wish: Int64 { status == 503 ? min(retryAfter, Self.longestOutageWish) : retryAfter }

        /// Who asked is refused, and not what was asked for.
        var isDenial: Bool { status == 401 || status == 403 }
        /// May what was asked for be at fault, and not just who asked, or when?
        var isPuzzling: Bool { !isDenial && ![429, 503].contains(status) }
    }

    /// Of an answer's status and what its body says.
    static func refusal(_ refusal: Refusal) -> Failure { refusal.status == 410 ? .expired : .refused(refusal) }
}
