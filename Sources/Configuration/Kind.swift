/// What values a setting takes, how they are stored, and how they are shown.
///
/// Erased to closures so that settings of every type stand in one table.
struct Kind: Sendable {
    /// Stands for the value in the help text; empty for booleans.
    let placeholder: String
    /// Completes "accepted: …" in a mistake.
    let accepted: String
    /// The same for the help text, which explains `DURATION` and the like once; empty where the placeholder says it.
    let acceptedInHelp: String
    /// A boolean never takes the next argument as its value.
    var isBoolean = false
    /// Checks a value and stores it.
    let store: @Sendable (String, inout Settings) throws(Unacceptable) -> Void
    /// The stored value in one canonical spelling, which `store` takes again.
    let show: @Sendable (Settings) -> String
}

extension Kind {
    typealias Field<Value> = WritableKeyPath<Settings, Value> & Sendable

    static func boolean(_ field: Field<Bool>) -> Kind {
        Kind(
            placeholder: "", accepted: "true or false", acceptedInHelp: "", isBoolean: true,
            store: { text, settings throws(Unacceptable) in
                guard let value = booleanValue(text) else { throw Unacceptable("is neither true nor false") }
                settings[keyPath: field] = value
            },
            show: { $0[keyPath: field] ? "true" : "false" })
    }

    /// A port. `zero` says what 0 means; without it 0 is not taken.
    static func port(_ field: Field<UInt16>, zero: String? = nil) -> Kind {
        let range = (zero == nil ? 1 : 0)...65535
        return Kind(
            placeholder: "PORT", accepted: "a port from \(range.lowerBound) to 65535" + parenthesis(zero: zero),
            acceptedInHelp: zero.map { "a PORT, or 0 for \($0)" } ?? "",
            store: { text, settings throws(Unacceptable) in
                settings[keyPath: field] = UInt16(try numberValue(text, in: range))
            },
            show: { "\($0[keyPath: field])" })
    }

    static func number(_ field: Field<Int>, _ range: ClosedRange<Int>, zero: String? = nil) -> Kind {
        Kind(
            placeholder: "N",
            accepted: "a whole number from \(range.lowerBound) to \(range.upperBound)" + parenthesis(zero: zero),
            acceptedInHelp: "\(range.lowerBound) to \(range.upperBound)" + parenthesis(zero: zero),
            store: { text, settings throws(Unacceptable) in
                settings[keyPath: field] = try numberValue(text, in: range)
            },
            show: { "\($0[keyPath: field])" })
    }

    /// A duration; the range is in milliseconds.
    static func duration(_ field: Field<Int>, _ range: ClosedRange<Int>, zero: String? = nil) -> Kind {
        let bounds = "\(durationText(range.lowerBound)) to \(durationText(range.upperBound))"
        return Kind(
            placeholder: "DURATION",
            accepted: "a duration from \(bounds), such as 30s, 500ms or 1m30s; a plain number is seconds"
                + parenthesis(zero: zero),
            acceptedInHelp: bounds + parenthesis(zero: zero),
            store: { text, settings throws(Unacceptable) in
                settings[keyPath: field] = try bounded(try durationValue(text), in: range)
            },
            show: { durationText($0[keyPath: field]) })
    }

    static func bytes(_ field: Field<Int>, _ range: ClosedRange<Int>, zero: String? = nil) -> Kind {
        let bounds = "\(byteSizeText(range.lowerBound)) to \(byteSizeText(range.upperBound))"
        return Kind(
            placeholder: "BYTES",
            accepted: "a number of bytes from \(bounds), such as 64MiB, 1GiB or 500k" + parenthesis(zero: zero),
            acceptedInHelp: bounds + parenthesis(zero: zero),
            store: { text, settings throws(Unacceptable) in
                settings[keyPath: field] = try bounded(try byteSizeValue(text), in: range)
            },
            show: { byteSizeText($0[keyPath: field]) })
    }

    /// One of the names of an enum. `synonyms` are other names for its cases; `elsewhere` are names that other sidecars
    /// take, each with what to say about it. `placeholder` stands for names that are too long for one.
    static func choice<Choice: NamedChoice>(
        _ field: Field<Choice>, placeholder: String? = nil, synonyms: [String: Choice] = [:],
        elsewhere: [String: String] = [:]
    ) -> Kind {
        let names = Choice.allCases.map(\.rawValue)
        return Kind(
            placeholder: placeholder ?? names.joined(separator: "|"), accepted: alternatives(names),
            acceptedInHelp: placeholder == nil ? "" : alternatives(names),
            store: { text, settings throws(Unacceptable) in
                guard let value = Choice(rawValue: text) ?? synonyms[text] else {
                    throw Unacceptable(elsewhere[text] ?? "is none of the known values")
                }
                settings[keyPath: field] = value
            },
            show: { $0[keyPath: field].rawValue })
    }

    /// One of some words, kept as it is.
    static func word(_ field: Field<String>, among words: [String]) -> Kind {
        Kind(
            placeholder: words.joined(separator: "|"), accepted: alternatives(words), acceptedInHelp: "",
            store: { text, settings throws(Unacceptable) in
                guard words.contains(text) else { throw Unacceptable("is none of the known values") }
                settings[keyPath: field] = text
            },
            show: { $0[keyPath: field] })
    }

    /// A comma-separated list of some words.
    static func words(_ field: Field<[String]>, among words: [String]) -> Kind {
        Kind(
            placeholder: "WORD,...", accepted: "a comma-separated list of \(alternatives(words))",
            acceptedInHelp: alternatives(words),
            store: { text, settings throws(Unacceptable) in
                let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                if !text.isEmpty, let stranger = parts.first(where: { !words.contains($0) }) {
                    throw Unacceptable("has the unknown entry \(quoted(stranger))")
                }
                settings[keyPath: field] = text.isEmpty ? [] : parts
            },
            show: { $0[keyPath: field].joined(separator: ",") })
    }

    /// A text; `canonical` checks it and gives the spelling to keep.
    static func text(
        _ field: Field<String>, placeholder: String, accepted: String, acceptedInHelp: String? = nil,
        canonical: @escaping @Sendable (String) throws(Unacceptable) -> String
    ) -> Kind {
        Kind(
            placeholder: placeholder, accepted: accepted, acceptedInHelp: acceptedInHelp ?? accepted,
            store: { text, settings throws(Unacceptable) in settings[keyPath: field] = try canonical(text) },
            show: { $0[keyPath: field] })
    }

    private static func parenthesis(zero: String?) -> String {
        zero.map { " (0: \($0))" } ?? ""
    }
}

/// A whole number within bounds, or why the text is none.
func numberValue(_ text: String, in range: ClosedRange<Int>) throws(Unacceptable) -> Int {
    guard let value = wholeNumber(text) else {
        let onlyDigits = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } && text.first != "0"
        throw Unacceptable(onlyDigits ? "is out of range" : "is not a whole number in plain decimal digits")
    }
    return try bounded(value, in: range)
}

private func bounded(_ value: Int, in range: ClosedRange<Int>) throws(Unacceptable) -> Int {
    guard range.contains(value) else { throw Unacceptable("is out of range") }
    return value
}
