import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// What a volume keeps in memory from one transaction to the next is what the devices have.
@Suite struct CommittedMemoryTests {
    private func expectSameFreeSpace(
        _ volume: Volume, _ devices: [any BlockDevice], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let other = try Volume(opening: devices)
        #expect(other.superblock.generation == volume.superblock.generation, sourceLocation: sourceLocation)
        let extents = try #require(try other.tree(.extentTree))
        for mapped in other.chunks.chunks {
            let group = mapped.start.rawValue..<mapped.end
            guard let known = volume.committedFreeSpace[group] else { continue }
            #expect(try known == FreeSpaceScan.fromExtents(of: group, in: extents), sourceLocation: sourceLocation)
        }
        #expect(!volume.committedFreeSpace.isEmpty, sourceLocation: sourceLocation)
    }

    @Test(arguments: ["chmod_fsync", "mix_a.n4096", "mix_a.mixed", "mix_a.bgt", "mix_a.raid1"], 1...3 as ClosedRange<UInt64>)
    func freeSpaceIsThatOfTheTrees(image: String, seed: UInt64) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        for path in ["/d", "/e", "/d/sub"] { _ = try? fs.makeDirectory(path) }
        var work = RandomWork(seed: seed)
        for _ in 0..<40 {
            for _ in 0..<10 { work.step(on: fs) }
            try fs.sync()
            try expectSameFreeSpace(fs.volume, volume.devices)
            #expect(try volume.state() == volume.committedState())
        }
    }

    @Test func newBlockGroupsAreKnownToo() throws {
        let device = MemoryDevice(byteCount: 160 << 20)
        try Volume.create(on: device)
        let fs = try FileSystem(mounting: [device])
        let before = fs.volume.chunks.chunks
        var number = 0
        while fs.volume.chunks.chunks.count == before.count, number < 100 {
            try fs.create("/f\(number)")
            try fs.write("/f\(number)", at: 0, [UInt8](repeating: 7, count: 4 << 20))
            if number % 3 == 2 { try fs.unlink("/f\(number - 1)") }
            try fs.sync()
            try expectSameFreeSpace(fs.volume, [device])
            number += 1
        }
        let new = try #require(fs.volume.chunks.chunks.first { chunk in !before.contains { $0.start == chunk.start } })
        let free = try #require(fs.volume.committedFreeSpace[new.start.rawValue..<new.end])
        #expect(free.count < new.chunk.length)
    }

    @Test(arguments: [1, 3, 9])
    func aCommitThatFailsOrIsGivenUpChangesNothing(write: Int) throws {
        let base = MemoryDevice(byteCount: 128 << 20)
        try Volume.create(on: base)
        let device = WatchedDevice(base)
        let fs = try FileSystem(mounting: [device])
        try fs.create("/kept")
        try fs.write("/kept", at: 0, [UInt8](repeating: 1, count: 100_000))
        try fs.sync()
        try fs.unlink("/kept")
        try fs.create("/lost")
        try fs.write("/lost", at: 0, [UInt8](repeating: 2, count: 50_000))
        device.failingWrite = device.writeCount + write
        #expect(throws: FileSystemError.self) { try fs.sync() }
        device.failingWrite = nil
        try expectSameFreeSpace(fs.volume, [device])
        // One that is dropped.
        try changeSomething(in: Transaction(on: fs.volume))
        try expectSameFreeSpace(fs.volume, [device])
        let transaction = try Transaction(on: fs.volume)
        try changeSomething(in: transaction)
        try transaction.commit()
        try expectSameFreeSpace(fs.volume, [device])
        let report = VolumeChecker(try Volume(opening: [device])).run()
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(try FileSystem(mounting: [device]).stat("/kept").item.size == 100_000)
    }

    private func changeSomething(in transaction: Transaction) throws {
        let tree = try #require(try transaction.tree(.fileTree))
        let cursor = tree.makeCursor()
        try cursor.seek(.minimum)
        let (key, data) = (cursor.key, cursor.data.copied)
        try tree.patch(key, at: 0, data.rawSpan)
        _ = try transaction.allocateData(upTo: 4096)
        try transaction.settle()
    }

    @Test func aTransactionReadsNothingThatTheOneBeforeHadInMemory() throws {
        let base = MemoryDevice(byteCount: 256 << 20)
        try Volume.create(on: base)
        let device = WatchedDevice(base)
        let fs = try FileSystem(mounting: [device])
        for number in 0..<2000 { try fs.create("/f\(number)") }
        try fs.sync()
        func round(_ number: Int) throws {
            try fs.write("/f\(number)", at: 0, [UInt8](repeating: 1, count: 8192))
            _ = try fs.fsync("/f\(number)")
            try fs.unlink("/f\(number + 1)")
            try fs.sync()
        }
        try round(0)
        let before = device.readCount
        for number in 1..<20 { try round(number * 2) }
        #expect(device.readCount == before)
    }

    /// Leaves beyond what a tree keeps in memory are let go, also if it was a commit that made them.
    @Test func memoryOfTreesIsBounded() throws {
        let base = MemoryDevice(byteCount: 512 << 20)
        var options = VolumeOptions()
        options.nodeSize = 65536
        try Volume.create(on: base, options)
        let device = WatchedDevice(base)
        let fs = try FileSystem(mounting: [device])
        let content = [UInt8](repeating: 1, count: 2000)
        for number in 0..<8_000 {
            try fs.create("/f\(number)")
            try fs.write("/f\(number)", at: 0, content)
        }
        try fs.sync()
        let before = device.readCount
        _ = try fs.read("/f0", count: 1)
        #expect(device.readCount > before)
    }
}

/// Counts what is asked of a device, and fails on demand.
private final class WatchedDevice: BlockDevice {
    private let base: MemoryDevice
    private(set) var readCount = 0
    private(set) var writeCount = 0
    /// The number of the write that fails.
    var failingWrite: Int?

    init(_ base: MemoryDevice) { self.base = base }

    var name: String { base.name }
    var byteCount: UInt64 { base.byteCount }
    var isReadOnly: Bool { false }

    func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        readCount += 1
        try base.read(into: &target, at: offset)
    }

    func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        writeCount += 1
        if writeCount == failingWrite { throw DeviceError(device: name, operation: .write, reason: .injected) }
        try base.write(source, at: offset)
    }

    func flush() throws(DeviceError) { try base.flush() }
}
