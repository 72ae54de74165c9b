import CLinux
import CSigner
import Foundation
import Glibc
import IPC
import Linux
import XCTest

@testable import Signer
@testable import TLS

/// Certificates and keys for a run of the tests, made by the openssl program.
struct Authority {
    let folder: String

    /// Once for all tests.
    static let shared: Authority? = {
        guard TLS.start(), TLS.startThread(most: 64, ready: 2), cs_start() == 1 else { return nil }
        signal(SIGPIPE, SIG_IGN)
        let folder = NSTemporaryDirectory() + "tls-tests-\(getpid())"
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let authority = Authority(folder: folder)
        return authority.run(script) ? authority : nil
    }()

    /// The authority, and a leaf of each kind of key.
    private static let script = """
        set -eu
        export OPENSSL_CONF=/dev/null
        make_key() {
            case $1 in
                p256) openssl ecparam -name prime256v1 -genkey -noout -out $1.key ;;
                p384) openssl ecparam -name secp384r1 -genkey -noout -out $1.key ;;
                rsa) openssl genrsa -out $1.key 2048 ;;
                ed25519) openssl genpkey -algorithm ed25519 -out $1.key ;;
                *) openssl ecparam -name prime256v1 -genkey -noout -out $1.key ;;
            esac
        }
        printf '[req]\\ndistinguished_name=n\\n[n]\\n' > request.cnf
        for ca in ca other; do
            make_key $ca
            openssl req -x509 -new -key $ca.key -subj "/CN=$ca" -days 30 -out $ca.crt -config request.cnf \\
                -addext basicConstraints=critical,CA:TRUE
        done
        leaf() { # name, subject alternative names, days
            make_key $1
            openssl req -new -key $1.key -subj "/CN=$1" -out $1.csr -config request.cnf
            printf "subjectAltName=$2\\n" > $1.ext
            openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days $3 -extfile $1.ext -out $1.crt
        }
        names=DNS:engine.example,IP:127.0.0.1
        for kind in p256 p384 rsa ed25519; do leaf $kind $names 30; done
        leaf expired $names -1
        leaf client URI:spiffe://cluster.local/ns/llm/sa/gateway 30
        leaf unnamed DNS:someone.else 30
        openssl ec -in p256.key -aes128 -passout pass:secret -out encrypted.key
        openssl genrsa -out weak.key 1024

        # What OpenSSL's second level of security refuses: digests, and the keys of intermediates.
        sign() { # name, digest, authority
            openssl req -new -key $1.key -subj "/CN=$1" -out $1.csr -config request.cnf
            openssl x509 -req -in $1.csr -CA ${3:-ca}.crt -CAkey ${3:-ca}.key -CAcreateserial -days 30 -$2 -out $1.crt
        }
        make_key sha1
        sign sha1 sha1
        # There is no ECDSA with MD5.
        openssl req -x509 -new -key rsa.key -subj "/CN=rsa-ca" -days 30 -out rsa-ca.crt -config request.cnf
        cp rsa.key rsa-ca.key
        make_key md5
        sign md5 md5 rsa-ca
        cp weak.key rsa1024.key
        openssl ecparam -name prime192v1 -genkey -noout -out p192.key
        openssl ecparam -name secp224r1 -genkey -noout -out p224.key
        for weak in rsa1024 p192 p224; do sign $weak sha256; done
        make_key sha1-root
        openssl req -x509 -new -sha1 -key sha1-root.key -subj "/CN=sha1-root" -days 30 -out sha1-root.crt \\
            -config request.cnf -addext basicConstraints=critical,CA:TRUE
        """

    private func run(_ text: String) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", text]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Makes a leaf that ends at a time, in seconds since 1970.
    func leaf(_ name: String, until ends: Int64) -> Bool {
        run(
            """
            set -eu
            export OPENSSL_CONF=/dev/null
            printf '[ca]\\ndefault_ca=c\\n[c]\\ndatabase=issued\\nnew_certs_dir=.\\ndefault_md=sha256\\npolicy=p\\nrand_serial=yes\\n' > ca.cnf
            printf 'unique_subject=no\\n[p]\\ncommonName=supplied\\n' >> ca.cnf
            : > issued
            openssl ecparam -name prime256v1 -genkey -noout -out \(name).key
            openssl req -new -key \(name).key -subj "/CN=\(name)" -out \(name).csr -config request.cnf
            printf 'subjectAltName=DNS:engine.example\\n' > \(name).ext
            openssl ca -batch -notext -config ca.cnf -cert ca.crt -keyfile ca.key -in \(name).csr -out \(name).crt \\
                -extfile \(name).ext -startdate 20200101000000Z -enddate $(date -u -d @\(ends) +%Y%m%d%H%M%SZ)
            """)
    }

    func bytes(_ name: String) throws -> [UInt8] {
        try Array(XCTUnwrap(FileManager.default.contents(atPath: "\(folder)/\(name)"), name))
    }
}

/// The signer's side of the tests: the keys themselves, without their process.
final class Signing {
    let keys = Keys()
    let authority: Authority
    private(set) var requests: [SignRequest] = []
    private var numbers: [String: UInt32] = [:]

    init() throws {
        // Without certificates no test can say anything: that is a failure and not a reason to skip.
        authority = try XCTUnwrap(Authority.shared, "the openssl program could not make the certificates")
    }

    /// A certificate whose key the signer has from now on.
    func identity(_ name: String, _ purpose: KeyPurpose = .server) throws -> TLSIdentity {
        let chain = try authority.bytes("\(name).crt")
        if let number = numbers[name] { return TLSIdentity(chain: chain, key: number) }
        let number = UInt32(numbers.count + 1)
        numbers[name] = number
        let verdict = try add(number, purpose, chain: chain, key: authority.bytes("\(name).key")).verdict
        XCTAssertEqual(verdict, .good, name)
        return TLSIdentity(chain: chain, key: number)
    }

    func add(
        _ number: UInt32, _ purpose: KeyPurpose, chain: [UInt8], key: [UInt8]
    ) -> (verdict: KeyVerdict, ends: Int64) {
        keys.expect(number, chain: chain)
        return key.withUnsafeBytes { keys.add(number, purpose: purpose, pem: $0, now: Int64(time(nil))) }
    }

    /// Signs what a connection waits for.
    func sign(_ connection: TLSConnection) {
        guard let request = connection.signatureRequest else { return XCTFail("no signature is wanted") }
        requests.append(request)
        switch keys.answer(1, request) {
        case .signed(_, let signature): XCTAssertTrue(connection.sign(with: signature))
        case .refused(_, let reason):
            XCTFail("the signer refuses: \(reason.meaning)")
            XCTAssertTrue(connection.sign(with: nil))
        }
    }
}

/// Both ends of a connection, in one thread.
final class Ends {
    let client: TLSConnection
    let server: TLSConnection
    let clientFD: Int32
    let serverFD: Int32
    let signing: Signing?

    init(
        _ signing: Signing?, server: TLSContext, client: TLSContext, host: TLSHost = .name("engine.example"),
        session: TLSSession? = nil
    ) throws {
        self.signing = signing
        (clientFD, serverFD) = socketPair()
        self.client = try TLSConnection(connecting: clientFD, client, to: host, session: session)
        self.server = try TLSConnection(accepting: serverFD, server)
    }

    deinit {
        client.free()
        server.free()
        close(clientFD)
        close(serverFD)
    }

    /// Both outcomes, once neither gets on any more.
    func shakeHands() -> (client: TLSOutcome, server: TLSOutcome) {
        var outcomes = (client: TLSOutcome.wantsRead, server: TLSOutcome.wantsRead)
        for _ in 0..<20 {
            if !isFinal(outcomes.client) { outcomes.client = step(client) }
            if !isFinal(outcomes.server) { outcomes.server = step(server) }
            if isFinal(outcomes.client) && isFinal(outcomes.server) { break }
            // Whoever has failed is gone: its socket closes.
            if outcomes.client == .failed { Glibc.shutdown(clientFD, Int32(SHUT_WR)) }
            if outcomes.server == .failed { Glibc.shutdown(serverFD, Int32(SHUT_WR)) }
        }
        return outcomes
    }

    private func isFinal(_ outcome: TLSOutcome) -> Bool {
        switch outcome {
        case .done, .failed, .closed: true
        case .wantsRead, .wantsWrite, .wantsSignature, .wantsTurn, .again: false
        }
    }

    private func step(_ connection: TLSConnection) -> TLSOutcome {
        let outcome = connection.handshake()
        guard outcome == .wantsSignature, let signing else { return outcome }
        // Asking again changes nothing while the signature is away.
        XCTAssertEqual(connection.handshake(), .wantsSignature)
        signing.sign(connection)
        return connection.handshake()
    }

    func connect(file: StaticString = #filePath, line: UInt = #line) {
        let outcomes = shakeHands()
        XCTAssertEqual(outcomes.client, .done(0), client.failure, file: file, line: line)
        XCTAssertEqual(outcomes.server, .done(0), server.failure, file: file, line: line)
    }
}

/// Two connected, non-blocking stream sockets.
func socketPair() -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
    return (ends[0], ends[1])
}

func write(_ bytes: [UInt8], _ connection: TLSConnection) -> TLSOutcome { bytes.withUnsafeBytes(connection.write) }

func read(_ connection: TLSConnection, most: Int = 65_536) -> (outcome: TLSOutcome, bytes: [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: most)
    var outcome = TLSOutcome.again
    // Tickets are no data.
    while outcome == .again { outcome = bytes.withUnsafeMutableBytes(connection.read) }
    guard case .done(let count) = outcome else { return (outcome, []) }
    return (outcome, Array(bytes[..<count]))
}

func server(_ identity: TLSIdentity, _ change: (inout TLSServerSettings) throws -> Void = { _ in }) throws -> TLSContext
{
    var settings = TLSServerSettings(identity: identity)
    try change(&settings)
    return try TLSContext.server(settings)
}

func client(_ authority: Authority, _ change: (inout TLSClientSettings) throws -> Void = { _ in }) throws -> TLSContext
{
    var settings = TLSClientSettings()
    settings.authorities = try authority.bytes("ca.crt")
    try change(&settings)
    return try TLSContext.client(settings)
}
