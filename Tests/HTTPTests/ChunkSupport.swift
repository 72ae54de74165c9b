import TestSupport
import XCTest

@testable import HTTP

/// Feeds a reader with the input cut at these places, and keeps what comes of it.
func drain(_ input: [UInt8], cuts: [Int] = [], _ reader: inout BodyReader) -> ReferenceChunks.Outcome {
    var body: [UInt8] = []
    var start = 0
    for end in cuts + [input.count] {
        let guarded = GuardedBytes(Array(input[start..<end]))
        var offset = 0
        feeding: while true {
            let before = offset
            switch reader.next(guarded.bytes, &offset) {
            case .needMore:
                XCTAssertEqual(offset, guarded.bytes.count, "all input is used up before more is asked for")
                break feeding
            case .data(let from, let count):
                XCTAssertGreaterThan(count, 0, "a run of data is not empty")
                XCTAssertGreaterThanOrEqual(from, before)
                XCTAssertEqual(offset, from + count)
                body += guarded.bytes[from..<from + count]
            case .end:
                XCTAssertTrue(reader.isDone)
                return .complete(body: body, used: start + offset)
            case .fault:
                XCTAssertFalse(reader.isDone)
                var again = offset
                XCTAssertEqual(reader.next(guarded.bytes, &again), .fault, "a broken body stays broken")
                return .broken
            }
        }
        start = end
    }
    return .incomplete(body: body)
}

/// The same for chunked coding from its start.
func decode(_ input: [UInt8], cuts: [Int] = []) -> ReferenceChunks.Outcome {
    var reader = BodyReader(.chunked)
    return drain(input, cuts: cuts, &reader)
}

func decode(_ text: String, cuts: [Int] = []) -> ReferenceChunks.Outcome { decode(latin1(text), cuts: cuts) }
