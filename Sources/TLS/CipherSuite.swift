/// The cipher suites that can be used: forward secret, authenticated encryption, nothing else. Raw values are the names of
/// the IANA registry.
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

    /// The version that has it.
    public var version: TLSVersion {
        switch self {
        case .aes128ECDSA, .aes128RSA, .aes256ECDSA, .aes256RSA, .chacha20ECDSA, .chacha20RSA: .v12
        case .aes128, .aes256, .chacha20: .v13
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

    /// OpenSSL's name.
    var nativeName: String {
        switch self {
        case .aes128ECDSA: "ECDHE-ECDSA-AES128-GCM-SHA256"
        case .aes128RSA: "ECDHE-RSA-AES128-GCM-SHA256"
        case .aes256ECDSA: "ECDHE-ECDSA-AES256-GCM-SHA384"
        case .aes256RSA: "ECDHE-RSA-AES256-GCM-SHA384"
        case .chacha20ECDSA: "ECDHE-ECDSA-CHACHA20-POLY1305"
        case .chacha20RSA: "ECDHE-RSA-CHACHA20-POLY1305"
        case .aes128, .aes256, .chacha20: rawValue
        }
    }

    /// A list as OpenSSL wants it: the suites of one version, or all of them where the list names none.
    static func nativeList(_ suites: [TLSCipherSuite], _ version: TLSVersion) -> String {
        let chosen = suites.filter { $0.version == version }
        let all = TLSCipherSuite.allCases.filter { $0.version == version }
        return (chosen.isEmpty ? all : chosen).map(\.nativeName).joined(separator: ":")
    }
}
