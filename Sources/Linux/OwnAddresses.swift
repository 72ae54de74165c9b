import CLinux

extension Address {
    /// The addresses of this host's interfaces, 1024 at most; an errno of the kernel's when they can't be read.
    public static func ofThisHost() throws(Errno) -> [Address] {
        let most = 1024
        var bytes = [UInt8](repeating: 0, count: most * 16)
        let count = Int(cl_own_addresses(&bytes, Int32(most)))
        if count < 0 { throw Errno(Int32(-count)) }
        return bytes.withUnsafeBytes { all in
            (0..<count).map { Address(bytes: UnsafeRawBufferPointer(rebasing: all[$0 * 16..<$0 * 16 + 16])) }
        }
    }

    /// The name of this host's interface that has the address; of a loopback address, the loopback interface. Nil: there is
    /// none, or none that can be read.
    public var interface: String? {
        var name = [UInt8](repeating: 0, count: 16)
        let found = name.withUnsafeMutableBytes { name in
            withBytes {
                cl_interface_with($0, isLoopback ? 1 : 0, name.baseAddress!.assumingMemoryBound(to: CChar.self))
            }
        }
        return found == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : nil
    }
}
