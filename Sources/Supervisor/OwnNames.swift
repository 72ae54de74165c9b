import Glibc
import IPC
import Linux

/// What clients may call us by, for a certificate that we sign ourselves: names and addresses of this host.
enum OwnNames {
    static var all: [String] {
        var names = ["localhost", "127.0.0.1", "::1"]
        var host = [CChar](repeating: 0, count: 256)
        if gethostname(&host, host.count - 1) == 0 {
            let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { names.append(name) }
        }
        names += ((try? Address.ofThisHost()) ?? []).map(\.description)
        var unique: [String] = []
        var length = 0
        for name in names where !unique.contains(name) && length + name.utf8.count < ToChild.longestNames {
            unique.append(name)
            length += name.utf8.count + 1
        }
        return unique
    }
}
