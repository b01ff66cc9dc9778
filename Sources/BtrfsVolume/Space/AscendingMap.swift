/// Numbers by numbers, for keys that mostly come in ascending order, as those of a log do.
///
/// These are a row that is searched by halves; only the others need hashing.
package struct AscendingMap: Sendable {
    private var row: [(key: UInt64, value: UInt64)] = []
    private var others: [UInt64: UInt64] = [:]

    /// The empty map.
    package init() {}

    /// The value under `key`; nil when there is none.
    ///
    /// - Complexity: O(1) for the last key and behind it, otherwise O(log *n*).
    package subscript(key: UInt64) -> UInt64? { find(key) }

    private func find(_ key: UInt64) -> UInt64? {
        guard let last = row.last, last.key >= key else { return nil }
        if last.key == key { return last.value }
        if !others.isEmpty, let value = others[key] { return value }
        var low = 0
        var high = row.count
        while low < high {
            let middle = (low + high) / 2
            if row[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return row[low].key == key ? row[low].value : nil
    }

    /// Puts `value` under `key`, in place of what is there.
    package mutating func put(_ key: UInt64, _ value: UInt64) {
        if let last = row.last, last.key >= key {
            if last.key == key {
                row[row.count - 1].value = value
            } else {
                // Growing means to hash all of it again.
                if others.count == others.capacity { others.reserveCapacity(max(64, others.count * 4)) }
                others[key] = value
            }
        } else {
            row.appendToLongList((key, value))
        }
    }
}
