import IPC
import Linux

/// All lookups under way, and the memory of those that are over. What it is asked and what it answers are values; the
/// sockets it holds are those of its exchanges.
final class Lookups {
    /// Names that are looked up at once.
    static let mostFlights = 256
    /// Questions that wait at once, over all names.
    static let mostWaiters = 8192
    /// The longest patience of anybody who asks, in milliseconds.
    static let longestDeadline: UInt32 = 600_000

    var configuration = ResolvConf() {
        didSet { forget() }
    }
    var hosts = HostsFile() {
        didSet { forget() }
    }
    /// Failures, for people.
    var log = FailureLog()

    /// Called with each outcome, once for each waiter.
    private let deliver: (Flight.Waiter, Outcome) -> Void
    private let poll: EventPoll
    private let makeToken: () -> UInt64
    private var cache = Cache()
    private var flights: [HostName: Flight] = [:]
    private var flightOfToken: [UInt64: Flight] = [:]
    private var waiterCount = 0
    /// Counts the changes of the host's files.
    private var generation: UInt64 = 0

    init(
        poll: EventPoll, makeToken: @escaping () -> UInt64, deliver: @escaping (Flight.Waiter, Outcome) -> Void
    ) {
        self.poll = poll
        self.makeToken = makeToken
        self.deliver = deliver
    }

    /// Looks a name up; the outcome is delivered at once when no server has to be asked.
    func resolve(_ text: String, for waiter: Flight.Waiter, now: Int64) {
        guard let name = HostName(text) else {
            deliver(waiter, .failed(.notFound))
            return
        }
        if let addresses = hosts.addresses(of: name.domain) {
            deliver(waiter, .addresses(addresses, lifetime: 0))
        } else if let known = cache.outcome(of: name, now: now) {
            deliver(waiter, known)
        } else if waiterCount >= Self.mostWaiters {
            refuse(waiter, text, now)
        } else if let flight = flights[name] {
            flight.add(waiter)
            waiterCount += 1
        } else if flights.count >= Self.mostFlights {
            refuse(waiter, text, now)
        } else {
            let flight = Flight(name, configuration, generation: generation)
            flights[name] = flight
            flight.add(waiter)
            waiterCount += 1
            perform(flight.lookup.begin(remaining: flight.deadline - now), flight, now)
        }
    }

    private func refuse(_ waiter: Flight.Waiter, _ name: String, _ now: Int64) {
        log.note(.tooMany, name, now: now)
        deliver(waiter, .failed(.tooMany))
    }

    private func forget() {
        generation += 1
        cache.clear()
    }

    /// Forgets a client's questions; what nobody else waits for is given up.
    func dropClient(_ client: UInt64) {
        for flight in Array(flights.values) {
            waiterCount -= flight.remove { $0.client == client }.count
            if flight.waiters.isEmpty { end(flight) }
        }
    }

    /// Takes an event of a server's socket. Tokens are never used twice, so an event that comes too late finds nothing.
    func turn(token: UInt64, now: Int64) {
        guard let flight = flightOfToken[token],
            let exchange = flight.exchanges.values.first(where: { $0.token == token }),
            let reply = exchange.turn()
        else { return }
        conclude(exchange, reply, flight, now)
    }

    /// Ends what has lasted too long.
    func expire(now: Int64) {
        for flight in Array(flights.values) where flight.nextTurn <= now {
            if let settlesAt = flight.settlesAt, settlesAt <= now {
                finish(flight, flight.lookup.outcomeSoFar, now)
                continue
            }
            let late = flight.remove { $0.deadline <= now }
            waiterCount -= late.count
            let outcome = flight.lookup.outcomeSoFar
            if !late.isEmpty { log.note(outcome, flight.name, now: now) }
            for waiter in late { deliver(waiter, outcome) }
            if flight.waiters.isEmpty {
                end(flight)
                continue
            }
            for exchange in Array(flight.exchanges.values) where exchange.deadline <= now {
                conclude(exchange, .none, flight, now)
            }
        }
    }

    /// When `expire` has something to do, in milliseconds on the monotonic clock.
    var nextTurn: Int64 { flights.values.reduce(.max) { min($0, $1.nextTurn) } }

    private func conclude(_ exchange: Exchange, _ reply: Lookup.Reply, _ flight: Flight, _ now: Int64) {
        close(exchange, of: flight)
        perform(flight.lookup.take(reply, of: exchange.type, remaining: flight.deadline - now), flight, now)
    }

    private func perform(_ first: Lookup.Step, _ flight: Flight, _ now: Int64) {
        var steps = [first]
        while let step = steps.popLast() {
            switch step {
            case .wait: break
            case .settle(let within): flight.settlesAt = now + within
            case .finished(let outcome): finish(flight, outcome, now)
            case .ask(let asks):
                for ask in asks {
                    if send(ask, flight, now) { continue }
                    // Nobody to be reached there: on to the next server without any wait.
                    steps.append(
                        flight.lookup.take(.none, of: ask.question.type, remaining: flight.deadline - now))
                }
            }
        }
    }

    private func send(_ ask: Lookup.Ask, _ flight: Flight, _ now: Int64) -> Bool {
        guard let exchange = try? Exchange(ask, token: makeToken(), now: now, poll: poll) else { return false }
        flight.exchanges[ask.question.type] = exchange
        flightOfToken[exchange.token] = flight
        return true
    }

    private func finish(_ flight: Flight, _ outcome: Outcome, _ now: Int64) {
        // What was learned by files that have changed meanwhile is told, and not kept.
        if flight.generation == generation { cache.store(outcome, for: flight.name, now: now) }
        let waiters = flight.remove { _ in true }
        waiterCount -= waiters.count
        end(flight)
        for waiter in waiters { deliver(waiter, outcome) }
        log.note(outcome, flight.name, now: now)
    }

    private func end(_ flight: Flight) {
        for exchange in Array(flight.exchanges.values) { close(exchange, of: flight) }
        flights[flight.name] = nil
    }

    private func close(_ exchange: Exchange, of flight: Flight) {
        flight.exchanges[exchange.type] = nil
        flightOfToken[exchange.token] = nil
    }
}
