import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Linux writes the log, and treelog replays it: the same operations are done on a volume that Linux has mounted and on
/// one that treelog has, and after each fsync the power goes.
@Suite(.serialized) struct LinuxWriterTests {
    @Test(.enabled(if: skipReason == nil, Comment(rawValue: skipReason ?? "")), arguments: seeds)
    func theLogsOfBothGiveTheSame(seed: UInt64) throws {
        let work = try RecordedWork(seed: seed)
        let linux = try LinuxRun(of: work)
        var durability = Durability(work.initialState)
        for (index, step) in work.steps.enumerated() {
            durability.note(step.state)
            switch step.operation {
            case .sync: durability.noteSync()
            case .fsync, .fdatasync: if let inode = step.syncedInode { durability.noteSync(of: inode) }
            default: break
            }
            let trace = work.trace(through: index)
            #expect(linux.errors[index] == step.error, "seed \(seed), Linux and treelog\n\(trace)")
            for (who, state) in [(Durability.Writer.treelog, step.crashed), (.linux, linux.crashed[index])] {
                let violations = state.map { durability.violations(in: $0, by: who) } ?? []
                #expect(violations.isEmpty, "seed \(seed), \(who): \(violations.joined(separator: "\n"))\n\(trace)")
                if !violations.isEmpty { return }
            }
        }
        try expectSame(linux.state, work.finalState, "in memory, seed \(seed)", work)
        // Everything was synced at last.
        try expectSame(linux.crashed.last ?? nil, work.finalState, "after a crash, seed \(seed)", work)
    }

    private func expectSame(_ actual: JSONValue?, _ expected: JSONValue, _ what: String, _ work: RecordedWork) throws {
        // Each has its own clock, commits at other moments and puts data elsewhere.
        let masks = ["mtime", "ctime", "atime", "btime", "gen", "extents"].map { StateComparison.Mask(field: $0) }
        let differences = StateComparison.compare(expected: expected, actual: try #require(actual), masks: masks)
        #expect(differences.isEmpty, "\(what): \(differences)\n\(work.trace(through: work.steps.count - 1))")
    }

    static let skipReason = KernelOracle.skipReason(.hostKernel)
    static let seeds = Seeds.first(24)
}

/// Random work on a volume of treelog, and what each fsync made durable.
struct RecordedWork {
    struct Step {
        var operation: FileOperation
        /// The name of the error with which it failed.
        var error: String?
        /// What an fsync did.
        var outcome: SyncOutcome?
        /// The number of the inode of an fsync.
        var syncedInode: String?
        /// The volume after it.
        var state: JSONValue
        /// What a crash after an fsync and the replay leave of the volume.
        var crashed: JSONValue?
    }

    /// The volume before, without a log.
    let start: MemoryDevice
    let initialState: JSONValue
    private(set) var steps: [Step] = []

    private let volume: MountedVolume

    init(seed: UInt64) throws {
        let images = ["chmod_fsync", "mix_a.holes", "mix_a.n4096", "chmod_fsync"]
        let prepared = try MountedVolume(images[Int(seed % 4)])
        for name in ["/d", "/e", "/d/sub"] { _ = try? prepared.fileSystem.makeDirectory(name) }
        try prepared.fileSystem.unmount()
        start = prepared.crash()[0]
        volume = try MountedVolume(mounting: prepared.devices)
        initialState = try volume.document()
        var random = RandomWork(seed: seed)
        for _ in 0..<60 { try perform(random.next(), isCut: true) }
        let paths = try MountedVolume.paths(of: volume.fileSystem)
        for path in paths { try perform(.fsync(path), isCut: path == paths.last) }
    }

    /// The volume at the end.
    var finalState: JSONValue { steps.last?.state ?? initialState }

    func trace(through last: Int) -> String {
        steps[...last].map { step in
            let outcome = step.outcome.map { ": \($0)" } ?? ""
            return "\(step.operation)\(outcome)\(step.error.map { " (\($0))" } ?? "")"
        }.joined(separator: "\n")
    }

    private mutating func perform(_ operation: FileOperation, isCut: Bool) throws {
        let fs = volume.fileSystem
        var failure: String?
        var outcome: SyncOutcome?
        do throws(FileSystemError) { outcome = try operation.perform(on: fs) } catch { failure = error.code.rawValue }
        let isSync = outcome != nil
        let state = failure != nil || isSync ? finalState : try volume.document()
        var step = Step(operation: operation, error: failure, outcome: outcome, state: state)
        if case .fsync(let path) = operation, isSync {
            step.syncedInode = "\(try fs.location(path).inode.rawValue)"
            if isCut { step.crashed = try volume.stateAfterCrash() }
        }
        steps.append(step)
    }
}

/// The same work on a volume that Linux has mounted.
struct LinuxRun {
    /// The names of the errors of the operations.
    private(set) var errors: [String?] = []
    /// What crashes after the fsyncs, and a replay by treelog, leave of the volume.
    private(set) var crashed: [JSONValue?] = []
    /// The volume at the end.
    let state: JSONValue

    init(of work: RecordedWork) throws {
        let folder = try TemporaryFolder()
        let image = folder.file("image")
        try work.start.writeImage(to: image)
        var (errors, crashed): ([String?], [JSONValue?]) = ([], [])
        state = try HostKernel.mount(images: [image], options: ["noatime", "commit=300"]) { mountPoint in
            let linux = MountedWork(mountPoint: mountPoint)
            for step in work.steps {
                errors.append(linux.perform(step.operation))
                crashed.append(step.crashed == nil ? nil : try Self.stateAfterCrash(image, byteCount: work.start.byteCount))
            }
            return try MountedState.collect(mountPoint: mountPoint)
        }
        (self.errors, self.crashed) = (errors, crashed)
    }

    private static func stateAfterCrash(_ image: String, byteCount: UInt64) throws -> JSONValue {
        let device = MemoryDevice(byteCount: byteCount)
        for (offset, bytes) in try HostKernel.populatedBytes(of: image) { try device.write(bytes, at: offset) }
        return try MountedVolume.replayed([device])
    }
}
