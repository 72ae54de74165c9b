import JSON

/// The frame of a list's page around its items.
struct ListPage {
    var version = ""
    /// What to continue with; empty = the last page.
    var more = ""

    /// Reads a page, handing over the place of each item. Nil: it is no list.
    init?(
        _ body: UnsafeRawBufferPointer, _ nesting: borrowing ValueReader.Nesting,
        item: (inout ValueReader) -> Void
    ) {
        var reader = ValueReader(body, nesting)
        reader.readObject { name, reader in
            switch name {
            case "metadata":
                reader.readObject { name, reader in
                    switch name {
                    case "resourceVersion": version = reader.readString() ?? ""
                    case "continue": more = reader.readString() ?? ""
                    default: break
                    }
                }
            case "items": reader.readArray { item(&$0) }
            default: break
            }
        }
        guard reader.isWhole, !version.isEmpty else { return nil }
    }
}

/// One line of a watch.
struct WatchLine {
    enum Kind: Equatable {
        /// ADDED and MODIFIED: both mean "this is how it is now".
        case present
        case deleted
        case bookmark
        case error
        /// A kind that is not known (yet); its version counts all the same.
        case other
    }

    let kind: Kind
    /// The event's object as it stands in the line; valid as long as the line.
    let object: UnsafeRawBufferPointer

    /// Nil: the line is not an event.
    init?(_ line: UnsafeRawBufferPointer, _ nesting: borrowing ValueReader.Nesting) {
        var type: String?
        var object: UnsafeRawBufferPointer?
        var reader = ValueReader(line, nesting)
        reader.readObject { name, reader in
            switch name {
            case "type": type = reader.readString()
            case "object": object = reader.skip()
            default: break
            }
        }
        guard reader.isWhole, let type, let object else { return nil }
        self.object = object
        switch type {
        case "ADDED", "MODIFIED": kind = .present
        case "DELETED": kind = .deleted
        case "BOOKMARK": kind = .bookmark
        case "ERROR": kind = .error
        default: kind = .other
        }
    }

    /// `metadata.resourceVersion` of an object; empty when it has none.
    static func version(of object: UnsafeRawBufferPointer, _ nesting: borrowing ValueReader.Nesting) -> String {
        var version = ""
        var reader = ValueReader(object, nesting)
        reader.readObject { name, reader in
            guard case "metadata" = name else { return }
            reader.readObject { name, reader in
                if case "resourceVersion" = name { version = reader.readString() ?? "" }
            }
        }
        return version
    }
}

extension Failure.Refusal {
    /// The longest message of a server that is kept, in characters.
    static let longestMessage = 300

    /// From an answer's body or an ERROR event's object: a Status, or any text.
    /// - Parameter status: the answer's status; nil = the one that the object names.
    init(status: Int?, _ body: UnsafeRawBufferPointer, _ nesting: borrowing ValueReader.Nesting) {
        self.init(status: status ?? 0)
        var reader = ValueReader(body, nesting)
        let isObject = reader.readObject { name, reader in
            switch name {
            case "code": if status == nil { self.status = reader.readInteger() ?? 0 }
            case "reason": reason = reader.readString() ?? ""
            case "message": message = reader.readString() ?? ""
            case "details":
                reader.readObject { name, reader in
                    switch name {
                    case "retryAfterSeconds":
                        retryAfter = Int64(max(0, min(reader.readInteger() ?? 0, 3_600))) * 1_000
                    case "causes":
                        reader.readArray { reader in
                            reader.readObject { name, reader in
                                guard case "reason" = name else { return }
                                if reader.readString() == "ResourceVersionTooLarge" { isVersionTooLarge = true }
                            }
                        }
                    default: break
                    }
                }
            default: break
            }
        }
        // A proxy's page, or `404 page not found`.
        if !isObject { message = String(decoding: body.prefix(Self.longestMessage), as: UTF8.self) }
        message = String(message.prefix(Self.longestMessage))
    }
}
