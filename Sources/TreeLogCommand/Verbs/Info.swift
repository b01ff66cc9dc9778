internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// `treelog info`
struct Info: Verb {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Shows superblocks, features, devices and whether there is a log.",
        usage: "treelog info [options] <image> ...",
        discussion: """
            EXAMPLES
              treelog info disk.img
              treelog info /dev/sdb1 /dev/sdc1
              treelog info --json disk.img

            Works also on volumes that cannot be opened, as far as their superblocks can be read; the exit code is \
            then 1.
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let devices = try arguments.images.map { (path) throws(DeviceError) in
            try FileDevice(path: path, access: .readOnly)
        }
        var copies: [[SuperblockCopy]] = []
        for device in devices { copies.append(try SuperblockCopy.all(of: device)) }
        var summary: VolumeSummary?
        var failure: Failure?
        do { summary = try VolumeSummary(Volume(opening: devices)) } catch { failure = Failure(error) }
        if format.json {
            InfoPrinter.write(JSONWriter(console, expandedDepth: 3), devices, copies, summary, failure)
            if let failure { console.complain("\(failure)") }
            return try finish(failure)
        }
        if let summary { InfoPrinter.write(console, summary) }
        InfoPrinter.write(console, devices, copies)
        if let failure { throw failure }
        return .done
    }

    private func finish(_ failure: Failure?) throws -> Outcome {
        if failure != nil { throw ExitCode.failure }
        return .done
    }
}

/// A superblock as it stands on a device.
struct SuperblockCopy {
    var offset: UInt64
    /// What is there, whether sound or not.
    var superblock: Superblock?
    /// Why it cannot be used.
    var problem: String?

    static func all(of device: any BlockDevice) throws -> [SuperblockCopy] {
        try Superblock.offsets(within: device.byteCount).map { offset in
            let bytes = try device.bytes(at: offset, count: Superblock.byteCount)
            do {
                return SuperblockCopy(offset: offset, superblock: try Superblock(bytes.rawSpan, copyAt: offset))
            } catch {
                return SuperblockCopy(offset: offset, problem: "\(error)")
            }
        }
    }
}

/// What `info` says of a volume that can be opened.
struct VolumeSummary {
    struct Log {
        var subvolume: ObjectID
        var path: [UInt8]?
        var rootItem: RootItem
        /// False for a log that replay skips.
        var hasSubvolume: Bool
    }
    struct Subvolume {
        var id: ObjectID
        var path: [UInt8]?
    }

    var volume: Volume
    var subvolumes: [Subvolume] = []
    /// Bytes in chunks, by what they hold and how.
    var chunks: [(type: BlockGroupFlags, byteCount: UInt64)] = []
    var logs: [Log] = []
    /// Why subvolumes or logs could not be listed.
    var problems: [String] = []
    /// Why the volume cannot be replayed; nil when nothing is known against it.
    var refusal: String?

    var superblock: Superblock { volume.superblock }
    var hasLog: Bool { superblock.logRoot.rawValue != 0 }

    init(_ volume: Volume) {
        self.volume = volume
        for chunk in volume.chunks.chunks {
            let type = chunk.chunk.type
            if let slot = chunks.firstIndex(where: { $0.type == type }) {
                chunks[slot].byteCount &+= chunk.chunk.length
            } else {
                chunks.append((type, chunk.chunk.length))
            }
        }
        chunks.sort { $0.type.rawValue < $1.type.rawValue }
        let files = VolumeFiles(volume)
        do {
            subvolumes = try volume.subvolumes().map { (id) throws(VolumeError) in
                Subvolume(id: id, path: try files.path(of: id))
            }
        } catch { problems.append("subvolumes: \(Failure(error).message)") }
        do { try readLogs(files) } catch { problems.append(Failure(error).message) }
        do { _ = try Transaction(on: volume) } catch { refusal = Failure(error).message }
    }

    private mutating func readLogs(_ files: VolumeFiles) throws {
        guard let forest = try LogForest(of: volume) else { return }
        for entry in forest.entries.reversed() {
            let exists = try forest.hasSubvolume(entry)
            logs.append(
                Log(
                    subvolume: entry.subvolume, path: exists ? try files.path(of: entry.subvolume) : nil,
                    rootItem: entry.rootItem, hasSubvolume: exists))
        }
    }
}
