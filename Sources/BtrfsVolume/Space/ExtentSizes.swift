/// Extents by their start, with their sizes in bytes.
///
/// A log names most of its extents by ascending addresses: those are a row that is searched by halves, and only the
/// others need hashing.
struct ExtentSizes {
    private var ascending: ContiguousArray<(start: UInt64, size: UInt64)> = []
    private var others: [UInt64: UInt64] = [:]

    /// Notes an extent, in place of one with the same start.
    mutating func note(_ start: UInt64, size: UInt64) {
        if let last = ascending.last, last.start >= start {
            others[start] = size
        } else {
            ascending.append((start, size))
        }
    }

    /// The size of the extent at `start`; nil when there is none.
    ///
    /// - Complexity: O(1) behind the last one, otherwise O(log *n*).
    subscript(start: UInt64) -> UInt64? {
        guard let last = ascending.last, last.start >= start else { return nil }
        if !others.isEmpty, let size = others[start] { return size }
        var low = 0
        var high = ascending.count
        while low < high {
            let middle = (low + high) / 2
            if ascending[middle].start < start { low = middle + 1 } else { high = middle }
        }
        return ascending[low].start == start ? ascending[low].size : nil
    }
}
