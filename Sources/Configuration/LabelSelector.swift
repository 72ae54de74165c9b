/// The grammar of Kubernetes label selectors, as far as it takes to say at the start what the API server would refuse
/// later: requirements between commas, each `key`, `!key`, `key=value`, `key==value`, `key!=value`, `key in (a,b)`,
/// `key notin (a,b)`, `key>1` or `key<1`.
enum LabelSelector {
    /// Nil: the text is a selector, or empty.
    static func fault(in text: String) -> String? {
        if text.isEmpty { return nil }
        for requirement in split(text) {
            let trimmed = blanksTrimmed(requirement)
            if trimmed.isEmpty { return "has an empty requirement" }
            if !isRequirement(trimmed) { return "has the requirement \(quoted(trimmed)), which is none" }
        }
        return nil
    }

    /// At the commas outside parentheses.
    private static func split(_ text: String) -> [String] {
        var parts = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == "," && depth == 0 {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        return parts
    }

    private static func isRequirement(_ text: String) -> Bool {
        if text.hasPrefix("!") { return isKey(blanksTrimmed(String(text.dropFirst()))) }
        let key = String(text.prefix { isKeyCharacter($0) })
        guard isKey(key) else { return false }
        let rest = blanksTrimmed(String(text.dropFirst(key.count)))
        if rest.isEmpty { return true }
        for comparison in ["==", "!=", "="] where rest.hasPrefix(comparison) {
            return isValue(blanksTrimmed(String(rest.dropFirst(comparison.count))))
        }
        if rest.hasPrefix(">") || rest.hasPrefix("<") {
            return wholeNumber(blanksTrimmed(String(rest.dropFirst()))) != nil
        }
        for word in ["notin", "in"] where rest.hasPrefix(word) {
            let list = blanksTrimmed(String(rest.dropFirst(word.count)))
            guard list.hasPrefix("("), list.hasSuffix(")"), list.count > 2 else { return false }
            return list.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
                .allSatisfy { isValue(blanksTrimmed(String($0))) }
        }
        return false
    }

    /// `[prefix/]name`: the prefix a DNS subdomain, the name as a value, but not empty.
    private static func isKey(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.last, parts.count <= 2, !name.isEmpty, isValue(name) else { return false }
        return parts.count == 1
            || (!parts[0].isEmpty && parts[0].utf8.count <= 253 && parts[0].allSatisfy(isKeyCharacter))
    }

    /// At most 63 letters, digits, hyphens, dots and underscores, letters or digits at both ends; or empty.
    private static func isValue(_ text: String) -> Bool {
        guard let first = text.first, let last = text.last else { return true }
        func isPlain(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber)
        }
        return text.utf8.count <= 63 && isPlain(first) && isPlain(last)
            && text.allSatisfy { isPlain($0) || $0 == "-" || $0 == "." || $0 == "_" }
    }

    private static func isKeyCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-._/".contains(character))
    }

    private static func blanksTrimmed(_ text: String) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
