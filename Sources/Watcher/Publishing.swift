import Allowlist
import Glibc
import IPC
import Linux

/// When a snapshot may follow the last one, and when it may be called current.
struct Publication {
    /// Between two snapshots, in milliseconds.
    static let shortestPause: Int64 = 5
    /// Snapshots of a large pool take time; they may take this part of it and no more.
    static let share: Int64 = 3
    /// After one that could not be written or sent.
    static let pauseAfterFailure: Int64 = 50
    /// Between two confirmations.
    static let confirmationPause: Int64 = 500

    /// The number of the last snapshot; 0 = none yet.
    var sequence: UInt64 = 0
    var nextAt: Int64 = 0
    /// The server has shown something since the last confirmation.
    var hasEvidence = false
    var confirmedAt: Int64 = 0
    var failures = OutageLog()
    /// Lines about addresses that cannot be read.
    var oddAddresses = LogBudget()
}

extension WatcherProcess {
    /// When there will be something to publish or to confirm.
    var nextPublication: Int64 {
        if membership.isWorthPublishing { return publication.nextAt }
        return publication.hasEvidence && isCurrent ? publication.confirmedAt + Publication.confirmationPause : .max
    }

    /// Does the last snapshot say what the server shows?
    private var isCurrent: Bool {
        guard publication.sequence > 0, membership.isComplete, !membership.isDirty else { return false }
        if discovery != nil { return true }
        return poolReflector.isCurrent && (podSelector == nil || podReflector.isCurrent)
    }

    /// At most one snapshot a turn, after everything that has arrived was taken in.
    func publishIfDue() {
        if membership.isWorthPublishing && publication.nextAt <= now { publish() }
        guard publication.hasEvidence, now - publication.confirmedAt >= Publication.confirmationPause, isCurrent
        else { return }
        publication.hasEvidence = false
        publication.confirmedAt = now
        say(.allowlistConfirmed(sequence: publication.sequence))
    }

    private func publish() {
        let begin = Clock.nanoseconds()
        do throws(SnapshotBuilder.Failure) {
            let (fd, endpoints) = try membership.snapshot()
            defer { close(fd) }
            guard say(.allowlist(sequence: publication.sequence + 1), descriptor: fd) else {
                publication.nextAt = now + Publication.pauseAfterFailure
                return
            }
            noteSnapshot(endpoints, microseconds: Int64(Clock.nanoseconds() - begin) / 1_000)
        } catch {
            publication.nextAt = now + 1_000
            if publication.failures.failed(error.description, now: now) {
                log(.error, "a snapshot could not be written: \(error); the last one stays in force")
            }
        }
    }

    private func noteSnapshot(_ endpoints: Int, microseconds: Int64) {
        let isFirst = !membership.hasPublished
        membership.published()
        publication.sequence += 1
        publication.nextAt = now + max(Publication.shortestPause, microseconds * Publication.share / 1_000)
        // A snapshot says itself that it is current.
        publication.confirmedAt = now
        publication.hasEvidence = false
        stripe.add(.apiSnapshots)
        _ = publication.failures.recovered(now: now)
        let fields = [
            ("sequence", "\(publication.sequence)"), ("pods", "\(membership.podCount)"), ("endpoints", "\(endpoints)"),
            ("microseconds", "\(microseconds)"),
        ]
        if isFirst {
            let place = group.map { [("group", $0.rawValue)] } ?? []
            log(.info, "the pool is synced", [("pool", "\(settings.namespace)/\(settings.pool)")] + place + fields)
        } else {
            log(.debug, "a new snapshot", fields)
        }
    }
}
