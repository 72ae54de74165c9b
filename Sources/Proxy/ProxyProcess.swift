import Allowlist
import CLinux
import Glibc
import IPC
import Linux
import Metrics
import Sandbox
import TLS

/// The proxy as a process: it takes its settings and descriptors from the supervisor, starts its loops, and carries out
/// orders. It opens nothing itself.
final class ProxyProcess: @unchecked Sendable {
    // Sound: everything here belongs to the first loop's thread; other threads only run their own loop.
    private let control: Channel
    private var settings: ProxySettings?
    private var segment: SegmentWriter?
    private var loops: [Loop] = []
    private var shared: Shared?
    private var dialerChannels: [UInt16: Int32] = [:]
    private var signerChannels: [UInt16: Int32] = [:]
    private var certificates: ProxyCertificates?
    private var drainDeadline: Int64 = 0
    private var listeners = 0
    private var allowlist: AllowlistInForce?
    private var progress: AllowlistProgress?
    private var reportedAllowlist: UInt64 = 0
    private var dialerAbsence = Absence()
    private var signerAbsence = Absence()

    init(control fd: Int32) { control = Channel(fd: fd) }

    /// Lives until it is told to stop.
    func run() -> Never {
        receiveUntilComplete()
        guard let settings, let segment else { exit("settings or segment are missing", .ipcViolation) }
        do throws(TLSFailure) {
            try certificates?.begin()
            for (use, key) in certificates?.numbers ?? [] { say(.certificatesJudged(use, key: key, failure: "")) }
        } catch {
            exit("the certificates that it was given can't be used: \(error)", .configuration)
        }
        let shared = Shared(limit: settings.maximumBuffered)
        self.shared = shared
        do {
            for i in 0..<Int(settings.loops) {
                loops.append(try Loop(index: i, settings: settings, shared: shared, stripe: segment.stripe(i)))
            }
        } catch {
            exit("setting up an event loop failed: \(error)", .resource)
        }
        _ = shared.loopsBusy(loops.count)
        for loop in loops {
            loop.onDrained = { [unowned self] in
                // The last loop to finish tells the first one, which owns the control channel.
                if shared.loopsBusy(-1) == 0 { self.loops[0].post(.wake) }
            }
        }
        let progress = AllowlistProgress(loops: loops.count)
        for loop in loops {
            let index = loop.index
            loop.onAdopted = { [unowned self] generation in
                progress.note(generation, loop: index)
                // Only wakes the first loop, which owns the control channel.
                if index > 0 { self.loops[0].post(.wake) }
            }
        }
        self.progress = progress
        for (loop, fd) in dialerChannels { give(dialer: fd, to: Int(loop)) }
        dialerChannels = [:]
        for (loop, fd) in signerChannels { give(signer: fd, to: Int(loop)) }
        signerChannels = [:]
        if let certificates, settings.tls.isUsed { spread(certificates.contexts) }
        if let allowlist { spread(allowlist) }
        shared.onControl = { [unowned self] _ in self.receiveOrders() }
        guard loops[0].poll.watch(control.fd, .control) else {
            exit("no memory for the control channel", .resource)
        }
        for loop in loops.dropFirst() { start(loop) }
        // A thread's first system calls are libc's own, and no filter of ours lists them.
        while shared.loopsRunning(0) < loops.count - 1 { usleep(200) }
        loops[0].prepareThread()
        Walls.close(.proxy, channel: control.fd)
        say(.ready)
        loops[0].onTurn = { [unowned self] in
            self.reportAllowlist()
            self.checkDrain()
        }
        loops[0].run()
        _exit(ExitCode.ok.rawValue)
    }

    private func start(_ loop: Loop) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(loop).toOpaque()
        let failed = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let loop = Unmanaged<Loop>.fromOpaque(context).takeUnretainedValue()
                loop.prepareThread()
                _ = loop.shared.loopsRunning(1)
                loop.run()
                return nil
            }, context)
        if failed != 0 { exit("starting a thread failed: \(Errno(failed))", .resource) }
        pthread_detach(thread)
    }

    // MARK: Orders

    /// Before the first loop exists: blocks until settings, segment and the dialer channels of all loops are here.
    private func receiveUntilComplete() {
        while true {
            if let settings, segment != nil, dialerChannels.count >= Int(settings.loops),
                certificates?.isComplete == true
            {
                return
            }
            var ready = pollfd(fd: control.fd, events: Int16(POLLIN), revents: 0)
            _ = Glibc.poll(&ready, 1, -1)
            receiveOrders()
        }
    }

    private func receiveOrders() {
        control.receiveOrders(as: .proxy, orEnd: exit, take)
    }

    private func take(_ message: ToChild, _ descriptor: Int32) {
        switch message {
        case .settings(.proxy(let settings)):
            guard self.settings == nil, settings.loops >= 1, Int(settings.loops) <= Layout.mostStripes else {
                exit("settings came twice or make no sense", .ipcViolation)
            }
            self.settings = settings
            if settings.tls.isUsed, !TLS.start() { exit("OpenSSL can't be set up", .resource) }
            certificates = ProxyCertificates(settings.tls)
        case .segment(let stripes):
            guard let segment = SegmentWriter.map(fd: descriptor, stripes: Int(stripes)) else {
                exit("the counter segment is not what it must be", .resource)
            }
            self.segment = segment
        case .dialer(let loop):
            // The loops take it up after this, and a ping may be right behind it.
            dialerAbsence.end()
            if loops.isEmpty {
                if let old = dialerChannels.updateValue(descriptor, forKey: loop) { close(old) }
            } else {
                give(dialer: descriptor, to: Int(loop))
            }
        case .signer(let loop):
            signerAbsence.end()
            if loops.isEmpty {
                if let old = signerChannels.updateValue(descriptor, forKey: loop) { close(old) }
            } else {
                give(signer: descriptor, to: Int(loop))
            }
        case .certificates(let use, let key): adopt(descriptor, use, key)
        case .listener:
            // One descriptor for each loop, so that each can close its own.
            guard listeners < loops.count else {
                exit("more listening sockets than event loops", .ipcViolation)
            }
            loops[listeners].post(.listen, Int(descriptor))
            listeners += 1
        case .drain(let deadline):
            for loop in loops { loop.post(.drain) }
            drainDeadline = deadline == 0 ? 0 : Clock.milliseconds() + Int64(deadline)
        case .stop: _exit(ExitCode.ok.rawValue)
        case .ping(let number):
            say(.pong(number))
            reportUnlinked()
        case .allowlist(let generation, let confirmedAt): adopt(descriptor, generation, confirmedAt)
        case .allowlistConfirmed(let generation, let confirmedAt):
            if let allowlist, allowlist.generation == generation {
                spread(AllowlistInForce(allowlist.snapshot, generation: generation, confirmedAt: confirmedAt))
            }
        case .settings, .proxyChannel, .statusPage, .peerSegment, .peerGone, .file, .resolver, .resolverClient,
            .fileUnavailable, .signerClient, .certificate, .privateKey, .makeCertificate, .forgetKey, .kv:
            exit("the supervisor sent '\(message.name)'", .ipcViolation)
        }
    }

    /// Takes over a snapshot that came as a descriptor, and closes the descriptor.
    private func adopt(_ descriptor: Int32, _ generation: UInt64, _ confirmedAt: Int64) {
        defer { close(descriptor) }
        guard generation > allowlist?.generation ?? 0 else { return }
        guard let snapshot = Snapshot(fd: descriptor) else {
            exit("the supervisor's snapshot of the pool is not what it must be", .ipcViolation)
        }
        spread(AllowlistInForce(snapshot, generation: generation, confirmedAt: confirmedAt))
    }

    /// After each turn of the first loop: do all of them go by a new snapshot?
    private func reportAllowlist() {
        guard let progress, let allowlist, reportedAllowlist < allowlist.generation else { return }
        let least = progress.least
        guard least > reportedAllowlist else { return }
        reportedAllowlist = least
        say(.allowlistInForce(generation: least))
    }

    /// With each ping: has a loop been without a channel since the last one?
    private func reportUnlinked() {
        guard let shared else { return }
        let now = Clock.milliseconds()
        if dialerAbsence.lasts(shared.loopsWithoutDialer(0) > 0, now: now) { say(.unlinked(from: .dialer)) }
        if signerAbsence.lasts(shared.loopsWithoutSigner(0) > 0, now: now) { say(.unlinked(from: .signer)) }
    }

    private func spread(_ allowlist: AllowlistInForce) {
        self.allowlist = allowlist
        for loop in loops { loop.post(allowlist: allowlist) }
    }

    private func give(dialer fd: Int32, to loop: Int) {
        guard loop < loops.count else {
            close(fd)
            return
        }
        loops[loop].post(.dialer, Int(fd))
    }

    private func give(signer fd: Int32, to loop: Int) {
        guard loop < loops.count else {
            close(fd)
            return
        }
        loops[loop].post(.signer, Int(fd))
    }

    /// Takes certificates over, and closes their descriptor. Those that can't be used change nothing.
    private func adopt(_ descriptor: Int32, _ use: CertificateUse, _ key: UInt32) {
        defer { close(descriptor) }
        do throws(TLSFailure) {
            try certificates?.take(use, key: key, descriptor)
        } catch {
            let reason = String(error.description.prefix(FromChild.longestFailure / 4))
            say(.certificatesJudged(use, key: key, failure: reason.isEmpty ? "unknown reason" : reason))
            return
        }
        guard !loops.isEmpty, let certificates else { return }
        spread(certificates.contexts)
        say(.certificatesJudged(use, key: key, failure: ""))
    }

    private func spread(_ contexts: TLSContexts) {
        for loop in loops { loop.post(tls: contexts) }
    }

    private func say(_ message: FromChild) {
        if case .failure(let error) = control.send(message), error.number != EAGAIN {
            _exit(ExitCode.lostSupervisor.rawValue)
        }
    }

    // MARK: Drain

    /// After each turn of the first loop: is the drain complete, or its deadline past?
    private func checkDrain() {
        guard let shared, loops[0].draining else { return }
        if shared.loopsBusy(0) == 0 {
            say(.drained(cut: UInt32(clamping: shared.cut)))
            // The channel outlives the process's exit until the supervisor has read from it.
            _exit(ExitCode.ok.rawValue)
        }
        if drainDeadline > 0 && Clock.milliseconds() >= drainDeadline {
            drainDeadline = 0
            for loop in loops { loop.post(.cut) }
        }
    }

    private func exit(_ reason: String, _ code: ExitCode) -> Never {
        ChildLog.write(.error, "the proxy ends: \(reason)")
        _exit(code.rawValue)
    }
}
