import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing

/// After a commit all trees agree with each other: extent tree, free space tree, block groups, root items.
@Suite struct CommitTests {
    /// Copies every leaf of every subvolume without changing anything, drops the log, and lets btrfs check judge.
    @Test(.enabled(if: BtrfsCheck.isAvailable, "btrfs-progs is missing"), arguments: Corpus.images)
    func copyingEveryLeafKeepsTheVolumeWhole(image: CorpusImage) throws {
        let devices = try image.load()
        let volume = try Volume(opening: devices)
        let transaction = try Transaction(on: volume)
        let superblock = volume.superblock
        for id in try volume.subvolumes() {
            let tree = try #require(try transaction.tree(id))
            let cursor = try #require(try volume.tree(id)).makeCursor()
            try cursor.seek(.minimum)
            while cursor.isValid {
                try tree.patch(cursor.key, at: 0, cursor.data)
                if try !cursor.next() { break }
            }
        }
        try transaction.commit()
        #expect(volume.superblock.generation == superblock.generation + 1)
        #expect(volume.superblock.logRoot == LogicalAddress(0))
        let folder = try TemporaryFolder()
        var paths: [String] = []
        for (index, device) in devices.enumerated() {
            let path = folder.file("image.\(index)")
            try device.writeImage(to: path)
            paths.append(path)
        }
        let verdict = try BtrfsCheck.run(images: paths)
        #expect(!verdict.hasErrors, "\(verdict)")
    }

    @Test func blocksSideBySideAreWrittenAsOne() throws {
        let recording = Recording()
        let devices = try Corpus.image(named: "create_fsync").load()
        let volume = try Volume(opening: devices.map { RecordingDevice(base: $0, recording: recording) })
        let transaction = try Transaction(on: volume)
        let tree = try #require(try transaction.tree(.fileTree))
        let data = [UInt8](repeating: 1, count: 2000)
        for offset in 0..<200 as Range<UInt64> {
            try tree.insert(Key(ObjectID(5000), KeyType(108), offset), data.rawSpan)
        }
        try transaction.commit()
        var sizes: [Int] = []
        for operation in recording.operations[recording.epochs[0]] {
            if case .write(_, let bytes) = operation.action { sizes.append(bytes.count) }
        }
        // Up to the end of a stripe.
        #expect(sizes.max() == 65536)
        #expect(sizes.allSatisfy { $0 % volume.nodeSize == 0 })
    }
}
