import TestSupport
import XCTest

@testable import JSON

/// What a prefiller's answer has to be before a decoder may see it.
final class HandoffTests: XCTestCase {
    private struct Result {
        var fault: HandoffFault
        var handoff: String
        var host: String
        var port: UInt16
        var cached: Int
    }

    private func scan(_ answer: String, nested: Bool = true, flat: Bool = false) -> Result {
        let memory = GuardedBytes(Array(answer.utf8))
        var scanner = HandoffScanner()
        let fault = scanner.scan(memory.bytes, acceptNested: nested, acceptFlat: flat)
        return Result(
            fault: fault, handoff: text(UnsafeRawBufferPointer(rebasing: memory.bytes[scanner.handoff])),
            host: text(UnsafeRawBufferPointer(rebasing: memory.bytes[scanner.remoteHost])), port: scanner.remotePort,
            cached: scanner.cachedTokens)
    }

    private static let sound = [
        ("do_remote_prefill", "true"), ("do_remote_decode", "false"), ("remote_block_ids", "[[1,2]]"),
        ("remote_engine_id", #""96d1de87""#), ("remote_request_id", #""cmpl-1""#), ("remote_host", #""127.0.0.1""#),
        ("remote_port", "18602"), ("tp_size", "1"), ("remote_blocks_expiry_time", "null"),
    ]

    /// A handoff with one member changed, or left out (nil).
    private func handoff(_ name: String = "", _ value: String? = nil) -> String {
        let members = Self.sound.compactMap { member -> String? in
            let text = member.0 == name ? value : member.1
            return text.map { "\"\(member.0)\":\($0)" }
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private func answer(_ handoff: String) -> String {
        #"{"id":"x","choices":[{"message":{"content":"\n"}}],"kv_transfer_params": \#(handoff) ,"metrics":null}"#
    }

    private func fault(_ name: String, _ value: String?, nested: Bool = true, flat: Bool = false) -> HandoffFault {
        scan(answer(handoff(name, value)), nested: nested, flat: flat).fault
    }

    func testTheAnswerOfARealEngineIsUnderstood() {
        let body =
            #"{"id":"chatcmpl-req-445269b5","object":"chat.completion","created":1795363969,"model":"tiny","choices":[{"index":0,"#
            + #""message":{"role":"assistant","content":" tho","refusal":null},"logprobs":null,"finish_reason":"length"}],"#
            + #""usage":{"prompt_tokens":230,"total_tokens":231,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":32}},"#
            + #""kv_transfer_params":{"do_remote_prefill":true,"do_remote_decode":false,"remote_block_ids":[[1,2]],"#
            + #""remote_engine_id":"96d1de87-dc1e-465f-8f71-13f840a0eb95","remote_request_id":"chatcmpl-req-445269b5-a288d1fb","#
            + #""remote_host":"127.0.0.1","remote_port":18602,"tp_size":1,"dcp_size":1,"pp_size":1,"remote_num_tokens":230,"#
            + #""remote_blocks_expiry_time":null,"transfer_mode":"pull","remote_prefill_cached_tokens":0},"ec_transfer_params":null}"#
        let result = scan(body)
        XCTAssertEqual(result.fault, .none)
        XCTAssertEqual(result.host, "127.0.0.1")
        XCTAssertEqual(result.port, 18602)
        XCTAssertEqual(result.cached, 32)
        XCTAssertTrue(result.handoff.hasPrefix(#"{"do_remote_prefill":true"#))
        XCTAssertTrue(result.handoff.hasSuffix(#""remote_prefill_cached_tokens":0}"#))
    }

    func testOnlyAJSONObjectIsAnAnswer() {
        for body in [
            "", "{", "{}x", #"{"kv_transfer_params":{"a":1,}}"#, #"{"usage":{"a":}}"#, "<html>", "{\"a\":\"\u{1}\"}",
            #"{"kv_transfer_params":{"remote_block_ids":[[1,2}}"#, #"{"usage":{"prompt_tokens_details":{]}}"#,
            String(repeating: "[", count: 513) + String(repeating: "]", count: 513), answer(handoff()) + "}",
        ] {
            XCTAssertEqual(scan(body).fault, .answerNotJSON, body)
            XCTAssertEqual(scan(body).handoff, "")
        }
        for body in ["[]", "1", "null", #""x""#, "[\(answer(handoff()))]"] {
            XCTAssertEqual(scan(body).fault, .answerNotAnObject, body)
        }
    }

    func testAnAbsentHandoffIsToldFromAWrongOne() {
        XCTAssertEqual(scan("{}").fault, .absent)
        XCTAssertEqual(scan(#"{"choices":[{"kv_transfer_params":{}}]}"#).fault, .absent)
        XCTAssertEqual(scan(answer("null")).fault, .absent)
        XCTAssertEqual(scan(answer("null")).handoff, "")
        for value in ["1", "true", #""x""#, "[]", #"[{"do_remote_prefill":true}]"#] {
            XCTAssertEqual(scan(answer(value)).fault, .notAnObject)
            XCTAssertEqual(scan(answer(value)).handoff, value)
        }
        XCTAssertEqual(scan(answer("{}")).fault, .notRemotePrefill)
    }

    func testTheHandoffIsTakenByteForByteWhereverItStands() {
        for value in [handoff(), handoff().replacing(",", with: " ,\n\t")] {
            XCTAssertEqual(scan(answer(value)).handoff, value)
            XCTAssertEqual(scan(answer(value)).fault, .none)
            XCTAssertEqual(scan("{\"kv_transfer_params\":\(value)}").handoff, value)
            XCTAssertEqual(scan("{\"\\u006bv_transfer_params\":\(value),\"a\":[]}").handoff, value)
        }
    }

    func testRemotePrefillHasToBeTrue() {
        for value in [nil, "false", "null", "1", #""true""#, "[true]"] {
            XCTAssertEqual(fault("do_remote_prefill", value), .notRemotePrefill)
        }
    }

    func testBlockIdsHaveToBeListsOfNonEmptyListsOfIntegers() {
        for value in ["[[0]]", "[[2147483647]]", "[[1,2],[3]]", "[ [ 1 , 2 ]\n,\t[ 3 ] ]", "[[1],[1],[1],[1]]"] {
            XCTAssertEqual(fault("remote_block_ids", value), .none, value)
            XCTAssertEqual(fault("remote_block_ids", value, nested: false, flat: true), .blockIdsMalformed, value)
        }
        for value in [nil, "null"] {
            XCTAssertEqual(fault("remote_block_ids", value), .blockIdsMissing)
        }
        for value in ["[]", "[ ]", "[[]]", "[[ ]]", "[[1],[]]", "[[],[1]]", "[[1],[ ],[2]]"] {
            XCTAssertEqual(fault("remote_block_ids", value), .blockIdsEmpty, value)
            XCTAssertEqual(fault("remote_block_ids", value, flat: true), .blockIdsEmpty, value)
        }
        for value in [
            "1", "true", #""[[1]]""#, "{}", #"{"0":[1]}"#, "[null]", "[[null]]", "[[true]]", "[[-1]]", "[[1.0]]",
            "[[1e2]]", "[[2147483648]]", "[[99999999999999999999]]", #"[["1"]]"#, "[[[1]]]", "[[1],2]", "[1,[2]]",
            "[{}]",
            "[[1],null]", "[[1,{}]]", "[[-0]]", "[[1],[2,[3]]]", "[[[]]]", "[[1,[]]]", "[[],1]", #"["a"]"#, "[-1]",
            "[1.5]", "[1,null]", "[1,2147483648]",
        ] {
            XCTAssertEqual(fault("remote_block_ids", value), .blockIdsMalformed, value)
            XCTAssertEqual(fault("remote_block_ids", value, flat: true), .blockIdsMalformed, value)
        }
    }

    func testTheFlatListOfOlderEnginesIsTakenOnlyWhenAllowed() {
        for value in ["[1]", "[1,2,3]", "[ 0 , 2147483647 ]"] {
            XCTAssertEqual(fault("remote_block_ids", value), .flatBlockIds)
            XCTAssertEqual(fault("remote_block_ids", value, flat: true), .none)
            XCTAssertEqual(fault("remote_block_ids", value, nested: false, flat: true), .none)
        }
        // Older engines know no request id; newer ones need it.
        let old = handoff("remote_request_id", nil).replacing("[[1,2]]", with: "[1,2]")
        XCTAssertEqual(scan(answer(old), flat: true).fault, .none)
        XCTAssertEqual(scan(answer(old), flat: false).fault, .flatBlockIds)
        let wrong = handoff("remote_request_id", "7").replacing("[[1,2]]", with: "[1,2]")
        XCTAssertEqual(scan(answer(wrong), flat: true).fault, .requestIdMissing)
        XCTAssertEqual(fault("remote_request_id", nil, flat: true), .requestIdMissing)
    }

    func testIdsHaveToBeNonEmptyStrings() {
        for value in [nil, "null", "1", #""""#, "[]", #"["x"]"#, "true"] {
            XCTAssertEqual(fault("remote_engine_id", value), .engineIdMissing)
            XCTAssertEqual(fault("remote_request_id", value), .requestIdMissing)
        }
        XCTAssertEqual(fault("remote_engine_id", #""\u0041""#), .none)
    }

    func testTheHostHasToBeAStringWithoutEscapes() {
        for value in [nil, "null", "1", #""""#, #""\u0031""#, #""10.0.0.1\n""#, #"["10.0.0.1"]"#] {
            XCTAssertEqual(fault("remote_host", value), .hostMissing)
        }
        let result = scan(answer(handoff("remote_host", #""fd00::1""#)))
        XCTAssertEqual(result.fault, .none)
        XCTAssertEqual(result.host, "fd00::1")
    }

    func testThePortIsANumberOrAStringOfDigits() {
        for (value, port) in [("1", 1), ("65535", 65535), (#""1""#, 1), (#""65535""#, 65535), ("5600", 5600)] {
            let result = scan(answer(handoff("remote_port", value)))
            XCTAssertEqual(result.fault, .none)
            XCTAssertEqual(Int(result.port), port)
        }
        for value in [
            nil, "null", "0", "65536", "-1", "1.0", "1e3", "true", "[1]", #""""#, #""0""#, #""65536""#, #"" 1""#,
            #""01""#,
            #""1x""#, #""+1""#, #""\u0031""#, "99999999999999999999999", #""99999999999999999999999""#,
            #"""# + "\u{661}\"",
        ] {
            let result = scan(answer(handoff("remote_port", value)))
            XCTAssertEqual(result.fault, .portInvalid, value ?? "missing")
            XCTAssertEqual(result.port, 0)
        }
    }

    func testDuplicatesAreRefused() {
        let twice = "{\"kv_transfer_params\":\(handoff()),\"a\":1,\"\\u006bv_transfer_params\":\(handoff())}"
        XCTAssertEqual(scan(twice).fault, .duplicateMember)
        XCTAssertEqual(scan(#"{"kv_transfer_params":null,"kv_transfer_params":null}"#).fault, .duplicateMember)
        for extra in [
            #""tp_size":2"#, #""remote_host":"10.0.0.9""#, #""\u0072emote_host":"10.0.0.9""#,
            #""do_remote_prefill":true"#,
        ] {
            XCTAssertEqual(scan(answer("{\(extra)," + handoff().dropFirst())).fault, .duplicateMember, extra)
        }
        XCTAssertEqual(scan(answer(#"{"x":1,"y":2,"x":1}"#)).fault, .duplicateMember)
        XCTAssertEqual(scan(answer("{\"z\":{\"a\":1,\"a\":2}," + handoff().dropFirst())).fault, .none, "free inside")
    }

    func testAHandoffOfUnboundedSizeIsRefused() {
        func wide(_ count: Int) -> String {
            "{" + (0..<count).map { "\"x\($0)\":1," }.joined() + handoff().dropFirst()
        }
        XCTAssertEqual(scan(answer(wide(HandoffScanner.maximumMembers - Self.sound.count))).fault, .none)
        XCTAssertEqual(scan(answer(wide(HandoffScanner.maximumMembers))).fault, .duplicateMember)
    }

    func testCachedTokensAreReadOrZero() {
        func cached(_ usage: String) -> Int {
            scan("{\"usage\":\(usage),\"kv_transfer_params\":\(handoff())}").cached
        }
        XCTAssertEqual(cached(#"{"prompt_tokens_details":{"cached_tokens":7}}"#), 7)
        XCTAssertEqual(cached(#"{"a":1,"prompt_tokens_details":{"x":[],"cached_tokens" : 128 },"b":2}"#), 128)
        XCTAssertEqual(cached(#"{"prompt_tokens_details":{"cached_tokens":12.9}}"#), 12)
        XCTAssertEqual(cached(#"{"prompt_tokens_details":{"cached_tokens":1,"cached_tokens":2}}"#), 2)
        XCTAssertEqual(cached(#"{"prompt_tokens_details":{"cached_tokens":1},"prompt_tokens_details":null}"#), 0)
        for usage in [
            "null", "1", "[]", "{}", #"{"prompt_tokens_details":null}"#, #"{"prompt_tokens_details":{}}"#,
            #"{"cached_tokens":5}"#, #"{"prompt_tokens_details":{"cached_tokens":null}}"#,
            #"{"prompt_tokens_details":{"cached_tokens":"5"}}"#, #"{"prompt_tokens_details":{"cached_tokens":-5}}"#,
            #"{"prompt_tokens_details":{"cached_tokens":5e3}}"#, #"{"prompt_tokens_details":[{"cached_tokens":5}]}"#,
            #"{"prompt_tokens_details":{"cached_tokens":99999999999999999999}}"#,
            #"{"x":{"prompt_tokens_details":{"cached_tokens":5}}}"#,
        ] {
            XCTAssertEqual(cached(usage), 0, usage)
        }
        XCTAssertEqual(
            scan(#"{"choices":[{"usage":{"prompt_tokens_details":{"cached_tokens":5}}}]}"#).cached, 0, "not at the top")
    }

    func testAScannerKeepsNothingOfTheAnswerBefore() {
        var scanner = HandoffScanner()
        let good = GuardedBytes(
            Array(
                ("{\"usage\":{\"prompt_tokens_details\":{\"cached_tokens\":9}}," + answer(handoff()).dropFirst()).utf8))
        let empty = GuardedBytes(Array("{}".utf8))
        XCTAssertEqual(scanner.scan(good.bytes, acceptNested: true, acceptFlat: false), .none)
        XCTAssertEqual(scanner.cachedTokens, 9)
        XCTAssertEqual(scanner.scan(empty.bytes, acceptNested: true, acceptFlat: false), .absent)
        XCTAssertEqual(scanner.cachedTokens, 0)
        XCTAssertEqual(scanner.remotePort, 0)
        XCTAssertTrue(scanner.handoff.isEmpty)
        XCTAssertTrue(scanner.remoteHost.isEmpty)
    }

    func testEveryPrefixOfAnAnswerIsRefused() {
        let whole = answer(handoff())
        for length in 0..<whole.utf8.count {
            XCTAssertEqual(scan(String(decoding: whole.utf8.prefix(length), as: UTF8.self)).fault, .answerNotJSON)
        }
    }
}
