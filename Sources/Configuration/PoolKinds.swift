/// An entry of `--allow`.
public struct AllowedTarget: Sendable, Hashable, CustomStringConvertible {
    /// The address.
    public let address: IPAddress
    /// The port, never 0.
    public let port: UInt16

    /// As `--allow` takes it.
    public var description: String { address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)" }

    /// Parses `ADDRESS:PORT` or `[ADDRESS]:PORT`.
    init(parsing text: String) throws(Unacceptable) {
        guard let colon = text.lastIndex(of: ":") else { throw Unacceptable("has no port") }
        var host = String(text[..<colon])
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if bracketed { host = String(host.dropFirst().dropLast()) }
        guard let address = IPAddress(host), host.contains(":") == bracketed else {
            throw Unacceptable("does not start with an IPv4 address, or an IPv6 address in brackets")
        }
        guard let number = wholeNumber(text[text.index(after: colon)...]), (1...65535).contains(number) else {
            throw Unacceptable("has a port that is not a number from 1 to 65535")
        }
        self.address = address
        port = UInt16(number)
    }
}

/// Why a list of allowed targets can't be used.
public struct AllowListMistake: Error, Sendable, Equatable {
    /// What is wrong, and where.
    public let text: String
}

/// The entries of an `--allow-file`: one a line, `#` begins a comment, empty lines count for nothing.
///
/// A file with a mistake is refused whole: half a list would be a guess.
public func parseAllowFile(_ text: String) throws(AllowListMistake) -> [AllowedTarget] {
    var targets: [AllowedTarget] = []
    // To Swift, a carriage return and a line feed are one character.
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (number, line) in lines.enumerated() {
        let entry = line.prefix { $0 != "#" }.drop { $0 == " " || $0 == "\t" }
            .reversed().drop { $0 == " " || $0 == "\t" }.reversed()
        if entry.isEmpty { continue }
        do {
            targets.append(try AllowedTarget(parsing: String(entry)))
        } catch {
            throw AllowListMistake(text: "line \(number + 1): \(quoted(String(entry))) \(error.reason)")
        }
    }
    return targets
}

/// Which ports of a pool's members may be called.
public enum AllowlistPorts: Sendable, Equatable {
    /// Those that the pool declares.
    case pool
    /// Every port.
    case any
    /// These.
    case list([UInt16])
}

/// The most ports of a list; more travel in no message.
let maximumAllowlistPorts = 64

extension Kind {
    static let allowList = Kind(
        placeholder: "ADDRESS:PORT,...",
        accepted: "a comma-separated list of ADDRESS:PORT, IPv6 addresses in brackets",
        acceptedInHelp: "ADDRESS:PORT, IPv6 addresses in brackets",
        store: { text, settings throws(Unacceptable) in
            var targets: [AllowedTarget] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
                let entry = String(part)
                if entry.isEmpty { throw Unacceptable("has an empty entry") }
                do throws(Unacceptable) {
                    let target = try AllowedTarget(parsing: entry)
                    if !targets.contains(target) { targets.append(target) }
                } catch {
                    throw Unacceptable("has the entry \(quoted(entry)), which \(error.reason)")
                }
            }
            settings.allow = targets
        },
        show: { $0.allow.map(\.description).joined(separator: ",") })

    static let allowlistPorts = Kind(
        placeholder: "pool|any|PORT,...", accepted: "pool, any or a comma-separated list of ports", acceptedInHelp: "",
        store: { text, settings throws(Unacceptable) in
            switch text {
            case "pool": settings.allowlistPorts = .pool
            case "any": settings.allowlistPorts = .any
            default:
                var ports: [UInt16] = []
                for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                    let number = try numberValue(String(part), in: 1...65535)
                    if !ports.contains(UInt16(number)) { ports.append(UInt16(number)) }
                }
                guard ports.count <= maximumAllowlistPorts else {
                    throw Unacceptable("has \(ports.count) ports, and \(maximumAllowlistPorts) are the most")
                }
                settings.allowlistPorts = .list(ports)
            }
        },
        show: { settings in
            switch settings.allowlistPorts {
            case .pool: "pool"
            case .any: "any"
            case .list(let ports): ports.map(String.init).joined(separator: ",")
            }
        })

    /// The URL of the API server: an address, because nobody of this house looks names up for the watcher.
    static let kubernetesServer = text(
        \.kubernetesServer, placeholder: "URL", accepted: "https://ADDRESS[:PORT], an IPv6 address in brackets"
    ) { text throws(Unacceptable) in
        if text.isEmpty { return "" }
        guard text.hasPrefix("https://") else { throw Unacceptable("does not start with https://") }
        var rest = String(text.dropFirst("https://".count))
        if rest.hasSuffix("/") { rest.removeLast() }
        let hasPort = rest.hasPrefix("[") ? !rest.hasSuffix("]") : rest.contains(":")
        do throws(Unacceptable) {
            return "https://\(try AllowedTarget(parsing: hasPort ? rest : rest + ":443"))"
        } catch {
            throw hasPort ? error : Unacceptable("has no address in it (names are not looked up)")
        }
    }

    /// Handed to the API server as it is; it knows the grammar best. Here only what could break out of the request is
    /// refused.
    static let labelSelector = text(
        \.allowlistSelector, placeholder: "SELECTOR",
        accepted: "a label selector of Kubernetes, such as role=prefill,tier!=test"
    ) { text throws(Unacceptable) in
        guard text.utf8.count <= 1000 else { throw Unacceptable("is longer than 1000 bytes") }
        guard text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw Unacceptable("has characters that no label has")
        }
        if let fault = LabelSelector.fault(in: text) { throw Unacceptable(fault) }
        return text
    }
}

extension Settings {
    /// The API server of `kubernetesServer`, nil when there is none.
    public var kubernetesEndpoint: AllowedTarget? {
        guard kubernetesServer.hasPrefix("https://") else { return nil }
        return try? AllowedTarget(parsing: String(kubernetesServer.dropFirst("https://".count)))
    }

    /// Is the allowlist a fixed one?
    public var hasStaticAllowlist: Bool { !allow.isEmpty || !allowFile.isEmpty }
}
