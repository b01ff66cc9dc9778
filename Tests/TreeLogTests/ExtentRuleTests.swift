import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// What logged extents and checksums do to files and to space.
@Suite struct ExtentRuleTests {
    @Test func newExtentIsAllocatedAndReadsBack() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        scene.inode(300, scene.item(size: 8192))
        scene.reference(300, [(50, "new")])
        scene.extent(300, at: 0, address, count: 8192)
        try scene.data(7, at: address, count: 8192)
        let outcome = try scene.replay()
        #expect(try outcome.inode(300)?.nbytes == 8192)
        #expect(try outcome.transaction.extentState(at: LogicalAddress(address), count: 8192) == .allocated)
        try scene.expectWhole(outcome)
    }

    @Test func extentLoggedTwiceIsReferredToTwice() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        for inode in [UInt64(300), 301] {
            scene.inode(inode, scene.item(size: 4096))
            scene.reference(inode, [(inode - 250, "new\(inode)")])
            scene.extent(inode, at: 0, address, count: 4096)
        }
        try scene.data(7, at: address, count: 4096)
        try scene.expectWhole(try scene.replay())
    }

    @Test func replayingTheSameExtentAgainChangesNothing() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        for _ in 0..<2 {
            scene.log = try LogBuilder(scene.devices)
            scene.inode(300, scene.item(size: 4096, generation: 9))
            scene.reference(300, [(50, "new")])
            scene.extent(300, at: 0, address, count: 4096)
            try scene.data(7, at: address, count: 4096)
            let outcome = try scene.replay()
            #expect(try outcome.inode(300)?.nbytes == 4096)
            try scene.expectWhole(outcome)
        }
    }

    /// A log of a kernel before fast fsync holds the whole file again, and a real count of bytes.
    @Test func wholeFileLoggedAgainReplacesWhatThereWas() throws {
        var scene = try Scene()
        var item = scene.item(size: 12288, generation: 8)
        item.nbytes = 12288
        scene.inode(258, item)
        scene.reference(258, [(2, "f00")])
        let address = scene.log.freeDataAddress
        scene.extent(258, at: 0, address, count: 4096)
        scene.extent(258, at: 4096, address + 8192, count: 8192)
        try scene.data(1, at: address, count: 4096)
        try scene.data(2, at: address + 8192, count: 8192)
        let outcome = try scene.replay()
        #expect(try outcome.inode(258)?.nbytes == 12288)
        try scene.expectWhole(outcome)
    }

    @Test func overwritingInTheMiddleSplitsAnExtent() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        scene.inode(300, scene.item(size: 16384))
        scene.reference(300, [(50, "new")])
        scene.extent(300, at: 0, address, count: 16384)
        try scene.data(1, at: address, count: 16384)
        try scene.expectWhole(try scene.replay())
        scene.log = try LogBuilder(scene.devices)
        scene.inode(300, scene.item(size: 16384, generation: 9))
        scene.extent(300, at: 4096, address + 65536, count: 4096)
        try scene.data(2, at: address + 65536, count: 4096)
        let outcome = try scene.replay()
        #expect(try outcome.inode(300)?.nbytes == 16384)
        #expect(try outcome.names.fileExtent(of: ObjectID(300), at: 8192)?.offset == 8192)
        try scene.expectWhole(outcome)
    }

    @Test func shrunkFileLosesItsExtentsBehindTheEnd() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        scene.inode(300, scene.item(size: 8192))
        scene.reference(300, [(50, "new")])
        scene.extent(300, at: 0, address, count: 4096)
        scene.extent(300, at: 4096, address + 8192, count: 4096)
        try scene.data(1, at: address, count: 4096)
        try scene.data(2, at: address + 8192, count: 4096)
        try scene.expectWhole(try scene.replay())
        scene.log = try LogBuilder(scene.devices)
        scene.inode(300, scene.item(size: 100, generation: 9))
        let outcome = try scene.replay()
        #expect(try outcome.inode(300)?.nbytes == 4096)
        #expect(try outcome.names.fileExtent(of: ObjectID(300), at: 4096) == nil)
        try scene.expectWhole(outcome)
    }

    @Test func checksumsOfUnwrittenSpaceAreNotCopied() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        scene.inode(300, scene.item(size: 4096))
        scene.reference(300, [(50, "new")])
        scene.extent(300, at: 0, address, count: 4096, kind: .preallocated)
        try scene.data(1, at: address, count: 4096)
        try scene.expectWhole(try scene.replay())
    }

    @Test func checksumsOfNoExtentAreNotCopied() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        scene.file(300, "new", at: 50)
        try scene.data(1, at: address, count: 4096)
        let outcome = try scene.replay()
        let checksums = try #require(try outcome.transaction.tree(.checksumTree)).makeCursor()
        _ = try checksums.seekLast(through: Key(.extentChecksum, .extentChecksum, address))
        #expect(!checksums.isValid || checksums.key.offset < address)
    }

    @Test func missingChecksumsPassAndStrictRefusesThem() throws {
        var scene = try Scene()
        let address = scene.log.freeDataAddress
        scene.inode(300, scene.item(size: 4096))
        scene.reference(300, [(50, "new")])
        scene.extent(300, at: 0, address, count: 4096)
        let outcome = try scene.replay()
        #expect(outcome.subvolume.tolerated[.missingChecksums] == 1)
        #expect(try outcome.inode(300)?.nbytes == 4096)
        guard case .notTolerated(.missingChecksums, _, _) = try scene.failure(policy: "strict").cause else {
            Issue.record("strict tolerates it")
            return
        }
    }

    @Test func extentOverUsedSpaceIsRefused() throws {
        var scene = try Scene(image: "append_after_commit")
        let volume = try Volume(opening: scene.devices)
        let used = try #require(try Self.firstDataExtent(of: volume))
        scene.inode(300, scene.item(size: 4096))
        scene.reference(300, in: 256, [(50, "new")])
        scene.extent(300, at: 0, used.address + 4096, count: 4096)
        guard case .refused = try scene.failure().cause else {
            Issue.record("the extent was taken")
            return
        }
        let outcome = try scene.replay(policy: "salvage")
        #expect(try outcome.inode(300) == nil)
        #expect(outcome.report.isPartial)
    }

    private static func firstDataExtent(of volume: Volume) throws -> (address: UInt64, count: UInt64)? {
        let cursor = try #require(try volume.tree(.extentTree)).makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            let key = cursor.key
            if key.type == .extentItem, try ExtentItem(cursor.data).isData, key.offset > 4096 {
                return (key.objectID.rawValue, key.offset)
            }
            if try !cursor.next() { break }
        }
        return nil
    }

    @Test func extentOutsideOfAllBlockGroupsIsAnError() throws {
        var scene = try Scene()
        scene.inode(300, scene.item(size: 4096))
        scene.reference(300, [(50, "new")])
        scene.extent(300, at: 0, 1 << 50, count: 4096)
        guard case .damaged = try scene.failure().cause else {
            Issue.record("the extent was taken")
            return
        }
    }

    @Test func extentWithoutInodeIsAnError() throws {
        var scene = try Scene()
        scene.extent(900, at: 0, scene.log.freeDataAddress, count: 4096)
        guard case .missingInode(ObjectID(900)) = try scene.failure().cause else {
            Issue.record("no such inode")
            return
        }
    }

    /// Tree blocks must not be put where the log has data, even data of inodes that are not replayed.
    @Test func dataOfMixedBlockGroupsIsKeptFromAllocation() throws {
        var scene = try Scene(image: "mix_a.mixed", startingWith: .presentLog)
        let present = scene.log.items
        let outcome = try scene.replay()
        let newBlocks = try Self.blocks(of: outcome.names.tree)
        for item in present.values.joined() where item.key.type == .extentData {
            let extent = try FileExtent(item.data.rawSpan)
            guard !extent.isInline, !extent.isHole else { continue }
            let end = extent.diskAddress.rawValue + extent.diskByteCount
            #expect(!newBlocks.contains { $0 >= extent.diskAddress.rawValue && $0 < end })
        }
        try scene.expectWhole(outcome)
    }

    /// The leaves of a tree.
    private static func blocks(of tree: Tree) throws -> Set<UInt64> {
        var blocks: Set<UInt64> = []
        let cursor = tree.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            blocks.insert(cursor.block.rawValue)
            if try !cursor.next() { break }
        }
        return blocks
    }
}
