import Glibc

/// Sets `usage.prompt_tokens_details.cached_tokens` in one JSON object: a whole answer, or the payload of one data line
/// of a stream. Reused; allocated once per event loop.
///
/// A decoder that fetched its blocks may report the whole prompt as cached; what was cached is what the prefiller says.
public struct UsageRewriter: ~Copyable {
    private static var numberSize: Int { 20 }

    private let nesting = NestingStack(maximumDepth: 512)
    private let scratch: UnsafeMutablePointer<UInt8>
    private let number: UnsafeMutablePointer<UInt8>

    /// A rewriter; the only allocation it ever makes.
    public init() {
        scratch = .allocate(capacity: PlainName.scratchSize)
        scratch.initialize(repeating: 0, count: PlainName.scratchSize)
        number = .allocate(capacity: Self.numberSize)
        number.initialize(repeating: Bytes.zero, count: Self.numberSize)
    }

    deinit {
        scratch.deallocate()
        number.deallocate()
    }

    /// Appends the object with `cached_tokens` set, every other byte as it was.
    ///
    /// `prompt_tokens_details` is created when it is absent or not an object (null, that is); one that exists keeps its
    /// other members. The pieces point into `object` and, for the number, into the rewriter's own memory: they hold
    /// until the next call.
    /// - Parameter cachedTokens: a negative number counts as 0.
    /// - Returns: false when there is nothing to rewrite (not valid JSON, not an object, no object `usage` in it) or
    ///   the pieces do not fit: the list is unchanged, and the bytes are to be sent as they are.
    public mutating func plan(
        _ object: UnsafeRawBufferPointer, cachedTokens: Int, into list: inout PieceList
    ) -> Bool {
        guard let start = object.baseAddress, object.count > 0 else { return false }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var cursor = Cursor(base, object.count, nesting: nesting)
        cursor.skipWhitespace()
        guard cursor.byte == Bytes.openBrace else { return false }
        var spans = UsageSpans()
        var walk = MemberWalk()
        while cursor.nextMember(&walk, enclosing: 0) {
            if PlainName(walk.rawName, scratch: scratch).equals("usage") {
                guard spans.read(&cursor, scratch: scratch) else { return false }
            } else {
                guard cursor.skipValue(enclosing: 1) else { return false }
            }
        }
        guard cursor.fault == .none, cursor.finish(), spans.usage.closing > 0 else { return false }

        let before = list.checkpoint
        let planned = append(object, spans, format(max(cachedTokens, 0)), into: &list)
        if !planned { list.restore(before) }
        return planned
    }

    /// Whether the text contains `"usage"`, so that a plan is worth the scan.
    ///
    /// Looks at every fourth position only: wherever the seven bytes lie, one of the words there is wholly inside them.
    public static func mightContainUsage(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        let count = bytes.count
        var i = 0
        while i + 4 <= count {
            let start: Int
            switch UInt32(littleEndian: base.loadUnaligned(fromByteOffset: i, as: UInt32.self)) {
            case 0x6173_7522: start = i  // "usa
            case 0x6761_7375: start = i - 1  // usag
            case 0x6567_6173: start = i - 2  // sage
            case 0x2265_6761: start = i - 3  // age"
            default:
                i += 4
                continue
            }
            if start >= 0 && start + 7 <= count {
                let needle: StaticString = "\"usage\""
                if memcmp(base + start, needle.utf8Start, 7) == 0 { return true }
            }
            i += 4
        }
        return false
    }

    private func append(
        _ object: UnsafeRawBufferPointer, _ spans: UsageSpans, _ digits: UnsafeRawBufferPointer,
        into list: inout PieceList
    ) -> Bool {
        if !spans.cached.isEmpty {
            return appendAround(object, spans.cached, "", digits, "", into: &list)
        }
        if spans.details.closing > 0 {
            let end = spans.details.closing
            let opening: StaticString = spans.details.isEmpty ? "\"cached_tokens\":" : ",\"cached_tokens\":"
            return appendAround(object, end..<end, opening, digits, "", into: &list)
        }
        if !spans.detailsValue.isEmpty {
            return appendAround(object, spans.detailsValue, "{\"cached_tokens\":", digits, "}", into: &list)
        }
        let end = spans.usage.closing
        let opening: StaticString =
            spans.usage.isEmpty
            ? "\"prompt_tokens_details\":{\"cached_tokens\":" : ",\"prompt_tokens_details\":{\"cached_tokens\":"
        return appendAround(object, end..<end, opening, digits, "}", into: &list)
    }

    /// The object with a range of it replaced.
    private func appendAround(
        _ object: UnsafeRawBufferPointer, _ replaced: Range<Int>, _ opening: StaticString,
        _ digits: UnsafeRawBufferPointer, _ closing: StaticString, into list: inout PieceList
    ) -> Bool {
        guard let base = object.baseAddress, let number = digits.baseAddress else { return false }
        return list.append(base, replaced.lowerBound)
            && list.append(opening)
            && list.append(number, digits.count)
            && list.append(closing)
            && list.append(base + replaced.upperBound, object.count - replaced.upperBound)
    }

    /// Writes a number that is not negative into the rewriter's memory; 19 digits are enough for any.
    private func format(_ value: Int) -> UnsafeRawBufferPointer {
        var rest = value
        var first = Self.numberSize
        repeat {
            first -= 1
            number[first] = Bytes.zero + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        return UnsafeRawBufferPointer(start: number + first, count: Self.numberSize - first)
    }
}
