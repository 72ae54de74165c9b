import JSON

/// The labels that a pool's members have.
struct Selector: Equatable {
    struct Label: Equatable {
        var name: [UInt8]
        var value: [UInt8]
    }

    /// Sorted by name, never empty.
    let labels: [Label]

    /// Nil when there are none: an empty selector selects nothing here, though in Kubernetes it selects everything.
    init?(_ labels: [Label]) {
        guard !labels.isEmpty else { return nil }
        self.labels = labels.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// As the API takes it: `name=value,name=value`.
    var text: String {
        labels.map { String(decoding: $0.name, as: UTF8.self) + "=" + String(decoding: $0.value, as: UTF8.self) }
            .joined(separator: ",")
    }

    /// Does an object with these labels (`metadata.labels` as it stands in JSON; empty = none) match?
    func matches(_ json: [UInt8], _ nesting: borrowing ValueReader.Nesting) -> Bool {
        var found = 0
        json.withUnsafeBytes { bytes in
            var reader = ValueReader(bytes, nesting)
            reader.readObject { name, reader in
                guard let label = labels.first(where: { $0.name.elementsEqual(name.raw) }) else { return }
                if reader.readText() == label.value { found += 1 }
            }
        }
        return found == labels.count
    }

    /// Kubernetes' rules for the characters of names and values. Anything else could mean something in a selector's
    /// syntax, such as a comma.
    static func isPlain(_ text: [UInt8]) -> Bool {
        text.count <= 320
            && text.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"): true
                default: false
                }
            }
    }
}
