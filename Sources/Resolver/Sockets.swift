import CLinux
import Glibc
import Linux

/// What this process needs of the kernel beyond the shared layer.
enum Sockets {
    /// A new datagram socket that is connected to a server: the kernel picks its port at random and passes on nothing
    /// that comes from anywhere else.
    static func datagram(to server: Endpoint) throws(Errno) -> Int32 {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let fd = socket(server.address.isV4 ? AF_INET : AF_INET6, kind, 0)
        guard fd >= 0 else { throw Errno(errno) }
        if connect(fd, to: server) < 0 {
            let error = Errno(errno)
            close(fd)
            throw error
        }
        return fd
    }

    private static func connect(_ fd: Int32, to server: Endpoint) -> Int32 {
        if server.address.isV4 {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = server.port.bigEndian
            name.sin_addr.s_addr = server.address.v4.bigEndian
            return connect(fd, &name)
        }
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = server.port.bigEndian
        withUnsafeMutableBytes(of: &name.sin6_addr) { out in
            server.address.withBytes { out.copyMemory(from: UnsafeRawBufferPointer(start: $0, count: 16)) }
        }
        return connect(fd, &name)
    }

    private static func connect<Name>(_ fd: Int32, _ name: inout Name) -> Int32 {
        // Sound: every socket address starts as sockaddr does, and the size that is passed is the whole one's.
        withUnsafeBytes(of: &name) {
            Glibc.connect(fd, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
    }

    /// A message id that nobody can guess.
    static func randomID() throws(Errno) -> UInt16 {
        var id: UInt16 = 0
        _ = try withUnsafeMutableBytes(of: &id) { bytes throws(Errno) in
            try Errno.check(cl_random(bytes.baseAddress, bytes.count))
        }
        return id
    }

    /// The first `limit` bytes of a file behind a descriptor. The descriptor's own position plays no part: other
    /// processes may share it.
    static func contents(of fd: Int32, limit: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let n = bytes.withUnsafeMutableBytes { pread(fd, $0.baseAddress! + count, limit - count, off_t(count)) }
            if n < 0 && errno == EINTR { continue }
            guard n >= 0 else { throw Errno(errno) }
            if n == 0 { break }
            count += n
        }
        return Array(bytes[..<count])
    }
}
