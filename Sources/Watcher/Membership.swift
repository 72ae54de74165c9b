import Allowlist
import IPC
import JSON

/// Who may be called, by all that the API server has shown so far: the pool, the pods, and the settings. It decides what
/// a snapshot holds and when there is something to publish. Touches no socket.
///
/// What it holds is always complete: a list takes effect as a whole, and errors don't come here.
struct Membership {
    /// What follows for the watch of pods.
    enum PodOrder: Equatable {
        case unchanged
        /// List and watch the pods that this selects.
        case follow(Selector)
        /// No pod can be a member.
        case rest
    }

    private let settings: WatcherSettings
    private let rules: PodRules
    private let nesting = Box(ValueReader.Nesting())
    /// The pool; nil = not known, or there is none.
    private(set) var pool: PoolObject?
    private(set) var isPoolKnown = false
    private var selector: Selector?
    private var pods = PodSet()
    /// A list that is still coming in.
    private var incoming: PodSet?
    /// The pods that the selector selects have been listed whole.
    private(set) var hasPods = false
    /// There is something that the last snapshot doesn't say.
    private(set) var isDirty = true
    private(set) var hasPublished = false

    init(_ settings: WatcherSettings) {
        self.settings = settings
        rules = PodRules(requireReady: settings.requireReady, allowHostNetwork: settings.allowHostNetwork)
    }

    /// Everything has been listed: what is held is what the server has.
    var isComplete: Bool { isPoolKnown && (selector == nil || hasPods) }
    /// The first snapshot waits until everything has been listed; later ones say what is known at once.
    var isWorthPublishing: Bool { isDirty && (hasPublished || isComplete) }
    /// The pods that may be called.
    var podCount: Int { pods.serving.count }

    /// The ports of a member; nil = none may be called, empty = every one.
    var ports: [UInt16]? {
        switch settings.ports {
        case .any: []
        case .list: settings.portList.isEmpty ? nil : settings.portList
        case .pool: pool?.ports
        }
    }

    // MARK: What the server shows

    /// The pool as it is now; nil = there is none.
    mutating func take(pool new: PoolObject?) -> PodOrder {
        let oldPorts = ports
        pool = new
        isPoolKnown = true
        if ports != oldPorts && podCount > 0 { isDirty = true }
        let wanted = new.flatMap { $0.mistakes.isEmpty ? $0.selector : nil }
        guard wanted != selector else { return .unchanged }
        selector = wanted
        hasPods = false
        incoming = nil
        guard let wanted else {
            if pods.keep({ _ in false }) { isDirty = true }
            return .rest
        }
        // Who is a member by the old selector and the new one is one for certain; the list shows the others.
        let nesting = nesting
        if pods.keep({ wanted.matches($0.labels, nesting.value) }) { isDirty = true }
        return .follow(wanted)
    }

    /// A list of pods begins; one that came only in part is forgotten.
    mutating func beginList() { incoming = PodSet() }

    /// A pod of the list.
    mutating func list(_ object: PodObject) {
        let pod = Pod(object, rules)
        let isMember = isMember(pod)
        _ = incoming?.set(pod, isMember: isMember)
    }

    /// The list is complete.
    mutating func adoptList() {
        guard let incoming else { return }
        self.incoming = nil
        hasPods = true
        if !incoming.isAlike(pods) { isDirty = true }
        pods = incoming
    }

    /// A pod as it is now.
    mutating func set(_ object: PodObject) {
        let pod = Pod(object, rules)
        let isMember = isMember(pod)
        if pods.set(pod, isMember: isMember) { isDirty = true }
    }

    /// A pod that is gone, or no longer selected.
    mutating func remove(_ object: PodObject) {
        if pods.remove(name: object.name, uid: object.uid) { isDirty = true }
    }

    // The server selects; this is for the case that it doesn't.
    private func isMember(_ pod: Pod) -> Bool { selector?.matches(pod.labels, nesting.value) ?? false }

    // MARK: Publishing

    /// Writes a snapshot. The descriptor is the caller's.
    func snapshot() throws(SnapshotBuilder.Failure) -> (fd: Int32, endpoints: Int) {
        var builder = SnapshotBuilder()
        if let ports {
            builder.reserve(pods: pods.serving.count)
            for pod in pods.serving {
                // A name that no pod can have is left out there; the addresses count all the same.
                let isAdded: Void? = pod.name.utf8.withContiguousStorageIfAvailable {
                    builder.add(name: UnsafeRawBufferPointer($0), addresses: pod.addresses, ports: ports)
                }
                if isAdded == nil { builder.add(name: pod.name.utf8, addresses: pod.addresses, ports: ports) }
            }
        }
        let fd = try builder.seal()
        return (fd, builder.count)
    }

    /// The last snapshot says it all.
    mutating func published() {
        isDirty = false
        hasPublished = true
    }
}

/// Memory that is shared by the copies of a value.
final class Box<Value: ~Copyable> {
    let value: Value

    init(_ value: consuming Value) { self.value = value }
}
