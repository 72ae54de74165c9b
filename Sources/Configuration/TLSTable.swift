import IPC

/// Settings of TLS, towards clients and towards upstreams.
extension SettingsTable {
    static let tls = [
        Setting(
            name: "secure-proxy", aliases: ["secure-serving"], kind: .boolean(\.secureProxy),
            help: "Serve clients over TLS."),
        Setting(
            name: "cert-path", kind: .path(\.certPath),
            help: "Directory with tls.crt and tls.key, for serving over TLS. It is watched, and a new pair is taken up"
                + " while connections go on. Without a usable pair a certificate is made and signed by itself."),
        Setting(
            name: "require-certificate", kind: .boolean(\.requireCertificate),
            help: "End the start (exit 81) when --cert-path holds no usable pair, instead of making a certificate."),
        Setting(
            name: "tls-min-version",
            kind: .choice(
                \.tlsMinimum, synonyms: ["VersionTLS12": .v12, "VersionTLS13": .v13]),
            help: "Oldest version of TLS that is spoken, to clients and upstreams."),
        Setting(
            name: "tls-cipher-suites", kind: .cipherSuites,
            help: "Cipher suites by their IANA names, for clients and upstreams: of TLS 1.2 only those that are listed,"
                + " and of TLS 1.3 likewise. A version of which none is listed keeps all of its suites; to refuse TLS 1.2 set"
                + " --tls-min-version.",
            defaultText: "all: ECDHE with AES-GCM or ChaCha20, and those of TLS 1.3"),
        Setting(
            name: "tls-handshake-timeout", kind: .duration(\.tlsHandshakeTimeoutMilliseconds, 1...600_000),
            help: "Time for a client's handshake. Upstreams have --connect-timeout."),
        Setting(
            name: "client-certificates", kind: .choice(\.clientCertificates),
            help: "Ask clients for certificates: not at all, take none or a good one, or demand a good one."),
        Setting(
            name: "client-ca-path", kind: .path(\.clientCAPath),
            help: "File with the certificates that vouch for clients. Read again when it changes.",
            defaultText: "none"),
        Setting(
            name: "allowed-client-names", kind: .certificateNames,
            help: "Names of which a client's certificate must bear one, as URI:spiffe://… or DNS:…; without any, every"
                + " certificate that is vouched for is taken.",
            defaultText: "none"),
        Setting(
            name: "prefiller-use-tls", kind: .boolean(\.prefillerUseTLS), help: "Speak TLS to prefill workers."),
        Setting(
            name: "decoder-use-tls", kind: .boolean(\.decoderUseTLS), help: "Speak TLS to the decode worker."),
        Setting(
            name: "prefiller-tls-insecure-skip-verify", kind: .boolean(\.prefillerSkipVerify),
            help: "Take any certificate of a prefill worker. For tests."),
        Setting(
            name: "decoder-tls-insecure-skip-verify", kind: .boolean(\.decoderSkipVerify),
            help: "Take any certificate of the decode worker. For tests."),
        Setting(
            name: "prefiller-tls-server-name", kind: .serverName(\.prefillerServerName),
            help: "Name that prefill workers' certificates must bear, whatever the header calls them.",
            defaultText: "the address or name in the header"),
        Setting(
            name: "decoder-tls-server-name", kind: .serverName(\.decoderServerName),
            help: "Name that the decode worker's certificate must bear.", defaultText: "--decoder-host"),
        Setting(
            name: "ca-cert-path", kind: .path(\.caCertPath),
            help: "File with the certificates that vouch for upstreams. Read again when it changes.",
            defaultText: "the system's"),
        Setting(
            name: "upstream-cert-path", kind: .path(\.upstreamCertPath),
            help: "Directory with the tls.crt and tls.key that upstreams are shown when they ask. Watched like"
                + " --cert-path.",
            defaultText: "none"),
        Setting(
            name: "enable-tls", kind: .words(\.tlsLegs, among: ["prefiller", "decoder", "encoder"]),
            help: "Upstreams to speak TLS to; the same as --prefiller-use-tls and --decoder-use-tls.",
            defaultText: "none"),
        Setting(
            name: "tls-insecure-skip-verify",
            kind: .words(\.skipVerifyLegs, among: ["prefiller", "decoder", "encoder"]),
            help: "Upstreams to take any certificate of. For tests.", defaultText: "none"),
    ]
}

/// The oldest version of TLS.
public enum TLSMinimum: String, CaseIterable, Sendable, NamedChoice {
    case v12 = "1.2"
    case v13 = "1.3"
}

/// What is asked of clients.
public enum ClientCertificates: String, CaseIterable, Sendable, NamedChoice {
    case off
    /// A certificate that is shown must be good; none need be shown.
    case optional
    case required
}

extension Kind {
    static let cipherSuites = Kind(
        placeholder: "NAME,...",
        accepted: "a comma-separated list of \(alternatives(TLSCipherSuite.allCases.map(\.rawValue)))",
        acceptedInHelp: "IANA names",
        store: { text, settings throws(Unacceptable) in
            var suites: [String] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
                guard let suite = TLSCipherSuite(name: String(part)) else {
                    throw Unacceptable("has the unknown entry \(quoted(String(part)))")
                }
                if !suites.contains(suite.rawValue) { suites.append(suite.rawValue) }
            }
            settings.cipherSuites = suites
        },
        show: { $0.cipherSuites.joined(separator: ",") })

    static let certificateNames = Kind(
        placeholder: "NAME,...",
        accepted: "a comma-separated list of up to \(ProxyTLSSettings.mostNames) names, each URI:… or DNS:…",
        acceptedInHelp: "URI:… or DNS:…",
        store: { text, settings throws(Unacceptable) in
            let names =
                text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if names.count > ProxyTLSSettings.mostNames { throw Unacceptable("has \(names.count) entries, too many") }
            for name in names {
                let isKnown = name.hasPrefix("URI:") || name.hasPrefix("DNS:")
                guard isKnown, name.utf8.count > 4, name.utf8.count <= ProxyTLSSettings.longestName,
                    name.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
                else { throw Unacceptable("has the entry \(quoted(name)), which is neither URI:… nor DNS:…") }
            }
            settings.allowedClientNames = names
        },
        show: { $0.allowedClientNames.joined(separator: ",") })

    /// A DNS name; empty is unset.
    static func serverName(_ field: Field<String>) -> Kind {
        text(field, placeholder: "NAME", accepted: "a DNS name, without a port", acceptedInHelp: "a DNS name") {
            text throws(Unacceptable) in
            if IPAddress(text) != nil {
                throw Unacceptable(
                    "is an address; leave it out, because certificates are checked for the address that is called anyway"
                )
            }
            let labels = text.split(separator: ".", omittingEmptySubsequences: false)
            let isName =
                text.utf8.count <= 253
                && labels.allSatisfy { label in
                    !label.isEmpty && label.utf8.count <= 63
                        && label.utf8.allSatisfy { byte in
                            (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2d
                                || byte == 0x5f
                        }
                }
            guard text.isEmpty || isName else { throw Unacceptable("is not a DNS name") }
            return text
        }
    }
}

/// Settings of TLS that follow from others, or contradict them.
extension Resolution {
    /// The newer flags name legs in a list; they mean the same as a flag for each.
    mutating func resolveTLS() {
        for (list, legs) in [
            ("enable-tls", settings.tlsLegs), ("tls-insecure-skip-verify", settings.skipVerifyLegs),
        ] where isKnown(list) && legs.contains("encoder") {
            complain("\(written(list)): encode workers are not part of this build; leave encoder out")
        }
        adopt("prefiller", from: "enable-tls", settings.tlsLegs, as: \.prefillerUseTLS, "prefiller-use-tls")
        adopt("decoder", from: "enable-tls", settings.tlsLegs, as: \.decoderUseTLS, "decoder-use-tls")
        let skipped = settings.skipVerifyLegs
        adopt(
            "prefiller", from: "tls-insecure-skip-verify", skipped, as: \.prefillerSkipVerify,
            "prefiller-tls-insecure-skip-verify")
        adopt(
            "decoder", from: "tls-insecure-skip-verify", skipped, as: \.decoderSkipVerify,
            "decoder-tls-insecure-skip-verify")
    }

    mutating func checkTLS() {
        checkClientCertificates()
        for (leg, isOn, skips) in legs
        where isKnown("\(leg)-use-tls", "\(leg)-tls-insecure-skip-verify", "enable-tls", "tls-insecure-skip-verify") {
            if isOn && skips {
                note(
                    "certificates of the \(leg) are not checked (--\(leg)-tls-insecure-skip-verify): anybody in between"
                        + " can read and change what is said; it is for tests")
            } else if skips {
                note("--\(leg)-tls-insecure-skip-verify has no effect without --\(leg)-use-tls")
            }
        }
        checkIdentities()
        checkAuthorities()
        checkServerNames()
        checkSuites()
    }

    private mutating func checkClientCertificates() {
        guard isKnown("client-certificates", "client-ca-path", "allowed-client-names") else { return }
        let names = !settings.allowedClientNames.isEmpty
        switch settings.clientCertificates {
        case .off:
            let asked = "nobody is asked for a certificate; set --client-certificates to required, or leave this out"
            if !settings.clientCAPath.isEmpty { complain("\(written("client-ca-path")): \(asked)") }
            if names { complain("\(written("allowed-client-names")): \(asked)") }
            return
        case .optional:
            if names {
                complain(
                    "\(written("allowed-client-names")): whoever shows no certificate would pass, with"
                        + " \(written("client-certificates")); set that to required, or leave the names out")
            }
        case .required: break
        }
        if settings.clientCAPath.isEmpty {
            complain(
                "\(written("client-certificates")): somebody must vouch for clients; name the file with their"
                    + " authorities' certificates with --client-ca-path")
        }
        if isKnown("secure-proxy") && !settings.secureProxy {
            complain("\(written("client-certificates")): needs TLS towards clients, and \(written("secure-proxy"))")
        }
    }

    /// Our own certificates, towards clients and upstreams.
    private mutating func checkIdentities() {
        if isKnown("require-certificate", "secure-proxy"), settings.requireCertificate, !settings.secureProxy {
            note("\(written("require-certificate")) has no effect with \(written("secure-proxy"))")
        }
        guard isKnown("upstream-cert-path"), !settings.upstreamCertPath.isEmpty else { return }
        if isKnown("cert-path", "secure-proxy"), settings.secureProxy,
            Self.components(settings.upstreamCertPath) == Self.components(settings.certPath)
        {
            complain(
                "\(written("upstream-cert-path")): is the folder of \(written("cert-path")); give upstreams a pair of its"
                    + " own, because a client's key signs more than a server's may")
        } else if legsAreKnown, !legs.contains(where: \.isOn) {
            note("\(written("upstream-cert-path")) has no effect without --prefiller-use-tls or --decoder-use-tls")
        }
    }

    private mutating func checkAuthorities() {
        guard isKnown("ca-cert-path"), legsAreKnown, !settings.caCertPath.isEmpty else { return }
        let inUse = legs.filter(\.isOn)
        if inUse.isEmpty {
            note("\(written("ca-cert-path")) has no effect without --prefiller-use-tls or --decoder-use-tls")
        } else if inUse.allSatisfy(\.skips) {
            let switches = inUse.map { "--\($0.name)-tls-insecure-skip-verify" }.joined(separator: " and ")
            note("\(written("ca-cert-path")) has no effect beside \(switches)")
        }
    }

    private mutating func checkServerNames() {
        guard legsAreKnown else { return }
        for (leg, name) in zip(legs, [settings.prefillerServerName, settings.decoderServerName])
        where isKnown("\(leg.name)-tls-server-name") && !name.isEmpty {
            let setting = written("\(leg.name)-tls-server-name")
            if !leg.isOn {
                note("\(setting) has no effect without --\(leg.name)-use-tls")
            } else if leg.skips {
                note(
                    "\(setting) is only asked for and not checked: --\(leg.name)-tls-insecure-skip-verify takes any"
                        + " certificate")
            }
        }
    }

    /// A list may be silent about a version. As elsewhere (Go, Kubernetes) that leaves its suites as they are; who means
    /// otherwise should hear of it.
    private mutating func checkSuites() {
        guard isKnown("tls-cipher-suites", "tls-min-version"), !settings.cipherSuites.isEmpty else { return }
        let are13 = settings.cipherSuites.compactMap { TLSCipherSuite(name: $0)?.isOfVersion13 }
        let suites = written("tls-cipher-suites")
        switch settings.tlsMinimum {
        case .v13:
            if !are13.contains(true) {
                note("\(suites) has no effect: \(written("tls-min-version")) uses none of them")
            }
        case .v12:
            if !are13.contains(true) {
                note("\(suites) names no suite of TLS 1.3, of which all stay in use")
            } else if !are13.contains(false) {
                note(
                    "\(suites) names no suite of TLS 1.2, of which all stay in use; to refuse TLS 1.2 set"
                        + " --tls-min-version=1.3")
            }
        }
    }

    /// The upstreams that can be called over TLS.
    private var legs: [(name: String, isOn: Bool, skips: Bool)] {
        [
            ("prefiller", settings.prefillerUseTLS, settings.prefillerSkipVerify),
            ("decoder", settings.decoderUseTLS, settings.decoderSkipVerify),
        ]
    }

    private var legsAreKnown: Bool {
        isKnown(
            "prefiller-use-tls", "prefiller-tls-insecure-skip-verify", "decoder-use-tls",
            "decoder-tls-insecure-skip-verify", "enable-tls", "tls-insecure-skip-verify")
    }

    /// A path without what makes no difference: slashes at its end or doubled, and `.`.
    private static func components(_ path: String) -> [Substring] {
        (path.hasPrefix("/") ? ["/"] : []) + path.split(separator: "/").filter { $0 != "." }
    }

    private mutating func adopt(
        _ leg: String, from list: String, _ legs: [String], as field: WritableKeyPath<Settings, Bool>, _ name: String
    ) {
        guard let given = merged[list], isKnown(list, name), legs.contains(leg), !settings[keyPath: field] else {
            return
        }
        if let other = merged[name] {
            if other.source.rank < given.source.rank { return }
            if other.source.rank == given.source.rank {
                complain("\(other.written): contradicts \(given.written); keep one")
                return
            }
        }
        turnOn(field, name, from: given.source)
    }
}
