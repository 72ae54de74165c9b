import Allowlist
import Linux

/// A second reading of a snapshot's bytes, straight from the description of the layout: slow, plain, and never looking
/// at a byte before it knows that it is there. Nil: the bytes are no snapshot. Tests/Fuzz uses it too.
struct CarefulReader {
    struct Entry {
        var address: Address
        var port: UInt16
        var pod: Int?
    }

    struct Pod {
        var name: [UInt8]
        var addresses: [Address]
    }

    var entries: [Entry] = []
    var pods: [Pod] = []

    init?(_ image: [UInt8]) {
        var position = 0
        func number(_ offset: Int, _ count: Int) -> UInt64? {
            guard offset >= 0, offset + count <= image.count else { return nil }
            return image.withUnsafeBytes { bytes in
                switch count {
                case 2: UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
                case 4: UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                default: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                }
            }
        }
        func next(_ count: Int) -> UInt64? {
            defer { position += count }
            return number(position, count)
        }
        var header: [UInt64] = []
        for _ in 0..<8 {
            guard let word = next(8) else { return nil }
            header.append(word)
        }
        let most: [UInt64] = [262_144, 65_536, 262_144, 16_777_216]
        guard header[0] == 0x5349_4445_414C_5731, header[5...] == [0, 0, 0], zip(header[1...4], most).allSatisfy(<=)
        else { return nil }
        let counts = header[1...4].map { Int($0) }
        let size = 64 + counts[0] * 24 + counts[1] * 16 + counts[2] * 16 + counts[3]
        guard size == image.count else { return nil }
        let addressesStart = 64 + counts[0] * 24 + counts[1] * 16
        let textStart = addressesStart + counts[2] * 16

        var order: [(UInt64, UInt64, UInt64)] = []
        for _ in 0..<counts[0] {
            guard let high = next(8), let low = next(8), let port = next(2), let padding = next(2), let pod = next(4),
                padding == 0, pod == 0xFFFF_FFFF || pod < counts[1]
            else { return nil }
            if let last = order.last, !(last < (high, low, port)) { return nil }
            order.append((high, low, port))
            let address = Address(high: high, low: low)
            entries.append(Entry(address: address, port: UInt16(port), pod: pod == 0xFFFF_FFFF ? nil : Int(pod)))
        }
        for _ in 0..<counts[1] {
            guard let offset = next(4), let length = next(4), let first = next(4), let count = next(4),
                (1...253).contains(length), offset + length <= UInt64(counts[3]), first + count <= UInt64(counts[2])
            else { return nil }
            let name = Array(image[(textStart + Int(offset))..<(textStart + Int(offset + length))])
            let allowed = Array("abcdefghijklmnopqrstuvwxyz0123456789-.".utf8)
            guard name.allSatisfy(allowed.contains) else { return nil }
            if let last = pods.last, name.lexicographicallyPrecedes(last.name) { return nil }
            var addresses: [Address] = []
            for i in Int(first)..<Int(first + count) {
                guard let high = number(addressesStart + i * 16, 8), let low = number(addressesStart + i * 16 + 8, 8)
                else { return nil }
                addresses.append(Address(high: high, low: low))
            }
            pods.append(Pod(name: name, addresses: addresses))
        }
    }

    func verdict(on endpoint: Endpoint) -> Snapshot.Verdict {
        let there = entries.filter { $0.address == endpoint.address }
        if there.isEmpty { return .addressNotAllowed }
        return there.contains { $0.port == 0 || $0.port == endpoint.port } ? .allowed : .portNotAllowed
    }

    func podName(at address: Address) -> String? {
        guard let pod = entries.first(where: { $0.address == address })?.pod else { return nil }
        return String(decoding: pods[pod].name, as: UTF8.self)
    }

    func addresses(ofPod name: [UInt8]) -> [Address] { pods.first { $0.name == name }?.addresses ?? [] }

    /// What is worth asking about: every endpoint and name that it has, and their neighbours.
    var questions: (endpoints: [Endpoint], names: [[UInt8]]) {
        var endpoints: [Endpoint] = [Endpoint(.any, 80), Endpoint(Address(high: .max, low: .max), 80)]
        for entry in entries {
            var after = entry.address
            after.low &+= 1
            endpoints += [
                Endpoint(entry.address, entry.port), Endpoint(entry.address, entry.port &+ 1),
                Endpoint(after, entry.port),
            ]
        }
        var names: [[UInt8]] = [[], Array("a".utf8), Array("zzzz".utf8)]
        for pod in pods { names += [pod.name, pod.name + Array("0".utf8), pod.name.dropLast()] }
        return (endpoints, names)
    }
}
