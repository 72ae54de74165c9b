import CLinux
import Glibc

/// An epoll instance. Closing it is its owner's matter; a process that ends needs none.
public struct EventPoll: Sendable {
    /// The epoll descriptor.
    public let fd: Int32

    /// Fails only for lack of descriptors or memory.
    public init() throws(Errno) { fd = try Errno.check(cl_epoll_create()) }

    /// Starts to watch `fd`; `token` comes back with each event.
    public func add(_ target: Int32, _ events: UInt32, token: UInt64) throws(Errno) {
        _ = try Errno.check(cl_epoll_add(fd, target, events, token))
    }

    /// Changes what is watched for.
    public func modify(_ target: Int32, _ events: UInt32, token: UInt64) throws(Errno) {
        _ = try Errno.check(cl_epoll_modify(fd, target, events, token))
    }

    /// Stops watching. Must come before close: a descriptor that is still open in another process would go on
    /// delivering events under a number that has been given to something else.
    public func remove(_ target: Int32) { _ = cl_epoll_remove(fd, target) }

    /// Waits for events; `milliseconds` -1 waits for ever. Returns how many were written.
    @inline(__always)
    public func wait(into events: UnsafeMutableBufferPointer<cl_event>, milliseconds: Int32) -> Int {
        Int(max(0, cl_epoll_wait(fd, events.baseAddress, Int32(events.count), milliseconds)))
    }
}
