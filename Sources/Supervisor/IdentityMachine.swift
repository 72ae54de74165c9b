import IPC

/// One identity of ours, the certificate that clients or that upstreams are shown, as a pure state machine: what is in
/// force, what is being judged, and what follows from the verdicts of signer and proxy. It touches no file and no process.
///
/// Rules: a pair is judged by the signer before it is put in force; what is in force stays until something better is
/// there; what no proxy has shown yet and one can't is taken back; only the identity for clients may be made by
/// ourselves, and only where nobody demanded a real one. What was refused is looked at again now and then: a clock may
/// have been wrong, or a permission.
struct IdentityMachine: Equatable {
    /// What is in force.
    struct Held: Equatable {
        /// The signer's number of its key.
        var key: UInt32
        /// We made it ourselves; otherwise it comes from files.
        var isOwn: Bool
        /// Seconds since 1970; 0 = unknown.
        var ends: Int64
        /// A proxy shows it, or has shown it.
        var isShown = false
    }

    enum Event: Equatable {
        /// A signer has begun, and has no keys yet.
        case signerStarted
        /// The files have changed, or somebody asked to read them again.
        case filesChanged
        /// Both files could be read; the pair goes by this number from now on.
        case pairRead(key: UInt32)
        /// They are the ones in force.
        case pairUnchanged
        /// They couldn't be read, and why.
        case pairMissing(reason: String)
        case judged(key: UInt32, verdict: KeyVerdict, ends: Int64)
        /// The signer has made a certificate.
        case made(key: UInt32, ends: Int64)
        /// It couldn't.
        case makingFailed
        /// The proxy shows it from now on.
        case shown(key: UInt32)
        /// The proxy can't.
        case unshowable(key: UInt32, reason: String)
        /// A heartbeat, in seconds since 1970.
        case clock(Int64)
    }

    enum Action: Equatable {
        /// Read the files, and say what came of it.
        case readFiles
        /// Give the pair of this number to every signer.
        case judge(key: UInt32)
        /// Give it to the signer that has just begun.
        case giveAgain(key: UInt32)
        /// The pair of this number isn't judged any more.
        case forget(key: UInt32)
        /// Have the signer make a certificate. `because`: why files can't serve; empty = it only replaces our own last one.
        case makeOwn(because: String)
        /// The chain goes to the proxies.
        case putInForce(key: UInt32)
        /// A proxy shows what is in force, the first one to do so. `isReload`: from files, and something else was shown before.
        case announce(isReload: Bool)
        /// What was in force before is again.
        case takeBack(to: UInt32, because: String)
        /// Nobody needs what was in force before any more.
        case retireOthers
        /// What is in force stays, and this is why.
        case keep(because: String)
        /// The certificate in force can't be used any more, and there is no other.
        case nothingToShow(because: String)
        /// There is nothing that could be shown, and that is not acceptable.
        case endStart(because: String)
    }

    /// How long a certificate of our own lives, in seconds; it is made anew when a third is left.
    static let ownLifetime: Int64 = 7 * 86_400
    /// Heartbeats until what was refused is looked at again: at once where time alone heals it, else about once a minute.
    private static let soon = 1
    private static let later = 12

    /// Without usable files a certificate of our own will do.
    let mayMakeOwn: Bool
    private(set) var held: Held?
    /// What was in force and shown before, until the proxy shows what is.
    private(set) var previous: Held?
    /// The signer at work has refused the key of what is in force: nobody can shake hands with it.
    private(set) var isUnsigned = false
    /// The pair that is being judged.
    private(set) var candidate: UInt32?
    /// Something has been shown: we have started, and what becomes unusable from now on doesn't end us.
    private(set) var hasShown = false
    /// A certificate of our own has been asked for.
    private(set) var isMaking = false
    /// Heartbeats until the files are read again; 0 = they needn't be.
    private var retryIn = 0
    /// The last reason that was told: it is told once.
    private var lastReason = ""

    init(mayMakeOwn: Bool) { self.mayMakeOwn = mayMakeOwn }

    /// What handshakes get: until a proxy shows what is in force, what was shown before.
    var shown: Held? { held?.isShown == false ? previous ?? held : held }

    /// There is a certificate, and somebody to sign with its key.
    var isUsable: Bool { held != nil && !isUnsigned }

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .signerStarted: return begin()
        case .filesChanged:
            lastReason = ""
            return [.readFiles]
        case .pairRead(let key):
            candidate = key
            return [.judge(key: key)]
        case .pairUnchanged:
            candidate = nil
            retryIn = 0
            return []
        case .pairMissing(let reason):
            candidate = nil
            return unusable(reason, retryIn: Self.later)
        case .judged(let key, let verdict, let ends): return judged(key, verdict, ends)
        case .made(let key, let ends):
            isMaking = false
            // Files that became usable meanwhile are better.
            if held?.isOwn == false && !isUnsigned { return [] }
            let (again, reason) = (retryIn, lastReason)
            take(Held(key: key, isOwn: true, ends: ends))
            // The files go on being looked at.
            (retryIn, lastReason) = (again, reason)
            return [.putInForce(key: key)]
        case .makingFailed:
            isMaking = false
            retryIn = Self.later
            return []
        case .shown(let key):
            guard let held, key == held.key else { return [] }
            if held.isShown { return [.retireOthers] }
            let isReload = hasShown && !held.isOwn
            self.held?.isShown = true
            hasShown = true
            previous = nil
            return [.announce(isReload: isReload), .retireOthers]
        case .unshowable(let key, let reason): return unshowable(key, reason)
        case .clock(let seconds): return clock(seconds)
        }
    }

    /// A signer begins with nothing. What was being judged by the one before is read anew.
    private mutating func begin() -> [Action] {
        let reads = candidate != nil || held == nil || isUnsigned
        var actions: [Action] = []
        if let candidate { actions.append(.forget(key: candidate)) }
        candidate = nil
        isMaking = false
        isUnsigned = false
        if let held {
            if held.isOwn {
                actions += make(because: "")
            } else {
                actions.append(.giveAgain(key: held.key))
            }
        }
        return reads ? actions + [.readFiles] : actions
    }

    private mutating func judged(_ key: UInt32, _ verdict: KeyVerdict, _ ends: Int64) -> [Action] {
        if key == candidate {
            candidate = nil
            guard verdict == .good else {
                return unusable(verdict.meaning, retryIn: verdict == .notYetValid ? Self.soon : Self.later)
            }
            isMaking = false
            take(Held(key: key, isOwn: false, ends: ends))
            return [.putInForce(key: key)]
        }
        guard key == held?.key, verdict != .good else { return [] }
        // Given again to a new signer, which doesn't take it: it has ended, or was overwritten where it lay.
        isUnsigned = true
        return [.readFiles]
    }

    private mutating func take(_ next: Held) {
        // Of several that no proxy has shown, the one that was shown last is what there is to go back to.
        if let held, !isUnsigned, held.isShown || previous == nil { previous = held }
        held = next
        isUnsigned = false
        retryIn = 0
        lastReason = ""
    }

    private mutating func unshowable(_ key: UInt32, _ reason: String) -> [Action] {
        // Where it is shown already it stays: what one proxy can't do, others can.
        guard key == held?.key, held?.isShown == false else { return [] }
        held = previous
        previous = nil
        guard let held else { return unusable(reason, retryIn: Self.later) }
        retryIn = Self.later
        lastReason = reason
        return [.takeBack(to: held.key, because: reason)]
    }

    private mutating func unusable(_ reason: String, retryIn: Int) -> [Action] {
        self.retryIn = retryIn
        let isNews = reason != lastReason
        lastReason = reason
        if isUsable { return isNews ? [.keep(because: reason)] : [] }
        if mayMakeOwn { return isMaking ? [] : make(because: reason) }
        if held == nil && !hasShown { return [.endStart(because: reason)] }
        return isNews ? [.nothingToShow(because: reason)] : []
    }

    private mutating func clock(_ seconds: Int64) -> [Action] {
        var actions: [Action] = []
        if let held, held.isOwn, !isMaking, held.ends - seconds < Self.ownLifetime / 3 { actions += make(because: "") }
        if retryIn > 0 {
            retryIn -= 1
            if retryIn == 0 && candidate == nil { actions.append(.readFiles) }
        }
        return actions
    }

    private mutating func make(because reason: String) -> [Action] {
        isMaking = true
        return [.makeOwn(because: reason)]
    }
}
