import CLinux
import Linux

/// Who may be called: the members of an InferencePool at one moment. Read-only, checked whole before its first use, and
/// sealed, so that what was checked is what is looked up.
public final class Snapshot: @unchecked Sendable {
    // Sound: the memory is sealed against writing and only ever read.
    private let base: UnsafeRawPointer
    private let size: Int
    /// Endpoints that may be called.
    public let entryCount: Int
    /// Members with a name.
    public let podCount: Int
    private let addressCount: Int
    private let entries: Int
    private let pods: Int
    private let addresses: Int
    private let text: Int
    private let textCount: Int

    /// What a snapshot says of an endpoint.
    public enum Verdict: Equatable, Sendable {
        case allowed
        /// The address is no member's.
        case addressNotAllowed
        /// The address is a member's, but the port is not one of those that may be called.
        case portNotAllowed
    }

    /// Maps a snapshot; the descriptor stays the caller's. Nil: it isn't sealed, or not a snapshot in every byte.
    public init?(fd: Int32) {
        let size = Int(cl_sealed_size(fd))
        guard size >= SnapshotLayout.headerSize, let base = cl_map(fd, size, 0) else { return nil }
        self.base = UnsafeRawPointer(base)
        self.size = size
        func word(_ i: Int) -> UInt64 { UnsafeRawPointer(base).load(fromByteOffset: i * 8, as: UInt64.self) }
        func count(_ i: Int, most: Int) -> Int { word(i) <= UInt64(most) ? Int(word(i)) : -1 }
        entryCount = count(1, most: SnapshotLayout.mostEntries)
        podCount = count(2, most: SnapshotLayout.mostPods)
        addressCount = count(3, most: SnapshotLayout.mostAddresses)
        textCount = count(4, most: SnapshotLayout.mostText)
        entries = SnapshotLayout.headerSize
        pods = entries + max(0, entryCount) * SnapshotLayout.entrySize
        addresses = pods + max(0, podCount) * SnapshotLayout.podSize
        text = addresses + max(0, addressCount) * SnapshotLayout.addressSize
        guard word(0) == SnapshotLayout.magic, (5..<8).allSatisfy({ word($0) == 0 }),
            min(entryCount, podCount, addressCount, textCount) >= 0, text + textCount == size,
            entriesAreSound(), podsAreSound()
        else { return nil }
    }

    deinit { cl_unmap(UnsafeMutableRawPointer(mutating: base), size) }

    // MARK: Asking

    /// May this endpoint be called? A binary search.
    public func verdict(on endpoint: Endpoint) -> Verdict {
        var place = firstEntry(at: endpoint.address)
        guard place < entryCount, entryAddress(place) == endpoint.address else { return .addressNotAllowed }
        while place < entryCount && entryAddress(place) == endpoint.address {
            let port = entryPort(place)
            if port == 0 || port == endpoint.port { return .allowed }
            place += 1
        }
        return .portNotAllowed
    }

    /// Is the address a member's, whatever the port?
    public func holds(_ address: Address) -> Bool {
        let place = firstEntry(at: address)
        return place < entryCount && entryAddress(place) == address
    }

    /// The addresses of a member by its pod's name, the primary one first; empty when there is no such member.
    public func addresses(ofPod name: UnsafeRawBufferPointer) -> [Address] {
        var low = 0
        var high = podCount
        while low < high {
            let middle = (low + high) / 2
            if podName(middle).lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
        }
        guard low < podCount, podName(low).elementsEqual(name) else { return [] }
        let first = Int(podField(low, 2))
        return (first..<first + Int(podField(low, 3))).map { address(at: addresses + $0 * SnapshotLayout.addressSize) }
    }

    /// The name of the member at an address, for messages; nil when it has none.
    public func podName(at address: Address) -> String? {
        let place = firstEntry(at: address)
        guard place < entryCount, entryAddress(place) == address else { return nil }
        let pod = entryPod(place)
        return pod == SnapshotLayout.noPod ? nil : String(decoding: podName(Int(pod)), as: UTF8.self)
    }

    private func firstEntry(at address: Address) -> Int {
        var low = 0
        var high = entryCount
        while low < high {
            let middle = (low + high) / 2
            let found = entryAddress(middle)
            if (found.high, found.low) < (address.high, address.low) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Reading

    private func address(at offset: Int) -> Address {
        Address(
            high: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
            low: base.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
    }

    private func entryAddress(_ i: Int) -> Address { address(at: entries + i * SnapshotLayout.entrySize) }

    private func entryPort(_ i: Int) -> UInt16 {
        base.loadUnaligned(fromByteOffset: entries + i * SnapshotLayout.entrySize + 16, as: UInt16.self)
    }

    private func entryPod(_ i: Int) -> UInt32 {
        base.loadUnaligned(fromByteOffset: entries + i * SnapshotLayout.entrySize + 20, as: UInt32.self)
    }

    private func podField(_ i: Int, _ field: Int) -> UInt32 {
        base.loadUnaligned(fromByteOffset: pods + i * SnapshotLayout.podSize + field * 4, as: UInt32.self)
    }

    private func podName(_ i: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + text + Int(podField(i, 0)), count: Int(podField(i, 1)))
    }

    // MARK: Checking

    private func entriesAreSound() -> Bool {
        for i in 0..<entryCount {
            let padding = base.loadUnaligned(
                fromByteOffset: entries + i * SnapshotLayout.entrySize + 18, as: UInt16.self)
            let pod = entryPod(i)
            guard padding == 0, pod == SnapshotLayout.noPod || pod < UInt32(podCount) else { return false }
            guard i > 0 else { continue }
            let (before, this) = (entryAddress(i - 1), entryAddress(i))
            guard (before.high, before.low, entryPort(i - 1)) < (this.high, this.low, entryPort(i)) else {
                return false
            }
        }
        return true
    }

    private func podsAreSound() -> Bool {
        for i in 0..<podCount {
            let (offset, length) = (Int(podField(i, 0)), Int(podField(i, 1)))
            guard offset + length <= textCount, SnapshotLayout.isName(podName(i)),
                Int(podField(i, 2)) + Int(podField(i, 3)) <= addressCount
            else { return false }
            // Equal names may follow each other: a pod that is made again under its name.
            if i > 0 && podName(i).lexicographicallyPrecedes(podName(i - 1)) { return false }
        }
        return true
    }
}
