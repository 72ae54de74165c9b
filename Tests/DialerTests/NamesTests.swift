import CLinux
import IPC
import Linux
import XCTest

@testable import Dialer

/// Lookups at the resolver, and who waits for them.
final class NamesTests: XCTestCase {
    private var names = Names()
    private var resolver: Channel!

    override func setUp() {
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) {
            cl_socketpair($0.baseAddress!.assumingMemoryBound(to: Int32.self))
        }
        XCTAssertEqual(made, 0)
        names = Names()
        XCTAssertTrue(names.replaceChannel(fd: ends.0, token: 7).isEmpty)
        resolver = Channel(fd: ends.1)
    }

    private func ask(_ channel: UInt64, id: UInt32 = 4096) throws -> UInt32 {
        let dial = Names.Pending(channel: channel, id: id, port: 8000, deadline: 60_000)
        XCTAssertNil(names.ask("prefill.test", dial, now: 0))
        guard case .message(.resolve(let question, "prefill.test", _), _) = resolver.receive(ToResolver.self) else {
            XCTFail("no question came")
            return 0
        }
        return question
    }

    func testAnAnswerGoesToWhoAsked() throws {
        let (first, second) = (try ask(1), try ask(2))
        XCTAssertNoThrow(try resolver.send(FromResolver.resolved(id: second, addresses: [address("10.0.0.2")])).get())
        XCTAssertNoThrow(try resolver.send(FromResolver.resolved(id: first, addresses: [address("10.0.0.1")])).get())
        for (channel, text) in [(UInt64(2), "10.0.0.2"), (1, "10.0.0.1")] {
            guard case .resolved(let dial, let addresses) = names.receive() else { return XCTFail("no answer") }
            XCTAssertEqual(dial.channel, channel)
            XCTAssertEqual(addresses, [address(text)])
        }
    }

    /// A proxy that was taken over may have asked for names that a server of its own answers later: nobody gets those.
    func testNobodyGetsWhatAProxyAskedThatIsGone() throws {
        let (gone, kept) = (try ask(1), try ask(2))
        names.forget(channel: 1)
        for question in [gone, kept] {
            let answer = FromResolver.resolved(id: question, addresses: [address("10.0.0.1")])
            XCTAssertNoThrow(try resolver.send(answer).get())
        }
        guard case .resolved(let dial, _) = names.receive() else { return XCTFail("no answer") }
        XCTAssertEqual(dial.channel, 2)
        guard case .nothing = names.receive() else { return XCTFail("the other answer reached somebody") }
        XCTAssertTrue(names.isEmpty)
    }
}
