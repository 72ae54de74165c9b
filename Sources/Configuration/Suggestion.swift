/// The candidate nearest to a misspelt word, if one is near enough to be meant.
func suggestion(for word: String, among candidates: [String]) -> String? {
    let wanted = normalized(word)
    // One slip in four letters; with more, what is suggested is rather another word than the one that was meant.
    let limit = max(1, min(3, wanted.count / 4))
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
        let distance = editDistance(wanted, normalized(candidate))
        // A single letter is one edit away from every other.
        guard distance <= limit, distance < candidate.count else { continue }
        if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
    }
    if let best { return best.candidate }
    // The beginning of one flag, and of no other.
    let longer = candidates.filter { normalized($0).starts(with: wanted) }
    return wanted.count >= 4 && longer.count == 1 ? longer[0] : nil
}

private func normalized(_ word: String) -> [Character] {
    // Longer words than any flag need no comparison to their end.
    word.prefix(64).lowercased().map { $0 == "_" ? "-" : $0 }
}

/// Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other.
func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for i in left.indices {
        var row = [i + 1]
        for j in right.indices {
            var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (left[i] == right[j] ? 0 : 1))
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                cost = min(cost, beforePrevious[j - 1] + 1)
            }
            row.append(cost)
        }
        beforePrevious = previous
        previous = row
    }
    return previous[right.count]
}
