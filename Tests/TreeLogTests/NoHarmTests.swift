import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// What fails, fails before the first write; what was done can be undone.
@Suite struct NoHarmTests {
    static let images = ["mix_a.default", "mix_a.n4096", "mix_a.mixed", "mix_a.raid1", "mix_a.cache-v1",
        "mix_a.no-skinny"]

    // MARK: No space

    /// However little room there is: either all of it fits, or there is an error and no write.
    @Test(arguments: images)
    func lackOfSpaceIsFoundBeforeTheFirstWrite(name: String) throws {
        let devices = try Corpus.image(named: name).load()
        let free = try freeBlocks(of: try Volume(opening: devices))
        var failures = 0
        for room in [0, 1, 2, 5, 8, 12, 16, 24, 40, 80, free.count] where room <= free.count {
            let overlays = devices.map { OverlayDevice(base: $0) }
            let volume = try Volume(opening: overlays)
            let transaction = try Transaction(on: volume)
            for address in free.dropFirst(room) {
                try transaction.exclude(LogicalAddress(address), count: UInt64(volume.nodeSize))
            }
            // Nor is there room in what new chunks there may be.
            if room < free.count, let last = volume.chunks.chunks.last {
                try transaction.exclude(LogicalAddress(last.end), count: 1 << 50)
            }
            do {
                _ = try Replayer(volume, options: ReplayOptions(now: Replays.now)).run(in: transaction)
                try transaction.commit()
                #expect(try Volume(opening: overlays).superblock.logRoot.rawValue == 0)
            } catch {
                failures += 1
                #expect("\(error)".contains("no room for"), "\(error)")
                for overlay in overlays { #expect(overlay.writtenRanges.isEmpty) }
                #expect(volume.superblock == (try Volume(opening: devices)).superblock)
            }
        }
        #expect(failures > 2)
    }

    /// The places of blocks that are free, as the allocator finds them.
    private func freeBlocks(of volume: Volume) throws -> [UInt64] {
        let size = UInt64(volume.nodeSize)
        let tree = try #require(try volume.tree(.extentTree))
        var places: [UInt64] = []
        for chunk in volume.chunks.chunks where chunk.chunk.type.contains(.metadata) {
            let free = try FreeSpaceScan.fromExtents(of: chunk.start.rawValue..<chunk.end, in: tree)
            for range in free.ranges {
                let first = (range.lowerBound + size - 1) / size * size
                for place in stride(from: first, to: range.upperBound, by: Int(size)) { places.append(place) }
            }
        }
        return places.sorted()
    }

    /// The log itself takes all the room that there was: the replay makes a new chunk.
    @Test func logThatFillsTheVolumeGetsANewChunk() throws {
        var scene = try Scene(image: "mix_a.n4096")
        let old = try Volume(opening: scene.devices)
        let room = try freeBlocks(of: old).count
        let value = String(repeating: "x", count: scene.log.nodeSize / 2)
        for inode in 0..<UInt64(room) - 40 {
            scene.inode(1000 + inode, scene.item())
            scene.xattr(1000 + inode, "user.large", value)
        }
        try scene.log.write()
        let volume = try Volume(opening: scene.devices)
        let (transaction, _) = try Replayer(volume).run()
        try transaction.commit()
        let new = try Volume(opening: scene.devices)
        #expect(new.chunks.chunks.count > old.chunks.chunks.count)
        #expect(new.superblock.logRoot.rawValue == 0)
        let errors = VolumeChecker(new).run().errors
        #expect(errors.isEmpty, "\(errors)")
    }

    // MARK: Undo

    /// The undo file gives back every byte.
    @Test(arguments: images + ["mix_a.raid10", "snapshot_shared_tree_blocks"])
    func undoGivesBackEveryByte(name: String) throws {
        let image = try Corpus.image(named: name)
        let devices = try image.load()
        let before = devices.map { $0.copy() }
        let folder = try TemporaryFolder()
        let path = folder.file("undo")
        try Replays.replay(try UndoFile.create(at: path, protecting: devices))
        #expect(try Volume(opening: devices).superblock.logRoot.rawValue == 0)
        for (device, old) in zip(devices, before) { #expect(!device.contentEquals(old)) }
        try UndoFile.restore(from: path, to: devices)
        for (device, old) in zip(devices, before) { #expect(device.contentEquals(old)) }
    }

    /// A replay that is cut while it saves for the undo, and one that is cut in its commit: after the undo the volume
    /// is
    /// as it was.
    @Test(arguments: ["mix_a.default", "mix_a.raid1"])
    func undoAfterAnInterruptedReplay(name: String) throws {
        let base = try Corpus.image(named: name).load()
        for failing in [1, 2, 20, 60, 61, 62, 63, 64, 65, 66] {
            let devices = base.map { $0.copy() }
            let folder = try TemporaryFolder()
            let path = folder.file("undo")
            let faulty = devices.enumerated().map { index, device in
                FaultyDevice(base: device, failing: index == 0 ? failing : .max, fault: .tear(sectors: 3))
            }
            do { try Replays.replay(try UndoFile.create(at: path, protecting: faulty)) } catch {}
            try UndoFile.restore(from: path, to: devices)
            for (device, old) in zip(devices, base) { #expect(device.contentEquals(old)) }
        }
    }
}
