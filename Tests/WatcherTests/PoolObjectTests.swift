import XCTest

@testable import Watcher

final class PoolObjectTests: XCTestCase {
    func testTheStandardGroupsShapeIsRead() throws {
        let pool = pool(
            #"""
            {"metadata":{"resourceVersion":"12","name":"p"},"spec":{"endpointPickerRef":{"name":"epp"},
             "targetPorts":[{"number":8000},{"number":8001,"name":"x"},{"number":8000}],
             "selector":{"matchLabels":{"role":"decode","app":"vllm"}}}}
            """#)
        XCTAssertEqual(pool.name, "p")
        XCTAssertEqual(pool.version, "12")
        XCTAssertEqual(pool.selector, try selector(("app", "vllm"), ("role", "decode")))
        XCTAssertEqual(pool.selector?.text, "app=vllm,role=decode")
        XCTAssertEqual(pool.ports, [8000, 8001])
        XCTAssertEqual(pool.mistakes, [])
    }

    func testTheExperimentalGroupsShapeIsRead() throws {
        let pool = pool(
            #"{"metadata":{"name":"p"},"spec":{"selector":{"app":"vllm","llm-d.ai/role":""},"targetPortNumber":8000}}"#,
            .experimental)
        XCTAssertEqual(pool.selector, try selector(("app", "vllm"), ("llm-d.ai/role", "")))
        XCTAssertEqual(pool.ports, [8000])
        XCTAssertEqual(pool.mistakes, [])
    }

    func testLlmdsShapeIsReadAndDeclaresNoPorts() throws {
        let pool = pool(#"{"metadata":{"name":"p"},"spec":{"selector":{"matchLabels":{"app":"vllm"}}}}"#, .llmd)
        XCTAssertEqual(pool.selector, try selector(("app", "vllm")))
        XCTAssertEqual(pool.ports, [])
        XCTAssertEqual(pool.mistakes, [])
    }

    func testMissingAndEmptySelectorsAreNone() {
        for group in PoolGroup.allCases {
            for spec in [
                "{}", #"{"selector":null}"#, #"{"selector":{}}"#, #"{"targetPorts":[]}"#,
            ] {
                let pool = pool(#"{"metadata":{"name":"p"},"spec":\#(spec)}"#, group)
                XCTAssertNil(pool.selector, spec)
                XCTAssertEqual(pool.mistakes, [], spec)
            }
        }
        XCTAssertNil(pool(#"{"spec":{"selector":{"matchLabels":{}}}}"#).selector)
        XCTAssertNil(pool(#"{"spec":{"selector":{"matchLabels":null}}}"#).selector)
    }

    func testWhatIsNotAsItMustBeIsNamed() {
        let table: [(PoolGroup, String, String)] = [
            (.standard, #"{"selector":{"app":"vllm"}}"#, "spec.selector.app"),
            (.standard, #"{"selector":"app=vllm"}"#, "spec.selector"),
            (.standard, #"{"selector":{"matchLabels":["app"]}}"#, "spec.selector.matchLabels"),
            (.standard, #"{"selector":{"matchLabels":{"app":1}}}"#, "spec.selector.matchLabels.app"),
            (.standard, #"{"selector":{"matchLabels":{"app":"a,b"}}}"#, "spec.selector.matchLabels.app"),
            (.standard, #"{"selector":{"matchLabels":{"a,b":"x"}}}"#, "spec.selector.matchLabels.a,b"),
            (.standard, #"{"selector":{"matchLabels":{"":"x"}}}"#, "spec.selector.matchLabels."),
            (
                .standard,
                #"{"selector":{"matchLabels":{"app":"x"},"matchExpressions":[{"key":"a"}]}}"#,
                "spec.selector.matchExpressions"
            ),
            (.llmd, #"{"selector":{"matchExpressions":{}}}"#, "spec.selector.matchExpressions"),
            (.experimental, #"{"selector":{"matchLabels":{"app":"vllm"}}}"#, "spec.selector.matchLabels"),
            (.experimental, #"{"selector":{"app":true}}"#, "spec.selector.app"),
            (.standard, #"{"targetPorts":[{"number":0}]}"#, "spec.targetPorts.number"),
            (.standard, #"{"targetPorts":[{"number":65536}]}"#, "spec.targetPorts.number"),
            (.standard, #"{"targetPorts":[{"number":"8000"}]}"#, "spec.targetPorts.number"),
            (.standard, #"{"targetPorts":[{"number":8e3}]}"#, "spec.targetPorts.number"),
            (.standard, #"{"targetPorts":[{}]}"#, "spec.targetPorts.number"),
            (.standard, #"{"targetPorts":[8000]}"#, "spec.targetPorts.number"),
            (.standard, #"{"targetPorts":{"number":8000}}"#, "spec.targetPorts"),
            (.experimental, #"{"targetPortNumber":-1}"#, "spec.targetPortNumber"),
        ]
        for (group, spec, mistake) in table {
            let pool = pool(#"{"metadata":{"name":"p"},"spec":\#(spec)}"#, group)
            XCTAssertEqual(pool.mistakes, [mistake], spec)
        }
    }

    func testAnEmptyListOfExpressionsIsNoMistake() {
        for value in ["[]", "null", "[ ]"] {
            let pool = pool(#"{"spec":{"selector":{"matchLabels":{"a":"b"},"matchExpressions":\#(value)}}}"#)
            XCTAssertEqual(pool.mistakes, [], value)
        }
    }
}
