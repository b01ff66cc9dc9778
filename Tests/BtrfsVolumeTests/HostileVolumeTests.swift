import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing

/// Superblocks and chunks that say what cannot be.
@Suite struct HostileVolumeTests {
    private func open(_ change: (inout Superblock) -> Void) throws -> Volume {
        let devices = try Corpus.image(named: "mix_a.default").load()
        try changeSuperblock(of: devices[0], change)
        return try Volume(opening: devices)
    }

    private func changeSuperblock(of device: MemoryDevice, _ change: (inout Superblock) -> Void) throws {
        let bytes = try device.bytes(at: Superblock.offsets[0], count: Superblock.byteCount)
        var superblock = try Superblock(bytes.rawSpan)
        change(&superblock)
        try device.write(superblock.sealed(), at: Superblock.offsets[0])
    }

    /// A power cut between the superblocks of two devices: whether there is a log does not hang on their order.
    @Test func ofEqualSuperblocksTheFirstDeviceHasItsWay() throws {
        let devices = try Corpus.image(named: "mix_a.raid1").load()
        try changeSuperblock(of: devices[1]) { $0.logRoot = LogicalAddress(0) }
        for order in [devices, devices.reversed()] {
            #expect(try Volume(opening: order).superblock.logRoot.rawValue != 0)
        }
    }

    /// The number of its device alone does not make a seed the right one.
    @Test func aSeedOfAnotherVolumeIsRefused() throws {
        let grown = try Corpus.grown.load()
        let other = try Corpus.image(named: "create_fsync").load()
        try changeSuperblock(of: other[0]) { $0.flags.insert(.seeding) }
        for devices in [[grown[0], other[0]], [other[0], grown[0]]] {
            let error = #expect(throws: VolumeError.self) { try Volume(opening: devices) }
            #expect(error?.description.contains("did not grow") == true)
        }
    }

    @Test(arguments: [UInt64.max, 1 << 63])
    func generationThatCannotBeFollowedIsRefused(generation: UInt64) throws {
        #expect(throws: VolumeError.self) { try open { $0.generation = generation } }
    }

    /// Otherwise the new superblock would be written nowhere.
    @Test(arguments: [0, 4096, 65536, UInt64.max])
    func deviceItemWithAnImpossibleSizeIsRefused(byteCount: UInt64) throws {
        #expect(throws: VolumeError.self) { try open { $0.deviceItem.totalBytes = byteCount } }
    }

    static let impossibleChunks: [(UInt64, UInt64)] = [
        (0, UInt64.max), (UInt64.max, 4096), (1 << 62, 4096), (4096, 1 << 62), (4096, 0),
    ]

    @Test(arguments: impossibleChunks)
    func chunkBeyondAllAddressesIsRefused(start: UInt64, length: UInt64) throws {
        var map = ChunkMap()
        #expect(throws: VolumeError.self) {
            try map.insert(chunk(length, .metadata, [1 << 20]), at: LogicalAddress(start))
        }
    }

    @Test func stripeBeyondAllDevicesIsRefused() throws {
        var map = ChunkMap()
        #expect(throws: VolumeError.self) {
            try map.insert(chunk(1 << 20, .metadata, [UInt64.max - 4096]), at: LogicalAddress(1 << 20))
        }
    }

    /// Each profile has its number of stripes, as Linux demands it.
    @Test func wrongNumberOfCopiesIsRefused() throws {
        let cases: [(BlockGroupFlags, Int)] = [
            ([], 2), (.dup, 1), (.dup, 3), (.raid1, 1), (.raid1, 3), (.raid1c3, 2), (.raid1c4, 3), (.raid10, 3),
        ]
        for (profile, count) in cases {
            var map = ChunkMap()
            let stripes = (0..<count).map { UInt64($0 + 1) << 20 }
            #expect(throws: VolumeError.self, "\(count) stripes of \(profile)") {
                try map.insert(chunk(1 << 20, [.metadata, profile], stripes), at: LogicalAddress(1 << 20))
            }
        }
    }

    /// Chunks whose length is no multiple of their stripes end within a row: no address lies behind their end.
    @Test(arguments: [4096, 65536, 69632, 200_704] as [UInt64], [2, 3, 4])
    func raggedChunksHaveNoAddressesBehindTheirEnd(length: UInt64, count: Int) throws {
        for profile in [BlockGroupFlags.raid0, .raid10, .raid5, .raid6] {
            let isPossible = profile == .raid10 ? count % 2 == 0 : profile != .raid6 || count > 2
            guard isPossible else { continue }
            var map = ChunkMap()
            let start: UInt64 = 1 << 20
            let stripes = (0..<count).map { 65536 + UInt64($0) * 1024 }
            try map.insert(chunk(length, [.metadata, profile], stripes), at: LogicalAddress(start))
            for device in 1...UInt64(count) {
                for range in map.logicalRanges(ofDevice: device, offset: 65536, count: 65536) {
                    #expect(range.lowerBound >= start && range.upperBound <= start + length)
                }
            }
        }
    }

    private func chunk(_ length: UInt64, _ type: BlockGroupFlags, _ stripes: [UInt64]) -> Chunk {
        Chunk(
            length: length, type: type, sectorSize: 4096, subStripes: type.contains(.raid10) ? 2 : 1,
            stripes: stripes.enumerated().map {
                Chunk.Stripe(deviceID: UInt64($0) + 1, physical: $1, deviceUUID: UUID(low: 0, high: 0))
            })
    }

    /// A volume and its trees do not keep each other in memory.
    @Test func volumeGoesWhenNobodyUsesIt() throws {
        weak var seen: Volume?
        do {
            let volume = try Volume(opening: Corpus.image(named: "mix_a.default").load())
            _ = try volume.rootTree()
            let transaction = try Transaction(on: volume)
            let tree = try transaction.tree(.fileTree)
            try tree?.put(Key(ObjectID(256), KeyType(100), 0), [1, 2, 3].rawSpan)
            try transaction.settle()
            seen = volume
            #expect(seen != nil)
        }
        #expect(seen == nil)
    }
}
