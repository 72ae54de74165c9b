import XCTest

@testable import Configuration

final class ValueTests: XCTestCase {
    func testDurationsAreReadInMilliseconds() throws {
        for (text, milliseconds) in [
            ("30s", 30_000), ("500ms", 500), ("1m30s", 90_000), ("1h2m3s4ms", 3_723_004), ("30", 30_000), ("0", 0),
            ("0s", 0), ("1.5s", 1500), ("0.25s", 250), ("1.50s", 1500), ("0.001s", 1), ("1.5m", 90_000), ("1.0ms", 1),
            ("0.05m", 3000), ("0.00000s", 0),
        ] {
            XCTAssertEqual(try durationValue(text), milliseconds, text)
        }
    }

    func testWhatIsNoDurationIsRefused() {
        for text in [
            "", "s", "-1s", "+1s", " 1s", "1 s", "1s ", "1d", "1us", "1µs", "1s1s", "1s1m", "1ms1s", "1m30", "1.2.3s",
            ".5s",
            "1.s", "1.5", "0.0005s", "0.5ms", "1,5s", "01s", "1e3s", "٣s", "99999999999999999999s",
            "9223372036854775807h",
            "9223372036854775807", "0.99999999999999999999h", "1\u{301}s",
        ] {
            XCTAssertThrowsError(try durationValue(text), text)
        }
    }

    func testADurationsTextReadsBackAsTheSame() throws {
        for milliseconds in [0, 1, 999, 1000, 1500, 59_000, 60_000, 90_000, 90_500, 3_600_000, 86_400_000] {
            XCTAssertEqual(try durationValue(durationText(milliseconds)), milliseconds)
        }
        XCTAssertEqual(durationText(90_000), "90s")
    }

    func testByteSizesAreThoseOfKubernetes() throws {
        for (text, bytes) in [
            ("0", 0), ("1", 1), ("12B", 12), ("500k", 500_000), ("500kB", 500_000), ("1K", 1000), ("1M", 1_000_000),
            ("1MB", 1_000_000), ("2G", 2_000_000_000), ("1Ki", 1024), ("64MiB", 67_108_864), ("1GiB", 1_073_741_824),
        ] {
            XCTAssertEqual(try byteSizeValue(text), bytes, text)
        }
    }

    func testWhatIsNoByteSizeIsRefused() {
        for text in [
            "", "k", "-1", "+1", "1.5G", "1 k", "64m", "64mb", "1gib", "1T", "1kk", "0x10", "01", "1_000", "1e9",
            "9223372036854775807k", "99999999999999999999", "٣",
        ] {
            XCTAssertThrowsError(try byteSizeValue(text), text)
        }
    }

    func testAByteSizesTextReadsBackAsTheSame() throws {
        for bytes in [0, 1, 1000, 1023, 1024, 1 << 20, 64 << 20, 1 << 30, (1 << 30) + 1024] {
            XCTAssertEqual(try byteSizeValue(byteSizeText(bytes)), bytes)
        }
        XCTAssertEqual(byteSizeText(64 << 20), "64MiB")
    }

    func testNumbersAreInPlainDecimalDigits() {
        for text in ["", "+1", "-1", "01", "1_0", "0x1", "1.0", " 1", "1 ", "٣", "1e3", "18446744073709551616"] {
            XCTAssertThrowsError(try numberValue(text, in: 0...Int.max), text)
        }
        XCTAssertEqual(try numberValue("0", in: 0...1), 0)
        XCTAssertEqual(try numberValue("9223372036854775807", in: 0...Int.max), Int.max)
    }

    func testBoundsAreInclusiveAndHold() throws {
        for (flag, inside, outside) in [
            ("port", ["1", "65535"], ["0", "65536"]),
            ("admin-port", ["0", "65535"], ["65536"]),
            ("max-body-bytes", ["1", "1GiB"], ["0", "1073741825"]),
            ("loops", ["0", "64"], ["65"]),
            ("prefill-timeout", ["1ms", "1h"], ["0", "3600001ms"]),
            ("connect-timeout", ["1ms", "10m"], ["0", "10m1ms"]),
            ("max-prefill-answer-bytes", ["1KiB", "1GiB"], ["1023", "2GiB"]),
            ("drain-timeout", ["0", "24h"], ["24h1ms"]),
            ("max-connections", ["1", "1048576"], ["0", "1048577"]),
            ("v", ["0", "127"], ["128"]),
        ] {
            let row = try XCTUnwrap(SettingsTable.row(flag))
            var settings = Settings()
            for text in inside { XCTAssertNoThrow(try row.kind.store(text, &settings), "\(flag) \(text)") }
            for text in outside {
                XCTAssertThrowsError(try row.kind.store(text, &settings), "\(flag) \(text)") {
                    XCTAssertEqual($0 as? Unacceptable, Unacceptable("is out of range"), "\(flag) \(text)")
                }
            }
        }
    }

    func testTheControlSocketIsAnAbsolutePathOrOff() throws {
        for text in ["off", ""] {
            XCTAssertEqual(try parsed([plain, "--control-socket=\(text)"]).settings.controlSocket, "")
        }
        let longest = "/" + String(repeating: "a", count: 106)
        XCTAssertEqual(try parsed([plain, "--control-socket=\(longest)"]).settings.controlSocket, longest)
        for text in [longest + "a", "relative", "/tmp/", "@abstract", "/tmp/\0x"] {
            XCTAssertEqual(mistakes([plain, "--control-socket=\(text)"]).count, 1, text)
        }
    }

    func testHostsAndAddressesToListenOnAreLiterals() throws {
        XCTAssertEqual(try parsed([plain, "--listen-address=0:0::1"]).settings.listenAddress, "::1")
        XCTAssertEqual(try parsed([plain, "--listen-address=::ffff:10.0.0.1"]).settings.listenAddress, "10.0.0.1")
        XCTAssertEqual(try parsed([plain, "--listen-address="]).settings.listenAddress, "")
        XCTAssertEqual(try parsed([plain, "--decoder-host=10.0.0.1"]).settings.decoderHost, "10.0.0.1")
        for text in ["localhost", "example.com", "[::1]", "127.1", "0177.0.0.1", "::1%lo", "10.0.0.1:80", "224.0.0.1"] {
            XCTAssertEqual(mistakes([plain, "--listen-address=\(text)"]).count, 1, text)
        }
        for text in ["", "0.0.0.0", "::", "ff02::1", "decoder", "LOCALHOST", "[::1]"] {
            XCTAssertEqual(mistakes([plain, "--decoder-host=\(text)"]).count, 1, text)
        }
    }

    func testPoolNamesAreThoseOfKubernetes() throws {
        _ = try parsed([plain, "-inference-pool-name=a.b-c.d0", "--inference-pool-namespace=n"])
        for text in ["A", "a_b", "-a", "a-", "a..b", ".a", "a b", String(repeating: "a", count: 64)] {
            XCTAssertEqual(mistakes([plain, "--inference-pool-namespace=\(text)"]).count, 1, text)
            XCTAssertEqual(mistakes([plain, "--inference-pool-name=\(text)"]).count, 1, text)
        }
        for text in ["/", "a/", "/b", "a/b/c", "a.b/c"] {
            XCTAssertEqual(mistakes([plain, "--inference-pool=\(text)"]).count, 1, text)
        }
    }

    func testEditDistanceCountsInsertionsDeletionsSubstitutionsAndSwaps() {
        for (left, right, distance) in [
            ("", "", 0), ("", "abc", 3), ("port", "port", 0), ("prot", "port", 1), ("por", "port", 1),
            ("pory", "port", 1), ("kitten", "sitting", 3),
        ] {
            XCTAssertEqual(editDistance(Array(left), Array(right)), distance, "\(left) \(right)")
            XCTAssertEqual(editDistance(Array(right), Array(left)), distance, "\(right) \(left)")
        }
    }
}
