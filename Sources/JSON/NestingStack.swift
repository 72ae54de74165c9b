/// The memory in which a cursor notes, one bit per open container, whether it is an object or an array.
///
/// A bit stack instead of recursion: the depth of a text costs no call stack, and its bound is a setting.
struct NestingStack: ~Copyable {
    let bits: NestingBits
    let maximumDepth: Int

    init(maximumDepth: Int) {
        let depth = max(maximumDepth, 1)
        let words = (depth + 63) / 64
        let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
        memory.initialize(repeating: 0, count: words)
        bits = NestingBits(words: memory)
        self.maximumDepth = depth
    }

    deinit {
        bits.words.deallocate()
    }
}

/// A view of a `NestingStack`'s bits; valid as long as that stack.
struct NestingBits {
    fileprivate let words: UnsafeMutablePointer<UInt64>

    /// Notes the kind of the container around depth `depth`. The cursor keeps `depth` below the maximum depth, for
    /// which the memory was made: that is why the unchecked access is sound.
    @inline(__always)
    func set(_ depth: Int, _ isObject: Bool) {
        let mask: UInt64 = 1 << UInt64(truncatingIfNeeded: depth & 63)
        if isObject {
            words[depth >> 6] |= mask
        } else {
            words[depth >> 6] &= ~mask
        }
    }

    @inline(__always)
    func get(_ depth: Int) -> Bool {
        words[depth >> 6] >> UInt64(truncatingIfNeeded: depth & 63) & 1 != 0
    }
}
