import Glibc
import Linux

/// What /proc tells of one process. Everything is nil that this user may not see.
struct ProcessFiles {
    let pid: Int32
    private let status: [String: String]

    init?(pid: Int32) {
        self.pid = pid
        guard let text = Files.text("/proc/\(pid)/status") else { return nil }
        var status: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            status[String(line[..<colon])] = trimmed(line[line.index(after: colon)...])
        }
        self.status = status
    }

    /// A line of `status`, without its name.
    func value(_ name: String) -> String? { status[name] }

    /// A line of hexadecimal bits.
    func bits(_ name: String) -> UInt64? { status[name].flatMap { UInt64($0, radix: 16) } }

    /// Real, effective, saved and file system id.
    func ids(_ name: String) -> [UInt32] {
        (status[name] ?? "").split(whereSeparator: isBlank).compactMap { UInt32($0) }
    }

    /// The supplementary groups.
    var groups: [UInt32] { ids("Groups") }

    /// Where a link such as `exe` or `ns/net` leads.
    func link(_ name: String) -> String? { readLink("/proc/\(pid)/\(name)") }

    /// Who owns the process's files in /proc: root instead of its own user when it isn't dumpable. (The folder itself is
    /// the user's in any case.)
    var filesOwner: UInt32? {
        var info = stat()
        return stat("/proc/\(pid)/status", &info) == 0 ? info.st_uid : nil
    }

    /// The hard and the soft limit of a line of `limits`; `UInt64.max` = none.
    func limit(_ name: String) -> (soft: UInt64, hard: UInt64)? {
        guard let text = Files.text("/proc/\(pid)/limits") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            let words = line.dropFirst(name.count).split(whereSeparator: isBlank)
            guard words.count >= 2 else { return nil }
            return (number(words[0]), number(words[1]))
        }
        return nil
    }

    private func number(_ word: Substring) -> UInt64 { word == "unlimited" ? .max : UInt64(word) ?? .max }

    /// The arguments.
    var arguments: [String]? { strings("cmdline") }
    /// The environment.
    var environment: [String]? { strings("environ") }

    private func strings(_ name: String) -> [String]? {
        Files.text("/proc/\(pid)/\(name)")?.split(separator: "\0").map(String.init)
    }

    /// Open descriptors and what they are.
    var descriptors: [(number: Int32, link: String)]? {
        guard let folder = opendir("/proc/\(pid)/fd") else { return nil }
        defer { closedir(folder) }
        var found: [(Int32, String)] = []
        var isEmpty = true
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let number = Int32(name) else { continue }
            isEmpty = false
            // One that was closed meanwhile is none.
            if let link = link("fd/\(number)") { found.append((number, link)) }
        }
        // Root may list them all, but without SYS_PTRACE see what none of them is.
        if found.isEmpty && !isEmpty { return nil }
        return found.sorted { $0.0 < $1.0 }
    }

    /// A mapping: its permissions and what is mapped.
    struct Mapping {
        let permissions: Substring
        let path: Substring
    }

    /// Memory; nil when it may not be seen.
    var mappings: [Mapping]? {
        guard let text = Files.text("/proc/\(pid)/maps", limit: 1 << 20), !text.isEmpty else { return nil }
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard words.count >= 5 else { return nil }
            let path = words.count > 5 ? words[5].drop { $0 == " " } : ""
            return Mapping(permissions: words[1], path: path)
        }
    }

    /// The seals of a memory file that the process holds; nil when they can't be read.
    func seals(_ descriptor: Int32) -> Int32? {
        let fd = open("/proc/\(pid)/fd/\(descriptor)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        let seals = fcntl(fd, 1034)  // F_GET_SEALS
        return seals < 0 ? nil : seals
    }
}

func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

func trimmed(_ text: Substring) -> String {
    var text = text
    while let first = text.first, isBlank(first) { text.removeFirst() }
    while let last = text.last, isBlank(last) { text.removeLast() }
    return String(text)
}

func readLink(_ path: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let n = bytes.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
    }
    return n > 0 ? String(decoding: bytes[..<n], as: UTF8.self) : nil
}
