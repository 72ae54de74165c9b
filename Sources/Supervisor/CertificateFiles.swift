import CLinux
import Glibc
import Linux

/// A certificate chain, copied into a sealed memory file, and its private key as an open file that nobody here reads.
final class CertificatePair {
    let chain: Int32
    let key: Int32

    init(chain: Int32, key: Int32) {
        self.chain = chain
        self.key = key
    }

    deinit {
        close(chain)
        if key >= 0 { close(key) }
    }
}

/// Certificates and keys as files. Chains and authorities are copied and sealed, so that who gets them reads what was
/// there when they were read; keys are opened and passed on.
enum CertificateFiles {
    /// Why a file can't be used, in words for the log.
    struct Mistake: Error {
        let text: String
    }

    /// Where systems keep the certificates they trust.
    static let systemAuthorities = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    /// The longest file of certificates, in bytes.
    private static let longest = 4 << 20

    /// `tls.crt` and `tls.key` of a directory. Kubernetes swaps both at once by a symbolic link, `..data`: through it they
    /// are of one kind, however the swap falls.
    static func pair(in directory: String) throws(Mistake) -> CertificatePair {
        let linked = open("\(directory)/..data", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let folder = linked >= 0 ? linked : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Mistake(text: "\(directory) can't be opened: \(Errno(errno))") }
        defer { close(folder) }
        let certificate = openat(folder, "tls.crt", O_RDONLY | O_CLOEXEC)
        guard certificate >= 0 else { throw Mistake(text: "tls.crt can't be opened: \(Errno(errno))") }
        defer { close(certificate) }
        let key = openat(folder, "tls.key", O_RDONLY | O_CLOEXEC)
        guard key >= 0 else { throw Mistake(text: "tls.key can't be opened: \(Errno(errno))") }
        do throws(Mistake) {
            return CertificatePair(chain: try sealed(certificate, "tls.crt"), key: key)
        } catch {
            close(key)
            throw error
        }
    }

    /// A file of authorities' certificates; the descriptor is the caller's.
    static func authorities(_ path: String) throws(Mistake) -> Int32 {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw Mistake(text: "\(path) can't be opened: \(Errno(errno))") }
        defer { close(fd) }
        return try sealed(fd, path)
    }

    private static func sealed(_ fd: Int32, _ name: String) throws(Mistake) -> Int32 {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let n = block.withUnsafeMutableBytes { read(fd, $0.baseAddress!, $0.count) }
            if n < 0 && errno == EINTR { continue }
            if n < 0 { throw Mistake(text: "\(name) can't be read: \(Errno(errno))") }
            if n == 0 { break }
            bytes.append(contentsOf: block[..<n])
            if bytes.count > longest { throw Mistake(text: "\(name) is longer than \(longest >> 20) MiB") }
        }
        if bytes.isEmpty { throw Mistake(text: "\(name) is empty") }
        let copy = bytes.withUnsafeBytes { cl_sealed_create("certificates", $0.baseAddress, $0.count) }
        guard copy >= 0 else { throw Mistake(text: "there is no memory for \(name): \(Errno(copy))") }
        return copy
    }

    /// What tells one state of a file from another without reading it; nil = it isn't there.
    struct Fingerprint: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int

        init?(_ path: String) {
            var found = stat()
            guard stat(path, &found) == 0 else { return nil }
            device = UInt64(found.st_dev)
            inode = UInt64(found.st_ino)
            size = Int64(found.st_size)
            seconds = Int(found.st_mtim.tv_sec)
            nanoseconds = Int(found.st_mtim.tv_nsec)
        }
    }
}
