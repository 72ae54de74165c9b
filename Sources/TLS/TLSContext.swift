import COpenSSL
import IPC
import Linux

/// TLS for a process.
public enum TLS {
    /// Prepares the library, without any file. Once, before threads begin; false for lack of memory.
    public static func start() -> Bool { co_start() == 1 }

    /// Prepares the calling thread for handshakes that wait for signatures. Each of those holds a stack of 32 KiB for as
    /// long as it waits; no other connection holds one.
    /// - Parameters:
    ///   - most: handshakes that may wait at once; one more waits for its turn.
    ///   - ready: how many stacks are made now.
    public static func startThread(most: Int = 1024, ready: Int = 8) -> Bool { co_start_thread(most, ready) == 1 }

    /// The library that is linked, with its version.
    public static var libraryVersion: String { String(cString: co_library_version()) }
}

/// What all connections of one kind share: certificates, authorities, rules. Never changed once it is made: for new
/// certificates a new context is made and put in its place, and connections keep the one that they began with. Contexts
/// may be shared by threads.
public final class TLSContext: @unchecked Sendable {
    // Sound: the native context is only read once it is made, and counts its users atomically.
    let native: OpaquePointer
    let serverName: String?
    let verifies: Bool
    /// Seconds since 1970 at which our certificate ends; 0 = we have none.
    public var certificateEnds: Int64 { co_context_expiry(native) }

    /// OpenSSL's own object, for measurements that compare.
    public var nativeForTests: UnsafeMutableRawPointer? { co_context_native(native) }

    deinit { co_context_free(native) }

    private init(isServer: Bool, serverName: String?, verifies: Bool) throws(TLSFailure) {
        guard let native = co_context_create(isServer ? 1 : 0) else { throw TLSFailure(description: "no memory") }
        self.native = native
        self.serverName = serverName
        self.verifies = verifies
    }

    /// For serving.
    public static func server(_ settings: TLSServerSettings) throws(TLSFailure) -> TLSContext {
        let context = try TLSContext(isServer: true, serverName: nil, verifies: settings.clientCertificates != .off)
        try context.setCommon(settings.versions, settings.suites, settings.protocols)
        try context.setIdentity(settings.identity)
        if settings.clientCertificates != .off {
            try context.setAuthorities(settings.clientAuthorities)
            for name in settings.allowedClients {
                switch name {
                case .dns(let host): try context.check(co_context_allow_name(context.native, "DNS:\(host)"))
                case .uri(let uri): try context.check(co_context_allow_name(context.native, "URI:\(uri)"))
                }
            }
        }
        try context.check(co_context_verify(context.native, settings.clientCertificates.rawValue))
        try context.check(co_context_tickets(context.native, settings.tickets ? 1 : 0, settings.ticketLifetime))
        return context
    }

    /// For calling servers.
    public static func client(_ settings: TLSClientSettings) throws(TLSFailure) -> TLSContext {
        let context = try TLSContext(isServer: false, serverName: settings.serverName, verifies: settings.verify)
        try context.setCommon(settings.versions, settings.suites, settings.protocols)
        if let identity = settings.identity { try context.setIdentity(identity) }
        if settings.verify { try context.setAuthorities(settings.authorities) }
        try context.check(
            co_context_verify(context.native, settings.verify ? CO_VERIFY_REQUIRED : CO_VERIFY_NONE))
        return context
    }

    private func setCommon(
        _ versions: ClosedRange<TLSVersion>, _ suites: [TLSCipherSuite], _ protocols: [String]
    ) throws(TLSFailure) {
        try check(co_context_versions(native, versions.lowerBound.rawValue, versions.upperBound.rawValue))
        try check(
            co_context_suites(
                native, TLSCipherSuite.nativeList(suites, .v12), TLSCipherSuite.nativeList(suites, .v13)))
        var list: [UInt8] = []
        for name in protocols {
            guard (1...255).contains(name.utf8.count) else { throw TLSFailure(description: "no protocol: '\(name)'") }
            list.append(UInt8(name.utf8.count))
            list.append(contentsOf: name.utf8)
        }
        if !list.isEmpty { try check(co_context_protocols(native, list, list.count)) }
    }

    private func setIdentity(_ identity: TLSIdentity) throws(TLSFailure) {
        guard identity.key != 0 else { throw TLSFailure(description: "an identity needs a key") }
        try check(co_context_identity(native, identity.chain, identity.chain.count, identity.key))
    }

    private func setAuthorities(_ pem: [UInt8]) throws(TLSFailure) {
        var count = 0
        try check(co_context_authorities(native, pem, pem.count, &count))
    }

    private func check(_ result: Int32) throws(TLSFailure) {
        if result != 1 { throw TLSFailure(description: String(cString: co_context_error(native))) }
    }
}

extension TLSVersion: Comparable {
    /// Older is smaller.
    public static func < (a: TLSVersion, b: TLSVersion) -> Bool { a.rawValue < b.rawValue }
}
