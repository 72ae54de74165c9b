import TestSupport
import XCTest

@testable import JSON

/// The bodies of the prefill and the decode leg.
final class LegPlanTests: XCTestCase {
    private let parameters =
        #""kv_transfer_params":{"do_remote_decode":true,"do_remote_prefill":false,"#
        + #""remote_engine_id":null,"remote_block_ids":null,"remote_host":null,"remote_port":null}"#
    private let appended = #""stream":false,"max_tokens":1,"max_completion_tokens":1,"min_tokens":1,"#

    func testWhatTheClientDidNotSendIsAppended() {
        XCTAssertEqual(plans("{}").prefill, "{" + appended + parameters + "}")
        XCTAssertEqual(plans(" { } \n").prefill, " { " + appended + parameters + "} \n")
        XCTAssertEqual(plans(#"{"a":1}"#).prefill, #"{"a":1,"# + appended + parameters + "}")
        XCTAssertEqual(plans(#"{"kv_transfer_params":{}}"#).prefill, "{" + appended + parameters + "}")
        XCTAssertEqual(plans(#"{"stream_options":{}}"#).prefill, "{" + appended + parameters + "}")
        XCTAssertEqual(
            plans(#"{"stream_options":{},"remote_x":1,"z":0}"#).prefill, #"{"z":0,"# + appended + parameters + "}")
    }

    func testWhatTheClientSentIsReplacedInPlace() {
        let body =
            #"{"model":"m", "max_tokens" : 512 ,"stream":true,"stream_options":{"include_usage":true},"#
            + #""max_completion_tokens":null,"min_tokens":[{}],"seed":18446744073709551617}"#
        let expected =
            #"{"model":"m", "max_tokens" : 1 ,"stream":false,"#
            + #""max_completion_tokens":1,"min_tokens":1,"seed":18446744073709551617,"# + parameters + "}"
        XCTAssertEqual(plans(body).prefill, expected)
        let escaped = #"{"\u0073tream":true,"max_tok\u0065ns":5}"#
        XCTAssertEqual(
            plans(escaped).prefill,
            #"{"\u0073tream":false,"max_tok\u0065ns":1,"max_completion_tokens":1,"min_tokens":1,"# + parameters + "}")
    }

    func testTheDecodeLegHasTheClientsBytesAndTheHandoffLast() {
        let handoff = #"{"remote_host" : "10.0.0.1"}"#
        let body = #"{ "model":"m","max_tokens":5,"stream":true,"temperature":0.70 }"#
        XCTAssertEqual(
            plans(body, handoff: handoff).decode,
            #"{ "model":"m","max_tokens":5,"stream":true,"temperature":0.70 ,"kv_transfer_params":{"remote_host" : "10.0.0.1"}}"#
        )
        XCTAssertEqual(plans("{}", handoff: handoff).decode, #"{"kv_transfer_params":{"remote_host" : "10.0.0.1"}}"#)
        XCTAssertEqual(
            plans(#"{"kv_transfer_params":{"remote_host":"evil"}} "#, handoff: "{}").decode,
            #"{"kv_transfer_params":{}} "#)
        XCTAssertEqual(plans(body, handoff: nil).decode, body)
        XCTAssertEqual(plans(#"{"a":1,"remote_x":2}"#, handoff: nil).decode, #"{"a":1}"#)
    }

    func testEverySubsetAndOrderOfEditedAndHostileMembers() {
        let members = [
            #""stream":true"#, #""stream_options":{"a":1}"#, #""max_tokens":77"#, #""min_tokens":"x""#,
            #""remote_x":{"stream":true}"#, #""prompt":"hello""#, #""max_completion_tokens":3.5"#,
        ]
        for subset in 0..<(1 << members.count) {
            let chosen = members.indices.filter { subset >> $0 & 1 == 1 }.map { members[$0] }
            for order in [chosen, chosen.reversed(), Array(chosen.dropFirst(2) + chosen.prefix(2))] {
                for gap in ["", " "] {
                    check("{\(gap)" + order.joined(separator: "\(gap),\(gap)") + "\(gap)}")
                }
            }
        }
    }

    func testEditsAtEveryDistanceFromAWordsEdge() {
        for length in 0...70 {
            let blank = String(repeating: " ", count: length)
            let filler = String(repeating: "b", count: length)
            check("\(blank){\(blank)\"stream\"\(blank):\(blank)true\(blank)}\(blank)")
            check("{\"\(filler)\":\"\(filler)\",\(blank)\"max_tokens\":\(blank)5,\(blank)\"stream_options\":null}")
            check("{\"stream_options\":\"\(filler)\",\"min_tokens\":\"\(filler)\"\(blank),\"x\":\"\(filler)\"}")
        }
    }

    private func check(_ body: String, file: StaticString = #filePath, line: UInt = #line) {
        let planned = plans(body)
        let original = tree(body)
        for (result, expected) in [
            (planned.prefill, Model.prefill(original)), (planned.passThrough, Model.passThrough(original)),
            (planned.decode, Model.decode(original, handoff: tree(sampleHandoff))),
            (planned.laterDecode, Model.decode(original, handoff: tree(sampleHandoff))),
        ] {
            guard let result else {
                XCTFail("no plan for \(body)", file: file, line: line)
                continue
            }
            XCTAssertEqual(tree(result), expected, "\(body) became \(result)", file: file, line: line)
        }
        XCTAssertEqual(planned.decode, planned.laterDecode, file: file, line: line)
    }

    func testAnEditedNameBelowTheTopIsLeftAlone() {
        let body = #"{"a":{"stream":true,"max_tokens":5},"sampling_params":{"stream_options":1,"min_tokens":9}}"#
        XCTAssertEqual(plans(body).prefill, body.dropLast() + "," + appended + parameters + "}")
    }

    func testOnlyAnObjectCanBePlannedForTheLegs() {
        for body in ["[]", #"[{"remote_x":1,"stream":true}]"#, "1", #""s""#, "null"] {
            let planned = plans(body)
            XCTAssertNotNil(planned.passThrough)
            XCTAssertNil(planned.prefill)
            XCTAssertNil(planned.decode)
            XCTAssertNil(planned.laterDecode)
            XCTAssertEqual(plans(body, handoff: nil).laterDecode, planned.passThrough)
        }
    }

    func testALaterDecodePlanHoldsSixteenCuts() {
        func body(_ count: Int) -> String {
            "{" + (0..<count).map { "\"remote_\($0)\":1" }.joined(separator: ",") + "}"
        }
        for count in 0...DecodePlan.maximumCuts {
            XCTAssertEqual(plans(body(count)).laterDecode, #"{"kv_transfer_params":\#(sampleHandoff)}"#)
        }
        XCTAssertNil(plans(body(DecodePlan.maximumCuts + 1)).laterDecode)
        XCTAssertEqual(
            plans(body(DecodePlan.maximumCuts + 1)).decode, #"{"kv_transfer_params":\#(sampleHandoff)}"#)
    }

    func testStreamingIsWantedOnlyByTrueAtTheTop() {
        XCTAssertTrue(scan(#"{"stream":true}"#).wantsStream)
        XCTAssertTrue(scan(#"{"\u0073tream" : true }"#).wantsStream)
        XCTAssertTrue(scan(#"{"stream":false,"stream":true}"#).wantsStream)
        for body in [
            "{}", #"{"stream":false}"#, #"{"stream":null}"#, #"{"stream":"true"}"#, #"{"stream":1}"#,
            #"{"a":{"stream":true}}"#,
            #"[{"stream":true}]"#, #"{"stream":true,"stream":false}"#, #"{"stream_":true}"#, #"{"stream":[true]}"#,
        ] {
            XCTAssertFalse(scan(body).wantsStream, body)
        }
    }

    func testAPlanIsAppendedAfterWhatTheListHolds() {
        let memory = GuardedBytes(Array(#"{"a":1}"#.utf8))
        guard let address = memory.bytes.baseAddress else { return XCTFail("no memory") }
        var scanner = BodyScanner()
        var list = PieceList()
        XCTAssertEqual(scanner.scan(memory.bytes, refuseDuplicateEdited: true), .none)
        XCTAssertTrue(list.append("head "))
        XCTAssertTrue(scanner.planPassThrough(address, into: &list))
        XCTAssertEqual(joined(list), Array(#"head {"a":1}"#.utf8))
    }
}
