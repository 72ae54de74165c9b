import HTTP
import Metrics
import XCTest

@testable import Proxy

/// What a request is. A path that an engine would read as one of the API's must have been seen as such here.
final class RouteTests: XCTestCase {
    /// Nil: the head was refused.
    private func api(_ method: String, _ target: String) -> API? {
        parsing(request(method, target)) { head, bytes in Route.api(head, bytes) }
    }

    func testTheTwoRoutesOfTheAPIAreKnown() {
        XCTAssertEqual(api("POST", "/v1/chat/completions"), .chatCompletions)
        XCTAssertEqual(api("POST", "/v1/completions"), .completions)
        XCTAssertEqual(api("POST", "/v1/chat/completions?a=b&c"), .chatCompletions)
        XCTAssertEqual(api("POST", "/v1/completions?"), .completions)
        XCTAssertEqual(api("POST", "/v1/completions?/v1/chat/completions"), .completions)
        XCTAssertEqual(api("POST", "http://sidecar:8000/v1/chat/completions"), .chatCompletions)
    }

    func testEveryOtherPathIsOther() {
        for path in [
            "/", "/v1", "/v1/", "/v1/chat", "/v1/chat/", "/v1/chat/completion", "/v1/chat/completionss",
            "/v1/chat/completions/", "/v1/completions/", "/v1/completions/x", "/V1/completions", "/v1/Completions",
            "/v1/CHAT/completions", "/v1/models", "/v1/embeddings", "/v2/completions", "/x/v1/completions", "/tokenize",
            "/v1/completions;x", "/v1/chat/completions%20", "/v1/responses", "/?/v1/completions", "/v1/completions.",
        ] {
            XCTAssertEqual(api("POST", path), .other, path)
        }
    }

    func testOtherMethodsAreOther() {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "Post", "POSTS", "QUERY"] {
            XCTAssertEqual(api(method, "/v1/chat/completions"), .other, method)
        }
    }

    func testASecondSpellingOfAPathIsRefusedBeforeItIsRouted() {
        for path in [
            "//v1/completions", "/v1//completions", "/v1/./completions", "/v1/../v1/completions", "/v1/%63ompletions",
            "/v1/%43ompletions", "/v1%2fcompletions", "/v1%2Fcompletions", "/v1/chat%2Fcompletions",
            "/%76%31/completions",
            "/v1/completions/..", "/v1/completions/.", "/./v1/completions", "/v1/chat/%2e%2e/completions",
            "/v1\\completions", "/v1/completions%00", "/v1/completions%0a", "/v1/completions#x", "/v1/completions%3fx",
            "/v1/completions%23", "/v1/completions%5c", "/v1/completions%252f", "/v1/completions%", "/v1/completions%4",
            "v1/completions", "/v1/completions/%2E",
        ] {
            XCTAssertNil(api("POST", path), path)
        }
    }

    func testHealthIsAnsweredHereForGetAndHead() {
        func isHealth(_ method: String, _ target: String) -> Bool? {
            parsing(request(method, target)) { head, bytes in Route.isHealth(head, bytes) }
        }
        XCTAssertEqual(isHealth("GET", "/health"), true)
        XCTAssertEqual(isHealth("HEAD", "/health"), true)
        XCTAssertEqual(isHealth("GET", "/health?verbose"), true)
        for (method, path) in [
            ("POST", "/health"), ("PUT", "/health"), ("GET", "/health/"), ("GET", "/Health"), ("GET", "/healthz"),
            ("GET", "/"), ("GET", "/v1/health"), ("OPTIONS", "/health"),
        ] {
            XCTAssertEqual(isHealth(method, path), false, "\(method) \(path)")
        }
    }
}
