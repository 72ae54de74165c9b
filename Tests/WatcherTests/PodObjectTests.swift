import Linux
import XCTest

@testable import Watcher

final class PodObjectTests: XCTestCase {
    func testAPodIsReadWhole() throws {
        let pod = try pod(
            #"""
            {"metadata":{"name":"vllm-0","uid":"u-1","resourceVersion":"77","labels":{"app":"vllm","x":"é"},
              "managedFields":[{"fieldsV1":{"f:metadata":{"f:labels":{}}}}]},
             "spec":{"containers":[{"name":"c","ports":[{"hostPort":1}]}]},
             "status":{"conditions":[{"type":"Ready","status":"True"}],"phase":"Running","hostIP":"192.168.0.1",
              "podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00:0::1"},{"ip":"10.0.0.1"}]}}
            """#)
        XCTAssertEqual(pod.name, "vllm-0")
        XCTAssertEqual(pod.uid, "u-1")
        XCTAssertEqual(pod.version, "77")
        XCTAssertEqual(pod.addresses, [try address("10.0.0.1"), try address("fd00::1")])
        XCTAssertEqual(String(decoding: pod.labels, as: UTF8.self), #"{"app":"vllm","x":"é"}"#)
        XCTAssertTrue(pod.isRunning && pod.isReady && !pod.isOnHostNetwork)
    }

    func testTheSingleAddressCountsWhereTheListIsMissing() throws {
        for list in ["", #","podIPs":[]"#, #","podIPs":null"#] {
            let pod = try pod(
                #"{"metadata":{"name":"a","uid":"u"},"status":{"phase":"Running","podIP":"10.0.0.9"\#(list)}}"#)
            XCTAssertEqual(pod.addresses, [try address("10.0.0.9")], list)
        }
    }

    func testMappedAndOrdinarySpellingsAreOneAddress() throws {
        let pod = try pod(
            #"{"metadata":{"name":"a","uid":"u"},"status":{"podIPs":[{"ip":"10.0.0.9"},{"ip":"::ffff:10.0.0.9"}]}}"#)
        XCTAssertEqual(pod.addresses, [try address("10.0.0.9")])
    }

    func testAddressesThatCannotBeReadAreLeftOutAndKnown() throws {
        let pod = try pod(
            #"{"metadata":{"name":"a","uid":"u"},"status":{"podIPs":[{"ip":"010.0.0.1"},{"ip":"10.0.0.2"},{"ip":"x"}]}}"#
        )
        XCTAssertEqual(pod.addresses, [try address("10.0.0.2")])
        XCTAssertEqual(pod.unreadable, ["010.0.0.1", "x"])
    }

    func testWithoutNameOrIdentityItIsNoPod() {
        for json in ["{}", "[]", #"{"metadata":{"name":"a"}}"#, #"{"metadata":{"uid":"a"}}"#, "7", ""] {
            XCTAssertNil(read(json) { PodObject(&$0) }, json)
        }
    }

    func testWhichPodsMayBeCalled() throws {
        let lenient = PodRules()
        let strict = PodRules(requireReady: true)
        let hosts = PodRules(allowHostNetwork: true)
        // JSON, and what the three rules say.
        let deleted = #","deletionTimestamp":"2026-01-01T00:00:00Z""#
        let table: [(String, [Bool])] = [
            (podJSON("a"), [true, true, true]),
            (podJSON("a", ready: false), [true, false, true]),
            (podJSON("a", phase: "Pending"), [false, false, false]),
            (podJSON("a", phase: "Succeeded"), [false, false, false]),
            (podJSON("a", phase: "Failed"), [false, false, false]),
            (podJSON("a", phase: "Unknown"), [false, false, false]),
            (podJSON("a", phase: "running"), [false, false, false]),
            (podJSON("a", hostNetwork: true), [false, false, true]),
            (podJSON("a", extra: deleted), [true, true, true]),
            (podJSON("a", ready: false, extra: deleted), [true, false, true]),
            (podJSON("a", ""), [false, false, false]),
            (podJSON("a", "10.0.0"), [false, false, false]),
        ]
        for (json, expected) in table {
            let pod = try pod(json)
            XCTAssertEqual([lenient, strict, hosts].map { $0.admit(pod) }, expected, json)
        }
    }
}
