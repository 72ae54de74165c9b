import JSON
import Linux

/// What a pod says about itself, as far as it matters here. Reading one costs no more memory than what is kept.
struct PodObject {
    var name = ""
    var uid = ""
    var version = ""
    /// `status.podIPs`, the primary one first.
    var addresses: [Address] = []
    /// Addresses that can't be read; they are left out.
    var unreadable: [String] = []
    /// `metadata.labels` as it stands in JSON.
    var labels: [UInt8] = []
    var isRunning = false
    var isReady = false
    var isOnHostNetwork = false

    /// Reads the object at which the reader stands. Nil: it has no name or no uid.
    init?(_ reader: inout ValueReader) {
        reader.readObject { name, reader in
            switch name {
            case "metadata": readMetadata(&reader)
            case "spec":
                reader.readObject { name, reader in
                    if case "hostNetwork" = name { isOnHostNetwork = reader.readBool() ?? false }
                }
            case "status": readStatus(&reader)
            default: break
            }
        }
        guard reader.isSound, !name.isEmpty, !uid.isEmpty else { return nil }
    }

    private mutating func readMetadata(_ reader: inout ValueReader) {
        reader.readObject { name, reader in
            switch name {
            case "name": self.name = reader.readString() ?? ""
            case "uid": uid = reader.readString() ?? ""
            case "resourceVersion": version = reader.readString() ?? ""
            case "labels": labels = reader.skip().map { Array($0) } ?? []
            default: break
            }
        }
    }

    private mutating func readStatus(_ reader: inout ValueReader) {
        var single: [UInt8]?
        reader.readObject { name, reader in
            switch name {
            case "phase": isRunning = reader.readString() == "Running"
            case "podIP": single = reader.readText()
            case "podIPs":
                reader.readArray { reader in
                    reader.readObject { name, reader in
                        if case "ip" = name { add(reader.readText()) }
                    }
                }
            case "conditions": reader.readArray { readCondition(&$0) }
            default: break
            }
        }
        if addresses.isEmpty && unreadable.isEmpty { add(single) }
    }

    private mutating func readCondition(_ reader: inout ValueReader) {
        var isAboutReadiness = false
        var isTrue = false
        reader.readObject { name, reader in
            switch name {
            case "type": isAboutReadiness = reader.readString() == "Ready"
            case "status": isTrue = reader.readString() == "True"
            default: break
            }
        }
        if isAboutReadiness { isReady = isTrue }
    }

    private mutating func add(_ text: [UInt8]?) {
        guard let text, !text.isEmpty else { return }
        if let address = text.withUnsafeBytes({ Address.parse($0) }) {
            if !addresses.contains(address) { addresses.append(address) }
        } else {
            unreadable.append(String(decoding: text, as: UTF8.self))
        }
    }
}
