import TestSupport
import XCTest

@testable import JSON

/// Protocol members that a client sends are found wherever vLLM would take them from, and cut so that JSON remains.
final class HostileMemberTests: XCTestCase {
    /// Names as written between the quotes.
    private let hostile = [
        "kv_transfer_params", "ec_transfer_params", "do_remote_decode", "do_remote_prefill", "do_remote_", "remote_",
        "remote_host", "remote_block_ids", "remote_é", "bootstrap_host", "bootstrap_room", "bootstrap_",
        #"\u006bv_transfer_params"#, #"kv\u005ftransfer\u005Fparams"#, #"kv_transfer_param\u0073"#,
        #"\u0072emote_host"#,
        #"remote_\ud83d\ude00"#, #"remote_\ud800"#, #"remote_\n\"\\"#, #"\u0062\u006f\u006f\u0074strap_x"#,
        "remote_" + String(repeating: "x", count: 200), #"\u0072emote_"# + String(repeating: "x", count: 200),
    ]

    private let harmless = [
        "", "kv_transfer_param", "kv_transfer_paramss", "KV_TRANSFER_PARAMS", "kv_transfer_params ",
        " kv_transfer_params",
        #"kv_transfer_params\u0000"#, #"\\u006bv_transfer_params"#, "ec_transfer_params_", "do_remote", "remote",
        "Remote_x",
        "xremote_x", "bootstrap", "bootstrap-host", "_remote_x", #"\ud800remote_x"#, "k", "d", "r", "b", "e", "model",
        "kv_transfer_params" + String(repeating: "x", count: 60), "ремоте_", "message", "repetition_penalty",
    ]

    /// Text around a place's members.
    private let places = [
        ("{", "}"), (#"{"vllm_xargs":{"#, "}}"), (#"{"extra_args":{"#, "}}"), (#"{"sampling_params":{"#, "}}"),
        (#"{"sampling_params":{"extra_args":{"#, "}}}"), ("[{", "}]"), (#"[1,{"a":2},{"vllm_xargs":{"#, #"}},"x"]"#),
        (#"[{"sampling_params":{"n":1,"extra_args":{"#, "}}}]"), (#"{"\u0076llm_xargs" : {"#, "} }"),
        (#"{"a":[{"b":1}],"sampling_param\u0073":{"#, #"},"z":null}"#),
    ]

    /// Text around members that nobody looks at.
    private let otherObjects = [
        (#"{"a":{"#, "}}"), (#"{"messages":[{"#, "}]}"), ("[[{", "}]]"), (#"[{"a":{"#, "}}]"),
        (#"{"vllm_xargs":{"extra_args":{"#, "}}}"), (#"{"extra_args":{"sampling_params":{"#, "}}}"),
        (#"{"vllm_xargs":[{"#, "}]}"), (#"{"sampling_params":{"vllm_xargs":{"#, "}}}"), (#"{"Vllm_xargs":{"#, "}}"),
    ]

    private func check(_ body: String, removes count: Int, file: StaticString = #filePath, line: UInt = #line) {
        let scanned = scan(body)
        XCTAssertEqual(scanned.fault, .none, body, file: file, line: line)
        XCTAssertEqual(scanned.hostile.count, count, body, file: file, line: line)
        guard let result = plans(body).passThrough else {
            return XCTFail("no plan for \(body)", file: file, line: line)
        }
        let parsed = try? ReferenceParser.parse(Array(result.utf8))
        XCTAssertEqual(parsed, Model.passThrough(tree(body)), "\(body) became \(result)", file: file, line: line)
        XCTAssertEqual(scan(result).hostile, [], result, file: file, line: line)
        if count == 0 {
            XCTAssertEqual(result, body, file: file, line: line)
        }
    }

    func testEveryHostileNameIsCutAtEveryPositionOfEveryPlace() {
        let values = ["1", #"{"do_remote_prefill":true,"x":[{"remote_host":"}"}]}"#]
        for (before, after) in places {
            for name in hostile {
                for value in values {
                    let member = "\"\(name)\":\(value)"
                    check(before + member + after, removes: 1)
                    check(before + member + #","a":2"# + after, removes: 1)
                    check(before + #""a":2,"# + member + after, removes: 1)
                    check(before + #""a":2,"# + member + #","b":3"# + after, removes: 1)
                }
            }
        }
    }

    func testHostileNamesAreToldAsWritten() {
        for name in hostile {
            XCTAssertEqual(scan("{\"model\":1,\"\(name)\":1}").hostile, [name])
        }
        let body = #"{"remote_a":1,"vllm_xargs":{"kv_transfer_params":2},"stream":true,"remote_b":3}"#
        XCTAssertEqual(scan(body).hostile, ["remote_a", "kv_transfer_params", "remote_b"])
        var scanner = BodyScanner()
        let memory = GuardedBytes(Array(body.utf8))
        XCTAssertEqual(scanner.scan(memory.bytes, refuseDuplicateEdited: false), .none)
        XCTAssertEqual(scanner.hostileName(3).count, 0)
        XCTAssertEqual(scanner.hostileName(-1).count, 0)
    }

    func testNamesThatOnlyResembleHostileOnesStay() {
        for (before, after) in places {
            for name in harmless {
                check("\(before)\"\(name)\":1\(after)", removes: 0)
            }
        }
    }

    func testTheSameNamesInOtherObjectsStay() {
        for (before, after) in otherObjects {
            for name in hostile {
                check("\(before)\"\(name)\":1\(after)", removes: 0)
            }
        }
        check(#"{"messages":[{"role":"user","content":"\"kv_transfer_params\":1"}]}"#, removes: 0)
        check(#"{"a":"kv_transfer_params","b":["remote_host"]}"#, removes: 0)
        check(#"["kv_transfer_params",{"a":"remote_x"}]"#, removes: 0)
        check(#""kv_transfer_params""#, removes: 0)
    }

    func testEverySubsetOfFiveMembersCanBeCut() {
        for subset in 0..<32 {
            for (before, after) in places {
                for gap in ["", " ", " \n\t "] {
                    let members = (0..<5).map { k in
                        "\(gap)\"\(subset >> k & 1 == 1 ? "remote_" : "m")\(k)\"\(gap):\(gap)\(k)\(gap)"
                    }
                    check(before + members.joined(separator: ",") + after, removes: subset.nonzeroBitCount)
                }
            }
        }
    }

    func testOneCommaGoesWithAMemberAndTheWhiteSpaceOfItsNeighboursStays() {
        XCTAssertEqual(plans(#"{ "a":1 , "remote_b":2 , "c":3 }"#).passThrough, #"{ "a":1  , "c":3 }"#)
        XCTAssertEqual(plans(#"{ "remote_a":1 , "b":2 }"#).passThrough, #"{  "b":2 }"#)
        XCTAssertEqual(plans(#"{ "a":1 , "remote_b":2 }"#).passThrough, #"{ "a":1  }"#)
        XCTAssertEqual(plans(#"{ "remote_a":1 }"#).passThrough, "{  }")
        XCTAssertEqual(plans(#"{"remote_a":1,"remote_b":2,"remote_c":3}"#).passThrough, "{}")
        XCTAssertEqual(plans(#"{"remote_a":1,"remote_b":2,"c":3,"remote_d":4}"#).passThrough, #"{"c":3}"#)
        XCTAssertEqual(plans(#"{"vllm_xargs":{"remote_b":2},"c":3}"#).passThrough, #"{"vllm_xargs":{},"c":3}"#)
        XCTAssertEqual(plans(#"[{"remote_a":1},2,{"b":3,"remote_b":[]}]"#).passThrough, #"[{},2,{"b":3}]"#)
    }

    func testPaddingOfEveryLengthAroundAHostileMember() {
        for length in 0...70 {
            let blank = String(repeating: " ", count: length)
            let filler = String(repeating: "a", count: length)
            check("{\(blank)\"remote_a\"\(blank):\(blank)1\(blank),\(blank)\"b\":2}", removes: 1)
            check("{\"p\":\"\(filler)\",\"kv_transfer_params\":{\"x\":\"\(filler)\"},\"b\":2}", removes: 1)
            check("{\"remote_\(filler)\":\"\(filler)\"}", removes: 1)
            check("{\"\(filler)\":1,\"bootstrap_\(filler)\":\"\(filler)\"\(blank)}\(blank)", removes: 1)
        }
    }

    func testAsManyHostileMembersAsCanBeKeptTrackOfAreCutAndOneMoreIsRefused() {
        func body(_ count: Int) -> String {
            "{\"a\":1," + (0..<count).map { "\"remote_\($0)\":\($0)" }.joined(separator: ",") + "}"
        }
        let most = BodyScanner.maximumHostileMembers
        check(body(most), removes: most)
        let scanned = scan(body(most + 1))
        XCTAssertEqual(scanned.fault, .tooManyMembers)
        XCTAssertEqual(scanned.member, "remote_\(most)")
        // With every edited member as well, the prefill leg still fits.
        let full =
            String(body(most).dropLast())
            + #","stream":true,"stream_options":{},"max_tokens":9,"max_completion_tokens":9,"min_tokens":9}"#
        XCTAssertEqual(plans(full).prefill.map { tree($0) }, Model.prefill(tree(full)))
        // A batch counts as a whole.
        let batch = "[" + (0...most).map { "{\"remote_x\":\($0)}" }.joined(separator: ",") + "]"
        XCTAssertEqual(scan(batch).fault, .tooManyMembers)
    }
}
