import Glibc

/// Thrown where Ctrl-C or a TERM ended a wait.
struct Interrupted: Error {}

/// Ctrl-C as a descriptor: it turns readable and stays so, and every wait of the demo watches it.
struct Interrupt: Sendable {
    let fd: Int32

    /// Takes over INT, TERM and HUP. Call it before any other thread starts: threads inherit the blocked signals.
    static func install() throws -> Interrupt {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        guard pthread_sigmask(SIG_BLOCK, &signals, nil) == 0 else { throw SystemError("pthread_sigmask") }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe") }
        let writing = ends[1]
        let awaited = signals
        let started = startThread {
            var set = awaited
            var number: Int32 = 0
            while true {
                if sigwait(&set, &number) == 0 { say("!", to: writing) }
            }
        }
        guard started else { throw SystemError(message: "no thread to be had for signals") }
        return Interrupt(fd: ends[0])
    }

    var isRaised: Bool {
        var entry = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    /// Waits `milliseconds`, or throws `Interrupted`.
    func sleep(milliseconds: Int) throws {
        var entry = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        if poll(&entry, 1, Int32(clamping: milliseconds)) > 0 { throw Interrupted() }
    }

    /// Waits until `other` is readable. False where that did not happen in time.
    func waitForInput(of other: Int32, milliseconds: Int) throws -> Bool {
        var entries = [
            pollfd(fd: fd, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        let deadline = monotonicMS() + milliseconds
        while true {
            let left = Int32(clamping: max(0, deadline - monotonicMS()))
            let count = poll(&entries, 2, left)
            if count < 0, errno == EINTR { continue }
            if entries[0].revents != 0 { throw Interrupted() }
            return count > 0
        }
    }
}
