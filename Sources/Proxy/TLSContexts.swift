import CLinux
import Glibc
import IPC
import TLS

/// How TLS is spoken on each side, as the loops share it: never changed, only replaced. Nil: in the clear.
final class TLSContexts: Sendable {
    let server: TLSContext?
    let prefiller: TLSContext?
    let decoder: TLSContext?

    init(server: TLSContext?, prefiller: TLSContext?, decoder: TLSContext?) {
        self.server = server
        self.prefiller = prefiller
        self.decoder = decoder
    }

    func leg(_ purpose: DialPurpose) -> TLSContext? {
        switch purpose {
        case .decoder: decoder
        case .prefiller: prefiller
        }
    }
}

/// The certificates that the supervisor has given, and the contexts made of them.
struct ProxyCertificates {
    private let settings: ProxyTLSSettings
    private var identities: [CertificateUse: TLSIdentity] = [:]
    private var authorities: [CertificateUse: [UInt8]] = [:]
    private var hasBegun = false
    private(set) var contexts = TLSContexts(server: nil, prefiller: nil, decoder: nil)

    /// The longest file of certificates, in bytes.
    private static let longest = 4 << 20

    init(_ settings: ProxyTLSSettings) { self.settings = settings }

    /// The certificates of ours, by the numbers of their keys.
    var numbers: [(CertificateUse, UInt32)] { identities.map { ($0.key, $0.value.key) } }

    /// Everything has come that TLS can't begin without.
    var isComplete: Bool {
        (!settings.serves || identities[.serving] != nil)
            && (settings.clientCertificates == .off || authorities[.clientAuthorities] != nil)
            && (!settings.needsUpstreamAuthorities || authorities[.upstreamAuthorities] != nil)
            && (!settings.hasUpstreamIdentity || identities[.upstream] != nil)
    }

    /// Takes certificates in and makes the contexts anew that depend on them. When that fails, all stays as it was. The
    /// descriptor stays the caller's.
    mutating func take(_ use: CertificateUse, key: UInt32, _ descriptor: Int32) throws(TLSFailure) {
        guard let pem = Self.read(descriptor) else {
            throw TLSFailure(description: "the file of certificates is not what it must be")
        }
        var next = self
        switch use {
        case .serving, .upstream: next.identities[use] = TLSIdentity(chain: pem, key: key)
        case .clientAuthorities, .upstreamAuthorities: next.authorities[use] = pem
        }
        if hasBegun {
            switch use {
            case .serving, .clientAuthorities: try next.makeContexts(server: true, clients: false)
            case .upstream, .upstreamAuthorities: try next.makeContexts(server: false, clients: true)
            }
        }
        self = next
    }

    /// Makes the first contexts, once everything has come.
    mutating func begin() throws(TLSFailure) {
        try makeContexts(server: true, clients: true)
        hasBegun = true
    }

    private mutating func makeContexts(server: Bool, clients: Bool) throws(TLSFailure) {
        contexts = TLSContexts(
            server: server
                ? try blaming("--cert-path, --client-ca-path") { () throws(TLSFailure) in try makeServer() }
                : contexts.server,
            prefiller: clients ? try makeUpstream(settings.prefiller) : contexts.prefiller,
            decoder: clients ? try makeUpstream(settings.decoder) : contexts.decoder)
    }

    private func makeUpstream(_ leg: ProxyTLSSettings.Leg) throws(TLSFailure) -> TLSContext? {
        try blaming("--ca-cert-path or the system's certificates, --upstream-cert-path") { () throws(TLSFailure) in
            try makeClient(leg)
        }
    }

    /// Names the settings that a failure may come from.
    private func blaming(
        _ settings: String, _ body: () throws(TLSFailure) -> TLSContext?
    ) throws(TLSFailure) -> TLSContext? {
        do throws(TLSFailure) {
            return try body()
        } catch {
            throw TLSFailure(description: "\(error) (\(settings))")
        }
    }

    private var versions: ClosedRange<TLSVersion> { settings.minimumVersion == 0x0304 ? .v13 ... .v13 : .v12 ... .v13 }

    private var suites: [TLSCipherSuite] { settings.suites.compactMap { TLSCipherSuite(name: $0) } }

    private func makeServer() throws(TLSFailure) -> TLSContext? {
        guard settings.serves, let identity = identities[.serving] else { return nil }
        var server = TLSServerSettings(identity: identity)
        server.versions = versions
        server.suites = suites
        switch settings.clientCertificates {
        case .off: server.clientCertificates = .off
        case .optional: server.clientCertificates = .optional
        case .required: server.clientCertificates = .required
        }
        server.clientAuthorities = authorities[.clientAuthorities] ?? []
        server.allowedClients = settings.allowedClients.map { name in
            name.hasPrefix("URI:") ? .uri(String(name.dropFirst(4))) : .dns(String(name.dropFirst(4)))
        }
        return try .server(server)
    }

    private func makeClient(_ leg: ProxyTLSSettings.Leg) throws(TLSFailure) -> TLSContext? {
        guard leg.isOn else { return nil }
        var client = TLSClientSettings()
        client.versions = versions
        client.suites = suites
        client.verify = leg.verifies
        client.authorities = leg.verifies ? authorities[.upstreamAuthorities] ?? [] : []
        client.serverName = leg.serverName.isEmpty ? nil : leg.serverName
        client.identity = identities[.upstream]
        return try .client(client)
    }

    /// The contents of a sealed file; nil when it isn't one, or too long.
    private static func read(_ descriptor: Int32) -> [UInt8]? {
        let size = Int(cl_sealed_size(descriptor))
        guard size > 0, size <= longest, let base = cl_map(descriptor, size, 0) else { return nil }
        defer { cl_unmap(base, size) }
        return Array(UnsafeRawBufferPointer(start: base, count: size))
    }
}
