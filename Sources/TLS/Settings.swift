import IPC
import Linux

/// Versions that are spoken; older ones are not.
public enum TLSVersion: Int32, CaseIterable, Sendable {
    case v12 = 0x0303
    case v13 = 0x0304
}

/// A certificate that we show. Its private key is not here: the signer knows it by a number.
public struct TLSIdentity: Sendable {
    /// The chain in PEM, leaf first.
    public var chain: [UInt8]
    /// The signer's number of the key; not 0.
    public var key: UInt32

    /// From its parts.
    public init(chain: [UInt8], key: UInt32) {
        self.chain = chain
        self.key = key
    }
}

/// A name in a certificate that may be demanded of a peer.
public enum TLSPeerName: Sendable, Equatable {
    /// A host, compared without regard to case and without wildcards.
    case dns(String)
    /// A URI, compared as it stands; SPIFFE identities are such.
    case uri(String)
}

/// What is asked of clients.
public enum TLSClientCertificates: Int32, Sendable {
    /// Nothing.
    case off = 0
    /// A certificate that is shown must be good; none need be shown.
    case optional = 1
    /// A good certificate.
    case required = 2
}

/// How clients are served.
public struct TLSServerSettings: Sendable {
    /// What is shown to them.
    public var identity: TLSIdentity
    /// The oldest and newest version.
    public var versions = TLSVersion.v12...TLSVersion.v13
    /// Which suites are used; those of a version that the list doesn't touch are the default ones.
    public var suites: [TLSCipherSuite] = []
    /// Protocols for ALPN, the preferred one first. A client that names only others is refused; one that names none is not.
    public var protocols = ["http/1.1"]
    /// Whether clients must show certificates.
    public var clientCertificates = TLSClientCertificates.off
    /// Who vouches for clients, in PEM.
    public var clientAuthorities: [UInt8] = []
    /// Names of which a client's certificate must bear one; empty = any that is vouched for. At most 64.
    public var allowedClients: [TLSPeerName] = []
    /// Tickets let clients come back without a signature. Their key lives and dies with the context.
    public var tickets = true
    /// How long a ticket is good, in seconds.
    public var ticketLifetime = 7200

    /// With an identity and all else at its default.
    public init(identity: TLSIdentity) { self.identity = identity }
}

/// How servers are called.
public struct TLSClientSettings: Sendable {
    /// Who vouches for servers, in PEM. Not empty unless `verify` is off.
    public var authorities: [UInt8] = []
    /// Certificates are checked. Off: anybody may answer.
    public var verify = true
    /// The name that certificates must bear, whatever was called; nil = the name or address that was called.
    public var serverName: String?
    /// What is shown to servers that ask for a certificate.
    public var identity: TLSIdentity?
    /// The oldest and newest version.
    public var versions = TLSVersion.v12...TLSVersion.v13
    /// Which suites are used; those of a version that the list doesn't touch are the default ones.
    public var suites: [TLSCipherSuite] = []
    /// Protocols for ALPN.
    public var protocols = ["http/1.1"]

    /// Everything at its default.
    public init() {}
}

/// Whose certificate a server must show.
public enum TLSHost: Sendable, Equatable {
    /// A DNS name; it is sent to the server too.
    case name(String)
    /// An address.
    case address(Address)
}

/// Why a context can't be made, or a connection not be started.
public struct TLSFailure: Error, Sendable, CustomStringConvertible {
    /// In words.
    public let description: String

    /// From its words.
    public init(description: String) { self.description = description }
}
