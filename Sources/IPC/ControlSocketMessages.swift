/// `routing-sidecar status`, `restart` and `audit` to the supervisor's control socket. A bad frame drops the client, nothing
/// else.
public enum ControlRequest: Message, Equatable {
    /// The state of everything, as JSON.
    case status
    /// Restart one component gracefully.
    case restart(name: String)
    /// Which processes there are and what they were given, for `audit` to compare with.
    case audit
    /// Run one transfer of the KV agent, and answer when it has ended.
    case transfer(KVTransfer)

    /// The longest component name.
    public static let longestName = 32

    /// The number on the wire.
    public var type: UInt8 {
        switch self {
        case .status: 1
        case .restart: 2
        case .audit: 3
        case .transfer: 40
        }
    }

    /// For logs.
    public var name: String {
        switch self {
        case .status: "status"
        case .restart: "restart"
        case .audit: "audit"
        case .transfer: "transfer"
        }
    }

    /// Clients hand over nothing.
    public var carriesDescriptor: Bool { false }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        switch type {
        case 1, 3: 0
        case 2: 2 + longestName
        case 40: KVTransfer.longest
        default: nil
        }
    }

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .status, .audit: break
        case .restart(let name): writer.write(name)
        case .transfer(let transfer): transfer.encode(into: &writer)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> ControlRequest? {
        switch type {
        case 1: .status
        case 2: .restart(name: reader.readText(limit: longestName))
        case 3: .audit
        case 40: .transfer(KVTransfer(from: &reader))
        default: nil
        }
    }
}

/// The supervisor's answer to a control client.
public enum ControlAnswer: Message, Equatable {
    /// Done; the text is for the client.
    case done(text: String)
    /// Not done, and why.
    case failed(text: String)

    /// The number on the wire.
    public var type: UInt8 {
        switch self {
        case .done: 1
        case .failed: 2
        }
    }

    /// For logs.
    public var name: String {
        switch self {
        case .done: "done"
        case .failed: "failed"
        }
    }

    /// Answers carry text only.
    public var carriesDescriptor: Bool { false }

    /// The longest payload of a type in bytes.
    public static func longestPayload(ofType type: UInt8) -> Int? {
        type == 1 || type == 2 ? Frame.largestPayload : nil
    }

    /// Writes the payload.
    public func encode(into writer: inout WireWriter) {
        switch self {
        case .done(let text), .failed(let text): writer.write(text)
        }
    }

    /// Reads a payload.
    public static func decode(type: UInt8, from reader: inout WireReader) -> ControlAnswer? {
        switch type {
        case 1: .done(text: reader.readText(limit: Frame.largestPayload))
        case 2: .failed(text: reader.readText(limit: Frame.largestPayload))
        default: nil
        }
    }
}
