import Glibc

/// Writes to the terminal, in colour where it is one.
struct Console: Sendable {
    enum Style: String, Sendable {
        case bold = "1"
        case dim = "2"
        case good = "32"
        case bad = "31"
        case accent = "36"
    }

    /// True where colours and cursor movements are welcome.
    let isRich: Bool

    init(plain: Bool) {
        isRich = !plain && isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil
    }

    func styled(_ text: String, _ style: Style) -> String {
        isRich ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
    }

    func put(_ text: String) {
        say(text, to: STDOUT_FILENO)
    }

    func line(_ text: String = "") {
        put(text + "\n")
    }

    func title(_ text: String) {
        line("\n" + styled(text, .bold))
    }

    /// A line of two columns, the first of them a heading.
    func fact(_ name: String, _ text: String) {
        line("   " + styled(padded(name, 17), .accent) + text)
    }

    func problem(_ text: String) {
        say("routing-sidecar-demo: \(text)\n", to: STDERR_FILENO)
    }
}

/// `text` filled up with spaces to `width` characters.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// `text` moved to the right end of `width` characters.
func rightAligned(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

/// A duration in the unit that suits it.
func duration(seconds: Double?) -> String {
    guard let seconds else { return "–" }
    switch seconds {
    case ..<0.001: return "\(Int((seconds * 1_000_000).rounded())) µs"
    case ..<0.01: return "\(decimal(seconds * 1000)) ms"
    case ..<1: return "\(Int((seconds * 1000).rounded())) ms"
    case ..<60: return "\(decimal(seconds)) s"
    default: return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
    }
}

/// A number with one place behind the point.
func decimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(abs(tenths % 10))"
}
