import CLinux
import Glibc
import IPC
import Linux

@testable import Resolver

/// A name server on loopback that answers when it is given its turn: everything happens in one thread, in one order.
final class NameServer {
    /// A message that has come, and what may be sent back.
    struct Query {
        let bytes: [UInt8]
        let isStream: Bool
        /// Where it came from; port and id must differ from question to question.
        let port: UInt16
        var id: UInt16 { UInt16(bytes[0]) << 8 | UInt16(bytes[1]) }
        var type: RecordType? {
            RecordType(rawValue: UInt16(bytes[bytes.count - 4]) << 8 | UInt16(bytes[bytes.count - 3]))
        }

        /// An honest answer's bytes.
        func answer(flags: Int = 0x0180, addresses: [String] = [], id: UInt16? = nil) -> [UInt8] {
            var writer = MessageWriter()
            writer.header(id: id ?? self.id, flags: flags, answers: addresses.count)
            writer.bytes += bytes[12...]
            for address in addresses {
                writer.pointer(12)
                writer.fields(type: 1, length: 4)
                writer.number32(numeric(address).v4)
            }
            return writer.bytes
        }
    }

    let endpoint: Endpoint
    private(set) var queries: [Query] = []
    private let datagrams: Int32
    private let listener: Int32
    private let answer: (Query) -> [UInt8]?
    private var connections: [Int32] = []

    /// Takes a port that is free for both transports; nil when there is none.
    init?(_ answer: @escaping (Query) -> [UInt8]?) {
        self.answer = answer
        listener = Address.loopback4.withBytes { cl_listen_tcp($0, 0, 16, 0) }
        var bytes = [UInt8](repeating: 0, count: 16)
        var port: UInt16 = 0
        guard listener >= 0, cl_local_address(listener, &bytes, &port) == 0 else { return nil }
        endpoint = Endpoint(.loopback4, port)
        datagrams = Self.datagramSocket(port)
        if datagrams < 0 { return nil }
    }

    deinit {
        for fd in [datagrams, listener] + connections where fd >= 0 { close(fd) }
    }

    static func datagramSocket(_ port: UInt16) -> Int32 {
        let fd = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let bound = withUnsafeBytes(of: &name) {
            bind(fd, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        return bound == 0 ? fd : -1
    }

    /// Sends a datagram to a port of this host.
    static func send(_ bytes: [UInt8], from fd: Int32, to port: UInt16) {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = withUnsafeBytes(of: &name) {
            sendto(
                fd, bytes, bytes.count, 0, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
    }

    /// Sends a datagram from the server's own port.
    func reply(_ bytes: [UInt8], to query: Query) { Self.send(bytes, from: datagrams, to: query.port) }

    /// Answers whatever has come.
    func turn() {
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            var from = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let n = withUnsafeMutableBytes(of: &from) {
                recvfrom(datagrams, &buffer, 2048, 0, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
            }
            if n < 17 { break }
            let query = Query(bytes: Array(buffer[..<n]), isStream: false, port: UInt16(bigEndian: from.sin_port))
            queries.append(query)
            if let bytes = answer(query) { Self.send(bytes, from: datagrams, to: query.port) }
        }
        while true {
            let fd = cl_accept(listener)
            if fd < 0 { break }
            connections.append(fd)
        }
        for fd in connections {
            let n = cl_recv(fd, &buffer, 2048)
            guard n > 19 else { continue }
            let query = Query(bytes: Array(buffer[2..<n]), isStream: true, port: 0)
            queries.append(query)
            guard let bytes = answer(query) else { continue }
            let framed = [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
            _ = cl_send(fd, framed, framed.count)
        }
    }
}
