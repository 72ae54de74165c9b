import CLinux
import Glibc
import Linux

/// A certificate chain, copied into a sealed memory file, and its private key as an open file that nobody here reads.
final class CertificatePair {
    let chain: Int32
    let key: Int32
    /// The states of both files; nil for what we made ourselves.
    let origin: [CertificateFiles.Fingerprint]?

    init(chain: Int32, key: Int32, origin: [CertificateFiles.Fingerprint]? = nil) {
        self.chain = chain
        self.key = key
        self.origin = origin
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
        let certificate = openat(folder, "tls.crt", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard certificate >= 0 else { throw Mistake(text: "tls.crt can't be opened: \(Errno(errno))") }
        defer { close(certificate) }
        let key = openat(folder, "tls.key", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard key >= 0 else { throw Mistake(text: "tls.key can't be opened: \(Errno(errno))") }
        do throws(Mistake) {
            guard let second = Fingerprint(fd: key) else { throw Mistake(text: "tls.key is no file") }
            guard let first = Fingerprint(fd: certificate) else { throw Mistake(text: "tls.crt is no file") }
            return CertificatePair(chain: try sealed(certificate, "tls.crt"), key: key, origin: [first, second])
        } catch {
            close(key)
            throw error
        }
    }

    /// A file of authorities' certificates; the descriptor is the caller's.
    static func authorities(_ path: String) throws(Mistake) -> Int32 {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else { throw Mistake(text: "\(path) can't be opened: \(Errno(errno))") }
        defer { close(fd) }
        guard Fingerprint(fd: fd) != nil else { throw Mistake(text: "\(path) is no file") }
        return try sealed(fd, path)
    }

    private static func sealed(_ fd: Int32, _ name: String) throws(Mistake) -> Int32 {
        // Wiped, since somebody may have put a private key into it.
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: longest + 1, alignment: 16)
        var count = 0
        defer {
            explicit_bzero(room.baseAddress!, count)
            room.deallocate()
        }
        while true {
            let n = read(fd, room.baseAddress! + count, room.count - count)
            if n < 0 && errno == EINTR { continue }
            if n < 0 { throw Mistake(text: "\(name) can't be read: \(Errno(errno))") }
            if n == 0 { break }
            count += n
            if count > longest { throw Mistake(text: "\(name) is longer than \(longest >> 20) MiB") }
        }
        if count == 0 { throw Mistake(text: "\(name) is empty") }
        // It would go to the proxy with the rest, and no process that reads a client's byte may have it.
        if holdsPrivateKey(UnsafeRawBufferPointer(rebasing: room[..<count])) {
            throw Mistake(
                text:
                    "\(name) holds a private key, and what is in \(name) is shown to everybody; leave only certificates in"
                    + " it, and the key in tls.key")
        }
        let copy = cl_sealed_create("certificates", room.baseAddress, count)
        guard copy >= 0 else { throw Mistake(text: "there is no memory for \(name): \(Errno(copy))") }
        return copy
    }

    private static func holdsPrivateKey(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let mark = Array("PRIVATE KEY-----".utf8)
        return bytes.indices.contains { bytes[$0] == mark[0] && bytes[$0...].starts(with: mark) }
    }

    /// What tells one state of a file from another without reading it; nil = it isn't there, or no file.
    struct Fingerprint: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var written: [Int]
        var changed: [Int]

        init?(_ path: String) {
            var found = stat()
            guard stat(path, &found) == 0 else { return nil }
            self.init(found)
        }

        init?(fd: Int32) {
            var found = stat()
            guard fstat(fd, &found) == 0 else { return nil }
            self.init(found)
        }

        private init?(_ found: stat) {
            // A pipe or a device could hold up whoever reads it.
            guard found.st_mode & S_IFMT == S_IFREG else { return nil }
            device = UInt64(found.st_dev)
            inode = UInt64(found.st_ino)
            size = Int64(found.st_size)
            written = [found.st_mtim.tv_sec, found.st_mtim.tv_nsec]
            // Owner and mode count too: who may read it now may not have been able to.
            changed = [found.st_ctim.tv_sec, found.st_ctim.tv_nsec]
        }
    }
}
