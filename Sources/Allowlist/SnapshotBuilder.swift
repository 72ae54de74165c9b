import CLinux
import Glibc
import Linux

/// Gathers the members of a pool and writes them as a snapshot.
public struct SnapshotBuilder {
    private struct Entry {
        var address: Address
        var port: UInt16
        var pod: UInt32
    }

    private struct Pod {
        var text: Range<Int>
        var addresses: Range<Int>
    }

    private var entries: [Entry] = []
    private var pods: [Pod] = []
    private var addresses: [Address] = []
    private var text: [UInt8] = []

    /// An empty snapshot: nothing is allowed.
    public init() {}

    /// Makes room, so that a large pool costs few allocations.
    public mutating func reserve(pods count: Int) {
        entries.reserveCapacity(count)
        pods.reserveCapacity(count)
        addresses.reserveCapacity(count)
        text.reserveCapacity(count * 32)
    }

    /// How many endpoints were added.
    public var count: Int { entries.count }

    /// Adds a member: each of its addresses with each of the ports.
    /// - Parameters:
    ///   - name: the pod's name, by which requests may call it; empty, or one that no pod can have, for none.
    ///   - addresses: the pod's addresses, the primary one first.
    ///   - ports: the allowed ports; empty for every port.
    public mutating func add(name: some Collection<UInt8>, addresses: [Address], ports: [UInt16]) {
        Array(name).withUnsafeBytes { add(name: $0, addresses: addresses, ports: ports) }
    }

    /// The same from bytes in memory. With ten thousand members a name that is read through a protocol, byte by byte,
    /// costs more than all else.
    public mutating func add(name: UnsafeRawBufferPointer, addresses own: [Address], ports: [UInt16]) {
        var pod = SnapshotLayout.noPod
        if SnapshotLayout.isName(name) {
            pod = UInt32(pods.count)
            pods.append(
                Pod(
                    text: text.count..<text.count + name.count,
                    addresses: addresses.count..<addresses.count + own.count))
            text.append(contentsOf: name)
            addresses.append(contentsOf: own)
        }
        for address in own {
            if ports.isEmpty { entries.append(Entry(address: address, port: 0, pod: pod)) }
            for port in ports { entries.append(Entry(address: address, port: port, pod: pod)) }
        }
    }

    /// Why a snapshot could not be written.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// More members than a snapshot holds.
        case tooLarge
        /// No descriptor or memory for it.
        case system(Errno)

        /// For the log.
        public var description: String {
            switch self {
            case .tooLarge:
                "the pool has more than \(SnapshotLayout.mostEntries) endpoints, or more than"
                    + " \(SnapshotLayout.mostPods) pods"
            case .system(let error): "\(error)"
            }
        }
    }

    /// Writes the snapshot into a memory file that nobody can change any more. The descriptor is the caller's.
    public mutating func seal() throws(Failure) -> Int32 {
        entries.sort {
            if $0.address.high != $1.address.high { return $0.address.high < $1.address.high }
            if $0.address.low != $1.address.low { return $0.address.low < $1.address.low }
            return $0.port != $1.port ? $0.port < $1.port : $0.pod < $1.pod
        }
        // Two members at one address are one entry: to be allowed once is enough.
        var kept = 0
        for i in entries.indices {
            let isRepeated =
                kept > 0 && entries[kept - 1].address == entries[i].address
                && entries[kept - 1].port == entries[i].port
            if isRepeated { continue }
            entries[kept] = entries[i]
            kept += 1
        }
        entries.removeLast(entries.count - kept)
        let order = sortedPods()
        guard entries.count <= SnapshotLayout.mostEntries, pods.count <= SnapshotLayout.mostPods,
            addresses.count <= SnapshotLayout.mostAddresses, text.count <= SnapshotLayout.mostText
        else { throw .tooLarge }
        let size = SnapshotLayout.size(
            entries: entries.count, pods: pods.count, addresses: addresses.count, text: text.count)
        let image = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { image.deallocate() }
        write(into: image, order)
        let fd = cl_sealed_create("allowlist", image.baseAddress, size)
        guard fd >= 0 else { throw .system(Errno(fd)) }
        return fd
    }

    /// The pods by name, and what the number of each becomes. Of several pods with one name the first counts.
    private func sortedPods() -> (sorted: [Int], place: [UInt32]) {
        let sorted = text.withUnsafeBytes { text in
            func precedes(_ a: Int, _ b: Int) -> Bool {
                let (first, second) = (pods[a].text, pods[b].text)
                // Sound: both ranges were made as the text was appended to.
                let common = min(first.count, second.count)
                let order = memcmp(text.baseAddress! + first.lowerBound, text.baseAddress! + second.lowerBound, common)
                return order != 0 ? order < 0 : first.count < second.count
            }
            // Mostly they come in order already.
            if pods.count < 2 || (1..<pods.count).allSatisfy({ !precedes($0, $0 - 1) }) { return Array(pods.indices) }
            return pods.indices.sorted(by: precedes)
        }
        var place = [UInt32](repeating: 0, count: pods.count)
        for (position, pod) in sorted.enumerated() { place[pod] = UInt32(position) }
        return (sorted, place)
    }

    private func write(into image: UnsafeMutableRawBufferPointer, _ order: (sorted: [Int], place: [UInt32])) {
        let header = [
            SnapshotLayout.magic, UInt64(entries.count), UInt64(pods.count), UInt64(addresses.count),
            UInt64(text.count), 0, 0, 0,
        ]
        for (i, word) in header.enumerated() { image.storeBytes(of: word, toByteOffset: i * 8, as: UInt64.self) }
        var at = SnapshotLayout.headerSize
        for entry in entries {
            image.storeBytes(of: entry.address.high, toByteOffset: at, as: UInt64.self)
            image.storeBytes(of: entry.address.low, toByteOffset: at + 8, as: UInt64.self)
            image.storeBytes(of: entry.port, toByteOffset: at + 16, as: UInt16.self)
            image.storeBytes(of: 0, toByteOffset: at + 18, as: UInt16.self)
            let pod = entry.pod == SnapshotLayout.noPod ? SnapshotLayout.noPod : order.place[Int(entry.pod)]
            image.storeBytes(of: pod, toByteOffset: at + 20, as: UInt32.self)
            at += SnapshotLayout.entrySize
        }
        for index in order.sorted {
            let pod = pods[index]
            for (i, number) in [
                pod.text.lowerBound, pod.text.count, pod.addresses.lowerBound, pod.addresses.count,
            ].enumerated() {
                image.storeBytes(of: UInt32(number), toByteOffset: at + i * 4, as: UInt32.self)
            }
            at += SnapshotLayout.podSize
        }
        for address in addresses {
            image.storeBytes(of: address.high, toByteOffset: at, as: UInt64.self)
            image.storeBytes(of: address.low, toByteOffset: at + 8, as: UInt64.self)
            at += SnapshotLayout.addressSize
        }
        text.withUnsafeBytes { text in
            UnsafeMutableRawBufferPointer(rebasing: image[at...]).copyMemory(from: text)
        }
    }
}
