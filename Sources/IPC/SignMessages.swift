/// What a signer's key is for.
public enum KeyPurpose: UInt8, CaseIterable, Sendable {
    /// Serving clients.
    case server = 0
    /// Showing a certificate to prefillers or the decoder.
    case client = 1
}

/// What a signer says of a key and its certificate.
public enum KeyVerdict: UInt8, CaseIterable, Sendable {
    /// It signs with it from now on.
    case good = 0
    /// No private key in PEM.
    case keyUnreadable = 1
    /// The key asks for a password; nobody has one.
    case keyEncrypted = 2
    /// Not RSA of 2048 to 8192 bits, EC on P-256, P-384 or P-521, or Ed25519.
    case keyUnsupported = 3
    /// No certificate in PEM, or a chain that breaks off.
    case certificateUnreadable = 4
    /// The key is another certificate's.
    case mismatch = 5
    /// The certificate has ended.
    case expired = 6
    /// The certificate has not begun.
    case notYetValid = 7
    /// The signer has as many keys as it holds.
    case tooMany = 8
    /// A certificate of the chain has a key below OpenSSL's security level 2: RSA of less than 2048 bits, EC of less than 224.
    case certificateKeyWeak = 9
    /// A certificate of the chain, other than a self-signed one, is signed with SHA-1 or MD5.
    case certificateSignatureWeak = 10
    /// More than 10 certificates.
    case chainTooLong = 11

    /// In words, for the log.
    public var meaning: String {
        switch self {
        case .good: "key and certificate belong together"
        case .keyUnreadable: "the private key can't be read"
        case .keyEncrypted: "the private key is encrypted"
        case .keyUnsupported: "the private key is neither RSA of 2048 to 8192 bits nor EC nor Ed25519"
        case .certificateUnreadable: "the certificate can't be read"
        case .mismatch: "the private key is not the certificate's"
        case .expired: "the certificate has expired"
        case .notYetValid: "the certificate is not valid yet"
        case .tooMany: "the signer holds too many keys"
        case .certificateKeyWeak:
            "the key of a certificate in tls.crt is too weak (RSA below 2048 bits, or EC below 224); have that certificate"
                + " issued with a stronger key"
        case .certificateSignatureWeak:
            "a certificate in tls.crt is signed with SHA-1, MD5 or another weak digest, which clients don't trust any"
                + " more; have it issued again with SHA-256 or better"
        case .chainTooLong:
            "tls.crt holds more than 10 certificates; leave the one of the key, first, and those that lead from it to its"
                + " authority"
        }
    }
}

/// What a handshake wants signed.
public struct SignRequest: Sendable, Equatable {
    /// The longest content: what a TLS 1.2 server signs, with the longest point of a curve.
    public static let longestContent = 320

    /// Which key, by the supervisor's number.
    public var key: UInt32
    /// With which algorithm: a SignatureScheme of RFC 8446, 4.2.3.
    public var algorithm: UInt16
    /// The content is hashed already. Only for a client's CertificateVerify of TLS 1.2, which covers all messages.
    public var isDigest: Bool
    /// What is to be signed. A signer takes nothing that isn't a handshake's.
    public var content: [UInt8]

    /// From its parts.
    public init(key: UInt32, algorithm: UInt16, isDigest: Bool, content: [UInt8]) {
        self.key = key
        self.algorithm = algorithm
        self.isDigest = isDigest
        self.content = content
    }
}

/// Why a signer doesn't sign.
public enum SignRefusal: UInt8, CaseIterable, Sendable {
    /// It has no such key (any more).
    case unknownKey = 1
    /// The content is no handshake's of this key's purpose.
    case notAHandshake = 2
    /// The algorithm doesn't fit the key, or the digest the algorithm.
    case unsuited = 3

    /// In words, for the log.
    public var meaning: String {
        switch self {
        case .unknownKey: "the signer doesn't have the key"
        case .notAHandshake: "the signer doesn't sign such content"
        case .unsuited: "the key can't sign with that algorithm"
        }
    }
}

/// Proxy loop to signer.
public enum ToSigner: Message, Equatable {
    /// Sign. `id` is the proxy's.
    case sign(id: UInt32, SignRequest)

    /// The number on the wire.
    public var type: UInt8 { 1 }
    /// For logs.
    public var name: String { "sign" }
    /// A proxy hands the signer nothing.
    public var carriesDescriptor: Bool { false }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        type == 1 ? 11 + 2 + SignRequest.longestContent : nil
    }

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .sign(let id, let request):
            writer.write(id)
            writer.write(request.key)
            writer.write(request.algorithm)
            writer.write(request.isDigest)
            writer.write(bytes: request.content)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> ToSigner? {
        guard type == 1 else { return nil }
        return .sign(
            id: reader.read(),
            SignRequest(
                key: reader.read(), algorithm: reader.read(), isDigest: reader.readBool(),
                content: reader.readBytes(limit: SignRequest.longestContent)))
    }
}

/// Signer to proxy loop.
public enum FromSigner: Message, Equatable {
    /// The signature.
    case signed(id: UInt32, signature: [UInt8])
    /// There is none, and this is why.
    case refused(id: UInt32, reason: SignRefusal)

    /// The longest signature in bytes: RSA of 8192 bits.
    public static let longestSignature = 1024

    /// The number on the wire.
    public var type: UInt8 {
        switch self {
        case .signed: 1
        case .refused: 2
        }
    }

    /// For logs.
    public var name: String {
        switch self {
        case .signed: "signed"
        case .refused: "refused"
        }
    }

    /// Signatures only.
    public var carriesDescriptor: Bool { false }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        switch type {
        case 1: 4 + 2 + longestSignature
        case 2: 5
        default: nil
        }
    }

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .signed(let id, let signature):
            writer.write(id)
            writer.write(bytes: signature)
        case .refused(let id, let reason):
            writer.write(id)
            writer.write(reason.rawValue)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> FromSigner? {
        switch type {
        case 1: .signed(id: reader.read(), signature: reader.readBytes(limit: longestSignature))
        case 2: .refused(id: reader.read(), reason: reader.read(case: SignRefusal.self, fallback: .unknownKey))
        default: nil
        }
    }
}

extension WireWriter {
    /// A length of two bytes, then the bytes.
    mutating func write(bytes: [UInt8]) {
        write(UInt16(clamping: bytes.count))
        for byte in bytes { write(byte) }
    }
}

extension WireReader {
    /// At most `limit` bytes behind their length; more are invalid.
    mutating func readBytes(limit: Int) -> [UInt8] {
        let count = readCount(UInt16.self, most: limit)
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, written in
            for i in 0..<count { bytes[i] = read() }
            written = count
        }
    }
}
