import XCTest

@testable import JSON

/// Members that could hide each other from a check are refused.
final class DuplicateTests: XCTestCase {
    func testTwoHostileMembersOfOneNameAreRefused() {
        let pairs = [
            ("kv_transfer_params", "kv_transfer_params"), ("remote_host", "remote_host"),
            ("kv_transfer_params", #"\u006bv_transfer_params"#), (#"remote_\u00e9"#, "remote_é"),
            (#"remote_\ud83d\ude00"#, "remote_😀"), (#"remote_\n"#, #"remote_\u000A"#), (#"remote_\/"#, "remote_/"),
        ]
        for (first, second) in pairs {
            for middle in ["", #""a":1,"#, #""remote_other":{"x":1},"#, #""vllm_xargs":{"remote_z":1},"#] {
                let before = "{\"\(first)\":1,\(middle)"
                let scanned = scan(before + "\"\(second)\":2}")
                XCTAssertEqual(scanned.fault, .duplicateMember)
                XCTAssertEqual(scanned.member, second)
                XCTAssertEqual(scanned.offset, before.utf8.count)
            }
        }
    }

    func testOneHostileNameInTwoObjectsIsNoDuplicate() {
        XCTAssertEqual(scan(#"{"remote_x":1,"vllm_xargs":{"remote_x":1},"extra_args":{"remote_x":1}}"#).fault, .none)
        XCTAssertEqual(scan(#"[{"remote_x":1},{"remote_x":1}]"#).fault, .none)
        XCTAssertEqual(scan(#"{"remote_x":1,"remote_X":1,"remote_xx":1}"#).fault, .none)
        XCTAssertEqual(scan(#"{"remote_x":{"remote_y":1,"remote_y":2}}"#).fault, .none, "cut as a whole")
    }

    func testTwoPlacesOfOneNameAreRefusedWhateverTheyHold() {
        for place in ["vllm_xargs", "sampling_params", "extra_args"] {
            for (a, b) in [("{}", "{}"), ("null", "{}"), ("{}", "1"), ("[]", "\"\"")] {
                let body = "{\"\(place)\":\(a),\"\(place)\":\(b)}"
                XCTAssertEqual(scan(body).fault, .duplicateMember)
                XCTAssertEqual(scan(body).member, place)
                XCTAssertEqual(scan("[\(body)]").fault, .duplicateMember)
            }
        }
        XCTAssertEqual(
            scan(#"{"vllm_xargs":{},"\u0076llm_xargs":{"kv_transfer_params":1}}"#).member, #"\u0076llm_xargs"#)
        XCTAssertEqual(scan(#"{"sampling_params":{"extra_args":{},"extra_args":1}}"#).fault, .duplicateMember)
        XCTAssertEqual(scan(#"{"extra_args":{},"sampling_params":{"extra_args":{}}}"#).fault, .none)
        XCTAssertEqual(scan(#"{"sampling_params":{"vllm_xargs":1,"vllm_xargs":2}}"#).fault, .none)
    }

    func testTwoEditedMembersAreRefusedOnlyWhenAskedFor() {
        for name in ["stream", "stream_options", "max_tokens", "max_completion_tokens", "min_tokens", #"\u0073tream"#] {
            let plain = name.hasPrefix("\\") ? "stream" : name
            let body = "{\"\(plain)\":1,\"a\":2,\"\(name)\":null}"
            XCTAssertEqual(scan(body, strict: true).fault, .duplicateMember)
            XCTAssertEqual(scan(body, strict: true).member, name)
            XCTAssertEqual(scan(body).fault, .none)
            let planned = plans(body)
            XCTAssertEqual(planned.passThrough, body)
            XCTAssertNil(planned.prefill)
            XCTAssertNotNil(planned.decode)
        }
    }

    func testThousandsOfEditedDuplicatesPassThroughUntouched() {
        let body = "{" + (0..<5000).map { "\"stream\":\($0 % 2 == 0)" }.joined(separator: ",") + "}"
        XCTAssertEqual(plans(body).passThrough, body)
        XCTAssertNil(plans(body).prefill)
    }

    func testOtherDuplicatesAreTheClientsOwnAffair() {
        for body in [
            #"{"a":1,"a":2}"#, #"{"messages":[],"messages":[]}"#, #"[{"stream":1,"stream":2}]"#,
            #"{"a":{"remote_x":1,"remote_x":2}}"#, #"{"sampling_params":{"max_tokens":1,"max_tokens":2}}"#,
        ] {
            XCTAssertEqual(scan(body, strict: true).fault, .none)
            XCTAssertEqual(plans(body).passThrough, body)
        }
    }
}
