// A libFuzzer target for snapshots of the allowlist: an image is refused, or it answers what a second, plain reader of
// the same bytes answers.
//
// The first byte of an input says what the rest is. Even: the image as it stands. Odd: four numbers, of entries, pods,
// addresses and bytes of text, and then what follows a sound header, cut or filled up to its length, so that the fuzzer
// gets past the header. Tests/Fuzz/run.sh builds it, module by module, with Tests/AllowlistTests/CarefulReader.swift.

import Allowlist
import CLinux
import Glibc
import Linux

/// Ends the run, with the input that led here, when `condition` does not hold.
private func require(_ condition: Bool, _ promise: StaticString) {
    if condition { return }
    // An optimised build drops the texts of preconditions, so the promise is written here.
    let text = "broken promise: \(promise)\n"
    _ = write(2, text, text.utf8.count)
    preconditionFailure()
}

/// Called by libFuzzer with one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAllowlist(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 0 else { return 0 }
    let rest = Array(UnsafeBufferPointer(start: data + 1, count: size - 1))
    if data[0] & 1 == 0 {
        check(rest)
    } else if rest.count >= 4 {
        check(image(counts: rest[..<4].map { Int($0 % 32) }, rest.dropFirst(4)))
    }
    return 0
}

/// An image with a sound header for these counts.
private func image(counts: [Int], _ content: ArraySlice<UInt8>) -> [UInt8] {
    let words: [UInt64] = [0x5349_4445_414C_5731] + counts.map { UInt64($0) } + [0, 0, 0]
    let length = counts[0] * 24 + counts[1] * 16 + counts[2] * 16 + counts[3]
    let body = Array(content.prefix(length))
    return words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } } + body
        + [UInt8](repeating: 0, count: length - body.count)
}

private func check(_ image: [UInt8]) {
    let fd = image.withUnsafeBytes { cl_sealed_create("fuzz", $0.baseAddress, $0.count) }
    guard fd >= 0 else { return }
    let found = Snapshot(fd: fd)
    close(fd)
    let expected = CarefulReader(image)
    require((found == nil) == (expected == nil), "both readers accept, or both refuse")
    guard let found, let expected else { return }
    require(found.entryCount == expected.entries.count, "the number of entries")
    require(found.podCount == expected.pods.count, "the number of pods")
    let questions = expected.questions
    for endpoint in questions.endpoints {
        let verdict = expected.verdict(on: endpoint)
        require(found.verdict(on: endpoint) == verdict, "the verdict on an endpoint")
        require(found.holds(endpoint.address) == (verdict != .addressNotAllowed), "the members' addresses")
        require(found.podName(at: endpoint.address) == expected.podName(at: endpoint.address), "the pod at an address")
    }
    for name in questions.names {
        let addresses = name.withUnsafeBytes { found.addresses(ofPod: $0) }
        require(addresses == expected.addresses(ofPod: name), "the addresses of a pod")
    }
}
