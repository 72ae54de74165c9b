/// Supervisor to child, on descriptor 3 of every child.
public enum ToChild: Message, Equatable {
    /// The child's settings; always the first message.
    case settings(ChildSettings)
    /// The segment the child counts in, one stripe for each of its loops.
    case segment(stripes: UInt16)
    /// Proxy: the channel of one loop to a dialer. A later one for the same loop replaces it.
    case dialer(loop: UInt16)
    /// Dialer: the other end of such a channel.
    case proxyChannel(proxyInstance: UInt32, loop: UInt16)
    /// Proxy (one for each of its loops) and admin: a listening socket, sent only after the child was ready and was checked.
    case listener
    /// Admin: the supervisor's status page, to be mapped for reading.
    case statusPage
    /// Admin: the counters of another process instance, to be mapped for reading.
    case peerSegment(role: Role, instance: UInt32)
    /// Admin: that instance is gone and its counts are folded into the status page.
    case peerGone(instance: UInt32)
    /// Resolver: a file of the host's, opened by the supervisor.
    case file(HostFile)
    /// Dialer: its channel to the resolver.
    case resolver
    /// Resolver: the other end of that channel.
    case resolverClient
    /// Dialer, then proxy: who may be called from now on. `confirmedAt`: when the API server last showed it to be current,
    /// in milliseconds of the monotonic clock.
    case allowlist(generation: UInt64, confirmedAt: Int64)
    /// Dialer and proxy: the snapshot of that generation has been shown to be current again.
    case allowlistConfirmed(generation: UInt64, confirmedAt: Int64)
    /// Watcher: a file it asked for can't be opened; `error` is the errno.
    case fileUnavailable(HostFile, error: Int32)
    /// Proxy: the channel of one loop to a signer. A later one for the same loop replaces it.
    case signer(loop: UInt16)
    /// Signer: the other end of such a channel.
    case signerClient
    /// Signer: the certificate chain that the key of this number is to be judged with; it comes before the key.
    case certificate(key: UInt32)
    /// Signer: a private key, in a file that the supervisor opens and never reads. Answered with a verdict.
    case privateKey(key: UInt32, purpose: KeyPurpose)
    /// Signer: make a key for serving and a certificate that it signs for itself, for these names and addresses (separated
    /// by spaces). Answered with the certificate.
    case makeCertificate(key: UInt32, names: String, lifetimeSeconds: UInt32)
    /// Signer: nobody uses this key any more.
    case forgetKey(key: UInt32)
    /// Proxy: certificates in PEM, in a sealed memory file. `key` is the signer's number of the key that belongs to a chain
    /// of ours; 0 for authorities. Later ones replace those of the same use.
    case certificates(CertificateUse, key: UInt32)
    /// KV agent: its region, transfers.
    case kv(KVOrder)
    /// Stop accepting, finish what runs, then say drained. Milliseconds until what is left is cut; 0 = never.
    case drain(deadlineMilliseconds: UInt32)
    /// End now.
    case stop
    /// Are you alive? Answered with the same number.
    case ping(UInt32)

    /// The number on the wire.
    public var type: UInt8 {
        switch self {
        case .settings: 1
        case .segment: 2
        case .dialer: 3
        case .proxyChannel: 4
        case .listener: 5
        case .statusPage: 6
        case .peerSegment: 7
        case .peerGone: 8
        case .drain: 9
        case .stop: 10
        case .ping: 11
        case .file: 12
        case .resolver: 13
        case .resolverClient: 14
        case .allowlist: 15
        case .allowlistConfirmed: 16
        case .fileUnavailable: 17
        case .signer: 18
        case .signerClient: 19
        case .certificate: 20
        case .privateKey: 21
        case .makeCertificate: 22
        case .forgetKey: 23
        case .certificates: 24
        case .kv(let order): order.type
        }
    }

    /// For logs.
    public var name: String {
        switch self {
        case .settings: "settings"
        case .segment: "segment"
        case .dialer: "dialer"
        case .proxyChannel: "proxy-channel"
        case .listener: "listener"
        case .statusPage: "status-page"
        case .peerSegment: "peer-segment"
        case .peerGone: "peer-gone"
        case .drain: "drain"
        case .stop: "stop"
        case .ping: "ping"
        case .file: "file"
        case .resolver: "resolver"
        case .resolverClient: "resolver-client"
        case .allowlist: "allowlist"
        case .allowlistConfirmed: "allowlist-confirmed"
        case .fileUnavailable: "file-unavailable"
        case .signer: "signer"
        case .signerClient: "signer-client"
        case .certificate: "certificate"
        case .privateKey: "private-key"
        case .makeCertificate: "make-certificate"
        case .forgetKey: "forget-key"
        case .certificates: "certificates"
        case .kv(let order): order.name
        }
    }

    /// Does exactly one descriptor travel with it?
    public var carriesDescriptor: Bool {
        switch self {
        case .segment, .dialer, .proxyChannel, .listener, .statusPage, .peerSegment, .file, .resolver, .resolverClient,
            .allowlist, .signer, .signerClient, .certificate, .privateKey, .certificates:
            true
        case .settings, .peerGone, .drain, .stop, .ping, .allowlistConfirmed, .fileUnavailable, .makeCertificate,
            .forgetKey:
            false
        case .kv(let order): order.carriesDescriptor
        }
    }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        switch type {
        case 1: ChildSettings.longest
        case 2, 3, 18: 2
        case 4: 6
        case 5, 6, 10, 13, 14, 19: 0
        case 12: 1
        case 7, 17, 21, 24: 5
        case 15, 16: 16
        case 8, 9, 11, 20, 23: 4
        case 22: 4 + 2 + longestNames + 4
        case KVOrder.types: KVOrder.longestPayload(ofType: type)
        default: nil
        }
    }

    /// The longest list of names for a certificate, in bytes.
    public static let longestNames = 2048

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .settings(let settings): settings.encode(into: &writer)
        case .segment(let stripes): writer.write(stripes)
        case .dialer(let loop): writer.write(loop)
        case .proxyChannel(let instance, let loop):
            writer.write(instance)
            writer.write(loop)
        case .listener, .statusPage, .stop, .resolver, .resolverClient, .signerClient: break
        case .signer(let loop): writer.write(loop)
        case .certificate(let key), .forgetKey(let key): writer.write(key)
        case .privateKey(let key, let purpose):
            writer.write(key)
            writer.write(purpose.rawValue)
        case .certificates(let use, let key):
            writer.write(use.rawValue)
            writer.write(key)
        case .makeCertificate(let key, let names, let lifetime):
            writer.write(key)
            writer.write(names)
            writer.write(lifetime)
        case .file(let file): writer.write(file.rawValue)
        case .peerSegment(let role, let instance):
            writer.write(role.rawValue)
            writer.write(instance)
        case .peerGone(let instance): writer.write(instance)
        case .drain(let milliseconds): writer.write(milliseconds)
        case .allowlist(let generation, let confirmedAt), .allowlistConfirmed(let generation, let confirmedAt):
            writer.write(generation)
            writer.write(confirmedAt)
        case .fileUnavailable(let file, let error):
            writer.write(file.rawValue)
            writer.write(error)
        case .ping(let number): writer.write(number)
        case .kv(let order): order.encode(into: &writer)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> ToChild? {
        switch type {
        case 1: .settings(ChildSettings(from: &reader))
        case 2: .segment(stripes: reader.read())
        case 3: .dialer(loop: reader.read())
        case 4: .proxyChannel(proxyInstance: reader.read(), loop: reader.read())
        case 5: .listener
        case 6: .statusPage
        case 7: .peerSegment(role: reader.read(case: Role.self, fallback: .supervisor), instance: reader.read())
        case 8: .peerGone(instance: reader.read())
        case 9: .drain(deadlineMilliseconds: reader.read())
        case 10: .stop
        case 11: .ping(reader.read())
        case 12: .file(reader.read(case: HostFile.self, fallback: .hosts))
        case 13: .resolver
        case 14: .resolverClient
        case 15: .allowlist(generation: reader.read(), confirmedAt: reader.read())
        case 16: .allowlistConfirmed(generation: reader.read(), confirmedAt: reader.read())
        case 17:
            .fileUnavailable(reader.read(case: HostFile.self, fallback: .hosts), error: reader.read())
        case 18: .signer(loop: reader.read())
        case 19: .signerClient
        case 20: .certificate(key: reader.read())
        case 21: .privateKey(key: reader.read(), purpose: reader.read(case: KeyPurpose.self, fallback: .server))
        case 22:
            .makeCertificate(
                key: reader.read(), names: reader.readText(limit: longestNames), lifetimeSeconds: reader.read())
        case 23: .forgetKey(key: reader.read())
        case 24:
            .certificates(reader.read(case: CertificateUse.self, fallback: .serving), key: reader.read())
        case KVOrder.types: KVOrder.decode(type: type, from: &reader).map { .kv($0) }
        default: nil
        }
    }
}

/// Files of the host that a child reads without a right to open any.
public enum HostFile: UInt8, CaseIterable, Sendable {
    /// /etc/resolv.conf
    case resolvConf = 1
    /// /etc/hosts
    case hosts = 2
    /// The service account's token. The supervisor opens it and never reads it.
    case token = 3
    /// The certificates that vouch for the API server.
    case certificateAuthority = 4
}

/// Child to supervisor.
public enum FromChild: Message, Equatable {
    /// Initialisation is done; everything the child needs for its life is open.
    case ready
    /// Answers a ping.
    case pong(UInt32)
    /// After a drain: nothing runs any more; how many requests were cut at the deadline.
    case drained(cut: UInt32)
    /// Watcher: the whole pool as it is now. `sequence` counts up in each watcher process.
    case allowlist(sequence: UInt64)
    /// Watcher: the API server has shown the last snapshot to be current.
    case allowlistConfirmed(sequence: UInt64)
    /// Watcher: please open this file and hand it over.
    case fileWanted(HostFile)
    /// Dialer and proxy: this generation is what it goes by from now on.
    case allowlistInForce(generation: UInt64)
    /// Signer: what it found a key to be, and when its certificate ends (seconds since 1970, 0 = unknown).
    case keyJudged(key: UInt32, verdict: KeyVerdict, ends: Int64)
    /// Signer: the certificate that was asked for, in PEM. Its key stays with the signer.
    case certificateMade(key: UInt32, certificate: String)
    /// KV agent: a transfer is over.
    case transferEnded(KVResult)
    /// Proxy: it speaks TLS with these certificates from now on, or why it can't.
    case certificatesJudged(CertificateUse, key: UInt32, failure: String)
    /// It has been without its channel to this sibling from one ping to the next.
    case unlinked(from: Role)
    /// Its filter has trapped a system call, by its number; the process dies of it. Said by the process itself, and so no
    /// proof of anything.
    case violation(systemCall: UInt32)

    /// The number on the wire.
    public var type: UInt8 {
        switch self {
        case .ready: 1
        case .pong: 2
        case .drained: 3
        case .allowlist: 4
        case .allowlistConfirmed: 5
        case .fileWanted: 6
        case .allowlistInForce: 7
        case .violation: 8
        case .keyJudged: 9
        case .certificateMade: 10
        case .certificatesJudged: 11
        case .unlinked: 12
        case .transferEnded: 20
        }
    }

    /// For logs.
    public var name: String {
        switch self {
        case .ready: "ready"
        case .pong: "pong"
        case .drained: "drained"
        case .allowlist: "allowlist"
        case .allowlistConfirmed: "allowlist-confirmed"
        case .fileWanted: "file-wanted"
        case .allowlistInForce: "allowlist-in-force"
        case .violation: "violation"
        case .keyJudged: "key-judged"
        case .certificateMade: "certificate-made"
        case .certificatesJudged: "certificates-judged"
        case .unlinked: "unlinked"
        case .transferEnded: "kv-transfer-ended"
        }
    }

    /// Only a snapshot comes as a descriptor.
    public var carriesDescriptor: Bool {
        switch self {
        case .allowlist: true
        case .ready, .pong, .drained, .allowlistConfirmed, .fileWanted, .allowlistInForce, .violation, .keyJudged,
            .certificateMade, .certificatesJudged, .unlinked, .transferEnded:
            false
        }
    }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        switch type {
        case 1: 0
        case 2, 3: 4
        case 8: 4
        case 4, 5, 7: 8
        case 6, 12: 1
        case 9: 4 + 1 + 8
        case 10: 4 + 2 + longestCertificate
        case 11: 1 + 4 + 2 + longestFailure
        case 20: KVResult.longest
        default: nil
        }
    }

    /// The longest reason why certificates can't be used, in bytes.
    public static let longestFailure = 1024

    /// The longest certificate that a signer makes, in bytes.
    public static let longestCertificate = 8192

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .ready: break
        case .pong(let number): writer.write(number)
        case .drained(let cut): writer.write(cut)
        case .allowlist(let number), .allowlistConfirmed(let number), .allowlistInForce(let number):
            writer.write(number)
        case .fileWanted(let file): writer.write(file.rawValue)
        case .violation(let systemCall): writer.write(systemCall)
        case .unlinked(let sibling): writer.write(sibling.rawValue)
        case .keyJudged(let key, let verdict, let ends):
            writer.write(key)
            writer.write(verdict.rawValue)
            writer.write(ends)
        case .certificateMade(let key, let certificate):
            writer.write(key)
            writer.write(certificate)
        case .certificatesJudged(let use, let key, let failure):
            writer.write(use.rawValue)
            writer.write(key)
            writer.write(failure)
        case .transferEnded(let result): result.encode(into: &writer)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> FromChild? {
        switch type {
        case 1: .ready
        case 2: .pong(reader.read())
        case 3: .drained(cut: reader.read())
        case 4: .allowlist(sequence: reader.read())
        case 5: .allowlistConfirmed(sequence: reader.read())
        case 6: .fileWanted(reader.read(case: HostFile.self, fallback: .hosts))
        case 7: .allowlistInForce(generation: reader.read())
        case 8: .violation(systemCall: reader.read())
        case 9:
            .keyJudged(
                key: reader.read(), verdict: reader.read(case: KeyVerdict.self, fallback: .keyUnreadable),
                ends: reader.read())
        case 10: .certificateMade(key: reader.read(), certificate: reader.readText(limit: longestCertificate))
        case 11:
            .certificatesJudged(
                reader.read(case: CertificateUse.self, fallback: .serving), key: reader.read(),
                failure: reader.readText(limit: longestFailure))
        case 12: .unlinked(from: reader.read(case: Role.self, fallback: .supervisor))
        case 20: .transferEnded(KVResult(from: &reader))
        default: nil
        }
    }
}
