/// What `transfer` is asked for: one range of a peer's region into ours.
public struct TransferOptions: Sendable, Equatable {
    /// Where the range begins there.
    public var remoteOffset = 0
    /// Where it is to stand here.
    public var localOffset = 0
    /// Bytes.
    public var length = 0
    /// Bytes of a block.
    public var blockBytes = 1
    /// What the bytes must sum up to (CRC-32C); nil = the peer is asked.
    public var checksum: UInt32?
    /// In milliseconds; 0 = the longest that the sidecar allows.
    public var deadlineMilliseconds = 0
    /// For the logs of both sides.
    public var requestID = ""

    /// Nothing yet.
    public init() {}
}

/// Reads the flags of the command `transfer`; they are no settings, and stand for one transfer only.
struct TransferArguments {
    /// Names of its flags.
    static let flags = [
        "peer", "remote-offset", "local-offset", "length", "block-bytes", "checksum", "deadline", "request-id",
    ]
    /// Offsets and lengths are below this.
    private static let most = 1 << 40

    private(set) var given: [(name: String, value: Given)] = []

    mutating func add(_ name: String, _ value: Given) { given.append((name, value)) }

    /// What is asked for, or nil and why not.
    func command(_ mistakes: inout [Mistake]) -> Command? {
        var target: AllowedTarget?
        let before = mistakes.count
        if let peer = given.last(where: { $0.name == "peer" }) {
            do throws(Unacceptable) {
                target = try AllowedTarget(parsing: peer.value.text)
            } catch {
                mistakes.append(
                    Self.mistake(peer.value, "\(error.reason); accepted: ADDRESS:PORT, an IPv6 address in brackets"))
            }
        } else {
            mistakes.append(Mistake("transfer: names no peer; write --peer ADDRESS:PORT"))
        }
        if !given.contains(where: { $0.name == "length" }) {
            mistakes.append(Mistake("transfer: says not how much; write --length BYTES"))
        }
        var options = TransferOptions()
        for flag in given {
            do throws(Unacceptable) {
                try Self.store(flag.name, flag.value.text, &options)
            } catch {
                mistakes.append(Self.mistake(flag.value, error.reason))
            }
        }
        guard mistakes.count == before, let target else { return nil }
        return .transfer(from: target, options)
    }

    private static func mistake(_ value: Given, _ reason: String) -> Mistake {
        Mistake("\(value.written): \(quoted(value.text)) \(reason)")
    }

    private static func store(_ name: String, _ text: String, _ options: inout TransferOptions) throws(Unacceptable) {
        switch name {
        case "remote-offset": options.remoteOffset = try bytes(text, from: 0)
        case "local-offset": options.localOffset = try bytes(text, from: 0)
        case "length": options.length = try bytes(text, from: 1)
        case "block-bytes": options.blockBytes = try bytes(text, from: 1, to: 1 << 31)
        case "checksum": options.checksum = try checksum(text)
        case "deadline":
            let value = try durationValue(text)
            guard (1...3_600_000).contains(value) else {
                throw Unacceptable("is out of range; accepted: a duration from 1ms to 1h")
            }
            options.deadlineMilliseconds = value
        case "request-id":
            guard text.utf8.count <= 128, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw Unacceptable("is longer than 128 bytes, or has characters that can't be printed")
            }
            options.requestID = text
        default: break
        }
    }

    private static func bytes(_ text: String, from least: Int, to most: Int = Self.most) throws(Unacceptable) -> Int {
        let value = try byteSizeValue(text)
        guard (least...most).contains(value) else {
            throw Unacceptable("is out of range; accepted: \(least) to \(byteSizeText(most))")
        }
        return value
    }

    private static func checksum(_ text: String) throws(Unacceptable) -> UInt32? {
        if text == "verify" { return nil }
        guard text.utf8.count == 8, let value = UInt32(text, radix: 16) else {
            throw Unacceptable("is no checksum; accepted: verify, or a CRC-32C as eight hexadecimal digits")
        }
        return value
    }
}
