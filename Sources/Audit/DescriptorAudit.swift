import IPC
import Sandbox

/// What a process holds: every descriptor, and what is behind it.
extension ProcessAudit {
    /// What the supervisor holds, by the beginning of what /proc says of it.
    private static let supervisorKinds = [
        "/dev/null", "pipe:", "socket:", "anon_inode:[eventpoll]", "anon_inode:[signalfd]", "anon_inode:[pidfd]",
        "pidfd:",
        "anon_inode:[landlock-ruleset]", "anon_inode:landlock-ruleset", "/memfd:counters", "/memfd:status",
        "/memfd:allowlist", "/memfd:certificates", "/memfd:kv-region", "anon_inode:inotify",
    ]

    mutating func auditDescriptors() {
        let most = rights?.openFiles
        guard let descriptors = files.descriptors else {
            let handed = child.map {
                "\($0.listeners) listening, \($0.channels) channels to siblings, one to the supervisor"
            }
            if let handed {
                out.add(
                    "descriptors", handed, source: .selfReport, declared: declaredKinds, .unknown,
                    note: "what the supervisor handed over; the kernel doesn't tell this user what is there")
            } else {
                out.hidden("descriptors", declared: declaredKinds)
            }
            return
        }
        let table = SocketTable(pid: pid)
        var listening = 0
        var local = 0
        for (number, link) in descriptors {
            let socket = inode(link).flatMap { table.sockets[$0] }
            // A socket that is in no table may have been closed since.
            if socket == nil, link.hasPrefix("socket:"), files.link("fd/\(number)") != link { continue }
            if socket?.isListening == true { listening += 1 }
            if socket?.kind.hasPrefix("unix") == true { local += 1 }
            add(number, link, socket)
        }
        out.add(
            "descriptors", "\(descriptors.count)", declared: most.map { "at most \($0)" } ?? "what its children need",
            most.map { UInt64(descriptors.count) > $0 } ?? false ? .wider : .ok)
        if let child { compare(child, listening: listening, local: local) }
    }

    private var declaredKinds: String {
        guard let rights else { return "what its children need" }
        return Set(rights.descriptors.map(\.kind)).sorted().joined(separator: ", ")
    }

    private func inode(_ link: String) -> UInt64? {
        link.hasPrefix("socket:[") ? UInt64(link.dropFirst(8).prefix { $0 != "]" }) : nil
    }

    private mutating func add(_ number: Int32, _ link: String, _ socket: SocketFacts?) {
        var words = socket?.words ?? link
        var verdict = Verdict.wider
        var declared = "nothing like it"
        var note = ""
        if let rights {
            let rules = rights.descriptors.filter { link.hasPrefix($0.kind) }
            if !rules.isEmpty {
                verdict = .ok
                // Rules of the role stand behind those that every child has; a local socket is a channel in any case.
                let rule = socket?.kind.hasPrefix("unix") == true ? rules.first : rules.last
                declared = rule?.why ?? declared
            }
        } else if number <= 2 {
            (verdict, declared) = (.ok, "standard input and output, the container's")
        } else if Self.supervisorKinds.contains(where: { link.hasPrefix($0) })
            || link.hasPrefix("\(house.directory)/routing-sidecar")
        {
            (verdict, declared) = (.ok, "what its children need")
        } else if house.keyFiles.contains(link) {
            (verdict, declared) = (.ok, "a private key, unread, for the signer that comes next")
        }
        if let socket {
            if !mayHold(socket) { (verdict, note) = (.wider, "no socket of this kind is declared") }
        } else if link.hasPrefix("socket:") {
            words = "\(link), a socket of no table: closed on both sides, or of another kind"
            if verdict == .ok { verdict = .unknown }
        }
        if link.hasPrefix("/memfd:") {
            // F_SEAL_SEAL, SHRINK and GROW; a snapshot WRITE as well.
            let isConstant = link.hasPrefix("/memfd:allowlist") || link.hasPrefix("/memfd:certificates")
            let wanted: Int32 = isConstant ? 0xF : 0x7
            if let seals = files.seals(number) {
                words += seals & wanted == wanted ? ", sealed" : ", not sealed (\(seals))"
                if seals & wanted != wanted {
                    (verdict, note) = (.wider, "its size or contents can change under readers")
                }
            } else {
                words += ", seals not visible"
            }
        }
        out.add("fd \(number)", words, declared: declared, verdict, note: note)
    }

    private func mayHold(_ socket: SocketFacts) -> Bool {
        switch socket.kind {
        case "tcp":
            guard let rights else { return socket.isListening }
            // The KV agent binds its own before its filter is up, at the ports that Landlock leaves it.
            if socket.isListening { return role == .proxy || role == .admin || role == .kvAgent }
            return rights.mayConnect || role == .proxy || role == .admin
        case "unix seqpacket": return true
        // The supervisor's control socket is of that kind too; a stream is what it may have inherited as output.
        case "unix stream", "unix datagram": return rights == nil
        case "udp": return rights?.allows("socket", [2, 2 | 0o2000000 | 0o4000, 0]) ?? false
        default: return false
        }
    }

    private mutating func compare(_ child: House.Child, listening: Int, local: Int) {
        for (subject, seen, handed) in [
            ("listening sockets", listening, child.listeners), ("channels", local, child.channels + 1),
        ] where handed >= 0 {
            out.add(
                subject, "\(seen)", declared: "\(handed), as the supervisor says it handed over",
                seen > handed ? .wider : seen < handed ? .narrower : .ok,
                note: seen < handed ? "some are closed already, or on their way" : "")
        }
    }
}
