import IPC
import JSON
import Linux

/// A pod as it is kept: what a snapshot says of it, and what decides whether it is in one. Never changed, so that two
/// sets can share it.
final class Pod: Sendable {
    let name: String
    /// Its identity; a pod that is made again under its name is another one.
    let uid: String
    let addresses: [Address]
    /// `metadata.labels` in JSON, kept for the day on which the pool's selector changes.
    let labels: [UInt8]
    /// May be called, if it matches the selector.
    let isServing: Bool

    init(_ object: PodObject, _ rules: PodRules) {
        name = object.name
        uid = object.uid
        addresses = object.addresses
        labels = object.labels
        isServing = rules.admit(object)
    }

    /// Would a snapshot say the same of both?
    func isAlike(_ other: Pod) -> Bool { name == other.name && addresses == other.addresses }
}

/// Which pods may be called at all.
struct PodRules: Sendable {
    var requireReady = false
    var allowHostNetwork = false

    /// A pod that is being deleted stays while it runs: it still serves what it was sent, and its phase tells the end.
    func admit(_ pod: PodObject) -> Bool {
        pod.isRunning && (pod.isReady || !requireReady) && (allowHostNetwork || !pod.isOnHostNetwork)
            && !pod.addresses.isEmpty
    }
}
