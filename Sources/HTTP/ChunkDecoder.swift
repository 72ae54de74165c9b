/// Takes chunked coding apart, strictly: sizes of at most 15 hexadecimal digits, CRLF and nothing else as line ends,
/// extensions and trailers dropped and bounded over the whole message.
public struct ChunkDecoder: Sendable {
    private enum State: UInt8, Sendable {
        case sizeStart
        case size
        case extensions
        case sizeLF
        case data
        case dataCR
        case dataLF
        case trailerStart
        case trailerName
        case trailer
        case trailerLF
        case endLF
        case done
        case failed
    }

    /// What the next bytes are.
    public enum Event: Equatable, Sendable {
        /// All input is used up.
        case needMore
        /// A run of body bytes within the input.
        case data(start: Int, count: Int)
        /// The body and its trailers are complete; what follows belongs to the next message.
        case end
        /// The coding is broken.
        case fault
    }

    /// Bytes of extensions and trailers that one message may carry.
    public static let overhead = 8192

    private var state = State.sizeStart
    private var digits: UInt8 = 0
    private var spent: UInt16 = 0
    private var remaining: UInt64 = 0

    /// At the start of a body.
    public init() {}

    /// Is the body complete?
    public var isDone: Bool { state == .done }

    /// Reads on at `offset` and moves it.
    @inlinable
    public mutating func next(_ input: UnsafeRawBufferPointer, _ offset: inout Int) -> Event {
        step(input, &offset)
    }

    @usableFromInline
    mutating func step(_ input: UnsafeRawBufferPointer, _ offset: inout Int) -> Event {
        let base = input.baseAddress
        while offset < input.count {
            if state == .data {
                let count = Int(min(remaining, UInt64(input.count - offset)))
                let start = offset
                offset += count
                remaining -= UInt64(count)
                if remaining == 0 { state = .dataCR }
                return .data(start: start, count: count)
            }
            let byte = base.unsafelyUnwrapped.load(fromByteOffset: offset, as: UInt8.self)
            offset += 1
            guard let following = advance(byte) else {
                state = .failed
                return .fault
            }
            state = following
            if following == .done { return .end }
        }
        return state == .failed ? .fault : .needMore
    }

    /// The state after one byte that isn't data; nil = the coding is broken.
    private mutating func advance(_ byte: UInt8) -> State? {
        switch state {
        case .sizeStart:
            guard let digit = Bytes.hexadecimal(byte) else { return nil }
            remaining = UInt64(digit)
            digits = 1
            return .size
        case .size:
            if let digit = Bytes.hexadecimal(byte) {
                digits += 1
                guard digits <= 15 else { return nil }
                remaining = remaining << 4 | UInt64(digit)
                return .size
            }
            if byte == Bytes.cr { return .sizeLF }
            return byte == UInt8(ascii: ";") && spend() ? .extensions : nil
        case .extensions:
            if byte == Bytes.cr { return .sizeLF }
            return !Bytes.isControl(byte) && spend() ? .extensions : nil
        case .sizeLF:
            guard byte == Bytes.lf else { return nil }
            return remaining == 0 ? .trailerStart : .data
        case .dataCR: return byte == Bytes.cr ? .dataLF : nil
        case .dataLF: return byte == Bytes.lf ? .sizeStart : nil
        case .trailerStart:
            if byte == Bytes.cr { return .endLF }
            return Bytes.isToken(byte) && spend() ? .trailerName : nil
        case .trailerName:
            guard spend() else { return nil }
            return byte == Bytes.colon ? .trailer : Bytes.isToken(byte) ? .trailerName : nil
        case .trailer:
            if byte == Bytes.cr { return .trailerLF }
            return !Bytes.isControl(byte) && spend() ? .trailer : nil
        case .trailerLF: return byte == Bytes.lf ? .trailerStart : nil
        case .endLF: return byte == Bytes.lf ? .done : nil
        case .data, .done, .failed: return nil
        }
    }

    private mutating func spend() -> Bool {
        spent += 1
        return Int(spent) <= Self.overhead
    }
}
