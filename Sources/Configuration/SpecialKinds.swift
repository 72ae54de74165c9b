/// The kinds of single settings: addresses, names and paths with rules of their own.
extension Kind {
    /// An address to bind; empty is every interface.
    static func bindAddress(_ field: Field<String>) -> Kind {
        text(
            field, placeholder: "ADDRESS",
            accepted: "an IPv4 or IPv6 address without brackets or port; empty for every interface",
            acceptedInHelp: "an ADDRESS, or empty for every interface"
        ) { text throws(Unacceptable) in
            if text.isEmpty { return "" }
            let address = try literal(text)
            if address.isMulticast { throw Unacceptable("is a multicast address") }
            return address.description
        }
    }

    static let decoderHost = text(
        \.decoderHost, placeholder: "HOST", accepted: "localhost, or an IPv4 or IPv6 address without brackets or port",
        acceptedInHelp: "localhost or an ADDRESS"
    ) { text throws(Unacceptable) in
        // The one name that is taken without a resolver: it stands for the loopback addresses.
        if text == "localhost" { return text }
        let address = try literal(text)
        if address.isUnspecified { throw Unacceptable("is an address to listen on, not one to connect to") }
        if address.isMulticast { throw Unacceptable("is a multicast address") }
        return address.description
    }

    static let denyList = Kind(
        placeholder: "TARGET,...",
        accepted: "a comma-separated list of ADDRESS[/PREFIX][:PORT], with IPv6 addresses in brackets before a port",
        acceptedInHelp: "ADDRESS[/PREFIX][:PORT], IPv6 addresses in brackets before a port",
        store: { text, settings throws(Unacceptable) in settings.denied = try parseDenyList(text) },
        show: { $0.deny.joined(separator: ",") })

    static let handoffHostCheck = Kind(
        placeholder: "auto|prefiller|pool|off", accepted: "auto, prefiller, pool or off",
        acceptedInHelp: "",
        store: { text, settings throws(Unacceptable) in
            // What `auto` amounts to depends on other settings, and is decided once all are known.
            guard let value = text == "auto" ? .off : HandoffHostCheck(rawValue: text) else {
                throw Unacceptable("is none of the known values")
            }
            settings.handoffHostCheck = value
        },
        show: { $0.handoffHostCheck.rawValue })

    static let controlSocket = Kind(
        placeholder: "PATH", accepted: "an absolute path of at most \(longestSocketPath) bytes, or off",
        acceptedInHelp: "an absolute path of at most \(longestSocketPath) bytes, or off",
        store: { text, settings throws(Unacceptable) in
            if text.isEmpty || text == "off" {
                settings.controlSocket = ""
                return
            }
            if text.utf8.contains(0) { throw Unacceptable("has a NUL in it") }
            guard text.hasPrefix("/") else { throw Unacceptable("does not start with /") }
            guard !text.hasSuffix("/") else { throw Unacceptable("names a directory") }
            guard text.utf8.count <= longestSocketPath else {
                throw Unacceptable("has \(text.utf8.count) bytes, too many for the address of a socket")
            }
            settings.controlSocket = text
        },
        show: { $0.controlSocket.isEmpty ? "off" : $0.controlSocket })

    /// A path, taken as it is: whether it can be opened is found out by whoever opens it.
    static func path(_ field: Field<String>) -> Kind {
        text(field, placeholder: "PATH", accepted: "a path", acceptedInHelp: "") { text throws(Unacceptable) in
            if text.utf8.contains(0) { throw Unacceptable("has a NUL in it") }
            return text
        }
    }

    static func anyText(_ field: Field<String>, placeholder: String) -> Kind {
        text(field, placeholder: placeholder, accepted: "any text", acceptedInHelp: "") { text throws(Unacceptable) in
            text
        }
    }

    /// The name of a Kubernetes namespace (RFC 1123 label); empty is unset.
    static func label(_ field: Field<String>) -> Kind {
        text(
            field, placeholder: "NAME", accepted: "up to 63 lower-case letters, digits and hyphens between them"
        ) { text throws(Unacceptable) in
            guard text.isEmpty || isLabel(text) else { throw Unacceptable("is not a Kubernetes name") }
            return text
        }
    }

    /// The name of a Kubernetes object (RFC 1123 subdomain); empty is unset.
    static func subdomain(_ field: Field<String>) -> Kind {
        text(
            field, placeholder: "NAME",
            accepted: "up to 253 lower-case letters and digits, with hyphens and dots between them"
        ) { text throws(Unacceptable) in
            guard text.isEmpty || isSubdomain(text) else { throw Unacceptable("is not a Kubernetes name") }
            return text
        }
    }

    static let inferencePool = text(
        \.inferencePool, placeholder: "[NAMESPACE/]NAME", accepted: "NAMESPACE/NAME or NAME, both Kubernetes names"
    ) { text throws(Unacceptable) in
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let named = parts.last.map(isSubdomain) ?? false
        guard text.isEmpty || named && (parts.count == 1 || parts.count == 2 && isLabel(parts[0])) else {
            throw Unacceptable("is not the name of a pool")
        }
        return text
    }

    /// zap takes a level by name, or a number for ever more talk.
    static let zapLogLevel = text(
        \.compatibility.zapLogLevel, placeholder: "LEVEL",
        accepted: "error, warn, info, debug, panic or a whole number from 1 to 127"
    ) { text throws(Unacceptable) in
        guard logLevel(zap: text) != nil else { throw Unacceptable("is none of the known values") }
        return text
    }
}

/// `sockaddr_un` has 108 bytes for the path, the last of them for NUL.
private let longestSocketPath = 107

private func literal(_ text: String) throws(Unacceptable) -> IPAddress {
    guard let address = IPAddress(text) else {
        throw Unacceptable(
            text.hasPrefix("[")
                ? "is an address in brackets" : "is not an IPv4 or IPv6 address (names are not resolved)")
    }
    return address
}

private func isLabel(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    func isAlphanumeric(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
    guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
    return isAlphanumeric(first) && isAlphanumeric(last) && bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2d }
}

private func isSubdomain(_ text: String) -> Bool {
    text.utf8.count <= 253 && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isLabel($0) }
}

/// What a level of zap is here, or nil if it is none.
func logLevel(zap text: String) -> LogLevel? {
    switch text {
    case "error", "panic": .error
    case "warn", "warning": .warning
    case "info": .info
    case "debug": .debug
    default:
        // zap's 1 is debug; Kubernetes' habit is that 4 and up is tracing.
        wholeNumber(text).flatMap { (1...127).contains($0) ? ($0 < 4 ? .debug : .trace) : nil }
    }
}

/// What a verbosity of klog is here.
func logLevel(klog verbosity: Int) -> LogLevel {
    switch verbosity {
    case ...1: .info
    case 2...3: .debug
    default: .trace
    }
}
