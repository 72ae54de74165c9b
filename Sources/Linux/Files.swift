import Glibc

/// Small files read whole: cgroup limits, /proc entries.
public enum Files {
    /// The first `limit` bytes of a file as text, or nil when it can't be read.
    public static func text(_ path: String, limit: Int = 65_536) -> String? {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let n = bytes.withUnsafeMutableBytes { read(fd, $0.baseAddress! + count, limit - count) }
            if n < 0 && errno == EINTR { continue }
            // What came before an error is not the file.
            if n < 0 { return nil }
            if n == 0 { break }
            count += n
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// What a symbolic link says; nil when it isn't one, or too long.
    public static func link(_ path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let n = bytes.withUnsafeMutableBytes { readlink(path, $0.baseAddress!, $0.count) }
        return n > 0 && n < bytes.count ? String(decoding: bytes[..<n], as: UTF8.self) : nil
    }

    /// The directory of the running executable, where its siblings are found.
    public static func executableDirectory() -> String? {
        guard let path = link("/proc/self/exe"), let slash = path.lastIndex(of: "/") else { return nil }
        return String(path[..<slash])
    }
}
