import BtrfsFormat
import TestSupport
import Testing

/// A superblock is read and written as Linux reads and writes it, and what breaks a rule says so.
@Suite struct SuperblockTests {
    private let original = SuperblockFixture.bytes

    private func superblock() throws -> Superblock { try Superblock(original.rawSpan) }

    @Test func values() throws {
        let superblock = try superblock()
        #expect(superblock.fsid.description == "30e4d614-2213-5dfc-b4bc-8c647962f679")
        #expect(superblock.metadataUUID == superblock.fsid)
        #expect(superblock.copyOffset == 65536)
        #expect(superblock.flags == .written)
        #expect(superblock.generation == 8)
        #expect(superblock.root == LogicalAddress(30_687_232))
        #expect(superblock.chunkRoot == LogicalAddress(22_036_480))
        #expect(superblock.chunkRootGeneration == 6)
        #expect(superblock.logRoot == LogicalAddress(30_801_920))
        #expect(superblock.rootLevel == 0 && superblock.chunkRootLevel == 0 && superblock.logRootLevel == 0)
        #expect(superblock.totalBytes == 134_217_728)
        #expect(superblock.bytesUsed == 147_456)
        #expect(superblock.rootDirectory == .rootTreeDirectory)
        #expect(superblock.deviceCount == 1)
        #expect(
            superblock.sectorSize == 4096 && superblock.nodeSize == 16384 && superblock.stripeSize == 4096)
        #expect(superblock.compat == 0)
        #expect(superblock.compatRO == [.freeSpaceTree, .freeSpaceTreeValid])
        #expect(
            superblock.incompat
                == [.mixedBackref, .bigMetadata, .extendedReferences, .skinnyMetadata, .noHoles])
        #expect(superblock.checksumType == .crc32c)
        #expect(superblock.deviceItem.deviceID == 1 && superblock.deviceItem.bytesUsed == 92_274_688)
        #expect(superblock.label == [])
        #expect(superblock.cacheGeneration == 0 && superblock.uuidTreeGeneration == 8)
    }

    @Test func systemChunks() throws {
        var superblock = try superblock()
        let chunks = try superblock.systemChunks()
        #expect(chunks.count == 1)
        #expect(chunks[0].0 == Key(Chunk.objectID, .chunkItem, 22_020_096))
        #expect(chunks[0].1.type == [.system, .dup])
        #expect(chunks[0].1.stripes.map(\.physical) == [22_020_096, 30_408_704])
        try superblock.setSystemChunks(chunks + chunks)
        let twice = try superblock.systemChunks()
        #expect(twice.map(\.0) == [chunks[0].0, chunks[0].0])
        #expect(twice.map(\.1) == [chunks[0].1, chunks[0].1])
        #expect(throws: FormatError.self) {
            try superblock.setSystemChunks(Array(repeating: chunks[0], count: 16))
        }
    }

    @Test func sealingRestoresTheBytes() throws {
        var superblock = try superblock()
        #expect(superblock.sealed() == original)
        superblock.generation += 1
        let sealed = superblock.sealed()
        #expect(sealed != original)
        #expect(try Superblock(sealed.rawSpan).generation == 9)
        // Bytes without a known meaning survive.
        var odd = original
        odd[0xfff] = 7
        odd[0x2ff] = 8
        let copy = try Superblock(unverified: odd.rawSpan).sealed()
        #expect(copy[0xfff] == 7 && copy[0x2ff] == 8)
        #expect(throws: Never.self) { try Superblock(copy.rawSpan) }
    }

    @Test(arguments: ChecksumType.allCases)
    func everyChecksumTypeWorks(_ type: ChecksumType) throws {
        var superblock = try superblock()
        superblock.checksumType = type
        var sealed = superblock.sealed()
        #expect(try Superblock(sealed.rawSpan).checksumType == type)
        #expect(sealed[type.size..<32].allSatisfy { $0 == 0 })
        sealed[4095] ^= 1
        expectRefusal(sealed, "does not match its \(type.name) checksum")
    }

    @Test func copiesKnowTheirPlace() throws {
        let superblock = try superblock()
        var device = superblock.deviceItem
        device.deviceID = 2
        let copy = superblock.sealed(copyAt: Superblock.offsets[1], device: device)
        expectRefusal(copy, "says it lies at byte 67108864")
        let read = try Superblock(copy.rawSpan, copyAt: Superblock.offsets[1])
        #expect(read.deviceItem.deviceID == 2)
        #expect(read.copyOffset == 67_108_864)
    }

    @Test func labels() throws {
        var superblock = try superblock()
        superblock.label = Array("a volume".utf8)
        #expect(superblock.label == Array("a volume".utf8))
        superblock.label = Array("short".utf8)
        #expect(superblock.label == Array("short".utf8))
        superblock.label = []
        #expect(superblock.sealed() == original)
    }

    @Test func backupsRotate() throws {
        var superblock = try superblock()
        #expect(superblock.backups.map(\.tree.generation) == [5, 6, 7, 8])
        #expect(superblock.backups[3].extent.address == LogicalAddress(30_638_080))
        var roots = superblock.backups[3]
        for generation in UInt64(9)...14 {
            roots.tree = BackupRoots.Root(address: LogicalAddress(4096), generation: generation, level: 1)
            superblock.rotateBackup(roots, after: generation - 1)
        }
        #expect(superblock.backups.map(\.tree.generation) == [13, 14, 11, 12])
        #expect(superblock.backups[1] == roots)
        // Nothing fits an unknown past: the first slot is taken.
        superblock.rotateBackup(roots, after: 99)
        #expect(superblock.backups.map(\.tree.generation) == [14, 14, 11, 12])
    }

    @Test func metadataUUID() throws {
        var superblock = try superblock()
        let other = UUID(low: 1, high: 2)
        superblock.metadataUUID = other
        #expect(superblock.metadataUUID == superblock.fsid)
        superblock.incompat.insert(.metadataUUID)
        #expect(superblock.metadataUUID == other)
        expectRefusal(superblock.sealed(), "device item names volume 30e4d614")
        superblock.deviceItem.fsid = other
        let sealed = superblock.sealed()
        #expect(try Superblock(sealed.rawSpan).metadataUUID == other)
    }

    /// Each rule, broken at an offset; the checksum is right.
    @Test(arguments: [
        (0x40, "00", "no btrfs superblock at byte 65536: magic is"),
        (0xc4, "0400", "checksum type of the superblock is 4"),
        (0x30, "0000000400000000", "says it lies at byte 67108864"),
        (0x38, "0100000008000000", "unfinished conversion (CHANGING_FSID)"),
        (0x38, "0180000000000000", "unknown flags 0x8000"),
        (0x120, "00", "device item names volume"),
        (0x88, "00", "has no device"),
        (0x90, "00080000", "sectorsize is 2048"),
        (0x90, "00180000", "sectorsize is 6144"),
        (0x94, "00080000", "nodesize is 2048"),
        (0x94, "00000200", "nodesize is 131072"),
        (0x98, "00100000", "leafsize is 4096"),
        (0x9c, "01100000", "stripesize is 4097"),
        (0x9c, "00000000", "stripesize is 0"),
        (0x78, "0000010000000000", "bytes_used is 65536"),
        (0xa0, "60000000", "sys_chunk_array_size is 96"),
        (0xa0, "01080000", "sys_chunk_array_size is 2049"),
        (0x50, "01", "root 30687233 is no multiple"),
        (0x58, "01", "chunk_root 22036481 is no multiple"),
        (0x60, "01", "log_root 30801921 is no multiple"),
        (0xc6, "08", "root_level is 8"),
        (0xc7, "09", "chunk_root_level is 9"),
        (0xc8, "ff", "log_root_level is 255"),
    ])
    func brokenRulesAreNamed(_ offset: Int, _ digits: String, _ reason: String) throws {
        var broken = original
        let change = bytes(digits)
        broken.replaceSubrange(offset..<offset + change.count, with: change)
        let sum = ChecksumType.crc32c.compute(Array(broken[32...]).rawSpan)
        broken.replaceSubrange(0..<4, with: sum)
        expectRefusal(broken, reason)
    }

    @Test func damagedChunkArraysThrow() throws {
        for (offset, digits) in [
            (0x32b, "01"), (0x333, "e5"), (0x368, "ffff"), (0xa0, "ff070000"), (0xa0, "61000000"),
        ] {
            var broken = original
            let change = bytes(digits)
            broken.replaceSubrange(offset..<offset + change.count, with: change)
            let superblock = try Superblock(unverified: broken.rawSpan)
            #expect(throws: FormatError.self) { try superblock.systemChunks() }
        }
    }

    @Test(arguments: [UInt64(1), .random(in: 0...UInt64.max)])
    func damageNeverTraps(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var damaged = original
            for _ in 0..<Int.random(in: 1...64, using: &generator) {
                let index = Int.random(in: damaged.indices, using: &generator)
                damaged[index] = UInt8.random(in: 0...255, using: &generator)
            }
            // A checksum of 4 bytes does not use the others of its place.
            if damaged[..<4] != original[..<4] || damaged[32...] != original[32...] {
                #expect(throws: FormatError.self) { try Superblock(damaged.rawSpan) }
            }
            let superblock = try Superblock(unverified: damaged.rawSpan)
            _ = superblock.backups
            _ = superblock.label
            _ = superblock.deviceItem
            _ = ItemDescription(Superblock.layout, damaged.rawSpan).lines
            do { _ = try superblock.systemChunks() } catch {}
        }
        #expect(throws: FormatError.self) { try Superblock(Array(original.dropLast()).rawSpan) }
    }

    private func expectRefusal(_ bytes: [UInt8], _ reason: String) {
        do {
            _ = try Superblock(bytes.rawSpan)
            Issue.record("accepted where '\(reason)' was expected")
        } catch {
            #expect(error.description.contains(reason))
        }
    }
}

/// What features do to what can be done with a volume.
@Suite struct FeatureTests {
    private let base: IncompatFeatures = [.mixedBackref, .bigMetadata, .extendedReferences]

    @Test(
        arguments: [
            [], .defaultSubvolume, .mixedGroups, .compressLZO, .compressZstd, .skinnyMetadata, .noHoles,
            .metadataUUID, .raid1c34, .raid56, .simpleQuota,
        ] as [IncompatFeatures])
    func supported(_ feature: IncompatFeatures) {
        #expect(base.union(feature).refusal(for: .reading) == nil)
        #expect(base.union(feature).refusal(for: .writing) == nil)
    }

    @Test(arguments: [
        .zoned, .extentTreeV2, .raidStripeTree, .remapTree, IncompatFeatures(rawValue: 1 << 15),
    ])
    func refused(_ feature: IncompatFeatures) {
        for access in [VolumeAccess.reading, .writing] {
            #expect(base.union(feature).refusal(for: access) != nil)
        }
    }

    @Test func allBitsAreDecided() {
        for bit in UInt64(18)..<64 {
            let features = base.union(IncompatFeatures(rawValue: 1 << bit))
            #expect(features.refusal(for: .reading)?.contains("bit \(bit) is not known") == true)
        }
        #expect(IncompatFeatures([.bigMetadata]).refusal(for: .reading)?.contains("MIXED_BACKREF") == true)
    }

    @Test func unknownReadOnlyFeaturesForbidWriting() {
        let known: CompatROFeatures = [.freeSpaceTree, .freeSpaceTreeValid, .verity, .blockGroupTree]
        #expect(known.refusal(for: .writing) == nil)
        for bit in UInt64(4)..<64 {
            let features = known.union(CompatROFeatures(rawValue: 1 << bit))
            #expect(features.refusal(for: .reading) == nil)
            #expect(features.refusal(for: .writing)?.contains("compat_ro feature bit \(bit)") == true)
        }
    }

    @Test func names() {
        #expect(
            IncompatFeatures.names.joined(bits: 0x8361)
                == "MIXED_BACKREF|BIG_METADATA|EXTENDED_IREF|SKINNY_METADATA|NO_HOLES|0x8000")
    }
}
