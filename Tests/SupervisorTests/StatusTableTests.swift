import XCTest

@testable import Supervisor

/// `routing-sidecar status` for people.
final class StatusTableTests: XCTestCase {
    private let running = """
        {"version":"0.1.0","pid":7,"state":"running","ready":true,"uptime_seconds":3601.042,\
        "allowlist":{"source":"kubernetes","generation":7,"endpoints":12,"age_seconds":0.250},"components":[\
        {"name":"dialer","instance":1,"pid":8,"wanted":"up","actual":"running","ready":true,"restarts":0,\
        "uptime_seconds":3601.000,"last_exit":null},\
        {"name":"proxy","instance":5,"pid":4242,"wanted":"up","actual":"running","ready":true,"restarts":3,\
        "uptime_seconds":12.345,"last_exit":"signal 11 (SIGSEGV)"},\
        {"name":"admin","instance":0,"pid":0,"wanted":"up","actual":"backoff","ready":false,"restarts":12,\
        "uptime_seconds":0.000,"last_exit":"exit 71 (internal-error)"}]}
        """

    func testComponentsStandInAlignedColumns() {
        XCTAssertEqual(
            StatusReport.table(running),
            """
            routing-sidecar 0.1.0, pid 7: running, ready: yes, up 3601.042 s

            PROCESS  PID   STATE    READY  RESTARTS  UP (s)    LAST EXIT
            dialer   8     running  true   0         3601.000  -
            proxy    4242  running  true   3         12.345    signal 11 (SIGSEGV)
            admin    0     backoff  false  12        0.000     exit 71 (internal-error)
            """)
    }

    func testNotReadyIsSaid() {
        let table = StatusReport.table(
            #"{"version":"1","pid":7,"state":"draining","ready":false,"uptime_seconds":0.001,"components":[]}"#)
        XCTAssertEqual(
            table,
            """
            routing-sidecar 1, pid 7: draining, ready: no, up 0.001 s

            PROCESS  PID  STATE  READY  RESTARTS  UP (s)  LAST EXIT
            """)
    }

    func testNoLineEndsInBlanks() {
        for line in StatusReport.table(running).split(separator: "\n", omittingEmptySubsequences: false) {
            XCTAssertFalse(line.hasSuffix(" "), "'\(line)'")
        }
    }

    func testWhatHasAnotherFormIsShownAsItIs() {
        for text in ["", "no such thing", "{}", "{\"error\":\"x\"}", "\"components\":[", "]", "null"] {
            XCTAssertEqual(StatusReport.table(text), text)
        }
    }

    func testBrokenJSONIsNoReasonToFail() {
        // Cut anywhere, and with any character replaced: it may look odd, but it must come back.
        let bytes = Array(running.utf8)
        for end in 0...bytes.count { _ = StatusReport.table(String(decoding: bytes[..<end], as: UTF8.self)) }
        for (i, replacement) in zip(bytes.indices, Array("]}{[,:\"x".utf8).cycled(bytes.count)) {
            var broken = bytes
            broken[i] = replacement
            XCTAssertFalse(StatusReport.table(String(decoding: broken, as: UTF8.self)).isEmpty)
        }
    }
}

extension Array {
    /// The first `count` elements of endless repetition.
    fileprivate func cycled(_ count: Int) -> [Element] { (0..<count).map { self[$0 % self.count] } }
}
