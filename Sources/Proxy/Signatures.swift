import CLinux
import Glibc
import IPC
import Linux
import TLS

/// Signatures that handshakes wait for: asked of the signer, and given to whom they belong.
extension Loop {
    /// Before the loop's first turn, on its thread: handshakes that wait need stacks of their own.
    func prepareThread() {
        guard settings.tls.serves || settings.tls.hasUpstreamIdentity else { return }
        if !TLS.startThread(most: SignerLink.capacity, ready: 8) {
            ChildLog.write(.error, "no memory for handshakes that wait for signatures; ending")
            _exit(ExitCode.resource.rawValue)
        }
    }

    /// Another signer has taken over: what is awaited is asked again.
    func replaceSigner(_ fd: Int32) {
        if signing == nil { signing = SignerLink() }
        guard let signing else { return }
        if signing.fd >= 0 { poll.remove(signing.fd) }
        if signing.isCutOff { shared.loopsWithoutSigner(-1) }
        signing.connect(fd)
        if !poll.watch(fd, .signer) {
            ChildLog.write(.error, "no memory to watch the signer's channel; ending")
            _exit(ExitCode.resource.rawValue)
        }
    }

    /// The number that the answer is known by; 0 = there is no room to ask. There is: as many may ask as may wait.
    func askSigner(_ tls: TLSConnection, _ owner: UInt64) -> UInt32 {
        guard let request = tls.signatureRequest else { return 0 }
        if signing == nil { signing = SignerLink() }
        return signing?.ask(request, for: owner) ?? 0
    }

    func receiveSignatures() {
        guard let signing, !signing.isCutOff else { return }
        _ = signing.receive { owner, answer in
            switch answer {
            case .signature(let signature): give(signature, to: owner)
            case .refused: give(nil, to: owner)
            }
        }
        // What is awaited waits for the next one, which the supervisor is starting.
        if signing.isCutOff { shared.loopsWithoutSigner(1) }
    }

    // MARK: Handshakes that wait for their turn

    /// How soon they are tried again where nothing else wakes the loop, in milliseconds: memory may be what is missing.
    static let crowdRetry: Int32 = 100

    /// As many handshakes wait for a signature as may: this one stands in line until one of them goes on or leaves.
    func standInLine(_ client: UnsafeMutablePointer<Client>) {
        if client.pointee.isCrowded { return }
        client.pointee.isCrowded = true
        crowd.append(client.pointee.token)
    }

    /// The same towards an upstream.
    func standInLine(_ upstream: UnsafeMutablePointer<Upstream>) {
        if upstream.pointee.isCrowded { return }
        upstream.pointee.isCrowded = true
        crowd.append(upstream.pointee.token)
    }

    /// Once a turn: those that stand in line now go on, as long as there is room. When one finds none after all (a stack
    /// is memory too), neither would those behind it.
    func resumeCrowd() {
        if crowd.isEmpty { return }
        // Who is gone keeps no place, or comers and goers would make the line longer without end.
        if crowd.count > 2 * (openClients + openUpstreams) + 64 { crowd.keep { stillWaits($0) } }
        for _ in 0..<crowd.count {
            if let signing, signing.count >= SignerLink.capacity { return }
            guard let owner = crowd.next() else { return }
            guard stillWaits(owner) else { continue }
            let fd = Int(Token.fd(owner))
            let isClient = Token.kind(owner) == Token.clientKind
            if isClient {
                clients[fd].isCrowded = false
                shakeHands(clients + fd)
            } else {
                upstreams[fd].isCrowded = false
                shakeHands(upstreams + fd)
            }
            if stillWaits(owner) { return }
        }
    }

    private func stillWaits(_ owner: UInt64) -> Bool {
        let fd = Int(Token.fd(owner))
        return Token.kind(owner) == Token.clientKind
            ? clients[fd].generation == Token.generation(owner) && clients[fd].isCrowded
            : upstreams[fd].generation == Token.generation(owner) && upstreams[fd].isCrowded
    }

    /// Goes on with the handshake that waited. The signer only signs what a handshake signs, and a peer checks what we send.
    private func give(_ signature: [UInt8]?, to owner: UInt64) {
        let fd = Int(Token.fd(owner))
        if Token.kind(owner) == Token.clientKind {
            let client = clients + fd
            guard client.pointee.generation == Token.generation(owner), client.pointee.phase == .handshake else {
                return
            }
            client.pointee.signature = 0
            _ = client.pointee.tls?.sign(with: signature)
            shakeHands(client)
        } else {
            let upstream = upstreams + fd
            guard upstream.pointee.generation == Token.generation(owner), upstream.pointee.phase == .handshake else {
                return
            }
            upstream.pointee.signature = 0
            _ = upstream.pointee.tls?.sign(with: signature)
            shakeHands(upstream)
        }
    }
}

/// Who waits for a turn, in the order of coming, as tokens. Taking one out moves no other.
struct Crowd {
    private var tokens: [UInt64] = []
    private var first = 0

    var isEmpty: Bool { first == tokens.count }
    var count: Int { tokens.count - first }

    mutating func append(_ token: UInt64) { tokens.append(token) }

    mutating func next() -> UInt64? {
        if isEmpty { return nil }
        first += 1
        let token = tokens[first - 1]
        if isEmpty {
            tokens.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 1024 && first > tokens.count / 2 {
            // What is dropped is more than what is moved.
            tokens.removeFirst(first)
            first = 0
        }
        return token
    }

    mutating func keep(_ isWanted: (UInt64) -> Bool) {
        tokens = tokens[first...].filter(isWanted)
        first = 0
    }
}
