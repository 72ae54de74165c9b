// A libFuzzer target for the JSON module: all three scanners on arbitrary bytes, and what must hold for their results.
//
// Built with the module's own sources into one module, so that no import is needed:
//
//     swiftc -O -parse-as-library -sanitize=fuzzer,address -module-name FuzzJSON \
//         Sources/JSON/*.swift Tests/Fuzz/FuzzJSON.swift -o fuzz-json
//     ./fuzz-json -max_len=4096 Tests/Fuzz/corpus/json

import Glibc

#if canImport(JSON)
    import JSON
#endif

private let handoffSample: StaticString = #"{"do_remote_prefill":true,"remote_block_ids":[[1]],"remote_host":"h"}"#

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
public func fuzzJSON(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: UnsafeRawPointer(data), count: size)
    fuzzBody(input)
    fuzzHandoff(input)
    fuzzUsage(input)
    return 0
}

/// The pieces of a list as one run of bytes.
private func joined(_ list: borrowing PieceList) -> [UInt8] {
    var bytes: [UInt8] = []
    for i in 0..<list.count {
        require(list[i].count > 0, "no piece is empty")
        bytes += UnsafeRawBufferPointer(start: list[i].base, count: list[i].count)
    }
    require(bytes.count == list.totalBytes, "totalBytes is the sum of the pieces")
    return bytes
}

/// Scans the result of a plan.
private func rescan(_ bytes: [UInt8], hostile: Int) {
    var scanner = BodyScanner()
    let fault = bytes.withUnsafeBytes { scanner.scan($0, refuseDuplicateEdited: false) }
    require(fault == .none, "an edited body is valid")
    require(scanner.hostileCount == hostile, "an edited body has only the protocol members that the sidecar added")
}

private func fuzzBody(_ input: UnsafeRawBufferPointer) {
    var scanner = BodyScanner(maximumDepth: 64)
    let strict = scanner.scan(input, refuseDuplicateEdited: true)
    require(scanner.faultOffset >= 0 && scanner.faultOffset <= input.count, "a fault lies in the body")
    let fault = scanner.scan(input, refuseDuplicateEdited: false)
    require(fault == strict || strict == .duplicateMember, "a strict scan differs only by duplicates")
    require(scanner.faultOffset >= 0 && scanner.faultOffset <= input.count, "a fault lies in the body")
    var list = PieceList()
    guard let body = input.baseAddress else { return }
    guard fault == .none else {
        require(!scanner.planPassThrough(body, into: &list), "a faulty body is not planned")
        return
    }
    for i in 0..<scanner.hostileCount {
        require(scanner.hostileName(i).count > 0, "a hostile member has a name")
    }
    require(scanner.planPassThrough(body, into: &list), "a sound body passes through")
    require(list.totalBytes <= input.count, "passing through adds nothing")
    require(scanner.hostileCount > 0 || list.totalBytes == input.count, "what is not hostile stays")
    rescan(joined(list), hostile: 0)

    list.removeAll()
    let prefill = scanner.planPrefill(body, into: &list)
    require(!prefill || scanner.isObject, "only an object is sent to a prefiller")
    require(prefill || !scanner.isObject || strict == .duplicateMember, "every strictly sound object is")
    if prefill { rescan(joined(list), hostile: 1) }

    let handoff = UnsafeRawBufferPointer(
        start: UnsafeRawPointer(handoffSample.utf8Start), count: handoffSample.utf8CodeUnitCount)
    list.removeAll()
    let decode = scanner.planDecode(body, handoff: handoff, into: &list)
    require(decode == scanner.isObject, "every object and nothing else takes a handoff")
    let decodeBytes = joined(list)
    if decode { rescan(decodeBytes, hostile: 1) }
    guard let plan = scanner.decodePlan() else {
        require(scanner.hostileCount > DecodePlan.maximumCuts, "a plan to keep exists up to its number of cuts")
        return
    }
    list.removeAll()
    require(plan.plan(body, handoff: handoff, into: &list) == decode, "a kept plan does what the scanner does")
    require(joined(list) == decodeBytes, "a kept plan makes the same bytes")
}

private func fuzzHandoff(_ input: UnsafeRawBufferPointer) {
    var scanner = HandoffScanner()
    for flat in [false, true] {
        let fault = scanner.scan(input, acceptNested: true, acceptFlat: flat)
        require(scanner.handoff.upperBound <= input.count, "the handoff lies in the answer")
        require(scanner.remoteHost.upperBound <= input.count, "the host lies in the answer")
        require(scanner.cachedTokens >= 0, "a count is not negative")
        guard fault == .none else { continue }
        let value = UnsafeRawBufferPointer(rebasing: input[scanner.handoff])
        require(value.first == 0x7B && value.last == 0x7D, "a handoff is an object")
        require(scanner.remoteHost.count > 0 && scanner.remotePort > 0, "a sound handoff has an address")
        require(
            scanner.handoff.lowerBound < scanner.remoteHost.lowerBound
                && scanner.remoteHost.upperBound < scanner.handoff.upperBound, "the host lies in the handoff")
        rescanValue(value)
    }
}

/// A handoff on its own is JSON that can be spliced anywhere.
private func rescanValue(_ value: UnsafeRawBufferPointer) {
    var scanner = BodyScanner()
    // Its own members have hostile names, so only the syntax is of interest.
    let fault = scanner.scan(value, refuseDuplicateEdited: false)
    require(fault != .syntax && fault != .invalidUTF8 && fault != .tooDeep, "a handoff is valid JSON")
}

private func fuzzUsage(_ input: UnsafeRawBufferPointer) {
    var rewriter = UsageRewriter()
    var list = PieceList()
    let count = input.count
    guard rewriter.plan(input, cachedTokens: count, into: &list) else {
        require(list.count == 0, "no plan, no pieces")
        return
    }
    let bytes = joined(list)
    var scanner = HandoffScanner()
    let fault = bytes.withUnsafeBytes { scanner.scan($0, acceptNested: true, acceptFlat: true) }
    require(fault != .answerNotJSON && fault != .answerNotAnObject, "a rewritten object is valid")
    require(scanner.cachedTokens == count, "the count that was set is the one that is read")
    require(
        UsageRewriter.mightContainUsage(input) || input.contains(0x5C), "the cheap test misses only escaped names")
}
