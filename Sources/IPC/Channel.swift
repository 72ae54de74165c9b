import CLinux
import Glibc
import Linux

/// Our end of a SOCK_SEQPACKET pair. It owns one receive buffer; every frame is bounded by it before anything is read
/// or allocated.
public final class Channel {
    /// The socket.
    public let fd: Int32
    private let buffer: UnsafeMutableRawBufferPointer

    /// Takes over a connected socket.
    public init(fd: Int32) {
        self.fd = fd
        buffer = .allocate(byteCount: Frame.bufferSize, alignment: 16)
    }

    deinit {
        close(fd)
        buffer.deallocate()
    }

    /// What came of one receive.
    public enum Received<M: Message> {
        /// A whole message; the receiver owns the descriptor (-1 when there is none).
        case message(M, descriptor: Int32)
        /// Nothing more for now.
        case nothing
        /// The peer has closed its end or has died.
        case closed
        /// The peer broke the protocol. Its descriptors, if any, are closed already.
        case violation(Frame.Violation)
    }

    /// Reads one message.
    public func receive<M: Message>(_ type: M.Type = M.self) -> Received<M> {
        var rights = cl_received()
        let n = cl_recv_packet(fd, buffer.baseAddress, buffer.count, &rights)
        if n == -Int(EAGAIN) || n == -Int(EINTR) { return .nothing }
        if n < 0 { return .closed }
        let count = Int(rights.fd_count)
        if n == 0 && count == 0 { return .closed }
        do throws(Frame.Violation) {
            if rights.truncated != 0 { throw .truncated }
            let message: M = try Self.decode(UnsafeRawBufferPointer(rebasing: buffer[..<n]), descriptors: count)
            return .message(message, descriptor: count == 1 ? rights.fds.0 : -1)
        } catch {
            withUnsafeBytes(of: &rights.fds) { bytes in
                let all = bytes.bindMemory(to: Int32.self)
                for i in 0..<count { close(all[i]) }
            }
            return .violation(error)
        }
    }

    /// Checks one packet whole: frame, size, descriptors, fields, nothing left over.
    public static func decode<M: Message>(
        _ packet: UnsafeRawBufferPointer, descriptors: Int
    ) throws(Frame.Violation) -> M {
        let (type, payload) = try Frame.open(packet, descriptors: descriptors)
        guard let longest = M.longestPayload(ofType: type) else { throw .unknownType(type) }
        guard payload.count <= longest else { throw .tooLong("type \(type)") }
        var reader = WireReader(payload)
        guard let message = M.decode(type: type, from: &reader) else { throw .unknownType(type) }
        guard reader.isComplete else { throw .malformed(message.name) }
        if message.carriesDescriptor && descriptors == 0 { throw .missingDescriptor(message.name) }
        if !message.carriesDescriptor && descriptors > 0 { throw .unexpectedDescriptor(message.name) }
        return message
    }

    /// Sends one message; the descriptor stays the caller's. Fails with EAGAIN when the peer does not read, and with
    /// EPIPE when it is gone.
    public func send<M: Message>(_ message: M, descriptor: Int32 = -1) -> Result<Void, Errno> {
        // On the stack: the hot path of the dialer sends from here.
        withUnsafeTemporaryAllocation(byteCount: Frame.bufferSize, alignment: 16) { out in
            let size = Self.encode(message, descriptors: descriptor >= 0 ? 1 : 0, into: out)
            guard size > 0 else { return .failure(Errno(EMSGSIZE)) }
            let n = cl_send_packet(fd, out.baseAddress, size, descriptor)
            return n < 0 ? .failure(Errno(n)) : .success(())
        }
    }

    /// Writes a whole frame and returns its size; 0 when the message does not fit a frame.
    public static func encode<M: Message>(
        _ message: M, descriptors: Int, into out: UnsafeMutableRawBufferPointer
    ) -> Int {
        var writer = WireWriter(UnsafeMutableRawBufferPointer(rebasing: out[Frame.headerSize...]))
        message.encode(into: &writer)
        guard !writer.overflowed, writer.count <= Frame.largestPayload else { return 0 }
        Frame.seal(out, type: message.type, payload: writer.count, descriptors: descriptors)
        return Frame.headerSize + writer.count
    }
}
