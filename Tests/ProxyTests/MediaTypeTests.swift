import XCTest

@testable import Proxy

/// Which answers are looked into for their usage.
final class MediaTypeTests: XCTestCase {
    func testServerSentEventsAreToldByTheirMediaType() {
        for type in [
            "text/event-stream", "TEXT/EVENT-STREAM", "Text/Event-Stream", "text/event-stream; charset=utf-8",
            "text/event-stream;charset=utf-8", "text/event-stream ;charset=utf-8", "text/event-stream;",
        ] {
            XCTAssertTrue(withBytes(type) { UsageLines.isEventStream($0) }, type)
            XCTAssertFalse(withBytes(type) { UsageLines.isJSON($0) }, type)
        }
        for type in [
            "", "text/event-strea", "text/event-streams", "text/event-stream+json", "xtext/event-stream",
            " text/event-stream", "text/plain", "text/plain; text/event-stream", "text/event-stream,text/plain",
            "application/x-ndjson",
        ] {
            XCTAssertFalse(withBytes(type) { UsageLines.isEventStream($0) }, type)
        }
    }

    func testJSONIsToldByItsMediaType() {
        for type in ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;q=1"]
        {
            XCTAssertTrue(withBytes(type) { UsageLines.isJSON($0) }, type)
            XCTAssertFalse(withBytes(type) { UsageLines.isEventStream($0) }, type)
        }
        for type in ["", "application/jso", "application/json-seq", "application/jsonp", "text/json", "json"] {
            XCTAssertFalse(withBytes(type) { UsageLines.isJSON($0) }, type)
        }
    }
}
