/// A member that some plan cuts or changes, by its offsets in the body.
///
/// Marks lie in the order of the body and never overlap: nothing inside a marked member is marked.
struct MemberMark {
    /// The opening quote of the name.
    var name: UInt32
    /// The first byte of the value.
    var value: UInt32
    /// The byte after the value.
    var end: UInt32
    /// The comma before the member; without meaning for an object's first member.
    var separator: UInt32
    /// The byte after the member's own comma, or `end` for an object's last member.
    var followerEnd: UInt32
    /// What the member is.
    var role: MemberRole
    /// Whether everything before it in its object is cut when the hostile members are: then there is no comma before
    /// it to be cut with it.
    var leads: Bool
    /// The same for the prefill leg, which also cuts `stream_options`.
    var leadsPrefill: Bool
    /// The length of the name as written, without quotes.
    var nameLength: UInt32
    /// Tells the objects of a body apart.
    var object: UInt32
    /// See `nameHash`.
    var hash: UInt64

    /// The bytes to leave out, so that exactly one comma goes with the member wherever it stands.
    func cut(leads: Bool) -> Cut {
        leads ? Cut(start: name, end: followerEnd) : Cut(start: separator, end: end)
    }
}

/// A range of a body that is left out.
struct Cut {
    var start: UInt32
    var end: UInt32
}

/// What the plans for a body append after its last member.
enum AppendedText {
    /// The members that the prefill leg sets and the client did not send; each ends with the comma before the next.
    static var stream: StaticString { "\"stream\":false," }
    static var maxTokens: StaticString { "\"max_tokens\":1," }
    static var maxCompletionTokens: StaticString { "\"max_completion_tokens\":1," }
    static var minTokens: StaticString { "\"min_tokens\":1," }

    /// The request for a prefill whose blocks a decoder will fetch (nixlv2).
    static var prefillParameters: StaticString {
        """
        "kv_transfer_params":{"do_remote_decode":true,"do_remote_prefill":false,"remote_engine_id":null,\
        "remote_block_ids":null,"remote_host":null,"remote_port":null}
        """
    }

    static var handoffName: StaticString { "\"kv_transfer_params\":" }
}
