import XCTest

@testable import Configuration

/// The KV agent's settings, and the command that runs one transfer.
final class KVTests: XCTestCase {
    private let on = "--kv-agent"

    func testItIsOffUnlessAskedFor() throws {
        XCTAssertFalse(try parsed([plain]).settings.kvAgent)
        XCTAssertTrue(try parsed([plain, on]).settings.kvAgent)
    }

    func testPortsAreOneOrARange() throws {
        for (text, first, last): (String, UInt16, UInt16) in [
            ("9000-9003", 9000, 9003), ("1-4", 1, 4), ("65532-65535", 65532, 65535), ("20000-21023", 20000, 21023),
        ] {
            let settings = try parsed([plain, on, "--kv-data-ports=\(text)"]).settings
            XCTAssertEqual(settings.kvDataPorts, PortRange(first, last), text)
        }
        for text in ["9003-9000", "0-3", "9000-", "-9000", "9000-9001-9002", "1-65536", "20000-21024", "9000:9003"] {
            assertMistakes(
                [plain, on, "--kv-data-ports=\(text)"], [["--kv-data-ports=\(text)", "accepted: a range of ports"]])
        }
    }

    func testPeersListenOnOurOwnPortUnlessToldOtherwise() throws {
        XCTAssertEqual(try parsed([plain, on, "--kv-port=9000"]).settings.kvCalledPorts, PortRange(9000, 9000))
        let settings = try parsed([plain, on, "--kv-peer-ports=9000-9005"]).settings
        XCTAssertEqual(settings.kvCalledPorts, PortRange(9000, 9005))
        XCTAssertEqual(settings.kvPort, 7800)
    }

    func testPortsThatAreSomethingElsesAreMistakes() {
        assertMistakes([plain, on, "--kv-port=8000"], [["--kv-port=8000: takes in --port=8000 (the default)"]])
        assertMistakes([plain, on, "--kv-port=9464"], [["--kv-port=9464: takes in --admin-port=9464"]])
        assertMistakes([plain, on, "--kv-data-ports=8000-8003"], [["takes in --port"], ["takes in --vllm-port"]])
        assertMistakes([plain, on, "--kv-peer-ports=7999-8000"], [["--kv-peer-ports=7999-8000: takes in --port"]])
        assertMistakes([plain, on, "--kv-port=7805"], [["--kv-port=7805: is one of --kv-data-ports=7801-7832"]])
    }

    func testAllMistakesAreToldAtOnce() {
        assertMistakes(
            [plain, on, "--kv-port=0", "--kv-data-ports=9000-9001", "--kv-region-bytes=5000", "--kv-max-transfers=0"],
            [
                ["--kv-port=0"], ["--kv-max-transfers=0"], ["--kv-data-ports=9000-9001: is too few"],
                ["--kv-region-bytes=5000: is no whole number of pages"],
            ])
    }

    func testWithoutTheAgentItsSettingsAreRemarkedOn() throws {
        XCTAssertEqual(
            try parsed([plain, "--kv-port=8000"]).notes, ["--kv-port=8000 has no effect without --kv-agent"])
    }

    func testATransferNeedsAPeerAndALength() throws {
        let command = try parsed(["transfer", "--peer=10.0.0.1:7800", "--length=1MiB"]).command
        var options = TransferOptions()
        options.length = 1 << 20
        XCTAssertEqual(command, .transfer(from: AllowedTarget("10.0.0.1:7800")!, options))
        assertMistakes(["transfer"], [["transfer: names no peer"], ["transfer: says not how much"]])
        assertMistakes(["transfer", "--peer"], [["--peer: needs a value"], ["names no peer"], ["says not how much"]])
    }

    func testATransferTakesEverythingElseToo() throws {
        let command = try parsed([
            "transfer", "--peer", "[::1]:7800", "--length", "8KiB", "--remote-offset=4KiB", "--local-offset=12",
            "--block-bytes=4096", "--checksum=00C0ffee", "--deadline=1500ms", "--request-id=a-1",
            "--control-socket=/run/s",
        ]).command
        var options = TransferOptions()
        options.length = 8192
        options.remoteOffset = 4096
        options.localOffset = 12
        options.blockBytes = 4096
        options.checksum = 0x00C0_FFEE
        options.deadlineMilliseconds = 1500
        options.requestID = "a-1"
        XCTAssertEqual(command, .transfer(from: AllowedTarget("[::1]:7800")!, options))
    }

    func testWhatATransferCannotBeIsToldWhole() {
        assertMistakes(
            [
                "transfer", "--peer=localhost:1", "--length=0", "--remote-offset=-1", "--checksum=12", "--deadline=0s",
                "--block-bytes=0", "--request-id=a b",
            ],
            [
                ["--peer=localhost:1", "accepted: ADDRESS:PORT"], ["--length=0", "out of range"],
                ["--remote-offset=-1"], ["--checksum=12", "eight hexadecimal digits"], ["--deadline=0s", "1ms to 1h"],
                ["--block-bytes=0"], ["--request-id=\"a b\""],
            ])
    }

    func testItsFlagsAreItsOwn() {
        assertMistakes([plain, "--length=5"], [["--length=5: only for the command transfer"]])
        assertMistakes(
            ["transfer", "--peer=10.0.0.1:1", "--length=5", "--port=80"], [["--port=80: not for transfer"]])
    }
}
