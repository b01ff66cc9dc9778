/// A set of addresses as sorted ranges that neither overlap nor touch.
public struct RangeSet: Equatable, Sendable {
    /// The ranges in ascending order; they neither overlap nor touch.
    public private(set) var ranges: ContiguousArray<Range<UInt64>> = []

    /// The empty set.
    public init() {}

    /// Whether the set has no numbers.
    public var isEmpty: Bool { ranges.isEmpty }

    /// The number of addresses in the set.
    public var count: UInt64 { ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) } }

    /// The first range that ends behind `address`.
    private func firstIndex(endingAfter address: UInt64) -> Int {
        if let last = ranges.last, last.upperBound <= address { return ranges.count }
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Adds all addresses of a range.
    ///
    /// - Complexity: O(log *n*) and the ranges behind; O(1) at the end.
    public mutating func insert(_ range: Range<UInt64>) {
        guard !range.isEmpty else { return }
        if let last = ranges.last, last.upperBound < range.lowerBound {
            ranges.append(range)
            return
        }
        if let last = ranges.last, last.upperBound == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            return
        }
        // All ranges that overlap or touch the new one become one with it.
        var first = firstIndex(endingAfter: range.lowerBound)
        if first > 0, ranges[first - 1].upperBound == range.lowerBound { first -= 1 }
        var last = first
        var merged = range
        while last < ranges.count, ranges[last].lowerBound <= range.upperBound {
            merged = min(merged.lowerBound, ranges[last].lowerBound)..<max(merged.upperBound, ranges[last].upperBound)
            last += 1
        }
        switch last - first {
        case 0: ranges.insert(merged, at: first)
        case 1: ranges[first] = merged
        default: ranges.replaceSubrange(first..<last, with: CollectionOfOne(merged))
        }
    }

    /// Takes all addresses of a range out.
    ///
    /// - Complexity: O(log *n*) and the ranges behind.
    public mutating func remove(_ range: Range<UInt64>) {
        guard !range.isEmpty else { return }
        let first = firstIndex(endingAfter: range.lowerBound)
        var last = first
        var rest: [Range<UInt64>] = []
        while last < ranges.count, ranges[last].lowerBound < range.upperBound {
            let old = ranges[last]
            if old.lowerBound < range.lowerBound { rest.append(old.lowerBound..<range.lowerBound) }
            if old.upperBound > range.upperBound { rest.append(range.upperBound..<old.upperBound) }
            last += 1
        }
        ranges.replaceSubrange(first..<last, with: rest)
    }

    /// The first range of the set that has an address in common with `range`.
    public func firstOverlap(_ range: Range<UInt64>) -> Range<UInt64>? {
        let index = firstIndex(endingAfter: range.lowerBound)
        guard !range.isEmpty, index < ranges.count, ranges[index].lowerBound < range.upperBound else { return nil }
        return ranges[index]
    }

    /// Whether the set has all addresses of a range.
    public func contains(_ range: Range<UInt64>) -> Bool {
        if range.isEmpty { return true }
        let index = firstIndex(endingAfter: range.lowerBound)
        guard index < ranges.count else { return false }
        return ranges[index].lowerBound <= range.lowerBound && ranges[index].upperBound >= range.upperBound
    }

    /// What both sets have.
    public func intersection(_ other: RangeSet) -> RangeSet {
        var result = RangeSet()
        var (mine, theirs) = (0, 0)
        while mine < ranges.count, theirs < other.ranges.count {
            let (a, b) = (ranges[mine], other.ranges[theirs])
            let from = max(a.lowerBound, b.lowerBound)
            let to = min(a.upperBound, b.upperBound)
            if from < to { result.insert(from..<to) }
            if a.upperBound < b.upperBound { mine += 1 } else { theirs += 1 }
        }
        return result
    }
}
