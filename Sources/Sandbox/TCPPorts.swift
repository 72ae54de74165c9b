import CLinux
import Linux

/// TCP ports that Landlock leaves to a process: everything else it can neither bind nor connect to.
public struct TCPPorts: Sendable, Equatable {
    /// Where it may bind.
    public var bind: [ClosedRange<UInt16>] = []
    /// Where it may connect to.
    public var connect: [ClosedRange<UInt16>] = []

    /// None.
    public init() {}

    /// Writes the ports into a ruleset; nil = all went well.
    func allow(in ruleset: Int32) -> Errno? {
        for (ranges, binds) in [(bind, true), (connect, false)] {
            for port in ranges.joined() {
                let result = cl_landlock_allow_port(ruleset, port, binds ? 1 : 0, binds ? 0 : 1)
                if result < 0 { return Errno(result) }
            }
        }
        return nil
    }
}
