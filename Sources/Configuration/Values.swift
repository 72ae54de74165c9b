/// Why a value was not taken; reads on after the quoted value: `"80x" is not a whole number`.
struct Unacceptable: Error, Equatable {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// A decimal number of ASCII digits. No sign, no leading zero (which some read as octal), no separators; nil also on
/// overflow.
func wholeNumber(_ text: some StringProtocol) -> Int? {
    let digits = text.utf8
    guard let first = digits.first, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    if first == 0x30 && digits.count > 1 { return nil }
    return Int(String(text))
}

private func isDigit(_ character: Character) -> Bool {
    // A range of characters would also hold digits with combining marks.
    character.isASCII && character.isWholeNumber
}

/// Go's words for a boolean, and the usual others.
func booleanValue(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "t", "1", "yes", "on": true
    case "false", "f", "0", "no", "off": false
    default: nil
    }
}

/// The duration in milliseconds: `30s`, `500ms`, `1m30s`, `1.5s`, or a plain number of seconds. Whole milliseconds only.
func durationValue(_ text: String) throws(Unacceptable) -> Int {
    let units: [(name: String, milliseconds: Int)] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    if let seconds = wholeNumber(text) {
        let (total, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { throw Unacceptable("is out of range") }
        return total
    }
    var rest = text[...]
    var total = 0
    var largest = Int.max
    if rest.isEmpty { throw Unacceptable("is empty") }
    while !rest.isEmpty {
        let number = rest.prefix { isDigit($0) || $0 == "." }
        rest = rest.dropFirst(number.count)
        let unitName = rest.prefix { !isDigit($0) && $0 != "." }
        rest = rest.dropFirst(unitName.count)
        guard let unit = units.first(where: { $0.name == unitName }), unit.milliseconds < largest else {
            throw Unacceptable("is not a duration")
        }
        largest = unit.milliseconds
        let (sum, overflow) = total.addingReportingOverflow(try scaled(number, by: unit.milliseconds))
        if overflow { throw Unacceptable("is out of range") }
        total = sum
    }
    return total
}

/// `number` (digits, at most one point) times `unit`, if that is a whole number.
private func scaled(_ number: Substring, by unit: Int) throws(Unacceptable) -> Int {
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first.flatMap({ wholeNumber($0) }) else {
        throw Unacceptable("is not a duration")
    }
    let (scaledWhole, overflow) = whole.multipliedReportingOverflow(by: unit)
    if overflow { throw Unacceptable("is out of range") }
    guard parts.count == 2 else { return scaledWhole }
    let fraction = parts[1].reversed().drop { $0 == "0" }.reversed()
    guard !parts[1].isEmpty, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw Unacceptable("is not a duration")
    }
    // An hour has 3,600,000 ms: with more than eight digits nothing divides any more, and the product stays in range.
    let power = fraction.reduce(1) { power, _ in power < 1_000_000_000 ? power * 10 : power }
    let numerator = (Int(String(fraction)) ?? 0).multipliedReportingOverflow(by: unit)
    guard fraction.count <= 8, !numerator.overflow, numerator.partialValue % power == 0 else {
        throw Unacceptable("is not a whole number of milliseconds")
    }
    let (sum, sumOverflow) = scaledWhole.addingReportingOverflow(numerator.partialValue / power)
    if sumOverflow { throw Unacceptable("is out of range") }
    return sum
}

/// A duration as a person writes it, in the largest unit that divides it.
func durationText(_ milliseconds: Int) -> String {
    if milliseconds == 0 { return "0s" }
    if milliseconds % 3_600_000 == 0 { return "\(milliseconds / 3_600_000)h" }
    if milliseconds % 60_000 == 0 { return "\(milliseconds / 60_000)m" }
    if milliseconds % 1000 == 0 { return "\(milliseconds / 1000)s" }
    return "\(milliseconds)ms"
}

/// A number of bytes: plain, or with the units of a Kubernetes quantity, where `k`, `M`, `G` are powers of ten and
/// `Ki`, `Mi`, `Gi` powers of two; a `B` may follow.
func byteSizeValue(_ text: String) throws(Unacceptable) -> Int {
    let digits = text.prefix(while: isDigit)
    guard let number = wholeNumber(digits) else {
        let tooLarge = digits.count > 18 && digits.first != "0"
        throw Unacceptable(tooLarge ? "is out of range" : "is not a number of bytes")
    }
    let unit: Int
    switch text.dropFirst(digits.count) {
    case "", "B": unit = 1
    case "k", "kB", "K", "KB": unit = 1000
    case "M", "MB": unit = 1_000_000
    case "G", "GB": unit = 1_000_000_000
    case "Ki", "KiB": unit = 1 << 10
    case "Mi", "MiB": unit = 1 << 20
    case "Gi", "GiB": unit = 1 << 30
    case "m", "g", "mb", "gb", "mib", "gib", "kib":
        // Kubernetes reads `m` as a thousandth, other programs as a million: better asked than guessed.
        throw Unacceptable("has a unit in lower case; write M or Mi, G or Gi, k or Ki")
    default: throw Unacceptable("is not a number of bytes")
    }
    let (total, overflow) = number.multipliedReportingOverflow(by: unit)
    if overflow { throw Unacceptable("is out of range") }
    return total
}

/// A number of bytes in the largest binary unit that divides it.
func byteSizeText(_ bytes: Int) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] where bytes != 0 && bytes % unit == 0 {
        return "\(bytes / unit)\(name)"
    }
    return "\(bytes)"
}

/// The text in double quotes, fit for a log line: control characters escaped, long texts cut.
func quoted(_ text: String, limit: Int = 120) -> String {
    var result = "\""
    for scalar in text.unicodeScalars.prefix(limit) {
        switch scalar.value {
        case 0x22: result += "\\\""
        case 0x5c: result += "\\\\"
        // C0, DEL and C1 controls, line separators, and the marks that reorder a line.
        case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + (text.unicodeScalars.count > limit ? "\"…" : "\"")
}

/// `a`, `a or b`, `a, b or c`.
func alternatives(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
}
