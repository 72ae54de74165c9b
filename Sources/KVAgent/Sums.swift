import CUCX

/// Checksums in the making. A large range takes longer than others should wait, so each turn of the loop does a slice of
/// one of them.
struct Sums {
    /// For whom a checksum is.
    enum Owner: Hashable {
        case fetch(UInt32)
        case peer(UInt32)
    }

    private struct Job {
        let owner: Owner
        var at: Int
        let end: Int
        var checksum: UInt32 = 0
    }

    /// Bytes of a slice: a few milliseconds' worth, also without the processor's help.
    static let slice = 4 << 20

    private var jobs: [Job] = []

    var isEmpty: Bool { jobs.isEmpty }

    mutating func add(_ owner: Owner, offset: Int, length: Int) {
        jobs.append(Job(owner: owner, at: offset, end: offset + length))
    }

    /// Nobody waits for it any more.
    mutating func drop(_ owner: Owner) { jobs.removeAll { $0.owner == owner } }

    /// One slice of the one whose turn it is. The checksum, when it is complete.
    mutating func work(on base: UnsafeRawPointer) -> (owner: Owner, checksum: UInt32)? {
        guard !jobs.isEmpty else { return nil }
        var job = jobs.removeFirst()
        let count = min(Self.slice, job.end - job.at)
        job.checksum = cu_crc32c(job.checksum, base + job.at, count)
        job.at += count
        if job.at == job.end { return (job.owner, job.checksum) }
        jobs.append(job)
        return nil
    }
}
