import CCurl
import IPC
import JSON

/// Turns what arrives into events for the machines.
extension WatcherProcess {
    /// One look at a collection: a pause that is over, an answer that has begun, lines, an end, patience that ran out.
    func attend(_ errand: Errand) {
        if let due = errand.due, due <= now {
            errand.due = nil
            if errand === poolErrand && discovery != nil { handleDiscovery(.due) } else { handle(errand, .due) }
        }
        guard let transfer = errand.transfer else { return }
        if transfer.isOpenWatch {
            if !transfer.isAnnounced {
                transfer.isAnnounced = true
                handle(errand, .opened)
                works(errand)
            }
            takeLines(errand, transfer)
            // A line may have ended the watch.
            guard errand.transfer === transfer else { return }
        }
        if let end = transfer.end {
            transfers.end(transfer)
            errand.transfer = nil
            conclude(errand, transfer, end)
        } else if transfer.deadline <= now {
            let text = transfer.status == 0 ? "no answer in time" : "the connection has fallen silent"
            fail(errand, .connection(text))
        }
    }

    /// A failure of the request that is under way, or of one that could not even begin.
    func fail(_ errand: Errand, _ failure: Failure) {
        cancel(errand)
        stripe.add(.apiFailures)
        if level >= .trace { log(.trace, "a failure", [("collection", errand.name), ("cause", "\(failure)")]) }
        if case .untrusted = failure { credentials.doubtAuthority() }
        denials.failed(errand.name, failure)
        if errand === poolErrand && discovery != nil {
            if !isAbsence(failure) { complain(of: errand, failure) }
            handleDiscovery(.failed(failure))
        } else {
            complain(of: errand, failure)
            handle(errand, .failed(failure))
        }
    }

    private func isAbsence(_ failure: Failure) -> Bool {
        guard case .refused(let refusal) = failure else { return false }
        return refusal.status == 404 || refusal.status == 403
    }

    private func handle(_ errand: Errand, _ event: Reflector.Event) {
        if errand === poolErrand { handlePool(event) } else { handlePods(event) }
    }

    /// The server shows what there is.
    private func works(_ errand: Errand) {
        publication.hasEvidence = true
        recover(errand)
        let other = errand === poolErrand ? podErrand : poolErrand
        if denials.works(errand.name) && other.due != nil { other.due = now }
    }

    // MARK: Ends

    private func conclude(_ errand: Errand, _ transfer: Transfer, _ end: Transfer.End) {
        if transfer.status != 0 && transfer.status != 200 {
            var refusal = transfer.incoming.withAll { Failure.Refusal(status: transfer.status, $0, nesting) }
            refusal.retryAfter = max(refusal.retryAfter, end.retryAfter)
            fail(errand, .refusal(refusal))
            return
        }
        switch end.outcome {
        case CC_DONE where transfer.status == 0: fail(errand, .connection("no answer"))
        case CC_DONE where transfer.kind == .list: takePage(errand, transfer)
        case CC_DONE: endWatch(errand, transfer)
        case CC_UNTRUSTED: fail(errand, .untrusted(end.text))
        case CC_REFUSED: fail(errand, .unreadable("an answer of more than \(Transfer.longestBody >> 20) MiB"))
        default: fail(errand, .connection(end.text))
        }
    }

    private func endWatch(_ errand: Errand, _ transfer: Transfer) {
        // Every event ends with a line end. What has none is something else, such as a page that says why there are none.
        if transfer.incoming.count > 0 {
            fail(errand, .unreadable("a watch that ends within an event"))
            return
        }
        handle(errand, .ended)
        if errand.due != nil { complain(of: errand, .unreadable("a watch that ended at once")) }
    }

    private func takePage(_ errand: Errand, _ transfer: Transfer) {
        let isPool = errand === poolErrand
        var pool: PoolObject?
        let page = transfer.incoming.withAll { body in
            ListPage(body, nesting) { reader in
                if isPool { takeListedPool(&reader, &pool) } else { takeListedPod(&reader) }
            }
        }
        transfer.incoming.clear()
        guard let page else {
            fail(errand, .unreadable("an answer that is no list"))
            return
        }
        if isPool && discovery != nil {
            works(errand)
            stripe.add(.apiLists)
            handleDiscovery(.answered(holdsPool: pool != nil))
            return
        }
        if isPool && page.more.isEmpty { takePool(pool) }
        works(errand)
        handle(errand, .page(version: page.version, more: page.more))
        // The pages of a large list are a large part of this process.
        if !isPool && page.more.isEmpty { cc_trim() }
    }

    private func takeListedPool(_ reader: inout ValueReader, _ pool: inout PoolObject?) {
        // During discovery the group doesn't matter yet: only whether the pool is there.
        let object = PoolObject(&reader, group ?? .standard)
        if object.name == settings.pool { pool = object }
    }

    private func takeListedPod(_ reader: inout ValueReader) {
        guard let pod = PodObject(&reader) else { return }
        warn(ofAddressesOf: pod)
        membership.list(pod)
    }

    // MARK: Events

    private func takeLines(_ errand: Errand, _ transfer: Transfer) {
        while errand.transfer === transfer {
            let outcome = transfer.incoming.withNextLine { line in takeLine(line, errand, transfer) }
            guard let outcome else { break }
            if let failure = outcome {
                fail(errand, failure)
                return
            }
        }
        if errand.transfer === transfer && transfer.incoming.count > Transfer.longestLine {
            fail(errand, .unreadable("an event of more than \(Transfer.longestLine >> 20) MiB"))
        }
    }

    /// Nil: all is well.
    private func takeLine(_ line: UnsafeRawBufferPointer, _ errand: Errand, _ transfer: Transfer) -> Failure? {
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { return nil }
        guard let event = WatchLine(line, nesting) else { return .unreadable("an event that is not JSON") }
        stripe.add(.apiEvents)
        var version = ""
        switch event.kind {
        case .error:
            return .refusal(Failure.Refusal(status: nil, event.object, nesting))
        case .bookmark:
            transfer.hasBookmark = true
            version = WatchLine.version(of: event.object, nesting)
        case .other: version = WatchLine.version(of: event.object, nesting)
        case .present, .deleted:
            let isGone = event.kind == .deleted
            guard let shown = errand === poolErrand ? takePoolEvent(event, isGone) : takePodEvent(event, isGone) else {
                return .unreadable("an event without a name or an identity")
            }
            version = shown
        }
        handle(errand, .progress(version: version))
        works(errand)
        return nil
    }

    /// The object's version; nil = it can't be used.
    private func takePoolEvent(_ event: WatchLine, _ isGone: Bool) -> String? {
        var reader = ValueReader(event.object, nesting)
        let pool = PoolObject(&reader, group ?? .standard)
        guard reader.isSound, !pool.name.isEmpty else { return nil }
        if pool.name == settings.pool { takePool(isGone ? nil : pool) }
        return pool.version
    }

    private func takePodEvent(_ event: WatchLine, _ isGone: Bool) -> String? {
        var reader = ValueReader(event.object, nesting)
        guard let pod = PodObject(&reader) else { return nil }
        if isGone {
            membership.remove(pod)
        } else {
            warn(ofAddressesOf: pod)
            membership.set(pod)
        }
        return pod.version
    }
}
