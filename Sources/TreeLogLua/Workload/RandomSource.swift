/// Random numbers for workloads: the same for the same seed, in all versions and on all machines.
struct RandomSource {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The next 64 bits, by the generator SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// A number between two, both included, none more likely than another.
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

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        while bytes.count < count {
            let bits = next()
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift * 8))) }
        }
        return Array(bytes.prefix(count))
    }
}
