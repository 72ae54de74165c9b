import IPC

/// What a TLS handshake signs, and nothing else has that form. A signer that signs any bytes would let whoever took the
/// proxy over sign certificates, tokens or software with the key; this one signs handshakes of its own role only.
enum HandshakeContent {
    /// May a key of this purpose sign it? What only TLS 1.2 has is signed only where that is spoken.
    static func isSigned(_ request: SignRequest, by purpose: KeyPurpose, speaksTLS12: Bool) -> Bool {
        if request.isDigest {
            // A TLS 1.2 client signs the hash of all messages, which can't be told from any other hash: so only keys that
            // are a client's do it, and never Ed25519, which doesn't sign hashes.
            return speaksTLS12 && purpose == .client && [32, 48, 64].contains(request.content.count)
        }
        if isCertificateVerify(request.content, of: purpose) { return true }
        return speaksTLS12 && purpose == .server && isKeyExchange(request.content)
    }

    /// TLS 1.3 (RFC 8446, 4.4.3): 64 spaces, who signs what, a zero byte, the transcript's hash.
    private static func isCertificateVerify(_ content: [UInt8], of purpose: KeyPurpose) -> Bool {
        let role = purpose == .server ? "server" : "client"
        let opening = [UInt8](repeating: 0x20, count: 64) + Array("TLS 1.3, \(role) CertificateVerify".utf8) + [0]
        let hash = content.count - opening.count
        return (hash == 32 || hash == 48) && content.starts(with: opening)
    }

    /// TLS 1.2 (RFC 8422, 5.4): both sides' random bytes, a named curve, a point on it.
    private static func isKeyExchange(_ content: [UInt8]) -> Bool {
        guard content.count > 68, content[64] == 3, let length = pointLength(content[65], content[66]) else {
            return false
        }
        return Int(content[67]) == length && content.count == 68 + length
    }

    /// Bytes of a public point by the curve's number, for those that we offer.
    private static func pointLength(_ high: UInt8, _ low: UInt8) -> Int? {
        switch UInt16(high) << 8 | UInt16(low) {
        case 23: 65  // P-256
        case 24: 97  // P-384
        case 29: 32  // X25519
        default: nil
        }
    }
}
