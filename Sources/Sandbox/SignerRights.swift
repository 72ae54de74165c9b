import Glibc

extension Rights {
    /// The only process that has private keys. It reads no client's bytes and can reach nobody: what comes in is small
    /// requests on the channels it was given, what goes out is signatures.
    static let signer = Rights(
        role: .signer,
        purpose: "holds the private keys and signs TLS handshakes; nothing else, for nobody else",
        user: 10006,
        paths: programPaths,
        mayConnect: false,
        calls: runtimeCalls + loopCalls + [
            CallRule("pread64", "Keys and certificates, which come as descriptors (Signer/KeyFile)")
        ],
        descriptors: childDescriptors + [
            DescriptorRule("socket:", "channels to the proxy's loops"),
            DescriptorRule("/", "any file: a key or a certificate, while it is being read. It can open none itself"),
        ],
        openFiles: 1024,
        libraries: [LibraryRule("libcrypto", "Signatures; without libssl it can speak no TLS")])
}
