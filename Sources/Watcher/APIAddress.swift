import IPC

/// The addresses of the API's collections.
struct APIAddress {
    let server: String
    let namespace: String
    let pool: String
    /// A further condition on the pods.
    let selector: String

    init(_ settings: WatcherSettings) {
        server = "https://\(settings.server)"
        namespace = Self.encoded(settings.namespace)
        pool = settings.pool
        selector = settings.selector
    }

    /// The collection that holds the pool and nothing else.
    func pools(_ group: PoolGroup) -> String {
        "\(server)/apis/\(group.rawValue)/\(group.version)/namespaces/\(namespace)/inferencepools"
            + "?fieldSelector=" + Self.encoded("metadata.name=\(pool)")
    }

    /// The pods that a selector and the configured condition select.
    func pods(_ labels: Selector) -> String {
        let all = selector.isEmpty ? labels.text : "\(labels.text),\(selector)"
        return "\(server)/api/v1/namespaces/\(namespace)/pods?labelSelector=" + Self.encoded(all)
    }

    /// Pods in one page of a list: few enough for a page to be small, many enough for a list to be quick.
    static let pageSize = 500

    static func list(_ collection: String, continuing: String) -> String {
        // The most recent state: an older one could bring back what has been removed.
        let page = "\(collection)&limit=\(pageSize)"
        return continuing.isEmpty ? page : "\(page)&continue=\(encoded(continuing))"
    }

    static func watch(_ collection: String, from version: String, seconds: Int) -> String {
        "\(collection)&watch=1&allowWatchBookmarks=true&timeoutSeconds=\(seconds)"
            + "&resourceVersion=\(encoded(version))"
    }

    /// Everything but the characters that no URL gives a meaning.
    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
