import Glibc
import XCTest

@testable import JSON

/// Bytes that end where readable memory ends: a scanner that reads one byte too far dies on the spot.
final class GuardedBytes {
    private let mapping: UnsafeMutableRawPointer
    private let size: Int
    let bytes: UnsafeRawBufferPointer

    init(_ content: [UInt8]) {
        let page = Int(getpagesize())
        let readable = max((content.count + page - 1) / page, 1) * page
        size = readable + page
        guard let mapping = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapping != MAP_FAILED
        else { preconditionFailure("mmap of \(size) bytes failed") }
        self.mapping = mapping
        precondition(mprotect(mapping + readable, page, PROT_NONE) == 0)
        let start = mapping + (readable - content.count)
        if !content.isEmpty {
            start.copyMemory(from: content, byteCount: content.count)
        }
        bytes = UnsafeRawBufferPointer(start: start, count: content.count)
    }

    deinit {
        munmap(mapping, size)
    }
}

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

/// A small generator with a seed (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int {
        Int(next() % UInt64(bound))
    }

    mutating func pick<T>(_ choices: [T]) -> T {
        choices[below(choices.count)]
    }
}
