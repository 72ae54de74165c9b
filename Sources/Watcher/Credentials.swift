import CCurl
import Glibc
import IPC
import Linux

/// The token and the certificates, which the supervisor opens anew each time: Kubernetes swaps both files while we run.
struct Credentials {
    /// The most that is read of a token and of a file of certificates, in bytes.
    static let longestToken = 64 << 10
    static let longestAuthority = 1 << 20
    /// How long a look at the certificates counts, in milliseconds.
    static let authorityFreshness: Int64 = 60_000
    /// The supervisor answers at once; a question that was lost is asked again after this.
    static let patience: Int64 = 5_000

    private(set) var token: Secret?
    private(set) var authority: [UInt8] = []
    private var authorityAge: Int64?
    private var isAuthorityDoubtful = false
    /// Files that were asked for and haven't come, and since when.
    private var awaited: [HostFile: Int64] = [:]

    /// Is an answer still to come?
    var isWaiting: Bool { !awaited.isEmpty }
    /// Is there all that a request needs?
    var isUsable: Bool { token != nil && !authority.isEmpty }
    /// When to ask again.
    var nextTurn: Int64 { awaited.values.min().map { $0 + Self.patience } ?? .max }

    /// Before a request: which files to ask for.
    mutating func refresh(now: Int64) -> [HostFile] {
        var wanted: [HostFile] = []
        if awaited[.token] == nil { wanted.append(.token) }
        let isFresh = authorityAge.map { now - $0 < Self.authorityFreshness } ?? false
        if awaited[.certificateAuthority] == nil, !isFresh || isAuthorityDoubtful {
            wanted.append(.certificateAuthority)
        }
        for file in wanted { awaited[file] = now }
        return wanted
    }

    /// Files that have been awaited for too long, to be asked for again.
    mutating func overdue(now: Int64) -> [HostFile] {
        let files = awaited.filter { now - $0.value >= Self.patience }.map(\.key)
        for file in files { awaited[file] = now }
        return files
    }

    /// The server's certificate was not vouched for: the certificates may have been replaced.
    mutating func doubtAuthority() { isAuthorityDoubtful = true }

    /// Takes what came. What can't be used leaves what was there in force.
    /// - Returns: why it can't be used; nil = all is well.
    mutating func take(_ file: HostFile, _ descriptor: Int32, now: Int64) -> String? {
        awaited[file] = nil
        switch file {
        case .token:
            do throws(Secret.Fault) {
                token = try Secret(reading: descriptor, longest: Self.longestToken)
                return nil
            } catch {
                return error.text
            }
        case .certificateAuthority:
            authorityAge = now
            isAuthorityDoubtful = false
            return takeAuthority(descriptor)
        case .resolvConf, .hosts: return nil
        }
    }

    /// A file could not be opened; what was there stays in force.
    mutating func miss(_ file: HostFile, now: Int64) {
        awaited[file] = nil
        if file == .certificateAuthority {
            authorityAge = now
            isAuthorityDoubtful = false
        }
    }

    private mutating func takeAuthority(_ descriptor: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: Self.longestAuthority + 1)
        var count = 0
        while count < bytes.count {
            let n = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + count, $0.count - count, off_t(count))
            }
            if n < 0 && errno == EINTR { continue }
            guard n >= 0 else { return Errno(errno).description }
            if n == 0 { break }
            count += n
        }
        guard count > 0 else { return "the file is empty" }
        guard count <= Self.longestAuthority else { return "the file is longer than 1 MiB" }
        authority = Array(bytes[..<count])
        return nil
    }
}

/// Bytes that are overwritten when nobody needs them any more.
final class Secret {
    /// Why a file's content is no token.
    struct Fault: Error {
        let text: String
    }

    private let memory: UnsafeMutableRawBufferPointer
    private let range: Range<Int>

    /// Reads a file and trims the white space around its content. The descriptor's own position plays no part.
    init(reading descriptor: Int32, longest: Int) throws(Fault) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: longest + 1, alignment: 16)
        var count = 0
        var fault: String?
        while count < memory.count {
            let n = pread(descriptor, memory.baseAddress! + count, memory.count - count, off_t(count))
            if n < 0 && errno == EINTR { continue }
            if n < 0 { fault = Errno(errno).description }
            if n <= 0 { break }
            count += n
        }
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var range = 0..<count
        while let first = range.first, isSpace(memory[first]) { range.removeFirst() }
        while let last = range.last, isSpace(memory[last]) { range.removeLast() }
        if fault == nil {
            if range.isEmpty {
                fault = "the file is empty"
            } else if count > longest {
                fault = "the file is longer than \(longest >> 10) KiB"
            } else if !memory[range].allSatisfy({ (0x21...0x7E).contains($0) }) {
                fault = "the file holds characters that no token has"
            }
        }
        if let fault {
            cc_wipe(memory.baseAddress, memory.count)
            memory.deallocate()
            throw Fault(text: fault)
        }
        self.memory = memory
        self.range = range
    }

    deinit {
        cc_wipe(memory.baseAddress, memory.count)
        memory.deallocate()
    }

    /// The content.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[range]) }
}
