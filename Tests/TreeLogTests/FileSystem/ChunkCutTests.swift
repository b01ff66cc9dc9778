import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Commits that make chunks, on volumes of each profile: they write over nothing that is in use, a power cut leaves the
/// old volume or the new one, and Linux goes on with what they leave.
@Suite struct ChunkCutTests {
    static let skipReason = KernelOracle.skipReason(.btrfsCheck)

    /// What new chunks are for, and arguments of mkfs.btrfs with the number of devices.
    struct Variant: Sendable, CustomTestStringConvertible {
        var arguments: String
        var deviceCount: Int
        var testDescription: String { "\(deviceCount) devices, \(arguments)" }
    }

    static let variants = [
        Variant(arguments: "-d single -m single", deviceCount: 1),
        Variant(arguments: "-d dup -m dup", deviceCount: 1),
        Variant(arguments: "-d single -m dup -R ^free-space-tree", deviceCount: 1),
        Variant(arguments: "-M -n 4096", deviceCount: 1),
        Variant(arguments: "-d single -m raid1", deviceCount: 2),
        Variant(arguments: "-d raid0 -m raid0", deviceCount: 3),
        Variant(arguments: "-d raid1 -m raid1", deviceCount: 3),
        Variant(arguments: "-d raid1c3 -m raid1c3", deviceCount: 3),
        Variant(arguments: "-d raid1c4 -m raid1c4", deviceCount: 4),
        Variant(arguments: "-d raid10 -m raid10", deviceCount: 5),
    ]

    /// A volume that was committed with a file in it; what is done to it from then on is recorded.
    private struct Scene {
        private let paths: [String]
        let recording = Recording()
        let fileSystem: FileSystem
        let begin: Int
        let before: JSONValue
        let bytes = [UInt8](repeating: 5, count: 300_000)

        init(_ variant: Variant, in folder: String) throws {
            let names = (0..<variant.deviceCount).map { "d\($0)" }.joined(separator: " ")
            let status = try Shell.run(
                """
                truncate -s 600M \(names) && mkfs.btrfs -q \(variant.arguments) \(names) || exit
                for name in \(names); do cp --sparse=always $name $name.after || exit; done
                """, in: folder)
            try #require(status == 0)
            paths = (0..<variant.deviceCount).map { "\(folder)/d\($0)" }
            let recording = recording
            let devices = try paths.map {
                RecordingDevice(base: try FileDevice(path: $0, access: .readOnly), recording: recording)
            }
            fileSystem = try FileSystem(mounting: devices)
            try fileSystem.makeDirectory("/dir")
            try fileSystem.create("/dir/old")
            try fileSystem.write("/dir/old", at: 0, bytes)
            try fileSystem.sync()
            begin = recording.operations.count
            before = try JSONValue(parsing: fileSystem.state())
        }

        /// The devices at the end.
        var results: [String] { paths.map { "\($0).after" } }

        /// A commit that finds no room in the present chunks for any of `contents`.
        func commitInNewChunks(_ contents: BlockGroupFlags) throws {
            let volume = fileSystem.volume
            let known = volume.chunks.chunks
            let full = known.filter { !$0.chunk.type.isDisjoint(with: contents) }
            for mapped in full { try fileSystem.transaction.exclude(mapped.start, count: mapped.chunk.length) }
            try fileSystem.create("/dir/new")
            try fileSystem.write("/dir/new", at: 0, bytes)
            try fileSystem.write("/dir/old", at: 100_000, [UInt8](repeating: 6, count: 100_000))
            try fileSystem.sync()
            let made = volume.chunks.chunks.dropFirst(known.count)
            let types = made.reduce(into: BlockGroupFlags()) { $0.formUnion($1.chunk.type) }
            #expect(contents.isSubset(of: types), "\(types)")
            for new in made {
                let models = known.filter { $0.chunk.type == new.chunk.type }
                #expect(models.contains { $0.chunk.stripes.count == new.chunk.stripes.count }, "\(new)")
            }
        }

        /// What is wrong with what a cut left.
        func problem(with devices: [OverlayDevice], _ states: [JSONValue]) throws -> String? {
            var volume = try Volume(opening: devices)
            if volume.hasDamagedSuperblock {
                try volume.repairSuperblocks()
                volume = try Volume(opening: devices)
            }
            let report = VolumeChecker(volume, options: CheckOptions(verifiesData: true)).run()
            // A torn copy of the superblock is written by the next commit.
            let errors = report.errors.filter { $0.kind != .superblock }
            guard errors.isEmpty else { return "\(errors)" }
            let state = try MountedVolume.replayed(devices)
            return states.contains { StateComparison.compare(expected: $0, actual: state).isEmpty }
                ? nil : "neither the old nor the new state"
        }

        func superblocks(of devices: [OverlayDevice]) throws -> [[UInt8]] {
            try devices.flatMap { device in
                try Superblock.offsets.filter { $0 < device.byteCount }
                    .map { try device.bytes(at: $0, count: Superblock.byteCount) }
            }
        }

        /// Brings the devices to the end of the recording.
        func writeAll() throws {
            let devices = try results.map { try FileDevice(path: $0, access: .readWrite) }
            for operation in recording.operations {
                guard case .write(let offset, let bytes) = operation.action else { continue }
                try devices[operation.device].write(bytes, at: offset)
            }
        }
    }

    @Test(
        .enabled(if: skipReason == nil, Comment(rawValue: skipReason ?? "")), arguments: variants,
        [.data, .metadata, [.data, .metadata, .system]] as [BlockGroupFlags])
    func everyCutLeavesTheOldOrTheNewVolume(_ variant: Variant, _ contents: BlockGroupFlags) throws {
        let folder = try TemporaryFolder()
        let scene = try Scene(variant, in: folder.path)
        let recording = scene.recording
        let used = try UsedSpace(of: Volume(opening: recording.state(at: CrashPoint(after: scene.begin))))
        try scene.commitInNewChunks(contents)
        let states = [scene.before, try JSONValue(parsing: scene.fileSystem.state())]
        let operations = recording.operations
        let first = try #require(operations.indices.dropFirst(scene.begin).first { isSuperblockWrite(operations[$0]) })
        for operation in operations[scene.begin...] {
            guard case .write(let offset, let bytes) = operation.action else { continue }
            let harm = used.harm(of: offset..<offset + UInt64(bytes.count), device: operation.device)
            #expect(harm == nil, "\(harm ?? "")")
        }
        // Nothing was harmed, so up to there every cut leaves the old volume.
        #expect(recording.unflushedWrites(after: first).isEmpty)
        var judged: Set<[[UInt8]]> = []
        let points = CrashPoints(recording: recording, deviceCount: variant.deviceCount)
        for count in first...operations.count {
            for point in points.points(after: count) {
                let devices = try recording.state(at: point)
                guard judged.insert(try scene.superblocks(of: devices)).inserted else { continue }
                let problem = try scene.problem(with: devices, states)
                #expect(problem == nil, "\(point): \(problem ?? "")")
            }
        }
        #expect(judged.count > 3)
        try expectUsable(scene)
    }

    private func isSuperblockWrite(_ operation: Recording.Operation) -> Bool {
        guard case .write(let offset, _) = operation.action else { return false }
        return Superblock.offsets.contains(offset)
    }

    /// The judge finds nothing, and Linux mounts the volume, reads it and writes to it.
    private func expectUsable(_ scene: Scene) throws {
        try scene.writeAll()
        let verdict = try BtrfsCheck.run(images: scene.results)
        #expect(verdict.isClean, "\(verdict)")
        guard HostKernel.isAvailable, verdict.isClean else { return }
        let script = """
            [ $(stat -c %s dir/new) = \(scene.bytes.count) ] && cat dir/new dir/old > both && rm dir/old &&
            head -c 3000000 /dev/zero > zeros
            """
        try HostKernel.mount(images: scene.results) { root in
            #expect(try Shell.run(script, in: root) == 0)
            try HostKernel.sync(root)
        }
        let after = try BtrfsCheck.run(images: scene.results)
        #expect(after.isClean, "\(after)")
    }
}
