import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Logs of old kernels, and logs that no kernel wrote.
@Suite struct OldAndHostileLogTests {
    // MARK: Old kernels

    @Test func directoryItemsOfOldKernelsAreIgnored() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755, generation: 8))
        let name = Array("old".utf8)
        scene.log.add(
            Key(Scene.directory, .dirItem, UInt64(NameHash.name(name.rawSpan))),
            DirEntries.entry(
                location: Key(ObjectID(258), .inodeItem, 0), transid: scene.generation, type: .regularFile,
                name: name.rawSpan))
        scene.log.add(
            Key(Scene.directory, .dirLogItem, 0),
            [UInt8](byteCount: 8) { (span: inout MutableRawSpan) in span.store(UInt64.max, at: 0) })
        let outcome = try scene.replay()
        #expect(try outcome.target("old") == nil && outcome.target("f00") == 258)
        #expect(outcome.subvolume.ignoredItems[.dirItem] == 1 && outcome.subvolume.ignoredItems[.dirLogItem] == 1)
        guard case .notTolerated(.oldDirectoryItems, _, _) = try scene.failure(policy: "strict").cause else {
            Issue.record("strict tolerates it")
            return
        }
    }

    @Test func verityItemsAreIgnored() throws {
        var scene = try Scene()
        scene.file(300, "new", at: 50)
        scene.log.add(Key(ObjectID(300), .verityDescriptor, 0), [UInt8](repeating: 0, count: 25))
        let outcome = try scene.replay()
        #expect(outcome.subvolume.ignoredItems[.verityDescriptor] == 1)
        #expect(try !outcome.names.tree.contains(Key(ObjectID(300), .verityDescriptor, 0)))
    }

    // MARK: Types of plugins

    @Test func unregisteredMandatoryTypeIsRefusedByName() throws {
        var scene = try Scene()
        scene.file(300, "new", at: 50)
        scene.log.add(Key(ObjectID(300), KeyType(30), 0), [1, 2, 3])
        guard case .unregisteredType(KeyType(30)) = try scene.failure().cause else {
            Issue.record("the item was passed over")
            return
        }
        let outcome = try scene.replay(policy: "salvage")
        #expect(try outcome.inode(300) == nil && outcome.report.isPartial)
    }

    @Test func unregisteredOptionalTypeIsCarriedOver() throws {
        var scene = try Scene()
        scene.file(300, "new", at: 50)
        scene.log.add(Key(ObjectID(300), KeyType(100), 7), [1, 2, 3])
        let outcome = try scene.replay()
        let cursor = outcome.names.tree.makeCursor()
        #expect(try cursor.seek(Key(ObjectID(300), KeyType(100), 7)))
        #expect(cursor.data.copied == [1, 2, 3])
    }

    // MARK: Trees

    @Test func logForATreeThatIsNoSubvolumeIsRefused() throws {
        var scene = try Scene()
        scene.log.add(Key(ObjectID(300), .inodeItem, 0), scene.item().encoded, to: .deviceTree)
        guard case .refused = try scene.failure().cause else {
            Issue.record("the log was replayed into the device tree")
            return
        }
    }

    @Test func logOfAMissingSubvolumeIsSkipped() throws {
        var scene = try Scene()
        scene.log.add(Key(ObjectID(300), .inodeItem, 0), scene.item().encoded, to: ObjectID(777))
        scene.file(300, "new", at: 50)
        let outcome = try scene.replay()
        let skipped = try #require(outcome.report.subvolumes.first { $0.subvolume == ObjectID(777) })
        #expect(!skipped.isReplayed)
        #expect(try outcome.target("new") == 300)
        guard case .notTolerated(.missingSubvolumes, _, _) = try scene.failure(policy: "strict").cause else {
            Issue.record("strict tolerates it")
            return
        }
    }

    /// The superblock's generation is that of the root tree, also when nothing was replayed.
    @Test func logWithoutAnEffectIsCommittedWhole() throws {
        var scene = try Scene()
        scene.log.add(Key(ObjectID(300), .inodeItem, 0), scene.item().encoded, to: ObjectID(777))
        try scene.expectWhole(try scene.replay())
        #expect(try Volume(opening: scene.devices).superblock.generation == scene.generation)
    }

    @Test func logRootThatIsAnotherTreeIsRefused() throws {
        var scene = try Scene()
        try scene.log.write()
        let root = try Volume(opening: scene.devices).superblock
        try scene.log.pointSuperblock(to: root.root, level: root.rootLevel)
        let volume = try Volume(opening: scene.devices)
        #expect(throws: LogError.self) { try Replayer(volume).run() }
    }

    @Test func blockThatIsPartOfALogTwiceIsAnError() throws {
        var scene = try Scene()
        scene.file(300, "new", at: 50)
        try scene.log.write()
        let leaf = try #require(scene.log.blocks.first)
        scene.log.extraRootItems = [
            LogBuilder.Item(
                Key(.treeLog, .rootItem, 300),
                RootItem(address: leaf, level: 0, generation: scene.generation).encoded)
        ]
        scene.log.items[.fileTree] = nil
        scene.log.extraRootItems.append(
            LogBuilder.Item(
                Key(.treeLog, .rootItem, 5),
                RootItem(address: leaf, level: 0, generation: scene.generation).encoded))
        guard case .damaged = try scene.failure().cause else {
            Issue.record("the block was walked twice")
            return
        }
    }

    // MARK: Items that Linux takes and btrfs check does not

    /// An inode item may have the number of the root tree's directory, but not in a subvolume.
    @Test func inodeUnderANumberOfNoFileIsRefused() throws {
        var scene = try Scene()
        scene.inode(ObjectID.rootTreeDirectory.rawValue, scene.item())
        scene.file(300, "new", at: 50)
        guard case .refused = try scene.failure().cause else {
            Issue.record("the inode was replayed")
            return
        }
        let outcome = try scene.replay(policy: "salvage")
        #expect(try outcome.target("new") == 300)
        try scene.expectWhole(outcome)
    }

    @Test func extentOfAGenerationToComeIsRefused() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        for (inode, delay) in [(300, 0), (301, 1)] as [(UInt64, UInt64)] {
            scene.inode(inode, scene.item(size: 4096))
            scene.reference(inode, [(inode - 250, "new\(inode)")])
            scene.extent(inode, at: 0, address, count: 4096, generation: scene.generation + delay)
        }
        try scene.data(7, at: address, count: 4096)
        let error = try scene.failure()
        guard case .refused = error.cause, error.place.key?.objectID == ObjectID(301) else {
            Issue.record("the extent was replayed")
            return
        }
        let outcome = try scene.replay(policy: "salvage")
        #expect(try outcome.target("new300") == 300 && outcome.inode(301) == nil)
        try scene.expectWhole(outcome)
    }

    // MARK: Damage

    /// Whatever byte of a log leaf is changed: no trap, and either an error or a replay.
    @Test(arguments: 0..<60)
    func changedBytesAreSurvived(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let names = ["mix_a.n4096", "conflict_rotate_three", "csum_overlap", "dir_fsync_deletes", "xattr_many"]
        var scene = try Scene(image: names[Int(seed) % names.count], startingWith: .presentLog)
        scene.log.changeLeaf = { block in
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: BlockHeader.byteCount..<block.count, using: &generator)
                block[at] = UInt8.random(in: 0...255, using: &generator)
            }
        }
        try Self.survive(&scene)
    }

    /// Items that are right by themselves and wrong together: each item may go, be doubled under another key, or get
    /// a number of another one.
    @Test(arguments: 0..<120)
    func mixedUpItemsAreSurvived(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &+ 1000)
        let names = ["mix_a.n4096", "conflict_rotate_three", "link_count_fixup", "dir_fsync_deletes", "exchange_files"]
        var scene = try Scene(image: names[Int(seed) % names.count], startingWith: .presentLog)
        for (subvolume, items) in scene.log.items {
            var keys: Set<Key> = []
            var changed: [LogBuilder.Item] = []
            let inodes = items.map(\.key.objectID).filter { $0 <= .lastFree }
            for var item in items {
                switch Int.random(in: 0..<12, using: &generator) {
                // Without checksums a file is replayed, and btrfs check complains.
                case 0 where item.key.type != .extentChecksum: continue
                case 1: item.key.objectID = inodes.randomElement(using: &generator) ?? item.key.objectID
                case 2 where item.key.type == .dirIndex || item.key.type == .inodeRef:
                    item.key.offset = UInt64.random(in: 2...300, using: &generator)
                case 3 where item.key.type == .inodeItem:
                    item.data[40] = UInt8.random(in: 0...2, using: &generator)
                default: break
                }
                if keys.insert(item.key).inserted { changed.append(item) }
            }
            scene.log.items[subvolume] = changed
        }
        try Self.survive(&scene)
    }

    /// Replays under every policy, and commits what could be replayed.
    private static func survive(_ scene: inout Scene) throws {
        for policy in ["mainline", "strict", "salvage"] {
            do {
                let outcome = try scene.replay(policy: policy)
                guard policy == "salvage" else { continue }
                try outcome.transaction.commit()
                if BtrfsCheck.isAvailable { try Replays.expectNoErrors(scene.devices) }
            } catch let error as LogError {
                #expect(!"\(error)".isEmpty)
            } catch let error as VolumeError {
                // What the commit finds at last, such as a directory with two names.
                #expect(!"\(error)".isEmpty)
            }
        }
    }
}
