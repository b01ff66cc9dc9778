/// Guesses what somebody meant to write.
package enum Nearest {
    /// ` (did you mean 'fields'?)`, or nothing where no name is near.
    static func hint(_ name: String, among names: [String], quote: String = "'") -> String {
        guard let nearest = self.name(to: name, among: names) else { return "" }
        return " (did you mean \(quote)\(nearest)\(quote)?)"
    }

    /// The first in the alphabet of the names that differ least, by at most two letters, or three of long names; else
    /// the only one that begins with the same four. Capital letters are no difference.
    package static func name(to name: String, among names: [String]) -> String? {
        let letters = Array(name.lowercased().utf8.prefix(64))
        var limit = letters.count < 4 ? 2 : letters.count < 8 ? 4 : 6
        var found: String?
        for other in names.sorted() where other.utf8.count <= 64 {
            let distance = distance(letters, Array(other.lowercased().utf8))
            if distance < limit || (distance == limit && found == nil) {
                limit = distance
                found = other
            }
        }
        if found != nil { return found }
        let alike = names.filter { letters.count >= 4 && $0.lowercased().utf8.starts(with: letters.prefix(4)) }
        return alike.count == 1 ? alike[0] : nil
    }

    /// How much has to be done to make one of the other: 2 for each letter changed, added or dropped, and 1 for two
    /// that changed places.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var row = (0...right.count).map { 2 * $0 }
        for (i, letter) in left.enumerated() {
            var next = [2 * (i + 1)]
            for (j, other) in right.enumerated() {
                var least = min(row[j] + (letter == other ? 0 : 2), row[j + 1] + 2, next[j] + 2)
                if i > 0, j > 0, letter == right[j - 1], other == left[i - 1] { least = min(least, before[j - 1] + 1) }
                next.append(least)
            }
            (before, row) = (row, next)
        }
        return row[right.count]
    }
}
