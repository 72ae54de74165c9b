/// The pods that a list and the events after it have shown, and those among them that may be called.
struct PodSet {
    /// By name: no two pods of a namespace have the same at one time.
    private var all: [String: Pod] = [:]
    /// Those that may be called, sorted by name, so that a snapshot is written in one pass.
    private(set) var serving: [Pod] = []

    var count: Int { all.count }

    /// Adds a pod or replaces the one of its name. True: those that may be called have changed.
    mutating func set(_ pod: Pod, isMember: Bool) -> Bool {
        let old = all.updateValue(pod, forKey: pod.name)
        let (place, isThere) = find(pod.name)
        switch (isThere, isMember && pod.isServing) {
        case (false, false): return false
        case (false, true):
            serving.insert(pod, at: place)
            return true
        case (true, false):
            serving.remove(at: place)
            return true
        case (true, true):
            serving[place] = pod
            return !(old?.isAlike(pod) ?? false)
        }
    }

    /// Removes a pod, unless another has its name by now. True: those that may be called have changed.
    mutating func remove(name: String, uid: String) -> Bool {
        guard let old = all[name], old.uid == uid else { return false }
        all[name] = nil
        let (place, isThere) = find(name)
        if isThere { serving.remove(at: place) }
        return isThere
    }

    /// Keeps the pods for which `isMember` holds. True: those that may be called have changed.
    mutating func keep(_ isMember: (Pod) -> Bool) -> Bool {
        let before = serving.count
        all = all.filter { isMember($0.value) }
        serving.removeAll { !isMember($0) }
        return serving.count != before
    }

    /// Would a snapshot of both be the same?
    func isAlike(_ other: PodSet) -> Bool {
        serving.elementsEqual(other.serving) { $0 === $1 || $0.isAlike($1) }
    }

    private func find(_ name: String) -> (place: Int, isThere: Bool) {
        // Lists come in the order of names: mostly the place is the end.
        if let last = serving.last, last.name < name { return (serving.count, false) }
        var low = 0
        var high = serving.count
        while low < high {
            let middle = (low + high) / 2
            if serving[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return (low, low < serving.count && serving[low].name == name)
    }
}
