/// One row of the table: everything that parser, help and report know about a setting.
struct Setting: Sendable {
    /// The canonical name, without dashes.
    let name: String
    /// Other names of the same flag.
    var aliases: [String] = []
    var environment: String?
    let kind: Kind
    /// Sentences for the help text.
    let help: String
    /// What the help text names as the default, where that is more than a value.
    var defaultText: String?
    /// Set while the feature is missing from this build. Building the feature means deleting this argument.
    var notBuilt: NotBuilt?
    /// Set for flags that are taken for compatibility and change nothing.
    var withoutEffect: WithoutEffect?
}

/// A feature that this build lacks. Asking for it is a mistake: to start without it would be to pretend.
struct NotBuilt: Sendable {
    /// The values, as `Kind.show` gives them, that do not need the feature.
    let available: [String]
    /// Completes "is not available in this build: …".
    let because: String
    /// What to do; an imperative.
    let instead: String
    /// The whole explanation for when the default itself needs the feature.
    var whenDefault: String?
}

/// A flag that changes nothing, and what to tell whoever sets it.
struct WithoutEffect: Sendable {
    /// Values, as `Kind.show` gives them, that need no remark.
    var unremarkable: [String] = []
    /// Completes "has no effect: …".
    let because: String
}

/// A heading of the help text and the settings under it.
struct Section: Sendable {
    let title: String
    let settings: [Setting]
}
