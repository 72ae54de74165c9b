import CUCX
import Glibc
import Linux

/// UCX as the agent sees it: peers by number, frames, reads, and events in the order in which they happened.
final class Fabric {
    private let agent: OpaquePointer
    private var event = cu_event()
    /// Tells when there is something to do.
    let descriptor: Int32
    /// The key to our region. All agents of one build have the same one, and a key that differs is never parsed.
    let key: [UInt8]

    /// An event.
    enum Happening {
        case arrived(peer: UInt32, from: Endpoint)
        case frame(peer: UInt32, [UInt8])
        case got(peer: UInt32, piece: UInt32, status: Int32)
        case lost(peer: UInt32, status: Int32)
        case gone(peer: UInt32)
    }

    /// Why UCX can't be used.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Sets UCX up, listens, and tries itself out. Everything that needs a right is done when this returns.
    init(region: Region, listen: Endpoint) throws(Failure) {
        if let fault = cu_environment_fault() {
            throw Failure(description: "\(String(cString: fault)) is not set as the supervisor sets it")
        }
        var options = cu_options()
        listen.address.withBytes { bytes in
            withUnsafeMutableBytes(of: &options.address) { $0.copyMemory(from: .init(start: bytes, count: 16)) }
        }
        options.port = listen.port
        options.region = region.base
        options.size = region.size
        var made: OpaquePointer?
        let status = cu_open(&options, &made)
        guard status == 0, let made else { throw Failure(description: Self.text(status)) }
        agent = made
        descriptor = cu_descriptor(made)
        var bytes = [UInt8](repeating: 0, count: Int(CU_KEY_LIMIT))
        let count = Int(cu_key(made, &bytes))
        key = Array(bytes[..<count])
    }

    /// UCX's own words for a status.
    static func text(_ status: Int32) -> String { String(cString: cu_status_text(status)) }

    /// Does what there is to do, bounded; true = there is more.
    func progress() -> Bool { cu_progress(agent) == 1 }

    /// True: the descriptor tells from now on. False: there is something to do already.
    func arm() -> Bool { cu_arm(agent) == 1 }

    /// How long to wait for the descriptor at most; -1 = any time.
    var patience: Int32 { cu_patience(agent) }

    /// The next event.
    func next() -> Happening? {
        guard cu_next(agent, &event) == 1 else { return nil }
        let peer = event.peer
        switch cu_kind(event.kind) {
        case CU_ARRIVED:
            let address = withUnsafeBytes(of: &event.address) { Address(bytes: $0) }
            return .arrived(peer: peer, from: Endpoint(address, event.port))
        case CU_FRAME:
            let length = Int(event.length)
            // Copied: at most a few hundred bytes, a few times a transfer.
            return withUnsafeBytes(of: &event.frame) { .frame(peer: peer, Array($0[..<length])) }
        case CU_GOT: return .got(peer: peer, piece: event.token, status: event.status)
        case CU_LOST: return .lost(peer: peer, status: event.status)
        default: return .gone(peer: peer)
        }
    }

    /// What a call comes to at once.
    enum Call {
        case begun(peer: UInt32)
        /// There are as many endpoints as there may be.
        case full
        /// It can't even be tried.
        case failed
    }

    /// Starts to connect.
    func connect(_ to: Endpoint) -> Call {
        let peer = to.address.withBytes { cu_connect(agent, $0, to.port) }
        if peer == CU_FULL { return .full }
        return peer < 0 ? .failed : .begun(peer: UInt32(truncatingIfNeeded: peer))
    }

    func accept(_ peer: UInt32) -> Bool { cu_accept(agent, peer) == 0 }

    /// Sends a message to an open peer; one that can't be sent to is lost, which comes as an event.
    func send(_ message: PeerMessage, to peer: UInt32) {
        let frame = message.encoded()
        _ = cu_send(agent, peer, frame, frame.count)
    }

    /// Lets reads of the peer's region begin.
    func trust(_ peer: UInt32) -> Bool { cu_trust(agent, peer) == 0 }

    /// Begins to read; false = it can't be.
    func get(_ peer: UInt32, remote: UInt64, local: Int, length: Int, piece: UInt32) -> Bool {
        cu_get(agent, peer, remote, local, length, piece) == 0
    }

    /// Ends a peer with everything that runs on it.
    func close(_ peer: UInt32) { cu_close(agent, peer) }
}
