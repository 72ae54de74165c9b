/// The plans: what each leg of a request is sent.
///
/// Every plan appends to the list after what is there already, takes the address at which the scanned body lies now,
/// and returns false, leaving the list as it was, when there is nothing to plan or the pieces do not fit.
extension BodyScanner {
    /// The client's body without its hostile members, every other byte as the client wrote it.
    public func planPassThrough(_ body: UnsafeRawPointer, into list: inout PieceList) -> Bool {
        planDecode(body, handoff: nil, into: &list)
    }

    /// The prefill leg of nixlv2 for chat completions and completions.
    ///
    /// Hostile members and `stream_options` are removed; `stream` is false, `max_tokens`, `max_completion_tokens` and
    /// `min_tokens` are 1, each in place where the client wrote it and appended where not; `kv_transfer_params` with
    /// the six members that ask for a remote decode comes last.
    /// - Returns: false also when the body is not an object, or has two of an edited member.
    public func planPrefill(_ body: UnsafeRawPointer, into list: inout PieceList) -> Bool {
        guard isObject && !hasDuplicateEdited else { return false }
        let before = list.checkpoint
        let planned = appendPrefill(body, into: &list)
        if !planned { list.restore(before) }
        return planned
    }

    /// The decode leg: the client's exact bytes less hostile members, plus the handoff as the last member.
    /// - Parameter handoff: the value of `kv_transfer_params` in the prefiller's answer, which must stay where it is
    ///   until the pieces are written; nil: nothing is added.
    /// - Returns: false also when there is a handoff and the body is not an object.
    public func planDecode(
        _ body: UnsafeRawPointer, handoff: UnsafeRawBufferPointer?, into list: inout PieceList
    ) -> Bool {
        guard length > 0, isObject || handoff == nil else { return false }
        let before = list.checkpoint
        let planned = appendDecode(body, handoff: handoff, into: &list)
        if !planned { list.restore(before) }
        return planned
    }

    /// A copy of what planning a decode leg takes, to outlive the next scan.
    /// - Returns: nil when more than `DecodePlan.maximumCuts` members are cut, and after a fault.
    public func decodePlan() -> DecodePlan? {
        guard length > 0, hostileCount <= DecodePlan.maximumCuts else { return nil }
        var plan = DecodePlan(
            length: UInt32(length), insertion: UInt32(insertion), isObject: isObject, keepsMembers: keepsMembers)
        for k in 0..<markCount {
            let mark = mark(k)
            if mark.role == .hostile {
                plan.add(mark.cut(leads: mark.leads))
            }
        }
        return plan
    }

    private func appendDecode(
        _ body: UnsafeRawPointer, handoff: UnsafeRawBufferPointer?, into list: inout PieceList
    ) -> Bool {
        var done = 0
        for k in 0..<markCount {
            let mark = mark(k)
            if mark.role == .hostile {
                guard appendUncut(body, &done, mark.cut(leads: mark.leads), into: &list) else { return false }
            }
        }
        return appendHandoff(
            body + done, upTo: insertion - done, rest: length - insertion, handoff, comma: keepsMembers, into: &list)
    }

    private func appendPrefill(_ body: UnsafeRawPointer, into list: inout PieceList) -> Bool {
        var done = 0
        for k in 0..<markCount {
            let mark = mark(k)
            switch mark.role {
            case .hostile, .streamOptions:
                guard appendUncut(body, &done, mark.cut(leads: mark.leadsPrefill), into: &list) else { return false }
            default:
                let value = Cut(start: mark.value, end: mark.end)
                guard appendUncut(body, &done, value, into: &list),
                    list.append(mark.role == .stream ? "false" : "1")
                else { return false }
            }
        }
        guard list.append(body + done, insertion - done) else { return false }
        if keepsMembersInPrefill {
            guard list.append(",") else { return false }
        }
        return appendMissing(.stream, AppendedText.stream, into: &list)
            && appendMissing(.maxTokens, AppendedText.maxTokens, into: &list)
            && appendMissing(.maxCompletionTokens, AppendedText.maxCompletionTokens, into: &list)
            && appendMissing(.minTokens, AppendedText.minTokens, into: &list)
            && list.append(AppendedText.prefillParameters)
            && list.append(body + insertion, length - insertion)
    }

    /// Appends a member that the client did not send.
    private func appendMissing(_ role: MemberRole, _ text: StaticString, into list: inout PieceList) -> Bool {
        seenEdited & role.bit != 0 || list.append(text)
    }
}

/// Appends the bytes from `done` to a cut, and goes on after it.
func appendUncut(_ body: UnsafeRawPointer, _ done: inout Int, _ cut: Cut, into list: inout PieceList) -> Bool {
    let from = done
    done = Int(cut.end)
    return list.append(body + from, Int(cut.start) - from)
}

/// Appends the end of a decode leg: the bytes up to the closing brace, the handoff if there is one, the brace and what
/// follows it.
/// - Parameters:
///   - tail: the bytes after the last cut.
///   - upTo: the offset of the closing brace in `tail`; without a handoff only its sum with `rest` counts, which is
///     the length of `tail` also when the body has no closing brace to speak of.
func appendHandoff(
    _ tail: UnsafeRawPointer, upTo: Int, rest: Int, _ handoff: UnsafeRawBufferPointer?, comma: Bool,
    into list: inout PieceList
) -> Bool {
    guard let handoff, let value = handoff.baseAddress else {
        return list.append(tail, upTo + rest)
    }
    guard list.append(tail, upTo) else { return false }
    if comma {
        guard list.append(",") else { return false }
    }
    return list.append(AppendedText.handoffName)
        && list.append(value, handoff.count)
        && list.append(tail + upTo, rest)
}
