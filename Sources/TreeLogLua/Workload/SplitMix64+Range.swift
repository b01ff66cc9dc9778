internal import BtrfsVolume

extension SplitMix64 {
    /// A number between two, both included, none more likely than another.
    ///
    /// The generator of the standard library for ranges may change with its version; workloads must not.
    mutating func next(from low: Int64, through high: Int64) -> Int64 {
        precondition(low <= high, "the range is empty")
        let span = UInt64(bitPattern: high &- low)
        guard span < .max else { return Int64(bitPattern: next()) }
        let count = span + 1
        // What is over after the last whole multiple of `count` would favour small numbers.
        let limit = UInt64.max - UInt64.max % count
        var bits = next()
        while bits >= limit { bits = next() }
        return low &+ Int64(bitPattern: bits % count)
    }
}
