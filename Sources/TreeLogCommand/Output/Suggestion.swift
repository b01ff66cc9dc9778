/// The candidate that was probably meant by a mistyped word: the one that fewest changes of letters lead to, if
/// these are few.
func closest(to word: String, in candidates: some Sequence<String>) -> String? {
    let ranked = candidates.map { (candidate: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
        .sorted { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }
    guard let best = ranked.first, best.distance <= max(2, word.count / 3) else { return nil }
    return best.candidate
}

/// What to say of a word that is none of those there are.
func unknownText(_ kind: String, _ word: String, known: some Sequence<String>) -> String {
    let names = known.sorted()
    if let meant = closest(to: word, in: names) { return "unknown \(kind) '\(word)'; did you mean '\(meant)'?" }
    let list = names.isEmpty ? "there are none" : "there are: \(names.joined(separator: ", "))"
    return "unknown \(kind) '\(word)'; \(list)"
}

/// How many letters have to be inserted, deleted, replaced or exchanged with their neighbour.
private func editDistance(_ first: String, _ second: String) -> Int {
    let (a, b) = (Array(first.utf8), Array(second.utf8))
    var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in 0...a.count { rows[i][0] = i }
    for j in 0...b.count { rows[0][j] = j }
    for i in 0..<a.count {
        for j in 0..<b.count {
            let replaced = rows[i][j] + (a[i] == b[j] ? 0 : 1)
            var best = min(replaced, rows[i][j + 1] + 1, rows[i + 1][j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
            rows[i + 1][j + 1] = best
        }
    }
    return rows[a.count][b.count]
}
