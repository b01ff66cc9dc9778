internal import BtrfsVolume

/// Random numbers that are the same for the same seed, everywhere.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    /// What to run a failed test with again.
    public let seed: UInt64
    private var generator: SplitMix64

    public init(seed: UInt64) {
        self.seed = seed
        generator = SplitMix64(seed: seed)
    }

    public mutating func next() -> UInt64 { generator.next() }

    /// `count` random bytes.
    public mutating func bytes(_ count: Int) -> [UInt8] { generator.bytes(count) }
}
