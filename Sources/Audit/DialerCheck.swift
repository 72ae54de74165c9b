import Allowlist
import CLinux
import Glibc
import IPC
import Linux
import Metrics

/// A proxy that has been taken over can still ask the dialer. Here the dialer itself is asked: the real program behind its
/// real walls, with an allowlist of the probe's own that even names what must never be reached.
extension Probe {
    /// Asks it for each of the targets and for one that is allowed.
    public func askDialer(_ plan: SpawnPlan) {
        do throws(Errno) {
            let dialer = try Twin(plan, role: .dialer, arguments: [])
            let ends = try Twin.pair(cl_socketpair)
            let proxy = Channel(fd: ends.0)
            try equip(dialer, ends.1)
            close(ends.1)
            let loopback = Endpoint(.loopback4, arena.outside.port)
            var questions: [(String, Endpoint, Bool)] = [
                ("the API server, which the allowlist names", arena.api, false),
                ("an address outside the allowlist", arena.outside, false),
                ("a member of the allowlist", arena.member, true),
                ("a member's other port", Endpoint(arena.member.address, arena.member.port &+ 1), false),
            ]
            if arena.hasOwnNetwork {
                questions.insert(("169.254.169.254, which the allowlist names", arena.metadata, false), at: 1)
                questions.append(("this host's loopback", loopback, false))
            } else {
                note("the dialer was not asked for 169.254.169.254: there is no namespace to have it in. NOT CHECKED")
            }
            for (index, question) in questions.enumerated() {
                append(ask(proxy, UInt32(index + 1), question.0, question.1, isMember: question.2))
            }
            dialer.end()
        } catch {
            append(answer("the dialer", "no answer", .unknown, note: "it could not be tried: \(error)"))
        }
    }

    private func equip(_ dialer: Twin, _ channel: Int32) throws(Errno) {
        var settings = DialerSettings()
        settings.protection = true
        settings.allowLoopback = !arena.hasOwnNetwork
        settings.denied = [AddressBlock(arena.api.address, prefixLength: 128, port: arena.api.port)]
        settings.decoder = [arena.member]
        let segment = try Errno.check(cl_segment_create("counters", Layout.size(stripes: 1)))
        defer { close(segment) }
        var snapshot = SnapshotBuilder()
        var ports: [Address: [UInt16]] = [:]
        for member in [arena.api, arena.metadata, arena.member] where arena.hasOwnNetwork || member != arena.metadata {
            ports[member.address, default: []].append(member.port)
        }
        for (address, list) in ports { snapshot.add(name: "member".utf8, addresses: [address], ports: list) }
        let sealed: Int32
        do throws(SnapshotBuilder.Failure) {
            sealed = try snapshot.seal()
        } catch {
            throw Errno(EINVAL)
        }
        defer { close(sealed) }
        _ = dialer.channel.send(ToChild.settings(.dialer(settings)))
        _ = dialer.channel.send(ToChild.segment(stripes: 1), descriptor: segment)
        _ = dialer.channel.send(ToChild.proxyChannel(proxyInstance: 1, loop: 0), descriptor: channel)
        _ = dialer.channel.send(
            ToChild.allowlist(generation: 1, confirmedAt: Clock.milliseconds()), descriptor: sealed)
        while true {
            guard Self.wait(dialer.channel.fd) else { throw Errno(ETIMEDOUT) }
            switch dialer.channel.receive(FromChild.self) {
            case .message(.allowlistInForce, _): return
            case .message, .nothing: continue
            case .closed, .violation: throw Errno(EPIPE)
            }
        }
    }

    private static func wait(_ fd: Int32) -> Bool {
        var ready = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&ready, 1, 10_000) == 1
    }

    private func ask(
        _ proxy: Channel, _ id: UInt32, _ words: String, _ target: Endpoint, isMember: Bool
    ) -> ProbeRow {
        _ = proxy.send(ToDialer.dial(id: id, purpose: .prefiller, target: target, deadlineMilliseconds: 5000))
        guard Self.wait(proxy.fd) else { return answer(words, "no answer", .unknown, note: "none within ten seconds") }
        switch proxy.receive(FromDialer.self) {
        case .message(.connected, let descriptor):
            close(descriptor)
            return answer(
                words, "ALLOWED", isMember ? .ok : .wider, declared: isMember, note: isMember ? "declared" : "")
        case .message(.refused(_, let reason), _):
            var row = answer(words, "denied", isMember ? .narrower : .ok, declared: isMember)
            row.deniedBy = "dialer (\(reason.name))"
            return row
        case .nothing, .closed, .violation:
            return answer(words, "no answer", .unknown, note: "the dialer ended the conversation")
        }
    }

    private func answer(
        _ words: String, _ result: String, _ verdict: Verdict, declared: Bool = false, note: String = ""
    ) -> ProbeRow {
        ProbeRow(
            process: "proxy", attack: "ask-dialer", words: "ask the dialer for \(words)", result: result, deniedBy: "",
            behind: "", declared: declared, verdict: verdict, note: note)
    }
}
