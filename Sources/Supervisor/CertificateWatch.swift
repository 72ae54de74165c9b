import CLinux
import Glibc
import Linux

/// Notices when certificates change on disk: the kernel tells of anything that happens in their folders, and fingerprints
/// tell whether it concerns them. Where it tells nothing (a folder that isn't there yet, a file system that doesn't do
/// it), each heartbeat looks.
struct CertificateWatch {
    /// Changes that come together are taken as one: this long after the last, and at the latest this long after the first,
    /// in milliseconds. Certificate and key are two files, and whoever writes them writes one after the other.
    private static let settling: Int64 = 100
    private static let longestSettling: Int64 = 400

    /// To be watched for input; -1 = the kernel tells nothing.
    let fd: Int32
    /// When the files are looked at, in milliseconds; 0 = nothing has happened.
    private(set) var dueAt: Int64 = 0
    private var firstAt: Int64 = 0
    private var folders: Set<String> = []
    private var seen: [String: CertificateFiles.Fingerprint] = [:]
    private let files: [String]

    init(files: [String]) {
        self.files = files
        fd = files.isEmpty ? -1 : max(-1, cl_inotify_create())
        folders = Set(
            files.map { path in
                guard let slash = path.lastIndex(of: "/") else { return "." }
                return slash == path.startIndex ? "/" : String(path[..<slash])
            })
        for path in files { seen[path] = .init(path) }
        watchFolders()
    }

    /// Asks again for folders that weren't there; those that are being watched already stay so.
    private func watchFolders() {
        guard fd >= 0 else { return }
        for folder in folders {
            // Of a folder that isn't there, the nearest one above it tells when it comes.
            var place = folder
            while cl_inotify_add(fd, place) != 0, let slash = place.lastIndex(of: "/"), place != "/" {
                place = slash == place.startIndex ? "/" : String(place[..<slash])
            }
        }
    }

    /// Something happened in a folder.
    mutating func noteEvents(now: Int64) {
        cl_inotify_drain(fd)
        if dueAt == 0 { firstAt = now }
        dueAt = min(now + Self.settling, firstAt + Self.longestSettling)
    }

    /// The files that are others than at the last look.
    mutating func changes() -> Set<String> {
        dueAt = 0
        watchFolders()
        var changed: Set<String> = []
        for path in files {
            let found = CertificateFiles.Fingerprint(path)
            if found != seen[path] { changed.insert(path) }
            seen[path] = found
        }
        return changed
    }
}
