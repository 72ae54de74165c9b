import Glibc

/// The two calls the demo needs whose C declarations take variable arguments, which Swift does not import.
///
/// Both are looked up by name and called with fixed arguments of integer size. Linux passes such arguments alike for
/// either kind of declaration on x86-64 and arm64, which is what makes this sound.
enum SystemCalls {
    private typealias Prctl = @convention(c) (CInt, CUnsignedLong, CUnsignedLong, CUnsignedLong, CUnsignedLong) -> CInt
    private typealias Ioctl = @convention(c) (CInt, CUnsignedLong, UnsafeMutableRawPointer?) -> CInt

    private static let setParentDeathSignal: CInt = 1
    private static let getWindowSize: CUnsignedLong = 0x5413

    /// Has the kernel send `signal` to this process when its parent ends; it outlasts exec. False on failure.
    static func endWithParent(signal: Int32) -> Bool {
        guard let symbol = dlsym(nil, "prctl") else { return false }
        let prctl = unsafeBitCast(symbol, to: Prctl.self)
        return prctl(setParentDeathSignal, CUnsignedLong(signal), 0, 0, 0) == 0
    }

    /// Columns and rows of the terminal behind standard output; nil where there is none.
    static func terminalSize() -> (columns: Int, rows: Int)? {
        guard let symbol = dlsym(nil, "ioctl") else { return nil }
        let ioctl = unsafeBitCast(symbol, to: Ioctl.self)
        var size = winsize()
        guard ioctl(STDOUT_FILENO, getWindowSize, &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
