import IPC
import Linux
import TLS

/// What the probe was told.
struct Options {
    /// `serve` or `load`.
    var command = ""
    /// The signer's executable.
    var signer = ""
    /// Certificate and key files, in pairs; the first is shown at the start.
    var pairs: [(certificate: String, key: String)] = []
    /// Where a certificate of our own is written; then that is shown.
    var selfSigned: String?
    var versions = TLSVersion.v12...TLSVersion.v13
    var suites: [TLSCipherSuite] = []
    var clientAuthorities: String?
    var allowed: [TLSPeerName] = []
    /// Under the proxy's filter.
    var walls = false
    /// The key in this process, to compare.
    var local = false
    var watchStacks = false
    var tickets = true
    var authorities: String?
    var port: UInt16 = 0
    var count = 1000
    var parallel = 16

    init(_ arguments: [String]) {
        var rest = arguments[...]
        command = rest.popFirst() ?? ""
        func value() -> String { rest.popFirst() ?? "" }
        while let option = rest.popFirst() {
            switch option {
            case "--signer": signer = value()
            case "--pair": pairs.append((value(), value()))
            case "--self-signed": selfSigned = value()
            case "--tls12": versions = .v12 ... .v12
            case "--tls13": versions = .v13 ... .v13
            case "--suite": suites += [TLSCipherSuite(name: value())].compactMap { $0 }
            case "--client-ca": clientAuthorities = value()
            case "--allow-uri": allowed.append(.uri(value()))
            case "--walls": walls = true
            case "--local": local = true
            case "--watch-stacks": watchStacks = true
            case "--no-tickets": tickets = false
            case "--ca": authorities = value()
            case "--port": port = UInt16(value()) ?? 0
            case "--count": count = Int(value()) ?? 0
            case "--parallel": parallel = Int(value()) ?? 1
            default: fail("unknown option \(option)")
            }
        }
    }
}
