/// Deadlines of client connections on a timer wheel. Moving a deadline later costs one store: the entry stays where it
/// is and is put off when it comes up. Setting it earlier moves the entry.
struct Timers {
    /// A connection's place on the wheel.
    struct Node {
        /// Milliseconds on the monotonic clock; 0 = none.
        var deadline: Int64 = 0
        var slot: Int32 = -1
        var next: Int32 = -1
        var previous: Int32 = -1
    }

    /// A tick is 2^6 = 64 milliseconds: deadlines are for misbehaviour, not for pacing.
    static let tickShift: Int64 = 6
    private static let slots = 1024
    private static let mask = Int64(slots - 1)

    private let heads: UnsafeMutablePointer<Int32>
    private var tick: Int64
    private var population = 0

    init(now: Int64) {
        heads = .allocate(capacity: Self.slots)
        heads.initialize(repeating: -1, count: Self.slots)
        tick = now >> Self.tickShift
    }

    /// Sets, moves or clears (0) the deadline of connection `fd`.
    @inline(__always)
    mutating func set(_ fd: Int32, _ deadline: Int64, in table: UnsafeMutablePointer<Client>) {
        let node = table[Int(fd)].timer
        table[Int(fd)].timer.deadline = deadline
        if deadline == 0 { return }
        if node.slot >= 0 && node.deadline != 0 && deadline >= node.deadline { return }
        place(fd, deadline, in: table)
    }

    private mutating func place(_ fd: Int32, _ deadline: Int64, in table: UnsafeMutablePointer<Client>) {
        remove(fd, from: table)
        // At least the next tick, at most one turn of the wheel ahead; a longer deadline is put off when it comes up.
        let due = max(tick + 1, min(deadline >> Self.tickShift + 1, tick + Self.mask))
        let slot = Int(due & Self.mask)
        table[Int(fd)].timer.slot = Int32(slot)
        table[Int(fd)].timer.previous = -1
        table[Int(fd)].timer.next = heads[slot]
        if heads[slot] >= 0 { table[Int(heads[slot])].timer.previous = fd }
        heads[slot] = fd
        population += 1
    }

    /// Takes a connection off the wheel.
    mutating func remove(_ fd: Int32, from table: UnsafeMutablePointer<Client>) {
        let node = table[Int(fd)].timer
        guard node.slot >= 0 else { return }
        if node.previous >= 0 {
            table[Int(node.previous)].timer.next = node.next
        } else {
            heads[Int(node.slot)] = node.next
        }
        if node.next >= 0 { table[Int(node.next)].timer.previous = node.previous }
        table[Int(fd)].timer.slot = -1
        population -= 1
    }

    /// The next connection whose deadline has passed, or nil. Call until nil.
    mutating func nextExpired(now: Int64, in table: UnsafeMutablePointer<Client>) -> Int32? {
        let target = now >> Self.tickShift
        if population == 0 {
            tick = target
            return nil
        }
        while tick < target {
            let slot = Int((tick + 1) & Self.mask)
            while heads[slot] >= 0 {
                let fd = heads[slot]
                remove(fd, from: table)
                let deadline = table[Int(fd)].timer.deadline
                if deadline == 0 { continue }
                if deadline <= now {
                    table[Int(fd)].timer.deadline = 0
                    return fd
                }
                place(fd, max(deadline, (tick + 2) << Self.tickShift), in: table)
            }
            tick += 1
        }
        return nil
    }

    /// Milliseconds until the wheel must turn; -1 when it is empty.
    func wait(now: Int64) -> Int32 {
        if population == 0 { return -1 }
        for ahead in 1...Int64(16) where heads[Int((tick + ahead) & Self.mask)] >= 0 {
            return Int32(max(1, (tick + ahead) << Self.tickShift - now))
        }
        // Nothing near: turn anyway now and then, which keeps the search short.
        return Int32(max(1, (tick + 16) << Self.tickShift - now))
    }
}
