/// Ranges of addresses that are noted one by one, in any order, and looked up seldom or never.
///
/// They are put in order when somebody asks: a log may name its extents in the order of a file that was written here
/// and there, and keeping many ranges in order all the time would move most of them for each one that comes.
struct NotedRanges {
    private var set = RangeSet()
    /// What is not in the set yet.
    private var noted: [Range<UInt64>] = []

    /// - Complexity: O(1), amortised.
    mutating func note(_ range: Range<UInt64>) {
        if let last = noted.last, last.upperBound == range.lowerBound {
            noted[noted.count - 1] = last.lowerBound..<range.upperBound
        } else {
            noted.appendToLongList(range)
        }
    }

    /// The first of the ranges, joined where they overlap or touch, that has an address in common with `range`.
    ///
    /// - Complexity: O(log *n*) where nothing was noted since the last call, otherwise O(*n* log *n*).
    mutating func firstOverlap(_ range: Range<UInt64>) -> Range<UInt64>? {
        if !noted.isEmpty {
            let all = (set.ranges + noted).sorted { $0.lowerBound < $1.lowerBound }
            set = RangeSet()
            for range in all { set.insert(range) }
            noted.removeAll()
        }
        return set.firstOverlap(range)
    }
}
