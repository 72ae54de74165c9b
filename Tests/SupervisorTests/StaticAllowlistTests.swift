import Allowlist
import Configuration
import Glibc
import IPC
import Linux
import XCTest

@testable import Supervisor

/// A fixed allowlist from a flag or a file, and how it becomes a snapshot like any other.
final class StaticAllowlistTests: XCTestCase {
    private let path = "/tmp/static-allowlist-test-\(getpid())"

    override func tearDown() {
        unlink(path)
        rmdir(path)
    }

    private func write(_ text: String) throws {
        let file = try XCTUnwrap(fopen(path, "w"))
        XCTAssertEqual(fwrite(text, 1, text.utf8.count, file), text.utf8.count)
        fclose(file)
    }

    private func settings(_ flags: [String]) throws -> Settings {
        switch parse(arguments: ["--secure-proxy=false", "--enable-ssrf-protection"] + flags, environment: [:]) {
        case .success(let invocation): return invocation.settings
        case .failure(let mistakes):
            XCTFail("\(mistakes)")
            throw Errno(EINVAL)
        }
    }

    private func entries(_ flags: [String]) throws -> [String] {
        try StaticAllowlist.entries(try settings(flags)).map(\.description)
    }

    /// Why the file can't be used.
    private func mistake() throws -> String {
        let settings = try settings(["--allow-file=\(path)"])
        do throws(StaticAllowlist.Mistake) {
            let entries = try StaticAllowlist.entries(settings)
            XCTFail("it was used: \(entries)")
            return ""
        } catch {
            return error.text
        }
    }

    func testTheFlagsEntriesAreEndpoints() throws {
        XCTAssertEqual(
            try entries(["--allow=10.0.0.1:80,[2001:db8::1]:8000,[::ffff:10.0.0.2]:81"]),
            ["10.0.0.1:80", "[2001:db8::1]:8000", "10.0.0.2:81"])
    }

    func testTheFilesEntriesAreEndpoints() throws {
        try write("# workers\n10.0.0.1:80\r\n\n[2001:db8::1]:8000 # new\n")
        XCTAssertEqual(try entries(["--allow-file=\(path)"]), ["10.0.0.1:80", "[2001:db8::1]:8000"])
        // It is read anew each time.
        try write("10.0.0.2:80")
        XCTAssertEqual(try entries(["--allow-file=\(path)"]), ["10.0.0.2:80"])
        try write("")
        XCTAssertEqual(try entries(["--allow-file=\(path)"]), [], "an empty file allows nobody")
    }

    func testAFileThatCannotBeReadIsAMistakeAndNotAnEmptyList() throws {
        XCTAssertTrue(try mistake().contains("can't be read"))
        XCTAssertEqual(mkdir(path, 0o700), 0)
        XCTAssertTrue(try mistake().contains("can't be read"), "a directory opens like a file, and has no text")
    }

    func testAFileWithAMistakeIsRefusedWholeAndNamed() throws {
        try write("10.0.0.1:80\nevil\n")
        let text = try mistake()
        XCTAssertTrue(text.contains("--allow-file=\(path), line 2: \"evil\" has no port"), text)
        XCTAssertTrue(text.contains("the last allowlist stays in force"), text)
        XCTAssertFalse(text.contains("10.0.0.1"), text)
    }

    func testAFileThatIsMuchTooLongIsRefusedAndNotCut() throws {
        try write(String(repeating: "10.0.0.1:80 # the same again\n", count: 150_000))
        let text = try mistake()
        XCTAssertTrue(text.contains("is longer than 4 MiB"), text)
    }

    func testItBecomesASnapshotWithoutNames() throws {
        var builder = SnapshotBuilder()
        for entry in try StaticAllowlist.entries(try settings(["--allow=10.0.0.1:80,10.0.0.1:81,[2001:db8::1]:80"])) {
            builder.add(name: [], addresses: [entry.address], ports: [entry.port])
        }
        let fd = try StaticAllowlist.seal(&builder)
        defer { close(fd) }
        let snapshot = try XCTUnwrap(Snapshot(fd: fd))
        XCTAssertEqual(snapshot.entryCount, 3)
        XCTAssertEqual(snapshot.podCount, 0)
        XCTAssertEqual(snapshot.verdict(on: Endpoint(Address(v4: 0x0A00_0001), 81)), .allowed)
        XCTAssertEqual(snapshot.verdict(on: Endpoint(Address(v4: 0x0A00_0001), 82)), .portNotAllowed)
        XCTAssertEqual(snapshot.verdict(on: Endpoint(Address(v4: 0x0A00_0002), 80)), .addressNotAllowed)
    }
}
