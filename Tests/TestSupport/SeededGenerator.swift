internal import BtrfsVolume
internal import Foundation

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

/// The seeds of a test that can be run with many.
public enum Seeds {
    /// The first `count`, or those of the environment: `TREELOG_SEEDS=100-499`.
    public static func first(_ count: UInt64) -> [UInt64] {
        let limits = ProcessInfo.processInfo.environment["TREELOG_SEEDS"]?.split(separator: "-").compactMap { UInt64($0) }
        guard let limits, limits.count == 2, limits[0] <= limits[1] else { return Array(0..<count) }
        return Array(limits[0]...limits[1])
    }
}
