import TestSupport
import XCTest

@testable import JSON

/// Generated and mutated bodies, with a fixed seed, against the reference parser and the model.
final class GeneratedTests: XCTestCase {
    private struct Generator {
        var random: SeededGenerator
        let names = [
            "a", "b", "model", "messages", "", "é", "日本語の名前", "stream", "stream_options", "max_tokens", "min_tokens",
            "max_completion_tokens", "kv_transfer_params", #"\u006bv_transfer_params"#, "ec_transfer_params",
            "remote_host",
            "remote_port", #"rem\u006fte_host"#, "do_remote_decode", "bootstrap_room", "vllm_xargs",
            #"vllm\u005fxargs"#,
            "sampling_params", "extra_args", "extra_arg", "remote", #"x\"y\\z"#, #"\ud83d\ude00"#, #"\ud83d"#, "😀",
        ]
        let scalars = [
            "0", "-1", "1.5e-3", "123456789012", "true", "false", "null", "\"\"", "\"a\"", #""x\n\t\"\\\/\u00e9""#,
            "[]", "{}",
            "\"The quick brown fox jumps over the lazy dog, again and again.\"", "\"日本語テキスト、長い文字列\"", "\"naïve 😀\"",
        ]

        mutating func blank() -> String {
            random.below(4) > 0 ? "" : random.pick([" ", "\n", "  \t", "\r\n", "          "])
        }

        mutating func value(_ depth: Int) -> String {
            switch depth > 0 ? random.below(5) : 4 {
            case 0, 1: object(depth)
            case 2: array(depth)
            default: random.pick(scalars)
            }
        }

        mutating func object(_ depth: Int) -> String {
            var parts: [String] = []
            for _ in 0..<random.below(7) {
                let name = random.pick(names)
                // Places are only interesting as objects.
                let value =
                    name.hasSuffix("args") || name.hasPrefix("samp") ? object(max(depth - 1, 0)) : value(depth - 1)
                parts.append("\(blank())\"\(name)\"\(blank()):\(blank())\(value)\(blank())")
            }
            return "{" + (parts.isEmpty ? blank() : parts.joined(separator: ",")) + "}"
        }

        mutating func array(_ depth: Int) -> String {
            var parts: [String] = []
            for _ in 0..<random.below(5) {
                parts.append(blank() + value(depth - 1) + blank())
            }
            return "[" + (parts.isEmpty ? blank() : parts.joined(separator: ",")) + "]"
        }

        mutating func body() -> [UInt8] {
            let text = random.below(8) == 0 ? array(4) : object(4)
            return Array((blank() + text + blank()).utf8)
        }

        mutating func mutate(_ body: [UInt8]) -> [UInt8] {
            var bytes = body
            for _ in 0...random.below(3) where !bytes.isEmpty {
                let at = random.below(bytes.count)
                switch random.below(6) {
                case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(random.pick(Array(#"{}[]:,"\0123456789eE.+- tfnu"#.utf8)), at: at)
                case 3: bytes[at] ^= 1 << UInt8(random.below(8))
                case 4:
                    let end = min(bytes.count, at + random.below(20))
                    bytes.insert(contentsOf: bytes[at..<end], at: random.below(bytes.count))
                default: bytes.swapAt(at, random.below(bytes.count))
                }
            }
            return bytes
        }
    }

    private var scanner = BodyScanner()
    private var list = PieceList()
    private let handoffTree = tree(sampleHandoff)
    private var accepted = 0
    private var cut = 0

    func testTenThousandGeneratedBodies() {
        var generator = Generator(random: SeededGenerator(seed: 0x5EED))
        for _ in 0..<10_000 {
            check(generator.body())
        }
        XCTAssertGreaterThan(accepted, 5_000)
        XCTAssertGreaterThan(cut, 2_000)
    }

    func testSixteenThousandMutatedBodies() {
        var generator = Generator(random: SeededGenerator(seed: 0xBAD5EED))
        for _ in 0..<4_000 {
            let body = generator.body()
            for _ in 0..<4 {
                check(generator.mutate(body))
            }
        }
        XCTAssertGreaterThan(accepted, 500)
    }

    private func check(_ body: [UInt8]) {
        let strict = body.count % 2 == 0
        let memory = GuardedBytes(body)
        let fault = scanner.scan(memory.bytes, refuseDuplicateEdited: strict)
        let shown = String(decoding: body, as: UTF8.self)
        let parsed: Tree
        do {
            parsed = try ReferenceParser.parse(body)
        } catch {
            if fault == .none { XCTFail("accepted, but the reference says \(error): \(shown)") }
            return
        }
        let duplicates = Model.hasDuplicates(parsed)
        let refused = duplicates || strict && Model.hasEditedDuplicates(parsed)
        guard fault == (refused ? .duplicateMember : .none) else {
            return XCTFail("\(fault) at \(scanner.faultOffset), duplicates \(duplicates): \(shown)")
        }
        guard fault == .none, let address = memory.bytes.baseAddress else { return }
        accepted += 1
        cut += scanner.hostileCount > 0 ? 1 : 0
        if scanner.hostileCount != Model.hostileCount(parsed) {
            XCTFail("\(scanner.hostileCount) hostile members found: \(shown)")
        }
        if scanner.wantsStream != (parsed["stream"] == .bool(true)) { XCTFail("stream: \(shown)") }

        list.removeAll()
        expect(scanner.planPassThrough(address, into: &list), Model.passThrough(parsed), "pass-through", shown)
        let legs = parsed.members != nil
        list.removeAll()
        let prefill = legs && !Model.hasEditedDuplicates(parsed)
        expect(scanner.planPrefill(address, into: &list), prefill ? Model.prefill(parsed) : nil, "prefill", shown)
        Array(sampleHandoff.utf8).withUnsafeBytes { handoff in
            let decode = legs ? Model.decode(parsed, handoff: handoffTree) : nil
            list.removeAll()
            expect(scanner.planDecode(address, handoff: handoff, into: &list), decode, "decode", shown)
            guard let plan = scanner.decodePlan() else {
                XCTAssertGreaterThan(scanner.hostileCount, DecodePlan.maximumCuts)
                return
            }
            list.removeAll()
            expect(plan.plan(address, handoff: handoff, into: &list), decode, "later decode", shown)
        }
    }

    /// Checks what the list holds after a plan; nil: the plan had to return false.
    private func expect(_ planned: Bool, _ expected: Tree?, _ what: String, _ body: String) {
        let result = joined(list)
        let parsed = planned ? try? ReferenceParser.parse(result) : nil
        if planned != (expected != nil) || parsed != expected {
            XCTFail("\(what) made \(String(decoding: result, as: UTF8.self)) of \(body)")
        }
    }
}
