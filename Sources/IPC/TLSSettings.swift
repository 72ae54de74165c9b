/// How the proxy speaks TLS, on each of its sides. What is secret about it is elsewhere: certificates come as descriptors,
/// private keys never come.
public struct ProxyTLSSettings: Sendable, Equatable {
    /// What is asked of clients.
    public enum ClientCertificates: UInt8, CaseIterable, Sendable {
        case off = 0
        case optional = 1
        case required = 2
    }

    /// How one kind of upstream is called.
    public struct Leg: Sendable, Equatable {
        /// Over TLS, and not in the clear.
        public var isOn = false
        /// Its certificates are checked.
        public var verifies = true
        /// The name that its certificate must bear; empty = what was called.
        public var serverName = ""

        /// In the clear.
        public init() {}

        func encode(into writer: inout WireWriter) {
            writer.write(isOn)
            writer.write(verifies)
            writer.write(serverName)
        }

        init(from reader: inout WireReader) {
            isOn = reader.readBool()
            verifies = reader.readBool()
            serverName = reader.readText(limit: 253)
        }
    }

    /// The most names of clients that may be allowed, and the longest one in bytes.
    public static let mostNames = 32
    /// See above.
    public static let longestName = 256

    /// Clients are served over TLS.
    public var serves = false
    /// The prefill leg.
    public var prefiller = Leg()
    /// The decode leg.
    public var decoder = Leg()
    /// What the decoder is called, for its certificate: `localhost` or an address.
    public var decoderHost = ""
    /// A certificate of ours is shown to upstreams that ask for one.
    public var hasUpstreamIdentity = false
    /// The oldest version, as on the wire: 0x0303 is TLS 1.2.
    public var minimumVersion: UInt16 = 0x0303
    /// Cipher suites by their names in the IANA registry; empty = all that are known.
    public var suites: [String] = []
    /// From a connection to the end of its handshake, in milliseconds. Upstreams have the time of a connection.
    public var handshakeTimeout: UInt32 = 10_000
    /// What clients must show.
    public var clientCertificates = ClientCertificates.off
    /// Names (`URI:…` or `DNS:…`) of which a client's certificate must bear one; empty = any that is vouched for.
    public var allowedClients: [String] = []

    /// In the clear on all sides.
    public init() {}

    /// Is TLS spoken to anybody?
    public var isUsed: Bool { serves || prefiller.isOn || decoder.isOn }
    /// Do upstreams have to be vouched for?
    public var needsUpstreamAuthorities: Bool {
        prefiller.isOn && prefiller.verifies || decoder.isOn && decoder.verifies
    }

    func encode(into writer: inout WireWriter) {
        writer.write(serves)
        prefiller.encode(into: &writer)
        decoder.encode(into: &writer)
        writer.write(decoderHost)
        writer.write(hasUpstreamIdentity)
        writer.write(minimumVersion)
        writer.write(UInt8(clamping: suites.count))
        for suite in suites { writer.write(suite) }
        writer.write(handshakeTimeout)
        writer.write(clientCertificates.rawValue)
        writer.write(UInt8(clamping: allowedClients.count))
        for name in allowedClients { writer.write(name) }
    }

    init(from reader: inout WireReader) {
        serves = reader.readBool()
        prefiller = Leg(from: &reader)
        decoder = Leg(from: &reader)
        decoderHost = reader.readText(limit: 64)
        hasUpstreamIdentity = reader.readBool()
        minimumVersion = reader.read()
        for _ in 0..<reader.readCount(UInt8.self, most: 16) { suites.append(reader.readText(limit: 64)) }
        handshakeTimeout = reader.read()
        clientCertificates = reader.read(case: ClientCertificates.self, fallback: .required)
        for _ in 0..<reader.readCount(UInt8.self, most: Self.mostNames) {
            allowedClients.append(reader.readText(limit: Self.longestName))
        }
    }
}

/// Certificates that a proxy is given.
public enum CertificateUse: UInt8, CaseIterable, Sendable {
    /// A chain to show to clients, leaf first.
    case serving = 1
    /// A chain to show to upstreams, leaf first.
    case upstream = 2
    /// Who vouches for clients.
    case clientAuthorities = 3
    /// Who vouches for upstreams.
    case upstreamAuthorities = 4
}
