import IPC
import Linux
import XCTest

@testable import Audit

final class ReadingTests: XCTestCase {
    func testAHouseSurvivesTheControlSocket() {
        var house = House()
        house.version = "1.2.3"
        house.supervisor = 7
        house.isWalled = true
        house.landlockABI = 6
        house.degraded = ["one\tthing", "another"]
        house.directory = "/opt/a b"
        var child = House.Child()
        child.role = .dialer
        child.pid = 9
        child.phase = "serving"
        child.executable = "/opt/a b/routing-sidecar-dialer"
        child.channels = 4
        house.processes = [child]
        let read = House(text: house.text)
        house.degraded[0] = "one thing"
        XCTAssertEqual(read, house)
    }

    func testWhatIsNoHouseIsNotTakenForOne() {
        XCTAssertNil(House(text: ""))
        XCTAssertNil(House(text: "nonsense"))
        XCTAssertNil(House(text: "supervisor\t1\nprocess\tproxy"))
        XCTAssertNil(House(text: "supervisor\t1\nprocess\tburglar\t2\tserving\t/x\t0\t0"))
    }

    func testSocketsAreReadFromTheKernelsTables() {
        var table = SocketTable()
        table.read(
            internet: """
                  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
                   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41 1 0
                   1: 0100007F:1F90 0200007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 42 1 0
                """, "tcp")
        XCTAssertEqual(
            table.sockets[41], SocketFacts(kind: "tcp", words: "tcp 127.0.0.1:8080 LISTEN", isListening: true))
        XCTAssertEqual(table.sockets[42]?.words, "tcp 127.0.0.1:8080 to 127.0.0.2:49153 ESTABLISHED")
    }

    func testIPv6AddressesAreFourWordsInTheHostsOrder() {
        XCTAssertEqual(SocketTable.endpoint("00000000000000000000000001000000:0050")?.description, "[::1]:80")
        XCTAssertEqual(SocketTable.endpoint("0000000000000000FFFF00000100007F:0050")?.description, "127.0.0.1:80")
        XCTAssertNil(SocketTable.endpoint("00:50"))
    }

    func testLocalSocketsAreReadWithTheirNames() {
        var table = SocketTable()
        table.read(
            local: """
                Num       RefCount Protocol Flags    Type St Inode Path
                0000: 00000002 00000000 00010000 0005 01 51 /run/control.sock
                0000: 00000003 00000000 00000000 0005 03 52
                """)
        XCTAssertEqual(table.sockets[51]?.words, "unix seqpacket /run/control.sock LISTEN")
        XCTAssertEqual(table.sockets[52]?.words, "unix seqpacket, without a name")
    }

    func testALibraryIsKnownByItsStem() {
        XCTAssertEqual(Libraries.stem("/usr/lib/libc.so.6"), "libc")
        XCTAssertEqual(Libraries.stem("ld-linux-x86-64.so.2"), "ld-linux-x86-64")
    }

    func testTheLibrariesOfThisProgramAreReadFromItsFile() throws {
        let needed = try XCTUnwrap(Libraries.needed(by: "/proc/self/exe"))
        XCTAssertTrue(needed.contains { Libraries.stem($0) == "libc" }, "\(needed)")
        XCTAssertNil(Libraries.needed(by: "/etc/hosts"))
    }

    func testSecretsInArgumentsAreSuspected() {
        XCTAssertTrue(ProcessAudit.looksSecret("--token=eyJ" + String(repeating: "a", count: 80)))
        XCTAssertTrue(ProcessAudit.looksSecret("--password=x"))
        XCTAssertFalse(ProcessAudit.looksSecret("--kubernetes-token-file=/var/run/token"))
    }

    func testJSONStringsAreEscaped() {
        XCTAssertEqual(JSONReport.quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"")
    }

    func testEveryProcessHasAnExplanation() {
        for name in Explain.names { XCTAssertNotNil(Explain.text(name), name) }
        XCTAssertNil(Explain.text("burglar"))
    }
}
