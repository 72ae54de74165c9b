/// The API groups in which an InferencePool may be defined, and how each spells it.
enum PoolGroup: String, CaseIterable {
    /// The standard.
    case standard = "inference.networking.k8s.io"
    /// The standard before it was one.
    case experimental = "inference.networking.x-k8s.io"
    /// llm-d's own.
    case llmd = "inference.llm-d.ai"

    var version: String {
        switch self {
        case .standard: "v1"
        case .experimental: "v1alpha2"
        case .llmd: "v1alpha1"
        }
    }

    /// Are the labels of the selector its members, and not those of its `matchLabels`?
    var hasFlatSelector: Bool { self == .experimental }

    /// The groups to look in: the one that is configured, or all, in the order of preference.
    static func candidates(_ configured: String) -> [PoolGroup] {
        PoolGroup(rawValue: configured).map { [$0] } ?? allCases
    }
}
