import CLinux
import Glibc
import Linux

/// A segment as its one writer sees it. Counts go to one stripe by plain stores: each stripe has one writer.
public struct SegmentWriter: @unchecked Sendable {
    // Sound: the words are only touched through atomic stores, and each stripe by one thread.
    private let words: UnsafeMutablePointer<UInt64>

    /// Maps a segment that came as a sealed descriptor of the right size; closes the descriptor.
    public static func map(fd: Int32, stripes: Int) -> SegmentWriter? {
        defer { close(fd) }
        guard (1...Layout.mostStripes).contains(stripes), cl_segment_size(fd) == Int64(Layout.size(stripes: stripes)),
            let base = cl_map(fd, Layout.size(stripes: stripes), 1)
        else { return nil }
        let words = base.assumingMemoryBound(to: UInt64.self)
        words[1] = UInt64(Layout.words)
        words[2] = UInt64(stripes)
        cl_store_release(words, Layout.magic)
        return SegmentWriter(words: words)
    }

    /// The counters of one loop.
    public func stripe(_ index: Int) -> Stripe {
        Stripe(words: words + Layout.headerWords + index * Layout.stride)
    }
}

/// One loop's counters. A value without ownership: the mapping lives as long as the process.
public struct Stripe: @unchecked Sendable {
    // Sound: one thread writes, readers use atomic loads.
    private let words: UnsafeMutablePointer<UInt64>

    init(words: UnsafeMutablePointer<UInt64>) { self.words = words }

    /// A stripe of private memory, for tests and for a process that was given no segment.
    public static func detached() -> Stripe {
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Layout.stride)
        words.initialize(repeating: 0, count: Layout.stride)
        return Stripe(words: words)
    }

    /// Adds to a counter.
    @inline(__always)
    public func add(_ counter: Counter, _ n: Int = 1) { cl_bump(words + counter.index, UInt64(bitPattern: Int64(n))) }

    /// Sets a gauge.
    @inline(__always)
    public func set(_ counter: Counter, _ n: Int) { cl_store(words + counter.index, UInt64(bitPattern: Int64(n))) }

    /// The present value.
    public func value(_ counter: Counter) -> Int { Int(Int64(bitPattern: cl_load(words + counter.index))) }

    /// Counts one duration.
    @inline(__always)
    public func observe(_ histogram: Histogram, microseconds: UInt64) {
        var bucket = 0
        while bucket < Histogram.bounds.count && microseconds > Histogram.bounds[bucket] { bucket += 1 }
        cl_bump(words + histogram.index + bucket, 1)
        cl_bump(words + histogram.index + Histogram.words - 1, microseconds)
    }
}

/// A segment as a reader sees it: mapped read-only, and nothing in it is trusted: sizes come from the seal, numbers are
/// only ever added up.
public final class SegmentReader {
    private let words: UnsafePointer<UInt64>
    private let size: Int
    private let stripes: Int
    private let believed: [Bool]

    /// Maps a sealed segment for reading; the descriptor stays the caller's.
    /// - Parameter role: whose it is; only the words that this role counts in are ever taken from it.
    public init?(fd: Int32, of role: CountingRole) {
        let size = Int(cl_segment_size(fd))
        let stripes = (size / 8 - Layout.headerWords) / Layout.stride
        guard stripes >= 1, stripes <= Layout.mostStripes, size == Layout.size(stripes: stripes),
            let base = cl_map(fd, size, 0)
        else { return nil }
        believed = Counter.words(of: role)
        self.size = size
        self.stripes = stripes
        words = UnsafePointer(base.assumingMemoryBound(to: UInt64.self))
    }

    deinit { cl_unmap(UnsafeMutableRawPointer(mutating: words), size) }

    /// Adds every stripe to `totals`, which has `Layout.words` places. Gauges are left out on demand: they end with
    /// the process that wrote them.
    public func add(to totals: inout [UInt64], gauges: Bool) {
        for stripe in 0..<stripes {
            let base = words + Layout.headerWords + stripe * Layout.stride
            for i in 0..<Layout.words where believed[i] {
                if !gauges && i >= Counter.countersEnd && i < Counter.wordsEnd { continue }
                totals[i] &+= cl_load(base + i)
            }
        }
    }
}
