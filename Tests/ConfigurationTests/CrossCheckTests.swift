import XCTest

@testable import Configuration

final class CrossCheckTests: XCTestCase {
    func testTheSidecarIsNotItsOwnDecoder() throws {
        assertMistakes(
            [plain, "-port=8001"], [["-port=8001: is the port of the decode worker", "--vllm-port=8001 (the default)"]])
        for clash in [
            ["--decoder-host=127.0.0.1"], ["--decoder-host=::1"], ["--listen-address=127.0.0.1"],
            ["--listen-address=0.0.0.0"], ["--listen-address=10.0.0.1", "--decoder-host=10.0.0.1"],
            ["--listen-address=::", "--decoder-host=127.0.0.1"],
        ] {
            XCTAssertEqual(mistakes([plain, "-port=9000", "-vllm-port=9000"] + clash).count, 1, "\(clash)")
        }
        for fine in [
            ["--decoder-host=10.0.0.1"], ["--listen-address=10.0.0.1"],
            ["--listen-address=0.0.0.0", "--decoder-host=::1"],
            ["--listen-address=127.0.0.2", "--decoder-host=127.0.0.1"],
        ] {
            _ = try parsed([plain, "-port=9000", "-vllm-port=9000"] + fine)
        }
    }

    func testTheAdminPortIsItsOwn() throws {
        assertMistakes([plain, "--admin-port=8000"], [["--admin-port=8000: is the port that clients connect to"]])
        assertMistakes([plain, "--metrics-port=8001"], [["--metrics-port=8001: is the port of the decode worker"]])
        assertMistakes(
            [plain, "--admin-port=8000", "--admin-address=::", "--listen-address=10.0.0.1"], [["--admin-port=8000"]])
        _ = try parsed([plain, "--admin-port=8000", "--admin-address=10.0.0.1", "--listen-address=10.0.0.2"])
        _ = try parsed([plain, "--admin-port=8000", "--admin-address=::1", "--listen-address=0.0.0.0"])
        _ = try parsed([plain, "--admin-port=0"])
    }

    func testTheHandoffsHostIsCheckedAgainstThePoolOnlyWhereThereIsOne() throws {
        assertMistakes([plain, "--handoff-host-check=pool"], [["--handoff-host-check=pool: needs the inference pool"]])
        let auto = try parsed([plain, "--handoff-host-check=auto"])
        XCTAssertEqual(auto.settings.handoffHostCheck, .off)
        XCTAssertEqual(auto.sources["handoff-host-check"], .flag("--handoff-host-check"))
        // With protection on it is the pool's.
        let protected = try parsed([plain, "--enable-ssrf-protection", "--allow=10.0.0.1:80"])
        XCTAssertEqual(protected.settings.handoffHostCheck, .pool)
        guard case .derived = protected.sources["handoff-host-check"] else { return XCTFail("not derived") }
        for (word, check) in [("off", HandoffHostCheck.off), ("prefiller", .prefiller), ("pool", .pool)] {
            let chosen = try parsed([
                plain, "--enable-ssrf-protection", "--allow=10.0.0.1:80", "--handoff-host-check=\(word)",
            ])
            XCTAssertEqual(chosen.settings.handoffHostCheck, check)
        }
    }

    func testASingleBodyFitsIntoTheMemoryForAll() throws {
        assertMistakes(
            [plain, "--max-buffered-bytes=32MiB"],
            [["--max-buffered-bytes=32MiB", "--max-body-bytes=64MiB (the default)"]])
        assertMistakes(
            [plain, "--max-buffered-bytes=1MiB"], [["--max-body-bytes"], ["--max-prefill-answer-bytes"]])
        _ = try parsed([plain, "--max-buffered-bytes=64MiB"])
    }

    func testTimesNearAnEdgeAreNoted() throws {
        for (argument, part) in [
            ("--handoff-max-age=30s", "lease"), ("--upstream-idle-timeout=5s", "uvicorn"),
            ("--connect-timeout=31s", "--prefill-timeout=30s (the default)"),
            ("--allow-loopback-upstreams", "every port of this pod"), ("--allow-link-local-upstreams", "metadata"),
        ] {
            let notes = try parsed([plain, argument]).notes
            XCTAssertEqual(notes.count, 1, "\(notes)")
            XCTAssertTrue(notes.first?.contains(part) ?? false, "\(notes)")
        }
        XCTAssertEqual(
            try parsed([plain, "--handoff-max-age=29999ms", "--upstream-idle-timeout=4999ms", "--connect-timeout=30s"])
                .notes,
            [])
    }
}
