import Glibc
import TestSupport
import XCTest

@testable import JSON

/// The bytes of all pieces, one after the other.
func joined(_ list: borrowing PieceList) -> [UInt8] {
    var bytes: [UInt8] = []
    for i in 0..<list.count {
        bytes += UnsafeRawBufferPointer(start: list[i].base, count: list[i].count)
    }
    return bytes
}

func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
}

/// What a scan says about a body, copied out of the scanner.
struct Scanned {
    var fault: BodyFault
    var offset: Int
    var member: String
    var hostile: [String]
    var wantsStream: Bool
    var isObject: Bool
    var isContainer: Bool
}

func scan(_ body: [UInt8], strict: Bool = false, maximumDepth: Int = 512) -> Scanned {
    let guarded = GuardedBytes(body)
    var scanner = BodyScanner(maximumDepth: maximumDepth)
    let fault = scanner.scan(guarded.bytes, refuseDuplicateEdited: strict)
    var hostile: [String] = []
    for i in 0..<scanner.hostileCount {
        hostile.append(text(scanner.hostileName(i)))
    }
    return Scanned(
        fault: fault, offset: scanner.faultOffset, member: text(scanner.faultMember), hostile: hostile,
        wantsStream: scanner.wantsStream, isObject: scanner.isObject, isContainer: scanner.isContainer)
}

func scan(_ body: String, strict: Bool = false) -> Scanned {
    scan(Array(body.utf8), strict: strict)
}

/// The plans of a body as text; nil where a plan returned false. Planned at another address than the scanned one.
struct Planned {
    var passThrough: String?
    var prefill: String?
    var decode: String?
    /// The same as `decode`, by way of a `DecodePlan`; nil also when there was none.
    var laterDecode: String?
}

let sampleHandoff = #"{"do_remote_prefill":true,"remote_block_ids":[[1,2]],"remote_port":18602}"#

func plans(_ body: [UInt8], handoff: String? = sampleHandoff) -> Planned {
    var scanner = BodyScanner()
    do {
        let guarded = GuardedBytes(body)
        XCTAssertEqual(scanner.scan(guarded.bytes, refuseDuplicateEdited: false), .none)
    }
    let moved = GuardedBytes(body)
    guard let address = moved.bytes.baseAddress else { return Planned() }
    let value = handoff.map { GuardedBytes(Array($0.utf8)) }
    var planned = Planned()
    var list = PieceList()
    func take(_ planned: Bool, _ list: inout PieceList) -> String? {
        let bytes = joined(list)
        XCTAssertEqual(bytes.count, list.totalBytes)
        if !planned {
            XCTAssertEqual(list.count, 0)
        }
        list.removeAll()
        return planned ? String(decoding: bytes, as: UTF8.self) : nil
    }
    planned.passThrough = take(scanner.planPassThrough(address, into: &list), &list)
    planned.prefill = take(scanner.planPrefill(address, into: &list), &list)
    planned.decode = take(scanner.planDecode(address, handoff: value?.bytes, into: &list), &list)
    if let plan = scanner.decodePlan() {
        // The scanner serves other bodies before the plan is used.
        let other = GuardedBytes(Array(#"{"remote_host":1,"stream":true}"#.utf8))
        XCTAssertEqual(scanner.scan(other.bytes, refuseDuplicateEdited: true), .none)
        planned.laterDecode = take(plan.plan(address, handoff: value?.bytes, into: &list), &list)
    }
    return planned
}

func plans(_ body: String, handoff: String? = sampleHandoff) -> Planned {
    plans(Array(body.utf8), handoff: handoff)
}

/// The value of JSON text that a test is sure of.
func tree(_ text: String, file: StaticString = #filePath, line: UInt = #line) -> Tree {
    do {
        return try ReferenceParser.parse(Array(text.utf8))
    } catch {
        XCTFail("not JSON (\(error)): \(text)", file: file, line: line)
        return .null
    }
}
