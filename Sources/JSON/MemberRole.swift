/// What a member's name means to the sidecar, at the place where it stands.
enum MemberRole: UInt8 {
    /// Nothing: passed on as it is.
    case ordinary
    /// A member of the transfer protocol between the sidecar and the workers, which no client may set.
    case hostile

    // Members that the prefill leg edits.
    case stream
    case streamOptions
    case maxTokens
    case maxCompletionTokens
    case minTokens

    // Objects in which vLLM looks for further protocol members.
    case vllmArguments
    case samplingParameters
    case extraArguments

    /// What to complete: one prompt, or an array of them.
    case prompt

    /// Whether the prefill leg edits the member.
    var isEdited: Bool {
        rawValue >= MemberRole.stream.rawValue && rawValue <= MemberRole.minTokens.rawValue
    }

    /// One bit per role, for sets of the roles seen.
    var bit: UInt16 {
        1 << UInt16(rawValue)
    }
}

/// An object whose members are looked at by name. Every other object is only validated.
enum Place: UInt8 {
    /// The body itself.
    case body
    /// An object directly inside a body that is an array (a batch); each is treated like a body of its own.
    case element
    /// `sampling_params` of a body or element.
    case samplingParameters
    /// `vllm_xargs` of a body or element, `extra_args` of those or of their `sampling_params`.
    case arguments

    /// What a member of this name means here.
    func role(of name: PlainName) -> MemberRole {
        // The first byte settles it for nearly every member of a body.
        switch name.first {
        case 0x6B:  // k
            return name.equals("kv_transfer_params") ? .hostile : .ordinary
        case 0x64:  // d
            return name.begins(with: "do_remote_") ? .hostile : .ordinary
        case 0x72:  // r
            return name.begins(with: "remote_") ? .hostile : .ordinary
        case 0x62:  // b
            return name.begins(with: "bootstrap_") ? .hostile : .ordinary
        case 0x65:  // e
            if name.equals("ec_transfer_params") { return .hostile }
            return self != .arguments && name.equals("extra_args") ? .extraArguments : .ordinary
        case 0x73 where isRequest:  // s
            if name.equals("sampling_params") { return .samplingParameters }
            guard self == .body else { return .ordinary }
            if name.equals("stream") { return .stream }
            return name.equals("stream_options") ? .streamOptions : .ordinary
        case 0x76 where isRequest:  // v
            return name.equals("vllm_xargs") ? .vllmArguments : .ordinary
        case 0x70 where self == .body:  // p
            return name.equals("prompt") ? .prompt : .ordinary
        case 0x6D where self == .body:  // m
            if name.equals("max_tokens") { return .maxTokens }
            if name.equals("max_completion_tokens") { return .maxCompletionTokens }
            return name.equals("min_tokens") ? .minTokens : .ordinary
        default:
            return .ordinary
        }
    }

    /// The place that the value of a member of this place is, if it is an object; nil: only validated.
    func inside(_ role: MemberRole) -> Place? {
        switch role {
        case .samplingParameters: .samplingParameters
        case .vllmArguments, .extraArguments: .arguments
        default: nil
        }
    }

    private var isRequest: Bool {
        self == .body || self == .element
    }
}
