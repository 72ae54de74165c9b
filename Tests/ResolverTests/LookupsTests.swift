import CLinux
import Glibc
import IPC
import Linux
import XCTest

@testable import Resolver

/// Lookups over real sockets, against name servers on loopback.
final class LookupsTests: XCTestCase {
    /// Lookups, and the loop that drives them.
    private final class Bench {
        private(set) var outcomes: [UInt32: Outcome] = [:]
        private(set) var lookups: Lookups!
        private let poll: EventPoll
        private var lastToken: UInt64 = 0
        private var servers: [NameServer] = []

        init(_ servers: [NameServer], attempts: Int = 1) throws {
            poll = try EventPoll()
            self.servers = servers
            lookups = Lookups(
                poll: poll,
                makeToken: { [unowned self] in
                    lastToken += 1
                    return lastToken
                }, deliver: { [unowned self] in outcomes[$0.id] = $1 })
            var conf = ResolvConf()
            conf.servers = servers.map(\.endpoint)
            conf.attempts = attempts
            lookups.configuration = conf
        }

        deinit { close(poll.fd) }

        func ask(_ name: String, id: UInt32 = 1, client: UInt64 = 1, patience: Int64 = 2000) {
            let now = Clock.milliseconds()
            lookups.resolve(name, for: .init(client: client, id: id, deadline: now + patience), now: now)
        }

        /// Runs until so many outcomes are there, three seconds at most.
        func run(until count: Int = 1) {
            let events = UnsafeMutableBufferPointer<cl_event>.allocate(capacity: 64)
            defer { events.deallocate() }
            let end = Clock.milliseconds() + 3000
            while outcomes.count < count && Clock.milliseconds() < end {
                let ready = poll.wait(into: events, milliseconds: 2)
                let now = Clock.milliseconds()
                for i in 0..<ready { lookups.turn(token: events[i].data, now: now) }
                for server in servers { server.turn() }
                lookups.expire(now: now)
            }
        }
    }

    private func server(_ answer: @escaping (NameServer.Query) -> [UInt8]?) throws -> NameServer {
        try XCTUnwrap(NameServer(answer) ?? NameServer(answer))
    }

    private func honest(_ query: NameServer.Query, _ address: String = "10.0.0.1") -> [UInt8] {
        query.answer(addresses: query.type == .a ? [address] : [])
    }

    func testEachQuestionHasAPortOfItsOwn() throws {
        let server = try server { self.honest($0) }
        let bench = try Bench([server])
        for i in 0..<20 { bench.ask("n\(i).example", id: UInt32(i)) }
        bench.run(until: 20)
        XCTAssertEqual(
            Set(bench.outcomes.values.map { $0.message(id: 0) }.map { "\($0)" }).count, 1, "all have the same address")
        XCTAssertEqual(bench.outcomes[7]?.message(id: 7), .resolved(id: 7, addresses: [numeric("10.0.0.1")]))
        XCTAssertEqual(server.queries.count, 40)
        XCTAssertEqual(Set(server.queries.map(\.port)).count, 40)
        XCTAssertGreaterThan(Set(server.queries.map(\.id)).count, 35, "ids are random")
    }

    func testAnAnswerFromAnotherPortIsIgnored() throws {
        let forger = NameServer.datagramSocket(0)
        defer { close(forger) }
        var turns = 0
        let server = try server { query in
            NameServer.send(query.answer(addresses: ["10.6.6.6"]), from: forger, to: query.port)
            turns += 1
            return nil
        }
        let bench = try Bench([server])
        bench.ask("p.example", patience: 600)
        bench.run()
        XCTAssertEqual(bench.outcomes[1], .failed(.timedOut))
        XCTAssertEqual(turns, 2)
    }

    func testAnswersWithAnotherIdAreIgnored() throws {
        let server = try server { query in
            query.answer(addresses: query.type == .a ? ["10.6.6.6"] : [], id: query.id &+ 1)
        }
        let bench = try Bench([server])
        bench.ask("p.example", patience: 600)
        bench.run()
        XCTAssertEqual(bench.outcomes[1], .failed(.timedOut))
    }

    func testWhoGuessesIdsIsCutOff() throws {
        let next = try server { self.honest($0) }
        var flood: NameServer?
        flood = try server { query in
            // From the right port, as a forged source address would make it look; the right id comes too late.
            for i in 1...40 {
                flood?.reply(query.answer(addresses: ["10.6.6.6"], id: query.id &+ UInt16(i)), to: query)
            }
            return query.answer(addresses: query.type == .a ? ["10.6.6.6"] : [])
        }
        let bench = try Bench([try XCTUnwrap(flood), next])
        bench.ask("p.example")
        bench.run()
        XCTAssertEqual(bench.outcomes[1]?.message(id: 1), .resolved(id: 1, addresses: [numeric("10.0.0.1")]))
        flood = nil
    }

    func testATruncatedAnswerIsFetchedOverTCP() throws {
        let many = (0..<200).map { "10.1.0.\($0)" }
        let server = try server { query in
            if query.type == .aaaa { return query.answer() }
            return query.isStream ? query.answer(addresses: many) : query.answer(flags: 0x0380)
        }
        let bench = try Bench([server])
        bench.ask("p.example")
        bench.run()
        XCTAssertEqual(
            bench.outcomes[1]?.message(id: 1), .resolved(id: 1, addresses: many.prefix(16).map(numeric)))
        XCTAssertEqual(server.queries.filter(\.isStream).count, 1)
    }

    func testASilentServerGivesWayToTheNext() throws {
        let silent = try server { _ in nil }
        let bench = try Bench([silent, try server { self.honest($0) }])
        bench.ask("p.example", patience: 1000)
        bench.run()
        XCTAssertEqual(bench.outcomes[1]?.message(id: 1), .resolved(id: 1, addresses: [numeric("10.0.0.1")]))
        XCTAssertEqual(silent.queries.count, 2)
    }

    func testANameIsLookedUpOnceForAllWhoAsk() throws {
        let server = try server { self.honest($0) }
        let bench = try Bench([server])
        for id in 1...30 { bench.ask(id % 2 == 0 ? "p.example" : "P.Example", id: UInt32(id)) }
        bench.run(until: 30)
        XCTAssertEqual(bench.outcomes.count, 30)
        bench.ask("p.example", id: 31)
        XCTAssertNotNil(bench.outcomes[31], "the cache answers at once")
        XCTAssertEqual(server.queries.count, 2)
    }

    func testEachWaiterHasADeadlineOfItsOwn() throws {
        let bench = try Bench([try server { _ in nil }])
        bench.ask("p.example", id: 1, patience: 60)
        bench.ask("p.example", id: 2, patience: 2500)
        bench.run(until: 1)
        XCTAssertEqual(bench.outcomes, [1: .failed(.timedOut)])
    }

    func testHostsGoFirst() throws {
        let server = try server { self.honest($0) }
        let bench = try Bench([server])
        bench.lookups.hosts = HostsFile(bytes("10.5.5.5 p.example"))
        bench.ask("P.example")
        XCTAssertEqual(bench.outcomes[1]?.message(id: 1), .resolved(id: 1, addresses: [numeric("10.5.5.5")]))
        bench.run(until: 1)
        XCTAssertEqual(server.queries.count, 0)
    }

    func testNewFilesEmptyTheCache() throws {
        var address = "10.0.0.1"
        let server = try server { self.honest($0, address) }
        let bench = try Bench([server])
        bench.ask("p.example")
        bench.run()
        address = "10.0.0.2"
        bench.lookups.hosts = HostsFile()
        bench.ask("p.example", id: 2)
        bench.run(until: 2)
        XCTAssertEqual(bench.outcomes[2]?.message(id: 2), .resolved(id: 2, addresses: [numeric("10.0.0.2")]))
    }

    func testTheNumberOfLookupsIsLimitedAndALostClientFreesItsOwn() throws {
        let bench = try Bench([try server { _ in nil }])
        for i in 0..<Lookups.mostFlights { bench.ask("n\(i)", id: UInt32(i), client: 1) }
        bench.ask("more", id: 1000, client: 2)
        XCTAssertEqual(bench.outcomes, [1000: .failed(.tooMany)])
        bench.ask("n0", id: 1001, client: 2)
        XCTAssertNil(bench.outcomes[1001], "a name that is looked up already takes no room")
        bench.lookups.dropClient(1)
        bench.ask("more", id: 1002, client: 2)
        XCTAssertNil(bench.outcomes[1002])
        bench.lookups.dropClient(2)
        XCTAssertEqual(bench.lookups.nextTurn, .max, "nothing is left to do")
    }

    func testWhatIsNoNameIsNotAskedFor() throws {
        let server = try server { self.honest($0) }
        let bench = try Bench([server])
        for (id, name) in ["", "10.0.0.1", "a..b", "a b", "-a"].enumerated() { bench.ask(name, id: UInt32(id)) }
        XCTAssertEqual(bench.outcomes.count, 5)
        XCTAssertTrue(bench.outcomes.values.allSatisfy { $0 == .failed(.notFound) })
        server.turn()
        XCTAssertEqual(server.queries.count, 0)
    }
}
