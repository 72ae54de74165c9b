/// The members of a handoff that a decoder cannot do without, as they are met.
struct HandoffMembers {
    var hasDuplicates = false
    var host = 0..<0
    var port: UInt16 = 0
    /// There is a member besides `remote_host` that names an address by its name.
    var namesOtherAddresses = false
    private var isRemotePrefill = false
    private var engineId = Presence.missing
    private var requestId = Presence.missing
    private var blocks = BlockIds.missing

    /// Whether a member that has to be a non-empty string is one. Null counts as missing.
    private enum Presence: UInt8 {
        case missing
        case wrong
        case present
    }

    /// The shape of `remote_block_ids`.
    private enum BlockIds: UInt8 {
        case missing
        case empty
        case malformed
        case nested
        case flat
    }

    /// The verdict, in the order of `HandoffFault`'s cases.
    func judge(acceptNested: Bool, acceptFlat: Bool) -> HandoffFault {
        guard isRemotePrefill else { return .notRemotePrefill }
        switch blocks {
        case .missing: return .blockIdsMissing
        case .empty: return .blockIdsEmpty
        case .malformed: return .blockIdsMalformed
        case .flat where !acceptFlat: return .flatBlockIds
        case .nested where !acceptNested: return .blockIdsMalformed
        default: break
        }
        guard !host.isEmpty else { return .hostMissing }
        guard port > 0 else { return .portInvalid }
        guard engineId == .present else { return .engineIdMissing }
        // Engines that send the flat list know no request id.
        guard requestId == .present || (requestId == .missing && blocks == .flat) else { return .requestIdMissing }
        return .none
    }

    /// Reads one member's value, at the cursor's position.
    mutating func read(_ name: PlainName, _ cursor: inout Cursor, enclosing: Int) -> Bool {
        if name.equals("remote_block_ids") {
            return readBlockIds(&cursor, enclosing: enclosing)
        }
        let start = cursor.position
        guard cursor.skipValue(enclosing: enclosing) else { return false }
        let length = cursor.position - start
        if name.equals("do_remote_prefill") {
            isRemotePrefill = start.pointee == Bytes.lowerT
        } else if name.equals("remote_engine_id") {
            engineId = Self.presence(start, length)
        } else if name.equals("remote_request_id") {
            requestId = Self.presence(start, length)
        } else if name.equals("remote_port") {
            port = Self.port(start, length)
        } else if name.equals("remote_host") {
            let first = cursor.offset(start) + 1
            let usable = Self.presence(start, length) == .present && !Self.hasEscape(start + 1, length - 2)
            host = usable ? first..<(first + length - 2) : 0..<0
        } else if start.pointee != Bytes.lowerN && Self.namesAnAddress(name) {
            namesOtherAddresses = true
        }
        return true
    }

    /// Members of newer engines that send a decoder elsewhere; none of them belongs to this connector.
    private static func namesAnAddress(_ name: PlainName) -> Bool {
        name.equals("remote_hosts") || name.equals("remote_bootstrap_addr") || name.equals("bootstrap_host")
            || name.equals("remote_addr") || name.equals("remote_address") || name.equals("remote_addresses")
            || name.equals("remote_ip") || name.equals("remote_url") || name.equals("remote_endpoint")
            || name.equals("remote_decoder") || name.equals("remote_prefiller") || name.equals("remote_kv_source")
    }

    private static func presence(_ value: Address, _ length: Int) -> Presence {
        if value.pointee == Bytes.lowerN { return .missing }
        return value.pointee == Bytes.quote && length > 2 ? .present : .wrong
    }

    private static func hasEscape(_ characters: Address, _ count: Int) -> Bool {
        for i in 0..<count where characters[i] == Bytes.backslash {
            return true
        }
        return false
    }

    /// A port written as a number or as a string of digits; 0 when it is no port.
    private static func port(_ value: Address, _ length: Int) -> UInt16 {
        let quoted = value.pointee == Bytes.quote
        let digits = quoted ? value + 1 : value
        let count = quoted ? length - 2 : length
        guard let number = decimal(digits, count), number <= 65535 else { return 0 }
        return UInt16(number)
    }

    // MARK: - Block ids

    /// Reads `remote_block_ids`. Its shape is judged in the same pass that validates it; once the shape is wrong, the
    /// rest is only validated.
    private mutating func readBlockIds(_ cursor: inout Cursor, enclosing: Int) -> Bool {
        guard cursor.byte == Bytes.openBracket else {
            blocks = cursor.byte == Bytes.lowerN ? .missing : .malformed
            return cursor.skipValue(enclosing: enclosing)
        }
        let start = cursor.position
        guard cursor.skipValue(enclosing: enclosing) else { return false }
        blocks = Self.shape(start + 1, cursor.position - 1)
        return true
    }

    /// The shape of a valid JSON list, given the bytes between its brackets.
    private static func shape(_ start: Address, _ end: Address) -> BlockIds {
        var p = skipBlank(start, end)
        guard p < end else { return .empty }
        guard p.pointee == Bytes.openBracket else {
            // `[1,2]`; a list among the numbers is not read as one and makes this nil.
            return endOfIds(p, end) == end ? .flat : .malformed
        }
        var sawEmpty = false
        while true {
            guard p < end, p.pointee == Bytes.openBracket else { return .malformed }
            p = skipBlank(p + 1, end)
            if p < end && p.pointee == Bytes.closeBracket {
                sawEmpty = true
            } else {
                guard let close = endOfIds(p, end), close < end else { return .malformed }
                p = close
            }
            p = skipBlank(p + 1, end)
            if p == end { return sawEmpty ? .empty : .nested }
            // The list is valid JSON, so this is a comma.
            p = skipBlank(p + 1, end)
        }
    }

    /// The end of a list of ids that begins at `start`: its closing bracket, or `end`. Nil when something in it is not
    /// an integer from 0 to 2^31 - 1.
    private static func endOfIds(_ start: Address, _ end: Address) -> Address? {
        var p = start
        while true {
            let digits = p
            while p < end && isDigit(p.pointee) { p += 1 }
            guard let id = decimal(digits, p - digits), id <= 0x7FFF_FFFF else { return nil }
            p = skipBlank(p, end)
            guard p < end, p.pointee != Bytes.closeBracket else { return p }
            guard p.pointee == Bytes.comma else { return nil }
            p = skipBlank(p + 1, end)
        }
    }

    private static func skipBlank(_ start: Address, _ end: Address) -> Address {
        var p = start
        while p < end && p.pointee <= 0x20 { p += 1 }
        return p
    }
}

/// The value of a run of at most 18 digits without leading zeros; nil for anything else.
func decimal(_ digits: Address, _ count: Int) -> Int? {
    guard count > 0, count <= 18, count == 1 || digits.pointee != Bytes.zero else { return nil }
    var value = 0
    for i in 0..<count {
        guard isDigit(digits[i]) else { return nil }
        value = value * 10 + Int(digits[i] - Bytes.zero)
    }
    return value
}
