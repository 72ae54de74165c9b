import Sandbox

extension Rights {
    /// Whether the process may make this call with these arguments; those that aren't given are 0.
    func allows(_ name: String, _ arguments: [UInt64] = []) -> Bool {
        mergedCalls.contains { $0.name == name && $0.allows(arguments) }
    }
}

extension CallRule {
    /// Whether a combination of arguments is one of those the rule allows.
    func allows(_ arguments: [UInt64]) -> Bool {
        when.isEmpty || when.contains { $0.allSatisfy { $0.holds(arguments) } }
    }
}

extension ArgumentTest {
    /// The same comparison as in the filter.
    func holds(_ arguments: [UInt64]) -> Bool {
        let whole = argument < arguments.count ? arguments[argument] : 0
        let value = isLong ? whole : whole & 0xFFFF_FFFF
        switch comparison {
        case .equals(let wanted): return value == wanted
        case .lacks(let bits): return value & bits == 0
        case .masked(let mask, let wanted): return value & mask == wanted
        }
    }
}

extension SupervisorFilter {
    /// Whether the supervisor's filter lets the call through: it does unless a rule for it says otherwise.
    static func allows(_ name: String, _ arguments: [UInt64] = []) -> Bool {
        refused.allSatisfy { $0.name != name || $0.allows(arguments) }
    }
}
