import Allowlist
import Glibc
import IPC
import Linux
import XCTest

@testable import Watcher

enum WatcherSettingsSample {
    static var settings: WatcherSettings {
        var settings = WatcherSettings()
        settings.server = Endpoint(.loopback6, 6443)
        settings.namespace = "infer"
        settings.pool = "pool"
        return settings
    }
}

final class MembershipTests: XCTestCase {
    private var membership = Membership(WatcherSettingsSample.settings)

    override func setUp() { membership = Membership(WatcherSettingsSample.settings) }

    /// What a snapshot written now says of addresses.
    private func allows(_ text: String, _ port: UInt16 = 8000) throws -> Bool {
        let (fd, _) = try membership.snapshot()
        defer { close(fd) }
        let snapshot = try XCTUnwrap(Snapshot(fd: fd))
        return snapshot.verdict(on: Endpoint(try address(text), port)) == .allowed
    }

    private func list(_ pods: String...) throws {
        membership.beginList()
        for json in pods { membership.list(try pod(json)) }
        membership.adoptList()
    }

    /// A pool with two pods, published.
    private func begin() throws {
        XCTAssertEqual(
            membership.take(pool: pool(labels: #""app":"vllm""#)), .follow(try selector(("app", "vllm"))))
        try list(podJSON("a", "10.0.0.1"), podJSON("b", "10.0.0.2", labels: #""app":"vllm","role":"decode""#))
        XCTAssertTrue(membership.isWorthPublishing)
        membership.published()
    }

    func testNothingIsPublishedBeforePoolAndPodsAreComplete() throws {
        XCTAssertFalse(membership.isWorthPublishing)
        _ = membership.take(pool: pool(labels: #""app":"vllm""#))
        XCTAssertFalse(membership.isWorthPublishing)
        membership.beginList()
        membership.list(try pod(podJSON("a")))
        XCTAssertFalse(membership.isWorthPublishing)
        membership.adoptList()
        XCTAssertTrue(membership.isWorthPublishing)
        XCTAssertTrue(try allows("10.0.0.1"))
    }

    func testAnAbsentPoolAnEmptySelectorAndAMistakeAllowNothing() throws {
        for pool in [nil, pool(labels: ""), pool(labels: #""app":7"#), pool(labels: #""a":"b""#, ports: "7")] {
            setUp()
            XCTAssertEqual(membership.take(pool: pool), .unchanged)
            XCTAssertTrue(membership.isWorthPublishing)
            XCTAssertEqual(membership.podCount, 0)
            setUp()
            try begin()
            XCTAssertEqual(membership.take(pool: pool), .rest)
            XCTAssertTrue(membership.isWorthPublishing)
            XCTAssertFalse(try allows("10.0.0.1"))
        }
    }

    func testOnlyAChangeOfWhoMayBeCalledIsWorthASnapshot() throws {
        try begin()
        membership.set(try pod(podJSON("a", "10.0.0.1", ready: false)))
        XCTAssertFalse(membership.isWorthPublishing)
        membership.set(try pod(podJSON("c", "10.0.0.3", phase: "Pending")))
        XCTAssertFalse(membership.isWorthPublishing)
        membership.remove(try pod(podJSON("c", "10.0.0.3", phase: "Pending")))
        XCTAssertFalse(membership.isWorthPublishing)
        try list(podJSON("b", "10.0.0.2"), podJSON("a", "10.0.0.1"))
        XCTAssertFalse(membership.isWorthPublishing)
        XCTAssertEqual(membership.take(pool: pool(labels: #""app":"vllm""#)), .unchanged)
        XCTAssertFalse(membership.isWorthPublishing)
        membership.set(try pod(podJSON("a", "10.0.0.7")))
        XCTAssertTrue(membership.isWorthPublishing)
        XCTAssertFalse(try allows("10.0.0.1"))
        XCTAssertTrue(try allows("10.0.0.7"))
    }

    func testEventsTakeEffectOneByOne() throws {
        try begin()
        membership.set(try pod(podJSON("c", "10.0.0.3", phase: "Pending")))
        membership.set(try pod(podJSON("c", "10.0.0.3")))
        XCTAssertTrue(try allows("10.0.0.3"))
        membership.set(try pod(podJSON("c", "10.0.0.3", phase: "Succeeded")))
        XCTAssertFalse(try allows("10.0.0.3"))
        membership.remove(try pod(podJSON("a", "10.0.0.1")))
        XCTAssertFalse(try allows("10.0.0.1"))
        XCTAssertTrue(try allows("10.0.0.2"))
    }

    func testAPodThatTheSelectorDoesNotMatchIsNoMemberWhateverTheServerSays() throws {
        try begin()
        membership.set(try pod(podJSON("a", "10.0.0.1", labels: #""app":"other""#)))
        XCTAssertFalse(try allows("10.0.0.1"))
    }

    func testALateFarewellDoesNotRemoveThePodThatHasTheNameNow() throws {
        try begin()
        membership.set(try pod(podJSON("a", "10.0.0.5", uid: "second")))
        membership.remove(try pod(podJSON("a", "10.0.0.1", uid: "uid-a")))
        XCTAssertTrue(try allows("10.0.0.5"))
        XCTAssertFalse(try allows("10.0.0.1"))
        membership.remove(try pod(podJSON("a", "10.0.0.5", uid: "second")))
        XCTAssertFalse(try allows("10.0.0.5"))
    }

    func testAListReplacesEverythingButOnlyWhenItIsComplete() throws {
        try begin()
        membership.beginList()
        membership.list(try pod(podJSON("b", "10.0.0.2")))
        XCTAssertFalse(membership.isWorthPublishing)
        XCTAssertTrue(try allows("10.0.0.1"))
        // The list fails and begins anew.
        membership.beginList()
        membership.list(try pod(podJSON("c", "10.0.0.3")))
        membership.adoptList()
        XCTAssertTrue(membership.isWorthPublishing)
        XCTAssertFalse(try allows("10.0.0.1"))
        XCTAssertFalse(try allows("10.0.0.2"))
        XCTAssertTrue(try allows("10.0.0.3"))
    }

    func testANewSelectorTakesEffectAtOnceForThoseItDoesNotMatch() throws {
        try begin()
        let both = try selector(("app", "vllm"), ("role", "decode"))
        XCTAssertEqual(membership.take(pool: pool(labels: #""app":"vllm","role":"decode""#)), .follow(both))
        XCTAssertTrue(membership.isWorthPublishing)
        XCTAssertFalse(membership.isComplete)
        XCTAssertFalse(try allows("10.0.0.1"))
        XCTAssertTrue(try allows("10.0.0.2"))
        membership.published()
        try list(podJSON("b", "10.0.0.2", labels: #""app":"vllm","role":"decode""#))
        XCTAssertFalse(membership.isWorthPublishing)
        XCTAssertTrue(membership.isComplete)
    }

    func testASelectorThatMatchesNothingAllowsNothingAtOnce() throws {
        try begin()
        _ = membership.take(pool: pool(labels: #""app":"none""#))
        XCTAssertTrue(membership.isWorthPublishing)
        XCTAssertEqual(membership.podCount, 0)
    }

    func testADeletedPoolAllowsNothingAndARecreatedOneIsListed() throws {
        try begin()
        XCTAssertEqual(membership.take(pool: nil), .rest)
        XCTAssertTrue(membership.isWorthPublishing)
        membership.published()
        XCTAssertEqual(
            membership.take(pool: pool(labels: #""app":"vllm""#)), .follow(try selector(("app", "vllm"))))
        XCTAssertFalse(membership.isWorthPublishing)
        try list(podJSON("a", "10.0.0.1"))
        XCTAssertTrue(membership.isWorthPublishing)
    }

    func testOtherPortsTakeEffectAtOnce() throws {
        try begin()
        XCTAssertEqual(
            membership.take(pool: pool(labels: #""app":"vllm""#, ports: #"[{"number":9000}]"#)), .unchanged)
        XCTAssertTrue(membership.isWorthPublishing)
        XCTAssertFalse(try allows("10.0.0.1", 8000))
        XCTAssertTrue(try allows("10.0.0.1", 9000))
    }

    func testPortsByPolicy() throws {
        func endpoints(_ ports: WatcherSettings.Ports, _ list: [UInt16], _ declared: String) throws -> [UInt16] {
            var settings = WatcherSettingsSample.settings
            settings.ports = ports
            settings.portList = list
            membership = Membership(settings)
            _ = membership.take(pool: pool(labels: #""app":"vllm""#, ports: declared))
            try self.list(podJSON("a", "10.0.0.1"))
            return try [80, 8000, 9000].filter { try allows("10.0.0.1", $0) }
        }
        let declared = #"[{"number":8000}]"#
        XCTAssertEqual(try endpoints(.pool, [], declared), [8000])
        XCTAssertEqual(try endpoints(.pool, [], "[]"), [80, 8000, 9000])
        XCTAssertEqual(try endpoints(.any, [], declared), [80, 8000, 9000])
        XCTAssertEqual(try endpoints(.list, [80, 9000], declared), [80, 9000])
        XCTAssertEqual(try endpoints(.list, [], declared), [])
    }

    func testASnapshotKnowsPodsByNameAndEveryAddressOfThem() throws {
        _ = membership.take(pool: pool(labels: #""app":"vllm""#))
        let dual = podJSON("b").replacing(
            #""podIPs":[{"ip":"10.0.0.1"}]"#, with: #""podIPs":[{"ip":"10.0.0.2"},{"ip":"fd00::2"}]"#)
        try list(dual, podJSON("Not_A_Name", "10.0.0.4"), podJSON("a", "10.0.0.1"))
        let (fd, endpoints) = try membership.snapshot()
        defer { close(fd) }
        let snapshot = try XCTUnwrap(Snapshot(fd: fd))
        XCTAssertEqual(endpoints, 4)
        XCTAssertEqual(snapshot.podCount, 2)
        XCTAssertEqual(
            Array("b".utf8).withUnsafeBytes { snapshot.addresses(ofPod: $0) },
            [try address("10.0.0.2"), try address("fd00::2")])
        XCTAssertTrue(try allows("10.0.0.4"))
    }

    /// The quick way must say what the plain way says.
    func testRandomChangesLeaveWhatAPlainModelHolds() throws {
        try begin()
        var model: [String: (uid: String, address: String, serves: Bool)] = [
            "a": ("uid-a", "10.0.0.1", true), "b": ("uid-b", "10.0.0.2", true),
        ]
        for step in 0..<2_000 {
            let name = "p\(Int.random(in: 0..<40))"
            let address = "10.0.\(Int.random(in: 1..<3)).\(Int.random(in: 1..<250))"
            if Int.random(in: 0..<3) == 0 {
                let uid = model[name]?.uid ?? "none"
                model[name] = nil
                membership.remove(try pod(podJSON(name, uid: uid)))
            } else {
                let serves = Bool.random()
                model[name] = ("u\(step)", address, serves)
                membership.set(
                    try pod(podJSON(name, address, uid: "u\(step)", phase: serves ? "Running" : "Pending")))
            }
        }
        let expected = Set(model.values.filter(\.serves).map(\.address))
        for third in 0..<3 {
            for last in 1..<250 {
                let text = "10.0.\(third).\(last)"
                if expected.contains(text) != (try allows(text)) { XCTFail(text) }
            }
        }
    }
}
