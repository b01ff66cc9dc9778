internal import TreeLogLua

/// What to say of a word that is none of those there are.
func unknownText(_ kind: String, _ word: String, known: some Sequence<String>) -> String {
    let names = known.sorted()
    if let meant = Nearest.name(to: word, among: names) { return "unknown \(kind) '\(word)'; did you mean '\(meant)'?" }
    let list = names.isEmpty ? "there are none" : "there are: \(names.joined(separator: ", "))"
    return "unknown \(kind) '\(word)'; \(list)"
}
