/// Where a value came from.
public enum Source: Sendable, Equatable, CustomStringConvertible {
    /// A flag, as written: with its dashes and the name that was used.
    case flag(String)
    /// An environment variable.
    case environment(String)
    /// A place in a configuration file. No such layer is built yet; it belongs between environment and default.
    case file(String)
    /// Nobody set it.
    case `default`
    /// Nobody set it, and it follows from other settings, which the text names.
    case derived(String)

    /// The source in a few words.
    public var description: String {
        switch self {
        case .flag(let written): "flag \(written)"
        case .environment(let variable): "environment \(variable)"
        case .file(let place): "file \(place)"
        case .default: "default"
        case .derived(let how): "default (\(how))"
        }
    }

    /// Lower ranks win over higher ones.
    var rank: Int {
        switch self {
        case .flag: 0
        case .environment: 1
        case .file: 2
        case .default, .derived: 3
        }
    }
}

/// A value as somebody wrote it.
struct Given: Sendable, Equatable {
    let text: String
    let source: Source

    /// How to name it to whoever wrote it: `-port=80`, `SIDECAR_PORT=80`.
    var written: String {
        switch source {
        case .flag(let name), .environment(let name), .file(let name):
            // A value that could be mistaken for the rest of the sentence, or break it, is quoted.
            "\(name)=\(isPlain(text) ? text : quoted(text))"
        case .default, .derived: text
        }
    }
}

private func isPlain(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 120
        && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }
}

/// All valid values of one origin, by the canonical name of the setting.
struct Layer: Sendable {
    var values: [String: Given] = [:]
}

/// The value that counts for each setting: that of the first layer that has one.
func merge(_ layers: [Layer]) -> [String: Given] {
    layers.reduce(into: [:]) { merged, layer in
        merged.merge(layer.values) { earlier, _ in earlier }
    }
}
