import CLinux
import Configuration
import Glibc
import Linux

/// A listening socket that the supervisor owns and lends to children. It never accepts from it.
final class Listener {
    private let address: Address?
    private let port: UInt16
    private(set) var fd: Int32 = -1

    private static let backlog: Int32 = 4096

    /// `address` nil: all interfaces, both address families where the host has both.
    init(address: Address?, port: UInt16) {
        self.address = address
        self.port = port
    }

    deinit { close() }

    func bind() throws(Errno) {
        if let address {
            fd = try Errno.check(address.withBytes { cl_listen_tcp($0, port, Self.backlog, 0) })
            return
        }
        let dual = Address.any.withBytes { cl_listen_tcp($0, port, Self.backlog, 1) }
        if dual >= 0 {
            fd = dual
        } else if dual == -EAFNOSUPPORT || dual == -EADDRNOTAVAIL {
            fd = try Errno.check(Address.any4.withBytes { cl_listen_tcp($0, port, Self.backlog, 0) })
        } else {
            throw Errno(dual)
        }
    }

    /// The socket, fit to be lent again: a child that was taken over could have shut it down, and then it is made anew.
    func forHandover() throws(Errno) -> Int32 {
        if isSound { return fd }
        close()
        // Whoever holds the old socket has been killed, and its end takes a moment.
        for _ in 0..<100 {
            do throws(Errno) {
                try bind()
                return fd
            } catch {
                guard error.number == EADDRINUSE else { throw error }
                usleep(2000)
            }
        }
        try bind()
        return fd
    }

    /// It accepts, nobody has put a filter on it or locked one, and its options are those that it was made with.
    var isSound: Bool { fd >= 0 && cl_listening(fd) == 1 && cl_has_filter(fd) == 0 && cl_is_as_lent(fd) == 1 }

    func close() {
        if fd >= 0 { _ = Glibc.close(fd) }
        fd = -1
    }
}
