import CLinux
import Glibc
import Linux
import XCTest

@testable import Allowlist

/// A member of a pool, as a test adds it.
struct Member {
    var name: String
    var addresses: [Address]
    var ports: [UInt16]

    init(_ name: String, _ addresses: [String], _ ports: [UInt16]) {
        self.init(name: name, addresses: addresses.compactMap { Address.parse($0) }, ports: ports)
        precondition(self.addresses.count == addresses.count)
    }

    init(name: String, addresses: [Address], ports: [UInt16]) {
        self.name = name
        self.addresses = addresses
        self.ports = ports
    }
}

/// The sealed memory file of some members; the descriptor is the caller's.
func seal(_ members: [Member]) throws -> Int32 {
    var builder = SnapshotBuilder()
    for member in members {
        builder.add(name: Array(member.name.utf8), addresses: member.addresses, ports: member.ports)
    }
    return try builder.seal()
}

/// A snapshot of some members, by way of its file.
func snapshot(_ members: [Member], file: StaticString = #filePath, line: UInt = #line) throws -> Snapshot {
    let fd = try seal(members)
    defer { close(fd) }
    return try XCTUnwrap(Snapshot(fd: fd), "a sealed snapshot is accepted", file: file, line: line)
}

/// Whatever bytes, sealed as they must be.
func snapshot(ofImage image: [UInt8]) -> Snapshot? {
    let fd = image.withUnsafeBytes { cl_sealed_create("damaged-allowlist", $0.baseAddress, $0.count) }
    precondition(fd >= 0, "no memory file: \(fd)")
    defer { close(fd) }
    return Snapshot(fd: fd)
}

/// The bytes of a file.
func bytes(of fd: Int32) -> [UInt8] {
    var information = stat()
    precondition(fstat(fd, &information) == 0)
    let size = Int(information.st_size)
    return [UInt8](unsafeUninitializedCapacity: size) { room, count in
        count = pread(fd, room.baseAddress, size, 0)
        precondition(count == size)
    }
}

/// The addresses of a pod by its name.
func addresses(_ snapshot: Snapshot, _ name: String) -> [Address] {
    Array(name.utf8).withUnsafeBytes { snapshot.addresses(ofPod: $0) }
}

func endpoint(_ text: String, _ port: UInt16, file: StaticString = #filePath, line: UInt = #line) -> Endpoint {
    guard let address = Address.parse(text) else {
        XCTFail("'\(text)' is no address", file: file, line: line)
        return Endpoint(.any, port)
    }
    return Endpoint(address, port)
}

/// How many snapshots this process has mapped.
func mappings(named name: String) -> Int {
    guard let file = fopen("/proc/self/maps", "r") else { return -1 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 4096)
    var count = 0
    while fgets(&line, 4096, file) != nil {
        let text = line.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if text.contains("/memfd:\(name)") { count += 1 }
    }
    return count
}
