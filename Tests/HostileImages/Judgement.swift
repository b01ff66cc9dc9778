public import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TestSupport
internal import TreeLog

/// Something that must not happen, whatever an image holds.
public struct Finding: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

/// What became of a hostile volume, as far as it is worth counting.
public struct Outcome: Sendable {
    public enum End: String, Sendable, CaseIterable {
        case notOpened, notReplayed, partial, replayed
    }

    public var end = End.notOpened
    public var isCommitted = false
    /// Error messages that name no place.
    public var placeless: [String] = []
}

extension HostileCase {
    /// Opens, inspects, replays and commits the changed volume.
    ///
    /// - Parameter lookAt: looks at the devices after a commit, where all but the log was as Linux left it.
    /// - Throws: `Finding`. What ends the process or takes forever is for the caller to notice.
    public func judge(_ lookAt: ([MemoryDevice]) throws -> Void = { _ in }) throws -> Outcome {
        let (bases, target, state) = try make()
        var generator = state
        let devices = bases.map { OverlayDevice(base: $0) }
        var outcome = Outcome()
        let volume: Volume
        do { volume = try Volume(opening: devices) } catch {
            try check(describes: error)
            return outcome
        }
        outcome.end = .notReplayed
        // Where the committed trees are those that Linux wrote, they tell what is in use.
        let used = target.sparesCommitted && image.metadataIsWhole ? try UsedSpace(of: volume) : nil
        inspect(volume)
        var results: [(Transaction, ReplayReport)] = []
        for policy in ["mainline", "salvage"] {
            do throws(LogError) {
                results.append(try Replayer(volume, policy: policy, options: ReplayOptions(now: .zero)).run())
            } catch {
                try check(describes: error)
                let text = "\(error)"
                if !text.contains("block ") && !text.contains("key ") { outcome.placeless.append(text) }
                continue
            }
        }
        guard devices.allSatisfy({ $0.writtenRanges.isEmpty }) else {
            throw Finding(description: "a replay wrote before its commit")
        }
        if Int.random(in: 0..<3, using: &generator) == 0 { try work(on: bases, used != nil, &generator) }
        guard let (transaction, report) = results.randomElement(using: &generator) else { return outcome }
        outcome.end = report.isPartial ? .partial : .replayed
        if Int.random(in: 0..<4, using: &generator) == 0 { readFiles(of: volume, transaction) }
        outcome.isCommitted = try commit(transaction, devices, used)
        if outcome.isCommitted, used != nil {
            for (device, base) in zip(devices, bases) {
                for range in device.writtenRanges {
                    try base.write(try device.bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
                }
            }
            try lookAt(bases)
        }
        return outcome
    }

    /// Checks the volume, mounts it, and works with its files.
    ///
    /// - Parameter isSound: whether all but the log is as Linux left it, so that the end has to be whole.
    private func work(on bases: [MemoryDevice], _ isSound: Bool, _ generator: inout SeededRandom) throws {
        let devices = bases.map { OverlayDevice(base: $0) }
        let report = VolumeChecker(try Volume(opening: devices)).run()
        if report.findings.contains(where: { "\($0)".isEmpty }) { throw Finding(description: "a fault without a text") }
        let fileSystem: FileSystem
        do { fileSystem = try FileSystem(mounting: devices) } catch { return try check(describes: error) }
        var work = HostileWork(fileSystem, check: check(describes:))
        try work.run(20, &generator)
        let after: Volume
        do { after = try Volume(opening: devices) } catch {
            throw Finding(description: "the volume does not open after work on it: \(error)")
        }
        guard isSound else { return }
        let used: UsedSpace
        do { used = try UsedSpace(of: after) } catch {
            throw Finding(description: "a tree cannot be read after work on the volume: \(error)")
        }
        if let problem = used.problems.first {
            throw Finding(description: "a block cannot be read after work on the volume: \(problem)")
        }
    }

    private func check(describes error: any Error) throws {
        let text = "\(error)"
        guard (8...2000).contains(text.utf8.count), !text.contains("\n") else {
            throw Finding(description: "no good message: \(text)")
        }
    }

    /// Reads all that the commands show of logs.
    private func inspect(_ volume: Volume) {
        _ = try? LogSummary(of: volume)
        guard let forest = try? LogForest(of: volume) else { return }
        let walk = LogWalk()
        for entry in forest.entries {
            guard let log = try? forest.open(entry) else { continue }
            try? walk.run(over: log, WalkControl(stage: .pin, process: DescribeItems()))
        }
    }

    /// Reads names, attributes and contents of all files as they are after the replay.
    private func readFiles(of volume: Volume, _ transaction: Transaction) {
        let files = VolumeFiles(volume) { id throws(VolumeError) in try transaction.tree(id) }
        var sink = BoundedSink(limit: 16 << 20)
        try? VolumeState(files).write(to: &sink)
    }

    /// - Returns: whether there was no error.
    private func commit(
        _ transaction: Transaction, _ devices: [OverlayDevice], _ before: UsedSpace?
    ) throws -> Bool {
        do { try transaction.commit() } catch {
            try check(describes: error)
            guard devices.allSatisfy({ $0.writtenRanges.isEmpty }) else {
                throw Finding(description: "a commit wrote and then failed: \(error)")
            }
            return false
        }
        let after: Volume
        do { after = try Volume(opening: devices) } catch {
            throw Finding(description: "the volume does not open after the commit: \(error)")
        }
        guard after.superblock.logRoot.rawValue == 0 else { throw Finding(description: "the log is still there") }
        guard let before else { return true }
        for (index, device) in devices.enumerated() {
            for range in device.writtenRanges {
                // Ranges that touch are one, so those of superblocks are told by their start.
                let isSuperblock = Superblock.offsets.contains(range.lowerBound)
                if !isSuperblock, let harm = before.harm(of: range, device: index) {
                    throw Finding(description: "the commit wrote where it must not: \(harm)")
                }
            }
        }
        let used: UsedSpace
        do { used = try UsedSpace(of: after) } catch {
            throw Finding(description: "a tree cannot be read after the commit: \(error)")
        }
        for id in try after.subvolumes() {
            guard let tree = try after.tree(id) else { continue }
            guard try Namespace(tree).inode(.firstFree)?.isDirectory == true else {
                throw Finding(description: "subvolume \(id) has lost its root directory")
            }
        }
        if let problem = used.problems.first {
            throw Finding(description: "a block cannot be read after the commit: \(problem)")
        }
        return true
    }
}

/// Describes each item of a log, as `dump` does.
private struct DescribeItems: ProcessFunction {
    func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        guard block.level == 0 else { return }
        let leaf = LeafView(try block.read())
        do {
            for slot in 0..<(try leaf.count) {
                _ = ItemDescription.describe(key: try leaf.key(at: slot), data: try leaf.data(at: slot)).lines
            }
        } catch { throw LogError(.format(error), at: block.place) }
    }
}

/// Takes bytes until there are too many: a hostile file may have any size.
private struct BoundedSink: ByteSink {
    private var left: UInt64

    init(limit: UInt64) { left = limit }

    mutating func write(_ bytes: RawSpan) throws(VolumeError) { try take(UInt64(bytes.byteCount)) }
    mutating func writeZeros(_ count: UInt64) throws(VolumeError) { try take(count) }

    private mutating func take(_ count: UInt64) throws(VolumeError) {
        guard count <= left else { throw .refused("enough") }
        left -= count
    }
}
