import CLinux
import Glibc
import IPC
import JSON
import Linux
import XCTest

@testable import Watcher

/// Reads a value with `body`, which must leave no fault behind.
func read<R>(_ json: String, _ body: (inout ValueReader) -> R) -> R {
    let nesting = ValueReader.Nesting()
    return Array(json.utf8).withUnsafeBytes { bytes in
        var reader = ValueReader(bytes, nesting)
        return body(&reader)
    }
}

func pool(_ json: String, _ group: PoolGroup = .standard) -> PoolObject { read(json) { PoolObject(&$0, group) } }

/// A pool of the standard group.
func pool(labels: String, ports: String = #"[{"number":8000}]"#) -> PoolObject {
    pool(#"{"metadata":{"name":"pool"},"spec":{"selector":{"matchLabels":{\#(labels)}},"targetPorts":\#(ports)}}"#)
}

func podJSON(
    _ name: String, _ address: String = "10.0.0.1", labels: String = #""app":"vllm""#, uid: String? = nil,
    phase: String = "Running", ready: Bool = true, hostNetwork: Bool = false, extra: String = ""
) -> String {
    """
    {"metadata":{"name":"\(name)","uid":"\(uid ?? "uid-" + name)","resourceVersion":"7","labels":{\(labels)}\(extra)},
     "spec":{"containers":[],"hostNetwork":\(hostNetwork)},
     "status":{"phase":"\(phase)","podIP":"\(address)","podIPs":[{"ip":"\(address)"}],
      "conditions":[{"type":"Initialized","status":"True"},{"type":"Ready","status":"\(ready ? "True" : "False")"}]}}
    """
}

/// Fails the test when the JSON is no pod.
func pod(_ json: String, file: StaticString = #filePath, line: UInt = #line) throws -> PodObject {
    try XCTUnwrap(read(json) { PodObject(&$0) }, file: file, line: line)
}

func selector(_ labels: (String, String)...) throws -> Selector {
    try XCTUnwrap(Selector(labels.map { Selector.Label(name: Array($0.0.utf8), value: Array($0.1.utf8)) }))
}

func address(_ text: String, file: StaticString = #filePath, line: UInt = #line) throws -> Linux.Address {
    try XCTUnwrap(Linux.Address.parse(text), file: file, line: line)
}

/// A memory file with this content, whose descriptor `body` may use.
func withFile<R>(_ content: [UInt8], _ body: (Int32) throws -> R) throws -> R {
    let fd = try Errno.check(cl_sealed_create("test", content, content.count))
    defer { close(fd) }
    return try body(fd)
}
