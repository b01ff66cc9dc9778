public import BlockDevices
internal import BtrfsFormat
internal import Glibc
internal import TestSupport

/// Many hostile cases, one after the other.
public struct Campaign {
    public var images: [HostileImage]
    /// The first seed; the cases take those that follow.
    public var seed: UInt64
    public var count: Int
    /// After this time no new case begins.
    public var duration: Duration
    /// A case that takes longer than this many seconds ends the process with SIGALRM.
    public var secondsPerCase: UInt32
    /// Looks at the volume after a commit, in each case whose committed trees are those that Linux wrote.
    public var lookAt: ([MemoryDevice]) throws -> Void = { _ in }
    /// Is told the name of each case before it runs.
    public var announce: (String) -> Void

    public init(
        images: [HostileImage], seed: UInt64, count: Int, duration: Duration = .seconds(1_000_000),
        secondsPerCase: UInt32 = 20, announce: @escaping (String) -> Void
    ) {
        self.images = images
        self.seed = seed
        self.count = count
        self.duration = duration
        self.secondsPerCase = secondsPerCase
        self.announce = announce
    }

    /// What came of it.
    public struct Result: Sendable {
        public var caseCount = 0
        public var ends: [Outcome.End: Int] = [:]
        public var committedCount = 0
        public var placelessCount = 0
        /// Case and finding.
        public var findings: [String] = []
        public var placelessSamples: [String] = []
        public var slowest: (name: String, time: Duration) = ("", .zero)
        public var peakByteCount = 0
        /// The case that raised the peak the most, and by how many bytes.
        public var hungriest: (name: String, byteCount: Int) = ("", 0)
    }

    /// Runs the cases. Each is announced first, so that one that ends the process is known.
    public func run() -> Result {
        var result = Result()
        let clock = ContinuousClock()
        let start = clock.now
        for index in 0..<count {
            guard clock.now - start < duration else { break }
            let image = images[index % images.count]
            let one = HostileCase(image, seed: seed &+ UInt64(index))
            announce("\(one)")
            let begin = clock.now
            let peak = ProcessStatus.peakByteCount
            alarm(secondsPerCase)
            do {
                let outcome = try one.judge(lookAt)
                result.ends[outcome.end, default: 0] += 1
                result.committedCount += outcome.isCommitted ? 1 : 0
                result.placelessCount += outcome.placeless.isEmpty ? 0 : 1
                if result.placelessSamples.count < 40 {
                    for text in outcome.placeless { result.placelessSamples.append("\(one): \(text)") }
                }
            } catch {
                result.findings.append("\(one): \(error)")
                announce("FINDING \(one): \(error)")
            }
            alarm(0)
            let time = clock.now - begin
            if time > result.slowest.time { result.slowest = ("\(one)", time) }
            let growth = ProcessStatus.peakByteCount - peak
            if growth > result.hungriest.byteCount { result.hungriest = ("\(one)", growth) }
            result.caseCount += 1
        }
        result.peakByteCount = ProcessStatus.peakByteCount
        return result
    }
}
