import IPC

/// One identity of ours, the certificate that clients or that upstreams are shown, as a pure state machine: what is in
/// force, what is being judged, and what follows from the signer's verdicts. It touches no file and no process.
///
/// Rules: a pair is judged by the signer before it is put in force; what is in force stays until something better is
/// there; only the identity for clients may be made by ourselves, and only where nobody demanded a real one.
struct IdentityMachine: Equatable {
    /// What is in force.
    struct Held: Equatable {
        /// The signer's number of its key.
        var key: UInt32
        /// We made it ourselves; otherwise it comes from files.
        var isOwn: Bool
        /// Seconds since 1970; 0 = unknown.
        var ends: Int64
    }

    enum Event: Equatable {
        /// A signer has begun, and has no keys yet.
        case signerStarted
        /// The files have changed, or somebody asked to read them again.
        case filesChanged
        /// Both files could be read; the pair goes by this number from now on.
        case pairRead(key: UInt32)
        /// They couldn't, and why.
        case pairMissing(reason: String)
        case judged(key: UInt32, verdict: KeyVerdict, ends: Int64)
        /// The signer has made a certificate.
        case made(key: UInt32, ends: Int64)
        /// Seconds since 1970.
        case clock(Int64)
    }

    enum Action: Equatable {
        case none
        /// Read the files, and say pairRead or pairMissing.
        case readFiles
        /// Give the pair of this number to every signer.
        case judge(key: UInt32)
        /// Give it to the signer that has just begun.
        case giveAgain(key: UInt32)
        /// Have the signer make a certificate. `because`: why files can't serve; empty = it only replaces our own last one.
        case makeOwn(because: String)
        /// The chain goes to the proxies. `isReload`: something else was in force before.
        case putInForce(key: UInt32, isReload: Bool)
        /// What is in force stays, and this is why.
        case keep(because: String)
        /// There is nothing that could be shown, and that is not acceptable.
        case endStart(because: String)
    }

    /// How long a certificate of our own lives, in seconds; it is made anew when a third is left.
    static let ownLifetime: Int64 = 7 * 86_400

    /// Without usable files a certificate of our own will do.
    let mayMakeOwn: Bool
    private(set) var held: Held?
    /// The pair that is being judged.
    private(set) var candidate: UInt32?
    /// A certificate of our own has been asked for.
    private(set) var isMaking = false

    init(mayMakeOwn: Bool) { self.mayMakeOwn = mayMakeOwn }

    mutating func handle(_ event: Event) -> Action {
        switch event {
        case .signerStarted:
            candidate = nil
            isMaking = false
            guard let held else { return .readFiles }
            return held.isOwn ? make(because: "") : .giveAgain(key: held.key)
        case .filesChanged: return .readFiles
        case .pairRead(let key):
            candidate = key
            return .judge(key: key)
        case .pairMissing(let reason):
            candidate = nil
            return unusable(reason)
        case .judged(let key, let verdict, let ends): return judged(key, verdict, ends)
        case .made(let key, let ends):
            guard isMaking else { return .none }
            isMaking = false
            // Files that became usable meanwhile are better.
            if held?.isOwn == false { return .none }
            held = Held(key: key, isOwn: true, ends: ends)
            return .putInForce(key: key, isReload: false)
        case .clock(let seconds):
            guard let held, held.isOwn, !isMaking, held.ends - seconds < Self.ownLifetime / 3 else { return .none }
            return make(because: "")
        }
    }

    private mutating func judged(_ key: UInt32, _ verdict: KeyVerdict, _ ends: Int64) -> Action {
        if key == candidate {
            candidate = nil
            guard verdict == .good else { return unusable(verdict.meaning) }
            let isReload = held != nil
            held = Held(key: key, isOwn: false, ends: ends)
            isMaking = false
            return .putInForce(key: key, isReload: isReload)
        }
        // Given again to a new signer. What it was once judged by may have passed meanwhile: then there is better to find.
        if key == held?.key && verdict != .good { return .readFiles }
        return .none
    }

    private mutating func unusable(_ reason: String) -> Action {
        if held != nil { return .keep(because: reason) }
        return mayMakeOwn ? make(because: reason) : .endStart(because: reason)
    }

    private mutating func make(because reason: String) -> Action {
        isMaking = true
        return .makeOwn(because: reason)
    }
}
