import CSigner
import Glibc
import IPC

/// The private keys, by the supervisor's numbers. Several generations at once: while a certificate is being replaced,
/// handshakes still run with the one before.
final class Keys {
    /// Keys held at once: two purposes, in a few generations.
    static let most = 16

    /// Handshakes of TLS 1.2 are signed too.
    var speaksTLS12 = true

    private struct Entry {
        let key: OpaquePointer
        let purpose: KeyPurpose
    }

    private var entries: [UInt32: Entry] = [:]
    /// Chains whose keys haven't come yet, in PEM.
    private var chains: [UInt32: [UInt8]] = [:]

    /// Where signatures are made.
    private let signature = UnsafeMutableRawBufferPointer.allocate(
        byteCount: FromSigner.longestSignature, alignment: 16)

    deinit {
        for entry in entries.values { cs_key_free(entry.key) }
        signature.deallocate()
    }

    /// How many there are.
    var count: Int { entries.count }

    /// Remembers a chain until its key comes; nil = it can't be read, which the key's verdict will say.
    func expect(_ number: UInt32, chain: [UInt8]?) {
        if chains.count >= Self.most { chains.removeAll() }
        chains[number] = chain ?? []
    }

    /// Takes a key if it and its chain are a pair that is valid now. A key of the same number is replaced.
    /// - Parameters:
    ///   - now: seconds since 1970.
    /// - Returns: the verdict, and when the certificate ends (seconds since 1970, 0 = unknown).
    func add(
        _ number: UInt32, purpose: KeyPurpose, pem: UnsafeRawBufferPointer?, now: Int64
    ) -> (verdict: KeyVerdict, ends: Int64) {
        let chain = chains.removeValue(forKey: number) ?? []
        guard entries[number] != nil || entries.count < Self.most else { return (.tooMany, 0) }
        guard let pem else { return (.keyUnreadable, 0) }
        var verdict = CS_GOOD
        guard let key = cs_key_read(pem.baseAddress, pem.count, &verdict) else { return (Self.word(verdict), 0) }
        var ends: Int64 = 0
        let pair = chain.withUnsafeBufferPointer { cs_certificate_judge(key, $0.baseAddress, $0.count, now, &ends) }
        guard pair == CS_GOOD else {
            cs_key_free(key)
            return (Self.word(pair), ends)
        }
        replace(number, Entry(key: key, purpose: purpose))
        return (.good, ends)
    }

    /// Makes a key for serving, and the certificate in PEM that it signs for itself. Nil: too many keys, no memory, or
    /// names that can't be.
    func make(_ number: UInt32, names: [String], now: Int64, lifetime: Int) -> String? {
        guard entries[number] != nil || entries.count < Self.most, let key = cs_key_generate() else { return nil }
        var pem = [UInt8](repeating: 0, count: FromChild.longestCertificate)
        let copies = names.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let pointers = copies.map { UnsafePointer($0) }
        let count = cs_self_sign(key, pointers, pointers.count, now, lifetime, &pem, pem.count)
        guard count > 0 else {
            cs_key_free(key)
            return nil
        }
        replace(number, Entry(key: key, purpose: .server))
        return String(decoding: pem[..<count], as: UTF8.self)
    }

    /// Overwrites a key.
    func forget(_ number: UInt32) {
        chains[number] = nil
        if let entry = entries.removeValue(forKey: number) { cs_key_free(entry.key) }
    }

    /// Signs, or says why not.
    func answer(_ id: UInt32, _ request: SignRequest) -> FromSigner {
        guard let entry = entries[request.key] else { return .refused(id: id, reason: .unknownKey) }
        guard HandshakeContent.isSigned(request, by: entry.purpose, speaksTLS12: speaksTLS12) else {
            return .refused(id: id, reason: .notAHandshake)
        }
        let count = request.content.withUnsafeBufferPointer {
            cs_sign(
                entry.key, request.algorithm, request.isDigest ? 1 : 0, $0.baseAddress, $0.count, signature.baseAddress,
                signature.count)
        }
        guard count > 0 else { return .refused(id: id, reason: .unsuited) }
        return .signed(id: id, signature: Array(signature[..<count]))
    }

    private func replace(_ number: UInt32, _ entry: Entry) {
        if let old = entries.updateValue(entry, forKey: number) { cs_key_free(old.key) }
    }

    private static func word(_ verdict: cs_verdict) -> KeyVerdict {
        KeyVerdict(rawValue: UInt8(truncatingIfNeeded: verdict.rawValue)) ?? .keyUnreadable
    }
}
