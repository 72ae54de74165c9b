import IPC
import Linux

/// What people are told: causes, and what to do about them.
extension WatcherProcess {
    /// Something failed. Said at once, then once a minute.
    func complain(of errand: Errand, _ failure: Failure) {
        // The normal end of an old watch is no outage.
        if failure == .expired {
            log(.debug, "the version of a watch is too old; listing again", [("collection", errand.name)])
            return
        }
        let (message, cause, fields) = words(for: failure, errand)
        guard errand.outages.failed(message, now: now) else { return }
        let effect =
            membership.hasPublished ? "the last snapshot stays in force" : "there is no snapshot yet"
        log(
            .warning, "\(message); \(effect)",
            [("collection", errand.name), ("cause", cause), ("server", "\(settings.server)")] + fields)
    }

    /// It works again.
    func recover(_ errand: Errand) {
        guard let duration = errand.outages.recovered(now: now) else { return }
        log(
            .info, "the API server shows the \(errand.name) again",
            [("collection", errand.name), ("milliseconds", "\(duration)")])
    }

    /// No group could be listed.
    func complainOfDiscovery(_ forbidden: [PoolGroup]) {
        let cause: String
        if forbidden.isEmpty {
            cause =
                "the API server knows inferencepools in none of the groups "
                + groups.map(\.rawValue).joined(separator: ", ") + " (is the CRD installed?)"
        } else {
            cause = forbidden.map(permission).joined(separator: "; ") + "; the Role needs get, list, watch"
        }
        guard poolErrand.outages.failed(cause, now: now) else { return }
        log(.warning, "the inference pool can't be found", [("cause", cause), ("server", "\(settings.server)")])
    }

    private func permission(_ group: PoolGroup) -> String {
        "list inferencepools in group \(group.rawValue) in namespace \(settings.namespace) is forbidden"
    }

    private func words(
        for failure: Failure, _ errand: Errand
    ) -> (message: String, cause: String, fields: [(String, String)]) {
        switch failure {
        case .connection(let text): return ("the API server can't be reached", text, [])
        case .untrusted(let text):
            return (
                "the API server's certificate is not vouched for (is the file of certificates this cluster's?)", text,
                []
            )
        case .unprepared(let text): return ("the API server can't be asked", text, [])
        case .expired: return ("the version is too old", "410", [])
        case .unreadable(let text): return ("the API server's answer can't be read", text, [])
        case .refused(let refusal):
            let answer = [("answer", refusal.message)]
            let cause = "\(refusal.status)\(refusal.reason.isEmpty ? "" : " ")\(refusal.reason)"
            switch refusal.status {
            case 401:
                return (
                    "the API server doesn't take the token, which is read again for each request "
                        + "(is its file being renewed, and does the service account exist?)", cause, answer
                )
            case 403:
                let what =
                    errand === poolErrand
                    ? group.map(permission) ?? "list inferencepools is forbidden"
                    : "list pods in namespace \(settings.namespace) is forbidden"
                return ("\(what); the Role needs get, list, watch", cause, answer)
            case 404 where errand === poolErrand:
                return (
                    "the API server knows no inferencepools in group \(group?.rawValue ?? "") (is the CRD installed?)",
                    cause, answer
                )
            default: return ("the API server refuses", cause, answer)
            }
        }
    }

    /// The token or the certificates could not be read.
    func complain(of file: HostFile, _ cause: String) {
        let name = file == .token ? "token" : "certificates"
        guard credentialLog.failed("\(name) \(cause)", now: now) else { return }
        let old = file == .token ? credentials.token != nil : !credentials.authority.isEmpty
        log(
            .warning, "the \(name) can't be read" + (old ? "; what was read before is used" : ""),
            [("file", name), ("cause", cause)])
    }

    /// The pool has appeared, changed or gone.
    func describe(_ pool: PoolObject?, isFirst: Bool, before: PoolObject?) {
        let place = [("pool", "\(settings.namespace)/\(settings.pool)")]
        guard let pool else {
            log(.warning, "the inference pool does not exist; nothing is allowed", place)
            return
        }
        if !pool.mistakes.isEmpty {
            log(
                .error, "the inference pool can't be used; nothing is allowed",
                place + [("member", pool.mistakes.joined(separator: ", "))])
        } else if pool.selector == nil {
            log(.warning, "the inference pool has no selector; nothing is allowed", place)
        } else if before == nil || before?.selector != pool.selector || before?.ports != pool.ports {
            log(
                .info, isFirst ? "the inference pool was found" : "the inference pool has changed",
                place + [
                    ("selector", pool.selector?.text ?? ""),
                    ("ports", pool.ports.map { "\($0)" }.joined(separator: ",")),
                ])
            if settings.ports == .pool && pool.ports.isEmpty && before?.ports != pool.ports {
                log(.warning, "the inference pool declares no ports; every port of its members is allowed", place)
            }
        }
    }

    /// An address that can't be read is left out, and said.
    func warn(ofAddressesOf pod: PodObject) {
        guard !pod.unreadable.isEmpty, publication.oddAddresses.mayLog(now: now) else { return }
        log(
            .warning, "an address of a pod can't be read and is left out",
            [("pod", pod.name), ("address", pod.unreadable.joined(separator: ", "))])
    }
}
