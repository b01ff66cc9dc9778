import BtrfsFormat
import TestSupport
import Testing

/// Items that Linux wrote are decoded right, come back byte for byte, and no damage to them does any harm.
@Suite struct ItemTests {
    @Test(arguments: ItemFixture.all)
    func encodingRestoresTheBytes(_ fixture: ItemFixture) throws {
        guard let encoded = try RoundTrip.encode(fixture.key, fixture.data.rawSpan) else { return }
        #expect(encoded == fixture.data)
    }

    @Test(arguments: ItemFixture.all)
    func fixtureIsValid(_ fixture: ItemFixture) throws {
        var checker = ItemChecker(fixture.context)
        try checker.check(key: fixture.key, data: fixture.data.rawSpan)
    }

    @Test(arguments: ItemFixture.all)
    func truncatedItemsThrow(_ fixture: ItemFixture) {
        for count in 0..<fixture.data.count { exercise(fixture, Array(fixture.data.prefix(count))) }
    }

    @Test(arguments: ItemFixture.all, [UInt64(1), .random(in: 0...UInt64.max)])
    func damagedItemsNeverTrap(_ fixture: ItemFixture, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        guard !fixture.data.isEmpty else { return }
        for _ in 0..<500 {
            var damaged = fixture.data
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = Int.random(in: damaged.indices, using: &generator)
                switch UInt8.random(in: 0..<4, using: &generator) {
                case 0: damaged[index] = 0xff
                case 1: damaged[index] = 0
                default: damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
            }
            exercise(fixture, damaged)
        }
    }

    /// Lets everything loose on an item that may be damaged: only errors of the right type may come out.
    private func exercise(_ fixture: ItemFixture, _ data: [UInt8]) {
        _ = try? RoundTrip.encode(fixture.key, data.rawSpan)
        _ = ItemDescription.describe(key: fixture.key, data: data.rawSpan).lines
        var checker = ItemChecker(fixture.context)
        do {
            try checker.check(key: fixture.key, data: data.rawSpan)
            // What is valid can be decoded.
            #expect(throws: Never.self) { try RoundTrip.encode(fixture.key, data.rawSpan) }
        } catch {
            #expect(error.key == fixture.key)
        }
    }
}

/// The values that the fields have.
@Suite struct ItemValueTests {
    private func data(_ type: KeyType, at offset: UInt64? = nil) throws -> [UInt8] {
        let fixture = ItemFixture.all.first {
            $0.key.type == type && (offset == nil || $0.key.offset == offset)
        }
        return try #require(fixture).data
    }

    @Test func inodeItem() throws {
        let inodeBytes = try data(.inodeItem)
        let inode = try InodeItem(inodeBytes.rawSpan)
        #expect(inode.generation == 8)
        #expect(inode.transid == 9)
        #expect(inode.size == 262_144)
        #expect(inode.nbytes == 0)
        #expect(inode.nlink == 1)
        #expect(inode.mode == 0o100644)
        #expect(inode.flags == [])
        #expect(inode.sequence == 7)
        #expect(inode.atime == Timestamp(seconds: 1_795_358_798, nanoseconds: 200_886_501))
        #expect(inode.ctime == Timestamp(seconds: 1_795_358_798, nanoseconds: 204_886_501))
        #expect(inode.mtime == inode.ctime)
        #expect(inode.otime == inode.atime)
        #expect(inode.isRegularFile && !inode.isDirectory && !inode.isSymlink)
        #expect(inode.fileType == .regularFile)
    }

    @Test(
        arguments: [
            (0o100644, .regularFile), (0o040755, .directory), (0o020600, .characterDevice),
            (0o060600, .blockDevice),
            (0o010644, .fifo), (0o140755, .socket), (0o120777, .symlink), (0o000644, .unknown),
            (0o150000, .unknown),
        ] as [(UInt32, DirEntryType)])
    func fileTypes(_ mode: UInt32, _ type: DirEntryType) {
        #expect(DirEntryType(mode: mode) == type)
    }

    @Test func fileExtents() throws {
        let inlineBytes = try data(.extentData, at: 0)
        let inline = try FileExtent(inlineBytes.rawSpan)
        #expect(inline.isInline && !inline.isHole)
        #expect(inline.ramBytes == 3)
        #expect(inline.inlineByteCount == 3)
        #expect(inline == .inline(generation: 9, ramBytes: 3, inlineByteCount: 3))

        let regularBytes = try data(.extentData, at: 4096)
        let regular = try FileExtent(regularBytes.rawSpan)
        #expect(regular.kind == .regular && regular.compression == .zlib && !regular.isHole)
        #expect(regular.ramBytes == 131_072)
        #expect(regular.diskAddress == LogicalAddress(13_639_680))
        #expect(regular.diskByteCount == 4096)
        #expect(regular.offset == 4096)
        #expect(regular.byteCount == 65536)
        #expect(FileExtent.hole(byteCount: 8192, generation: 5).isHole)
    }

    @Test func names() throws {
        let references = try data(.inodeRef)
        var refs = InodeRefs(references.rawSpan)
        var found: [String] = []
        while let entry = try refs.next() {
            found.append("\(entry.index) \(EscapedBytes.text(entry.name.copied)) \(entry.byteRange)")
        }
        #expect(found == ["2 new 0..<13", "3 new2 13..<27"])

        let attributes = try data(.xattrItem)
        var entries = DirEntries(attributes.rawSpan)
        found = []
        while let entry = try entries.next() {
            #expect(entry.type == .xattr && entry.location == .minimum && entry.transid == 8)
            found.append(EscapedBytes.text(entry.name.copied) + "=" + EscapedBytes.text(entry.data.copied))
        }
        #expect(found == ["user.n43ywpg3=old-user.n43ywpg3", "user.p42qfpyq=old-user.p42qfpyq"])
    }

    @Test func namesThatDoNotFitStopTheCursor() {
        let item = bytes("0200000000000000 0300 6e6577 0300000000000000 ff00 6e")
        var refs = InodeRefs(item.rawSpan)
        var results: [UInt64?] = []
        for _ in 0..<4 {
            do { results.append(try refs.next()?.index) } catch { results.append(nil) }
        }
        #expect(results == [2, nil, nil, nil])
    }

    @Test func inlineReferences() throws {
        let item = try data(.extentItem, at: 4096)
        var cursor = try InlineRefs(item.rawSpan, in: .extentItem)
        var found: [InlineRef] = []
        var offsets: [Int] = []
        while let reference = try cursor.next() {
            found.append(reference)
            offsets.append(cursor.offset)
        }
        let data = ExtentDataRef(root: ObjectID(261), objectID: ObjectID(257), offset: 0 &- 4096, count: 2)
        #expect(
            found == [
                .owner(root: ObjectID(261)), .data(data),
                .sharedData(parent: LogicalAddress(30_687_232), count: 3),
            ])
        #expect(offsets == [24, 33, 62])
        #expect(found.map(\.count) == [0, 2, 3])
        #expect(found[0].precedes(found[1]) && found[1].precedes(found[2]))
        #expect(found[1].sequence == data.hash)
        #expect(found[1].keyedItem == data.encoded)
        #expect(found[1].withCount(9).isSameReferrer(as: found[1]))
        #expect(!found[1].isSameReferrer(as: found[2]))
    }

    @Test func treeBlockInfoComesOnlyWithExtentItems() throws {
        let itemBytes = try data(.extentItem, at: 16384)
        let item = try ExtentItem(itemBytes.rawSpan)
        #expect(item.isTreeBlock && !item.isData && !item.hasFullBackref)
        #expect(item.inlineRefsOffset(in: .extentItem) == 42)
        #expect(item.inlineRefsOffset(in: .metadataItem) == 24)
    }

    @Test func chunk() throws {
        let chunkBytes = try data(.chunkItem)
        let chunk = try Chunk(chunkBytes.rawSpan)
        #expect(chunk.length == 16_777_216)
        #expect(chunk.type == [.system, .raid10])
        #expect(chunk.type.profile == .raid10 && chunk.type.content == .system)
        #expect(chunk.subStripes == 2)
        #expect(chunk.stripes.map(\.deviceID) == [1, 2, 3, 4])
        #expect(chunk.stripes[0].physical == 22_020_096)
        #expect(chunk.stripes[3].deviceUUID.description == "f543b44d-dc15-4f84-83b6-377eb18c8d4b")
    }

    @Test func quotas() throws {
        let statusBytes = try data(.qgroupStatus)
        let status = try QgroupStatus(statusBytes.rawSpan)
        #expect(status.generation == 12 && status.flags == [.on, .simple] && status.enableGeneration == 9)
        let plain = QgroupStatus(generation: 5, flags: [.on, .inconsistent])
        #expect(plain.encoded.count == 32)
        let plainBytes = plain.encoded
        #expect(try QgroupStatus(plainBytes.rawSpan) == plain)
        let infoBytes = try data(.qgroupInfo)
        #expect(try QgroupInfo(infoBytes.rawSpan).exclusive == 466_944)
    }

    @Test func freeSpaceForms() {
        var info = FreeSpaceInfo(extentCount: 3)
        info.usesBitmaps = true
        #expect(info.flags == 1)
        info.usesBitmaps = false
        #expect(info == FreeSpaceInfo(extentCount: 3, flags: 0))
    }
}
