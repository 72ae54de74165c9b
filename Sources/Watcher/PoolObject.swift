import JSON

/// What an InferencePool says about its members.
struct PoolObject: Equatable {
    var name = ""
    var version = ""
    /// Nil: no selector, or an empty one.
    var selector: Selector?
    /// The declared ports; empty = none are declared.
    var ports: [UInt16] = []
    /// Members that are not what they must be. Such a pool allows nothing.
    var mistakes: [String] = []

    /// Reads the object at which the reader stands.
    init(_ reader: inout ValueReader, _ group: PoolGroup) {
        var labels: [Selector.Label] = []
        reader.readObject { name, reader in
            switch name {
            case "metadata":
                reader.readObject { name, reader in
                    switch name {
                    case "name": self.name = reader.readString() ?? ""
                    case "resourceVersion": version = reader.readString() ?? ""
                    default: break
                    }
                }
            case "spec":
                reader.readObject { name, reader in
                    switch name {
                    case "selector": readSelector(&reader, group, &labels)
                    case "targetPorts": readPorts(&reader)
                    case "targetPortNumber": readPort(&reader, "spec.targetPortNumber")
                    default: break
                    }
                }
            default: break
            }
        }
        selector = Selector(labels)
    }

    private mutating func readSelector(
        _ reader: inout ValueReader, _ group: PoolGroup, _ labels: inout [Selector.Label]
    ) {
        if group.hasFlatSelector {
            readLabels(&reader, "spec.selector", &labels)
            return
        }
        guard reader.kind == .object || reader.kind == .null else {
            mistakes.append("spec.selector")
            return
        }
        reader.readObject { name, reader in
            switch name {
            case "matchLabels": readLabels(&reader, "spec.selector.matchLabels", &labels)
            case "matchExpressions":
                // Selecting by a part of the conditions only would select too much.
                var isEmpty = true
                let isArray = reader.kind == .array
                let isNull = reader.kind == .null
                if isArray { reader.readArray { _ in isEmpty = false } }
                if !isNull && !(isArray && isEmpty) { mistakes.append("spec.selector.matchExpressions") }
            default: mistakes.append("spec.selector.\(name.string)")
            }
        }
    }

    private mutating func readLabels(
        _ reader: inout ValueReader, _ place: String, _ labels: inout [Selector.Label]
    ) {
        guard reader.kind != .null else { return }
        let isObject = reader.readObject { name, reader in
            let name = name.bytes
            guard let value = reader.readText(), !name.isEmpty, Selector.isPlain(name), Selector.isPlain(value) else {
                mistakes.append("\(place).\(String(decoding: name, as: UTF8.self))")
                return
            }
            labels.append(Selector.Label(name: name, value: value))
        }
        if !isObject { mistakes.append(place) }
    }

    private mutating func readPorts(_ reader: inout ValueReader) {
        guard reader.kind != .null else { return }
        let isArray = reader.readArray { reader in
            var hasNumber = false
            reader.readObject { name, reader in
                guard case "number" = name else { return }
                hasNumber = true
                readPort(&reader, "spec.targetPorts.number")
            }
            if !hasNumber { mistakes.append("spec.targetPorts.number") }
        }
        if !isArray { mistakes.append("spec.targetPorts") }
    }

    private mutating func readPort(_ reader: inout ValueReader, _ place: String) {
        guard reader.kind != .null else { return }
        guard let number = reader.readInteger(), (1...65_535).contains(number) else {
            mistakes.append(place)
            return
        }
        let port = UInt16(number)
        if !ports.contains(port) { ports.append(port) }
    }
}
