import JSON
import XCTest

@testable import Watcher

final class SelectorTests: XCTestCase {
    func testAllLabelsMustBeThereWithTheirValues() throws {
        let nesting = ValueReader.Nesting()
        let one = try selector(("app", "vllm"))
        let two = try selector(("app", "vllm"), ("role", ""))
        let table: [(String, Bool, Bool)] = [
            (#"{"app":"vllm"}"#, true, false),
            (#"{"app":"vllm","role":""}"#, true, true),
            (#"{"role":"","x":"y","app":"vllm"}"#, true, true),
            (#"{"app":"vllm","role":"decode"}"#, true, false),
            (#"{"app":"vllm2","role":""}"#, false, false),
            (#"{"app":"vll","role":""}"#, false, false),
            (#"{"ap":"vllm","role":""}"#, false, false),
            (#"{"app":1,"role":""}"#, false, false),
            (#"{"app":"vl\u006cm"}"#, true, false),
            ("{}", false, false),
            ("", false, false),
            ("null", false, false),
        ]
        for (json, matchesOne, matchesTwo) in table {
            XCTAssertEqual(one.matches(Array(json.utf8), nesting), matchesOne, json)
            XCTAssertEqual(two.matches(Array(json.utf8), nesting), matchesTwo, json)
        }
    }

    func testNoLabelsAreNoSelector() { XCTAssertNil(Selector([])) }

    func testTheAddressOfPodsHoldsBothConditionsEncoded() throws {
        var settings = WatcherSettingsSample.settings
        settings.selector = "role in (prefill, both)"
        let address = APIAddress(settings)
        XCTAssertEqual(
            address.pods(try selector(("app", "vllm"))),
            "https://[::1]:6443/api/v1/namespaces/infer/pods?labelSelector="
                + "app%3Dvllm%2Crole%20in%20%28prefill%2C%20both%29")
        XCTAssertEqual(
            address.pools(.experimental),
            "https://[::1]:6443/apis/inference.networking.x-k8s.io/v1alpha2/namespaces/infer/inferencepools"
                + "?fieldSelector=metadata.name%3Dpool")
        XCTAssertEqual(APIAddress.list("c?x=1", continuing: ""), "c?x=1&limit=500")
        XCTAssertEqual(APIAddress.list("c?x=1", continuing: "a+/="), "c?x=1&limit=500&continue=a%2B%2F%3D")
        XCTAssertEqual(
            APIAddress.watch("c?x=1", from: "5&", seconds: 300),
            "c?x=1&watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=5%26")
    }
}
