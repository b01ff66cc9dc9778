internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// A replay from opening the devices to the commit.
final class ReplayJob {
    enum Destination {
        /// The devices themselves; what they held goes to the undo file, where one is named.
        case inPlace(undo: String?)
        /// New files, one for each device.
        case copies([String])
        /// Memory: nothing is kept.
        case nowhere
    }

    /// What there was to do, and what was done.
    enum Result {
        case noLog
        /// There was no log, but the first superblock of a device was damaged.
        case repairedSuperblocks
        case replayed(Transaction, ReplayReport)
    }

    let images: [String]
    let destination: Destination
    let volume: Volume
    /// The generation that the volume had before.
    let committedGeneration: Generation
    private(set) var result = Result.noLog
    /// How many bytes were written, or in a dry run would have been; nil where nobody counted.
    private(set) var writtenByteCount: UInt64?

    private let devices: [RedirectedDevice]
    private let replayer: Replayer
    private let limit: TimeLimit?

    init(
        _ images: [String], _ destination: Destination, _ registry: Registry, policy: String, limit: TimeLimit?,
        options: ReplayOptions
    ) throws {
        self.images = images
        self.destination = destination
        self.limit = limit
        let access: FileDevice.Access = if case .inPlace = destination { .readWrite } else { .readOnly }
        devices = try images.map { path in
            RedirectedDevice(try Self.open(path, access, isAlone: images.count == 1))
        }
        volume = try Volume(opening: devices)
        committedGeneration = volume.superblock.generation
        var registry = registry
        try limit?.limit(&registry)
        replayer = try Replayer(volume, registry: registry, policy: policy, options: options)
    }

    /// Opens a device. A seed among several devices is only read: other volumes that grew out of it may be in use.
    private static func open(_ path: String, _ access: FileDevice.Access, isAlone: Bool) throws -> FileDevice {
        if access == .readWrite, !isAlone {
            let device = try FileDevice(path: path, access: .readOnly)
            if try SuperblockCopy.all(of: device).first?.superblock?.flags.contains(.seeding) == true { return device }
        }
        return try FileDevice(path: path, access: access)
    }

    var isDryRun: Bool { if case .nowhere = destination { true } else { false } }

    /// The report of the replay; nil where there was none.
    var report: ReplayReport? { if case .replayed(_, let report) = result { report } else { nil } }

    var outcome: Outcome {
        switch result {
        case .noLog: return .done
        case .repairedSuperblocks: return isDryRun ? .pending : .done
        case .replayed(_, let report):
            if isDryRun { return .pending }
            return report.isPartial ? .partial : .done
        }
    }

    /// Does the work. Before the commit begins nothing is written.
    func run() throws {
        if volume.superblock.logRoot.rawValue != 0 {
            let (transaction, report) = try replayer.run()
            // What is wrong with the space of the volume shows here, before there is a copy or an undo file.
            try transaction.settle()
            try limit?.check()
            try redirect()
            try transaction.commit()
            result = .replayed(transaction, report)
        } else {
            let isDamaged = volume.hasDamagedSuperblock
            if isDamaged || copiesAreWanted { try redirect() }
            if isDamaged {
                try volume.repairSuperblocks()
                result = .repairedSuperblocks
            }
        }
        countWrittenBytes()
    }

    private var copiesAreWanted: Bool { if case .copies = destination { true } else { false } }

    /// Lets all further writes go to where the result is wanted.
    private func redirect() throws {
        switch destination {
        case .inPlace(nil): break
        case .inPlace(.some(let undo)):
            let protected = try UndoFile.create(at: undo, protecting: devices.map(\.target))
            for (device, target) in zip(devices, protected) { device.target = target }
        case .copies(let paths):
            for (image, path) in zip(images, paths) { try FileDevice.clone(from: image, to: path) }
            for (device, path) in zip(devices, paths) {
                device.target = try FileDevice(path: path, access: .readWrite)
            }
        case .nowhere:
            for device in devices { device.target = OverlayDevice(base: device.target) }
        }
    }

    private func countWrittenBytes() {
        let overlays = devices.compactMap { $0.target as? OverlayDevice }
        guard !overlays.isEmpty else { return }
        writtenByteCount = overlays.flatMap(\.writtenRanges).reduce(0) { $0 + UInt64($1.count) }
    }
}
