import IPC

/// Cipher suites as OpenSSL names them.
extension TLSCipherSuite {
    /// The version that has it.
    public var version: TLSVersion { isOfVersion13 ? .v13 : .v12 }

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
