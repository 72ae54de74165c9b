import CArena
import CLinux
import Glibc
import Linux

/// Why there is no place to probe in.
public struct ArenaFailure: Error, CustomStringConvertible {
    /// In words.
    public let description: String
}

/// Where the targets of attacks stand: a network namespace of the probe's own, or loopback; a folder for files.
public final class Arena {
    /// Every IPv4 address is this process's own, so that the real addresses can be attacked and lead nowhere.
    let hasOwnNetwork: Bool
    let api: Endpoint
    let metadata: Endpoint
    let outside: Endpoint
    /// A member of the allowlist that listens.
    let member: Endpoint
    let tokenFile: String
    private(set) var notes: [String] = []
    private var folder = ""
    private var madeToken = false
    private var held: [Int32] = []
    private let abstract: String

    init(tokenFile: String) throws(ArenaFailure) {
        var notes: [String] = []
        let network = carena_own_network()
        hasOwnNetwork = network == 0
        if network != 0 && network != -EPERM {
            notes.append("a network namespace could not be made: \(Errno(network))")
        }
        var held: [Int32] = []
        if network == 0 {
            api = Endpoint(Address(v4: 0x0A60_0001), 8443)
            metadata = Endpoint(Address(v4: 0xA9FE_A9FE), 8080)
            outside = Endpoint(Address(v4: 0xCB00_7107), 8200)
            member = Endpoint(Address(v4: 0xC000_020A), 8300)
            for endpoint in [api, metadata, outside, member] {
                held.append(Address.any4.withBytes { cl_listen_tcp($0, endpoint.port, 4096, 0) })
            }
            notes.append("network targets have their real addresses, in a network namespace of the probe's own")
        } else {
            var places: [Endpoint] = []
            // Each has an address of its own, 127.0.0.1 to 127.0.0.4, so that an allowlist can tell them apart.
            for number in 1...4 as ClosedRange<UInt32> {
                let address = Address(v4: 0x7F00_0000 + number)
                let fd = address.withBytes { cl_listen_tcp($0, 0, 4096, 0) }
                held.append(fd)
                places.append(Endpoint(address, Self.port(fd)))
            }
            (api, metadata, outside, member) = (places[0], places[1], places[2], places[3])
            notes.append(
                "no network namespace may be made here; network targets are listeners of the probe's on loopback")
        }
        if held.contains(where: { $0 < 0 }) { throw ArenaFailure(description: "its targets can't listen on loopback") }
        abstract = "routing-sidecar-probe-\(getpid())"
        held.append(carena_listen_abstract(abstract))
        folder = Self.makeFolder() ?? ""
        if folder.isEmpty { notes.append("no folder is writable, so 'create a file' fails for that reason alone") }
        var token = tokenFile
        var info = stat()
        if token.isEmpty || stat(token, &info) != 0 {
            token = folder.isEmpty ? "/etc/hosts" : "\(folder)/token"
            if !folder.isEmpty {
                let fd = open(token, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
                _ = fchmod(fd, 0o644)
                _ = write(fd, "stand-in", 8)
                close(fd)
                madeToken = true
            }
            notes.append("no token is mounted; \(token) that everybody may read stands for it")
        }
        self.tokenFile = token
        self.held = held
        self.notes = notes
    }

    deinit {
        for fd in held where fd >= 0 { close(fd) }
        if madeToken { unlink(tokenFile) }
        if !folder.isEmpty { rmdir(folder) }
    }

    /// For a twin's command line.
    var targets: [String] {
        [
            "token=\(tokenFile)", "folder=\(folder)", "abstract=\(abstract)", "api=\(api)", "metadata=\(metadata)",
            "outside=\(outside)",
        ]
    }

    /// A listening socket like the shared one; the caller closes it.
    func freshListener() -> Int32 { Address.loopback4.withBytes { cl_listen_tcp($0, 0, 16, 0) } }

    private static func port(_ fd: Int32) -> UInt16 {
        var address = [UInt8](repeating: 0, count: 16)
        var port: UInt16 = 0
        _ = cl_local_address(fd, &address, &port)
        return port
    }

    /// A folder in which every user may create files.
    private static func makeFolder() -> String? {
        for place in ["/tmp", "/var/tmp", "/dev/shm", "/run"] {
            var template = Array("\(place)/routing-sidecar-probe-XXXXXX".utf8CString)
            let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap(mkdtemp) != nil }
            guard made else { continue }
            let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            chmod(path, 0o1777)
            return path
        }
        return nil
    }
}
