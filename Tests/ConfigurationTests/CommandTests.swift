import XCTest

@testable import Configuration

final class CommandTests: XCTestCase {
    func testWithoutACommandItServes() throws {
        XCTAssertEqual(try parsed([plain]).command, .serve)
    }

    func testACommandMayStandBeforeOrAfterItsFlags() throws {
        XCTAssertEqual(try parsed(["check-config", plain, "-port=1"]).settings.port, 1)
        XCTAssertEqual(try parsed([plain, "check-config", "-port=1"]).command, .checkConfig)
        XCTAssertEqual(try parsed([plain, "-port", "1", "check-config"]).command, .checkConfig)
    }

    func testStatusTakesJSONAndTheControlSocket() throws {
        XCTAssertEqual(try parsed(["status"]).command, .status(json: false))
        XCTAssertEqual(try parsed(["--json", "status"]).command, .status(json: true))
        XCTAssertEqual(try parsed(["status", "-json=false"]).command, .status(json: false))
        let invocation = try parsed(["status", "--control-socket=/run/s"])
        XCTAssertEqual(invocation.settings.controlSocket, "/run/s")
        XCTAssertEqual(
            try parsed(["status"], ["SIDECAR_CONTROL_SOCKET": "/run/e"]).settings.controlSocket, "/run/e")
    }

    func testRestartTakesAName() throws {
        XCTAssertEqual(try parsed(["restart", "proxy"]).command, .restart("proxy"))
        XCTAssertEqual(try parsed(["restart", "--control-socket", "/run/s", "dialer"]).command, .restart("dialer"))
        assertMistakes(["restart"], [["restart: names no process"]])
        assertMistakes(["restart", "proxy", "dialer"], [["\"dialer\": not a command"]])
    }

    /// They run in the serving container, whose environment may hold anything, and beside it, where it holds nothing.
    func testStatusAndRestartLookAtNothingButTheControlSocket() throws {
        let environment = ["SIDECAR_PORT": "x", "CONNECTOR_TYPE": "nixl", "INFERENCE_POOL": "//"]
        _ = try parsed(["status"], environment)
        _ = try parsed(["restart", "proxy"], environment)
        assertMistakes(["status", "--port=80"], [["--port=80: not for status"]])
        assertMistakes(["restart", "proxy", "--port=80"], [["--port=80: not for restart"]])
        assertMistakes(["status", "--control-socket=off"], [["--control-socket=off: there is no socket"]])
        assertMistakes(["restart", "proxy"], ["SIDECAR_CONTROL_SOCKET": "off"], [["SIDECAR_CONTROL_SOCKET=off"]])
        assertMistakes(["status", "--control-socket=x"], [["--control-socket=x", "does not start with /"]])
    }

    func testJSONIsForStatusAndAuditAlone() {
        assertMistakes([plain, "--json"], [["--json=true: only for the commands status and audit"]])
        assertMistakes(["restart", "proxy", "--json"], [["--json=true: only for the commands status and audit"]])
        assertMistakes(["status", "--json=xml"], [["--json=xml", "true or false"]])
    }

    func testAuditTakesItsOwnFlags() throws {
        var options = AuditOptions()
        XCTAssertEqual(try parsed(["audit"]).command, .audit(options))
        options.probe = true
        options.markdown = true
        XCTAssertEqual(try parsed(["audit", "--probe", "-markdown"]).command, .audit(options))
        options = AuditOptions()
        options.json = true
        options.explain = "proxy"
        XCTAssertEqual(try parsed(["audit", "--json", "--explain", "proxy"]).command, .audit(options))
        XCTAssertEqual(try parsed(["audit", "--explain=proxy", "--json"]).command, .audit(options))
        assertMistakes(["audit", "--explain"], [["--explain: names no process"]])
        assertMistakes(["audit", "--json", "--markdown"], [["--json and --markdown"]])
        assertMistakes(["audit", "--probe=maybe"], [["--probe: is neither true nor false"]])
        assertMistakes(["status", "--probe"], [["--probe: only for the command audit"]])
        assertMistakes(["audit", "--port=80"], [["--port=80: not for audit"]])
    }

    func testTwoCommandsAreOneTooMany() {
        assertMistakes(["status", "check-config"], [["check-config: a second command, after status"]])
    }

    func testHelpIsGivenWhateverElseIsWrong() throws {
        for arguments in [
            ["help"], ["--help"], ["-help"], ["-h"], ["--h"], ["-port=x", "--help"], ["nonsense", "-h"],
        ] {
            XCTAssertEqual(try parsed(arguments, ["SIDECAR_PORT": "x"]).command, .help, "\(arguments)")
        }
    }

    func testVersionIsGivenWhateverElseIsWrong() throws {
        for arguments in [["version"], ["--version"], ["-version"], ["-port=x", "--version"]] {
            XCTAssertEqual(try parsed(arguments, ["SIDECAR_PORT": "x"]).command, .version, "\(arguments)")
        }
    }
}
