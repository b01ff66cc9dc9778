import BlockDevices
import BtrfsFormat
import BtrfsVolume
import HostileImages
import TestSupport
import Testing
import TreeLog

/// Any byte of an image may lie: no trap, no hang, no write that does harm.
@Suite struct HostileTests {
    /// Some of each kind of case. `Scripts/fuzz` runs as many as wanted.
    ///
    /// Each shard is a process of its own: what ends it names its case.
    @Test(arguments: [
        "mix_a.default,mix_a.n4096,mix_a.raid10", "mix_a.mixed,mix_a.cache-v1,mix_a.no-skinny",
        "snapshot_shared_tree_blocks,mix_a.squota,mix_a.bgt", "conflict_rotate_three,dir_fsync_deletes,xattr_many",
    ])
    func hostileImagesAreSurvived(names: String) async throws {
        let folder = try TemporaryFolder()
        let note = folder.file("case")
        await #expect(processExitsWith: .success, "see the case below") { [names, note = note as String] in
            let images = try names.split(separator: ",").map { try HostileImage(Corpus.image(named: String($0))) }
            let campaign = Campaign(
                images: images, seed: 1, count: 90, secondsPerCase: 120,
                announce: { ProcessStatus.leave("\($0): ended the process", at: note) })
            let result = campaign.run()
            try #require(result.findings.isEmpty, "\(result.findings)")
            try #require(result.caseCount == 90 && result.committedCount > 30)
            ProcessStatus.leave("done", at: note)
        }
        let last = try String(decoding: Fixtures.bytes(of: note), as: UTF8.self)
        #expect(last == "done")
    }

    /// The cases are the same wherever they run.
    @Test func caseFollowsFromItsSeed() throws {
        let image = try HostileImage(Corpus.image(named: "mix_a.n4096"))
        for seed in UInt64(0)..<30 {
            let (first, second) = (try HostileCase(image, seed: seed).make(), try HostileCase(image, seed: seed).make())
            #expect(first.target == second.target)
            for (a, b) in zip(first.devices, second.devices) { #expect(a.contentEquals(b)) }
        }
    }

    // MARK: Logs that would take forever

    /// Nodes that share children would make a walk over few blocks endless: no key of a block lies behind the next one.
    @Test func leafThatReachesIntoTheNextOneIsRefused() throws {
        var scene = try Scene(image: "mix_a.n4096")
        for inode in 0..<60 as Range<UInt64> { scene.file(1000 + inode, "n\(inode)", at: 100 + inode) }
        scene.log.changeLeaf = { block in
            let count = Int(block[BlockHeader.itemCountOffset])
            // The last inode of each leaf gets a number above all others.
            block[LeafView.headerOffset(count - 1) + 2] = 1
        }
        let error = try scene.failure()
        #expect("\(error)".contains("does not lie before"))
        #expect(error.place.block != nil)
    }

    /// A tree that two logs name is read once.
    @Test func logOfTwoSubvolumesIsRefusedBySummaries() throws {
        var scene = try Scene()
        scene.file(300, "new", at: 50)
        try scene.log.write()
        let leaf = try #require(scene.log.blocks.first)
        let item = RootItem(address: leaf, level: 0, generation: scene.generation).encoded
        scene.log.items = [:]
        scene.log.extraRootItems = [5, 300].map { LogBuilder.Item(Key(.treeLog, .rootItem, $0), item) }
        try scene.log.write()
        let volume = try Volume(opening: scene.devices)
        #expect(throws: LogError.self) { try LogSummary(of: volume) }
    }

    /// Each left out inode costs the next one its name, and each run finds one of them.
    @Test(arguments: [false, true])
    func chainOfLeftOutInodesComesToAnEnd(isDescending: Bool) throws {
        let count: UInt64 = 200
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755))
        for inode in 0..<count { scene.file(1000 + inode, "n\(inode)", at: 100 + inode) }
        try scene.replay().transaction.commit()
        var log = try LogBuilder(scene.devices)
        for inode in 0..<count {
            var item = scene.item(generation: log.generation - 1)
            item.transid = log.generation
            log.add(Key(ObjectID(1000 + inode), .inodeItem, 0), item.encoded)
            let name = "n\((inode + (isDescending ? 1 : count - 1)) % count)"
            let entry = InodeRefs.entry(index: 1000 + inode, name: Array(name.utf8).rawSpan)
            log.add(Key(ObjectID(1000 + inode), .inodeRef, 257), entry)
        }
        // Nobody knows this mandatory type.
        log.add(Key(ObjectID(isDescending ? 999 + count : 1000), KeyType(30), 0), [1])
        try log.write()
        // In the one direction a run finds all of them, in the other the log is given up.
        let volume = try Volume(opening: scene.devices)
        if isDescending {
            #expect(throws: LogError.self) { try Replayer(volume, policy: "salvage").run() }
        }
        let options = ReplayOptions(givesUpLogs: true)
        let (_, report) = try Replayer(volume, policy: "salvage", options: options).run()
        #expect(report.isPartial)
        #expect(report.restartCount < 70)
        let subvolume = try #require(report.subvolumes.first)
        #expect(subvolume.isReplayed != isDescending)
        if !isDescending { #expect(subvolume.leftOut.count == Int(count)) }
    }

    /// With many unreadable leaves the runs that look for all of them find each one in every stage.
    @Test func manyUnreadableLeavesAreLeftOut() throws {
        var scene = try Scene(image: "mix_a.n4096")
        let value = String(repeating: "x", count: 3000)
        for inode in 0..<80 as Range<UInt64> {
            scene.file(1000 + inode, "n\(inode)", at: 100 + inode)
            scene.xattr(1000 + inode, "user.large", value)
        }
        try scene.log.write()
        let leaves = scene.log.blocks.prefix(80)
        for (index, leaf) in leaves.enumerated() where index % 2 == 1 {
            try scene.log.writeData([UInt8](repeating: 7, count: 64), at: leaf)
        }
        let (_, report) = try Replayer(Volume(opening: scene.devices), policy: "salvage").run()
        #expect(report.isPartial && report.restartCount < 25)
        let subvolume = try #require(report.subvolumes.first)
        #expect(subvolume.isReplayed && subvolume.leftOut.count >= 40)
    }

    /// Of a leaf that is right but for the content of some items only the inodes of these are left out.
    @Test func inodesOfDamagedItemsAreLeftOut() throws {
        var scene = try Scene()
        for inode in 0..<6 as Range<UInt64> { scene.file(1000 + inode, "n\(inode)", at: 100 + inode) }
        // An inode item that ends too soon, an inode of no type, a name that does not fit its item.
        scene.log.change(Key(ObjectID(1001), .inodeItem, 0)) { $0.removeLast() }
        scene.log.change(Key(ObjectID(1002), .inodeItem, 0)) { $0[53] = 0 }
        scene.log.change(Key(ObjectID(1004), .inodeRef, 257)) { $0[8] = 0xff }
        let error = try scene.failure()
        #expect(error.place.block == scene.log.blocks.first)
        let outcome = try scene.replay(policy: "salvage")
        #expect(try (0..<6).map { try outcome.target("n\($0)") } == [1000, nil, nil, 1003, nil, 1005])
        #expect(Set(outcome.subvolume.leftOut.map(\.what)) == Set([1001, 1002, 1004].map { .inode(ObjectID($0)) }))
        #expect(outcome.subvolume.leftOut.allSatisfy { $0.place.slot != nil && $0.place.key != nil })
        try scene.expectWhole(outcome)
    }

    /// What nobody can read is not thrown away unasked, be it the root of a log or all of its leaves.
    @Test(arguments: [1, 40])
    func unreadableLogIsKept(inodeCount: UInt64) throws {
        var scene = try Scene(image: "mix_a.n4096")
        for inode in 0..<inodeCount { scene.file(1000 + inode, "n\(inode)", at: 100 + inode) }
        try scene.log.write()
        let volume = try Volume(opening: scene.devices)
        let forest = try #require(try LogForest(of: volume))
        let log = try forest.open(forest.entries[0])
        #expect((log.level == 0) == (inodeCount == 1))
        for block in scene.log.blocks where block != forest.roots.address && (log.level == 0 || block != log.address) {
            try scene.log.writeData([UInt8](repeating: 7, count: 64), at: block)
        }
        var options = ReplayOptions()
        do {
            _ = try Replayer(volume, policy: "salvage", options: options).run()
            Issue.record("the log was given up")
        } catch {
            guard case .hopelessLog = error.cause else { throw error }
        }
        options.givesUpLogs = true
        let (_, report) = try Replayer(Volume(opening: scene.devices), policy: "salvage", options: options).run()
        #expect(report.isPartial && report.subvolumes.allSatisfy { $0.inodes.isEmpty })
    }

    /// Every name has the index of another one.
    @Test func manyIndexConflictsAreSettled() throws {
        var scene = try Scene()
        for inode in 0..<500 as Range<UInt64> { scene.file(1000 + inode, "n\(inode)", at: 2 + inode % 20) }
        let outcome = try scene.replay(policy: "salvage")
        #expect(try outcome.target("n499") == 1499)
    }

    /// Paths are told up to the length that Linux takes, so that deep directories do not fill the memory.
    @Test func longPathsAreNotTold() throws {
        var scene = try Scene()
        let name = String(repeating: "d", count: 250)
        for inode in 0..<40 as Range<UInt64> {
            scene.inode(1000 + inode, scene.item(mode: 0o040755))
            scene.reference(1000 + inode, in: inode == 0 ? 257 : 999 + inode, [(100 + inode, name)])
        }
        try scene.log.write()
        let summary = try #require(try LogSummary(of: Volume(opening: scene.devices)))
        let paths = summary.subvolumes[0].inodes.map(\.path)
        #expect(paths.first??.count == 252)
        #expect(paths.compactMap { $0?.count }.max() ?? 0 <= 4096)
        #expect(paths.last == .some(nil))
        #expect(try scene.replay().inode(1039) != nil)
    }

    /// Directories without a name that hold each other lose all names, and all are deleted.
    @Test func circleOfNamelessDirectoriesIsDeleted() throws {
        var scene = try Scene()
        for inode in 0..<50 as Range<UInt64> {
            scene.inode(1000 + inode, scene.item(mode: 0o040755))
            scene.index(2, "x", 1000 + (inode + 1) % 50, in: 1000 + inode, type: .directory)
        }
        let outcome = try scene.replay()
        try outcome.transaction.commit()
        let volume = try Volume(opening: scene.devices)
        #expect(volume.superblock.logRoot.rawValue == 0)
    }

    // MARK: Volumes that lie

    /// Where no superblock fits, none would be written, and the log would stay.
    @Test(arguments: [0, 4096, 65536 + 4095])
    func deviceWithoutRoomForASuperblockIsAnError(byteCount: UInt64) throws {
        let image = try HostileImage(Corpus.image(named: "create_fsync"))
        try expectError(try image.changingSuperblock { $0.deviceItem.totalBytes = byteCount })
    }

    @Test func seedIsAnError() throws {
        let image = try HostileImage(Corpus.image(named: "create_fsync"))
        try expectError(try image.changingSuperblock { $0.flags.insert(.seeding) })
    }

    @Test func fileExtentsBeyondAllAddressesAreAnError() throws {
        let image = try HostileImage(Corpus.image(named: "many_extents_overwritten"))
        for (address, count) in [(0 &- 4096 as UInt64, 8192 as UInt64), (4096, 0), (1 << 63, 1 << 63)] {
            let devices = try image.changing(.fileTree) { items in
                for index in items.indices where items[index].key.type == .extentData {
                    let data = items[index].data
                    guard var extent = try? FileExtent(data.rawSpan), !extent.isInline else { continue }
                    extent.diskAddress = LogicalAddress(address)
                    extent.diskByteCount = count
                    items[index].data = extent.encoded
                }
            }
            try expectError(devices)
        }
    }

    /// A chunk on a device that is not there: seen before the first write, not in the middle of them.
    @Test func chunkOnAMissingDeviceIsAnErrorBeforeTheFirstWrite() throws {
        let image = try HostileImage(Corpus.image(named: "mix_a.raid1"))
        let devices = try image.changing(.chunkTree) { items in
            for index in items.indices where items[index].key.type == .chunkItem {
                let data = items[index].data
                guard var chunk = try? Chunk(data.rawSpan),
                    chunk.type.contains(.metadata) else { continue }
                chunk.stripes[1].deviceID = 77
                items[index].data = chunk.encoded
            }
        }
        try expectError(devices)
    }

    /// The block groups say that they are nearly empty or more than full.
    @Test(arguments: [0, 4096, UInt64.max, 1 << 63])
    func wrongCountsOfBlockGroupsAreAnError(used: UInt64) throws {
        let image = try HostileImage(Corpus.image(named: "many_extents_overwritten"))
        let devices = try image.changing(.extentTree) { items in
            for index in items.indices where items[index].key.type == .blockGroupItem {
                let data = items[index].data
                guard var group = try? BlockGroupItem(data.rawSpan) else { continue }
                group.used = used
                items[index].data = group.encoded
            }
        }
        try expectNoHarm(devices)
    }

    private func expectError(_ devices: [MemoryDevice]) throws {
        let overlays = devices.map { OverlayDevice(base: $0) }
        #expect(throws: (any Error).self) { try Replays.replay(overlays) }
        for overlay in overlays { #expect(overlay.writtenRanges.isEmpty) }
    }

    private func expectNoHarm(_ devices: [MemoryDevice]) throws {
        let overlays = devices.map { OverlayDevice(base: $0) }
        do { try Replays.replay(overlays) } catch {
            for overlay in overlays { #expect(overlay.writtenRanges.isEmpty, "\(error)") }
        }
    }
}
