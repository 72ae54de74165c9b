import TestSupport
import XCTest

@testable import Configuration

final class MistakeTests: XCTestCase {
    func testAllMistakesAreReportedAtOnce() {
        assertMistakes(
            ["-port=80x", "--prot=9", "serve", "--connector", "sglang", "--loops=65", "--deny=300.0.0.1"],
            ["VLLM_PORT": "0", "SIDECAR_CONTROL_SOCKET": "relative"],
            [
                ["\"--prot\": no such flag", "did you mean --port?"],
                ["\"serve\": not a command"],
                ["-port=80x", "is not a whole number", "accepted: a port from 1 to 65535"],
                ["--connector=sglang", "newer sidecar", "accepted: nixlv2, nixl or lmcache"],
                ["--loops=65", "out of range", "0 to 64"],
                ["--deny=300.0.0.1", "accepted: "],
                ["VLLM_PORT=0", "out of range"],
                ["SIDECAR_CONTROL_SOCKET=relative", "does not start with /"],
            ])
    }

    func testABooleanNeverTakesTheNextArgument() throws {
        assertMistakes(
            ["--log-requests", "false", plain], [["\"false\": not a command", "write --log-requests=false"]])
        XCTAssertEqual(try parsed(["--log-requests", "check-config", plain]).command, .checkConfig)
    }

    func testABooleanTakesTheWordsOfGoAndTheUsualOthers() throws {
        for word in ["true", "1", "t", "yes", "on", "TRUE", "True", "T"] {
            XCTAssertTrue(try parsed([plain, "-log-requests=\(word)"]).settings.logRequests, word)
        }
        for word in ["false", "0", "f", "no", "off", "FALSE"] {
            XCTAssertFalse(try parsed([plain, "-rewrite-cached-tokens=\(word)"]).settings.rewriteCachedTokens, word)
        }
        for word in ["2", "", "y", "enabled", " true"] {
            XCTAssertEqual(mistakes([plain, "-log-requests=\(word)"]).count, 1, word)
        }
    }

    func testAMisspeltFlagIsAnsweredWithTheNearestOne() {
        for (wrong, right) in [
            ("-vlm-port=1", "--vllm-port"), ("--secure_proxy=false", "--secure-proxy"), ("--Port=1", "--port"),
            ("--enable-ssrf-protecton", "--enable-ssrf-protection"), ("--kv-conector=x", "--kv-connector"),
            ("--enable-ssrf", "--enable-ssrf-protection"), ("--hlep", "--help"), ("--conenctor=nixl", "--connector"),
        ] {
            let found = mistakes([plain, wrong])
            XCTAssertEqual(found.count, 1, "\(found)")
            XCTAssertTrue(found.first?.hasSuffix("did you mean \(right)?") ?? false, "\(found)")
        }
        for stranger in ["--kubeconfig=x", "-x", "--frobnicate"] {
            let found = mistakes([plain, stranger])
            XCTAssertEqual(found.count, 1)
            XCTAssertTrue(found.first?.hasSuffix("no such flag; see --help") ?? false, "\(found)")
        }
    }

    func testTheValueOfAnUnknownFlagIsNoSecondMistake() {
        XCTAssertEqual(mistakes([plain, "--frobnicate", "hard"]).count, 1)
        XCTAssertEqual(mistakes(["--frobnicate", "check-config", plain]).count, 1)
    }

    func testAFlagOfMoRIIOIsNamedAsSuch() {
        assertMistakes([plain, "--moriio-tp-size", "4"], [["--moriio-tp-size", "MoRI-IO", "leave it out"]])
    }

    func testAForgottenValueIsAMistakeAndLeavesTheNextFlagAlone() {
        assertMistakes(["-port", plain], [["-port: needs a value", "1 to 65535"]])
        assertMistakes([plain, "-port"], [["-port: needs a value"]])
        assertMistakes([plain, "--drain-timeout", "--help-me"], [["--drain-timeout=--help-me"]])
    }

    func testWhatIsNoFlagAndNoCommandIsAMistake() {
        for odd in ["--", "---port=1", "-=1", "--=1", "-", "", "8000"] {
            let found = mistakes([plain, odd])
            XCTAssertEqual(found.count, 1, "\(odd): \(found)")
        }
        assertMistakes([plain, "staus"], [["\"staus\": not a command; did you mean status?"]])
    }

    func testEveryMistakenValueNamesFlagValueAndWhatIsAccepted() throws {
        for row in SettingsTable.all {
            // Any text goes for these; what a selector means is the API server's to say.
            let free = [
                "cert-path", "configuration", "configuration-file", "ec-connector", "kubernetes-ca-file",
                "kubernetes-token-file", "allow-file", "allowlist-selector", "client-ca-path", "ca-cert-path",
                "upstream-cert-path",
            ]
            if free.contains(row.name) { continue }
            let found = mistakes([plain, "--\(row.name)=?!"])
            let own = found.filter { $0.hasPrefix("--\(row.name)=?!: \"?!\" ") }
            XCTAssertEqual(own.count, 1, "\(row.name): \(found)")
            XCTAssertTrue(own.first?.hasSuffix("; accepted: \(row.kind.accepted)") ?? false, "\(own)")
            XCTAssertEqual(found.count, 1, "\(found)")
        }
    }

    func testAMistakenValueIsNoReasonForFurtherMistakes() {
        // The defaults of port and vllm-port would not clash, those of a half-read command line might.
        assertMistakes([plain, "-port=x", "-vllm-port=8000"], [["-port=x"]])
        assertMistakes(["--secure-proxy=maybe"], [["--secure-proxy=maybe"]])
    }

    func testWhatAMistakeQuotesCannotForgeALogLine() {
        let found = mistakes([plain, "--log-level=info\nERROR all is lost \u{1b}[31m", "a\u{202e}b", "--x\ny"])
        XCTAssertEqual(found.count, 3)
        for text in found {
            XCTAssertFalse(text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202e }, text)
        }
        let long = mistakes([plain, "--log-level=\(String(repeating: "x", count: 100_000))"])
        XCTAssertLessThan(long.first?.utf8.count ?? .max, 1000)
    }

    func testNoCommandLineWhateverItsPiecesEndsOtherwiseThanInAnOutcome() {
        var generator = SeededGenerator(seed: 20_251_028)
        let pieces =
            SettingsTable.all.flatMap { ["--\($0.name)", "-\($0.name)=", $0.kind.show(Settings())] }
            + Sample.all.map(\.text)
            + [
                "status", "restart", "check-config", "--json", "--", "-", "=", "", "/", ":", ",", "[", "]", ".", "é",
                "\0",
            ]
            + ["9223372036854775807", "0.1", "s", "ms", "Gi", "::", "255.255.255.255", "/128", ":65535"]
        var accepted = 0
        for _ in 0..<800 {
            let arguments = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                (0..<Int.random(in: 1...3, using: &generator))
                    .map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            }
            switch parse(arguments: arguments, environment: [:]) {
            case .success(let invocation):
                accepted += 1
                XCTAssertEqual(invocation.sources.count, SettingsTable.all.count)
            case .failure(let mistakes): XCTAssertFalse(mistakes.isEmpty, "\(arguments)")
            }
        }
        XCTAssertLessThan(accepted, 400, "the pieces make too many sound command lines to be a test of mistakes")
    }
}
