/// The cipher suites that can be used: forward secret, authenticated encryption, nothing else. Raw values are the names of
/// the IANA registry. Here, because the supervisor reads their names and the proxy uses them.
public enum TLSCipherSuite: String, CaseIterable, Sendable {
    case aes128ECDSA = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    case aes128RSA = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    case aes256ECDSA = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    case aes256RSA = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    case chacha20ECDSA = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
    case chacha20RSA = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
    case aes128 = "TLS_AES_128_GCM_SHA256"
    case aes256 = "TLS_AES_256_GCM_SHA384"
    case chacha20 = "TLS_CHACHA20_POLY1305_SHA256"

    /// It is one of TLS 1.3, whose suites say nothing of key exchange and certificates.
    public var isOfVersion13: Bool {
        switch self {
        case .aes128ECDSA, .aes128RSA, .aes256ECDSA, .aes256RSA, .chacha20ECDSA, .chacha20RSA: false
        case .aes128, .aes256, .chacha20: true
        }
    }

    /// The suite of a name. The names that Go once gave the ChaCha20 suites, without the hash, are known too.
    public init?(name: String) {
        if let suite = TLSCipherSuite(rawValue: name) {
            self = suite
        } else if let suite = TLSCipherSuite(rawValue: name + "_SHA256"), suite.isChaCha20 {
            self = suite
        } else {
            return nil
        }
    }

    private var isChaCha20: Bool { self == .chacha20ECDSA || self == .chacha20RSA }
}
