import IPC
import Linux

/// Carries out what the machines decide: requests, pauses, lists that take effect.
extension WatcherProcess {
    func startFollowing() {
        groups = PoolGroup.candidates(settings.group)
        if groups.count == 1 {
            follow(groups[0])
        } else {
            discovery = Discovery(groups: groups.count)
            look(in: groups[0])
        }
    }

    private func follow(_ group: PoolGroup) {
        self.group = group
        discovery = nil
        handlePool(.start)
    }

    private func random() -> Double { Double.random(in: 0..<1) }

    // MARK: Finding the pool

    func handleDiscovery(_ event: Discovery.Event) {
        let actions = discovery?.handle(event, now: now, random: random()) ?? []
        for action in actions {
            switch action {
            case .ask(let index): look(in: groups[index])
            case .settle(let index): follow(groups[index])
            case .absent: takePool(nil)
            case .unknown(let forbidden): complainOfDiscovery(forbidden.map { groups[$0] })
            case .pause(let milliseconds): poolErrand.due = now + milliseconds
            }
        }
    }

    private func look(in group: PoolGroup) {
        request(APIAddress.list(address.pools(group), continuing: ""), .list, for: poolErrand)
    }

    // MARK: The pool

    func handlePool(_ event: Reflector.Event) {
        for action in poolReflector.handle(event, now: now, random: random()) {
            switch action {
            case .cancel: cancel(poolErrand)
            case .list(let continuing): request(action, continuing, poolErrand)
            // A pool's list has one page; what it shows has been taken already.
            case .adopt: stripe.add(.apiLists)
            case .watch: request(action, "", poolErrand)
            case .pause(let milliseconds): poolErrand.due = now + milliseconds
            }
        }
    }

    /// The pool as the server has just shown it; nil = there is none.
    func takePool(_ pool: PoolObject?) {
        let wasKnown = membership.isPoolKnown
        let old = membership.pool
        let order = membership.take(pool: pool)
        if !wasKnown || old != pool { describe(pool, isFirst: !wasKnown, before: old) }
        switch order {
        case .unchanged: break
        case .rest:
            podSelector = nil
            handlePods(.stop)
        case .follow(let selector):
            podSelector = selector
            handlePods(.start)
        }
    }

    // MARK: The pods

    func handlePods(_ event: Reflector.Event) {
        for action in podReflector.handle(event, now: now, random: random()) {
            switch action {
            case .cancel: cancel(podErrand)
            case .list(let continuing):
                if continuing.isEmpty { membership.beginList() }
                request(action, continuing, podErrand)
            case .adopt:
                stripe.add(.apiLists)
                membership.adoptList()
                log(.debug, "the pods have been listed", [("members", "\(membership.podCount)")])
            case .watch: request(action, "", podErrand)
            case .pause(let milliseconds): podErrand.due = now + milliseconds
            }
        }
    }

    // MARK: Requests

    private func collection(of errand: Errand) -> String? {
        if errand === poolErrand { return group.map { address.pools($0) } }
        return podSelector.map { address.pods($0) }
    }

    private func request(_ action: Reflector.Action, _ continuing: String, _ errand: Errand) {
        guard let collection = collection(of: errand) else { return }
        if case .watch(let version) = action {
            // Spread, so that many watchers don't come back in step.
            let seconds = Int.random(in: 240...480)
            let url = APIAddress.watch(collection, from: version, seconds: seconds)
            request(url, .watch(seconds: seconds), for: errand)
        } else {
            let url = APIAddress.list(collection, continuing: continuing)
            request(url, .list, for: errand, isContinued: !continuing.isEmpty)
        }
    }

    /// Every request but a list's later pages waits for the token to be read again.
    private func request(_ url: String, _ kind: Transfer.Kind, for errand: Errand, isContinued: Bool = false) {
        cancel(errand)
        errand.ask = Errand.Ask(url: url, kind: kind)
        if isContinued {
            beginAsked(errand)
        } else {
            for file in credentials.refresh(now: now) { say(.fileWanted(file)) }
        }
    }

    func cancel(_ errand: Errand) {
        errand.ask = nil
        errand.due = nil
        if let transfer = errand.transfer { transfers.end(transfer) }
        errand.transfer = nil
    }

    private func beginAsked(_ errand: Errand) {
        guard let ask = errand.ask else { return }
        errand.ask = nil
        guard credentials.isUsable else {
            let missing = credentials.token == nil ? "no token" : "no certificates to check the API server with"
            fail(errand, .unprepared(missing))
            return
        }
        stripe.add(.apiRequests)
        if level >= .trace { log(.trace, "a request", [("url", ask.url)]) }
        errand.transfer = transfers.begin(ask.url, ask.kind, credentials, now: now)
        if errand.transfer == nil { fail(errand, .unprepared("no memory for a request")) }
    }

    // MARK: Token and certificates

    func takeFile(_ file: HostFile, _ descriptor: Int32) {
        if let fault = credentials.take(file, descriptor, now: now) {
            complain(of: file, fault)
        } else {
            if credentialLog.recovered(now: now) != nil { log(.info, "token and certificates can be read again") }
        }
        beginWaiting()
    }

    func missFile(_ file: HostFile, _ error: Errno) {
        credentials.miss(file, now: now)
        complain(of: file, error.description)
        beginWaiting()
    }

    private func beginWaiting() {
        guard !credentials.isWaiting else { return }
        beginAsked(poolErrand)
        beginAsked(podErrand)
    }
}
