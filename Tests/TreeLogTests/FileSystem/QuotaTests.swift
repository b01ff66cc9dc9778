import BlockDevices
import BtrfsFormat
import BtrfsVolume
import HostileImages
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Quotas that are turned on and off, and the groups of subvolumes that come and go.
@Suite struct QuotaTests {
    private static let status = Key(ObjectID(0), .qgroupStatus, 0)
    private static let firstAbove: UInt64 = 1 << 48 | 1

    private func status(of devices: [MemoryDevice]) throws -> QgroupStatus {
        let tree = try #require(try Volume(opening: devices).tree(.quotaTree))
        let data = try #require(try tree.find(Self.status)?.copied)
        return try QgroupStatus(data.rawSpan)
    }

    private func item<Item: FixedSizeItem>(_ type: KeyType, of group: UInt64, _ devices: [MemoryDevice]) throws -> Item {
        let tree = try #require(try Volume(opening: devices).tree(.quotaTree))
        let data = try #require(try tree.find(Key(ObjectID(0), type, group))?.copied)
        return try Item(data.rawSpan)
    }

    /// Changes the quota tree of an image before it is mounted.
    private func mounted(_ image: String, _ change: (Tree) throws -> Void) throws -> MountedVolume {
        let devices = try MountedVolume(image).devices
        let transaction = try Transaction(on: Volume(opening: devices))
        try change(try #require(try transaction.tree(.quotaTree)))
        try transaction.commit()
        return try MountedVolume(mounting: devices)
    }

    // MARK: Full quotas

    @Test func quotasAreTurnedOnAndOff() throws {
        let volume = try MountedVolume("two_subvolumes")
        let fs = volume.fileSystem
        let subvolumes = try Volume(opening: volume.devices).subvolumes().map { "0/\($0.rawValue)" }
        #expect(try fs.quotaGroups().isEmpty && subvolumes.count > 1)
        try fs.disableQuotas()
        try fs.create("/before")
        for _ in 1...2 {
            try fs.enableQuotas()
            #expect(try fs.quotaGroups() == subvolumes)
        }
        // What is on is committed, and asks Linux to count.
        #expect(try MountedVolume(mounting: volume.devices).fileSystem.exists("/before"))
        let status = try status(of: volume.devices)
        #expect(status.flags == [.on, .inconsistent, .rescan] && status.rescan == 0)
        try fs.create("/after")
        try volume.expectClean()
        #expect(try self.status(of: volume.devices).flags == status.flags)
        try fs.disableQuotas()
        #expect(try Volume(opening: volume.devices).tree(.quotaTree) == nil)
        #expect(try fs.quotaGroups().isEmpty)
        try volume.expectClean()
        try fs.enableQuotas()
        #expect(try fs.quotaGroups() == subvolumes)
        try volume.expectClean()
    }

    @Test func subvolumesHaveGroups() throws {
        let limits = QgroupLimit(flags: .maximumReferenced, maximumReferenced: 1 << 40)
        let volume = try mounted("mix_a.quota") { tree in
            let bytes = limits.encoded
            try tree.put(Key(ObjectID(0), .qgroupLimit, 5), bytes.rawSpan)
        }
        let fs = volume.fileSystem
        let new = try fs.createSubvolume("/new").rawValue
        try fs.create("/new/file")
        try fs.write("/new/file", at: 0, [1, 2, 3])
        let snapshot = try fs.snapshot("/", at: "/new/snapshot").rawValue
        #expect(try fs.quotaGroups() == ["0/5", "0/\(new)", "0/\(snapshot)"])
        #expect(try item(.qgroupLimit, of: new, volume.devices) == QgroupLimit())
        #expect(try item(.qgroupLimit, of: snapshot, volume.devices) == limits)
        #expect(try status(of: volume.devices).flags == [.on, .inconsistent])
        try volume.expectClean()
        try fs.deleteSubvolume("/new/snapshot")
        try fs.deleteSubvolume("/new")
        try fs.sync()
        #expect(try fs.quotaGroups() == ["0/5"])
        try volume.expectClean()
        // A number that comes again has a group again, also when both happen between two commits.
        try fs.createSubvolume("/new")
        try fs.deleteSubvolume("/new")
        let again = try fs.createSubvolume("/again").rawValue
        try volume.expectClean()
        #expect(try fs.quotaGroups() == ["0/5", "0/\(again)"])
    }

    /// What changes behind the place that a rescan has come to would not be counted.
    @Test func aRescanUnderWayIsBrokenOff() throws {
        for (place, goesOn) in [(UInt64(0), true), (4096, false)] {
            let status = QgroupStatus(generation: 0, flags: [.on, .inconsistent, .rescan], rescan: place)
            let image = try CheckFault.base("mix_a.quota")
            let devices = try image.replacingFirst(in: .quotaTree, where: { $0.key == Self.status }) {
                [$0.with(data: status.encoded)]
            }
            let volume = try MountedVolume(mounting: devices)
            try volume.fileSystem.create("/new")
            try volume.fileSystem.sync()
            #expect(try self.status(of: devices).flags.contains(.rescan) == goesOn)
        }
    }

    /// Linux finishes the rescan by itself when it mounts the volume; `btrfs check` then compares all counts.
    @Test(.judged(by: .btrfsCheck, .userModeLinux, .hostKernel)) func linuxCounts() throws {
        let volume = try MountedVolume("two_subvolumes")
        let fs = volume.fileSystem
        try fs.enableQuotas()
        try fs.createSubvolume("/new")
        try fs.create("/new/file")
        try fs.write("/new/file", at: 0, [UInt8](repeating: 7, count: 100_000))
        try fs.snapshot("/new", at: "/snapshot")
        try fs.write("/snapshot/file", at: 50_000, [UInt8](repeating: 8, count: 4096))
        try fs.unmount()
        let folder = try TemporaryFolder()
        let (host, guest) = (folder.file("host"), folder.file("guest"))
        for path in [guest, host] { try volume.devices[0].writeImage(to: path) }
        let counting = "btrfs quota rescan -w"
        let outcomes = try UserModeLinux.mount(volumes: [[guest]], script: "\(counting) $MOUNT")
        try #require(outcomes.first?.isMounted == true, "\(outcomes)")
        try HostKernel.mount(images: [host]) { root in
            #expect(try Shell.run(counting + " .", in: root) == 0)
            try HostKernel.sync(root)
        }
        for path in [guest, host] {
            #expect(try BtrfsCheck.run(images: [path]).isClean)
            let tree = try #require(try Volume(opening: [FileDevice(path: path, access: .readOnly)]).tree(.quotaTree))
            let data = try #require(try tree.find(Self.status)?.copied)
            #expect(try QgroupStatus(data.rawSpan).flags == .on)
        }
    }

    // MARK: Simple quotas

    @Test func simpleQuotasStayExact() throws {
        // 1/1 is above the top level: so it is above what is made there.
        let volume = try mounted("mix_a.squota") { tree in
            let top = QgroupInfo(generation: 1, referenced: 0, exclusive: 0).encoded
            try tree.put(Key(ObjectID(0), .qgroupInfo, Self.firstAbove), top.rawSpan)
            let nothing: [UInt8] = []
            try tree.put(Key(ObjectID(5), .qgroupRelation, Self.firstAbove), nothing.rawSpan)
            try tree.put(Key(ObjectID(Self.firstAbove), .qgroupRelation, 5), nothing.rawSpan)
        }
        let fs = volume.fileSystem
        func used(_ group: UInt64) throws -> UInt64 {
            let info: QgroupInfo = try item(.qgroupInfo, of: group, volume.devices)
            return info.referenced
        }
        func expectExact() throws {
            try fs.sync()
            let report = VolumeChecker(try Volume(opening: volume.devices)).run()
            #expect(report.isClean, "\(report.errors)")
        }
        let new = try fs.createSubvolume("/new").rawValue
        try fs.create("/new/file")
        try fs.write("/new/file", at: 0, [UInt8](repeating: 7, count: 100_000))
        try expectExact()
        let size: UInt64 = 102_400
        #expect(try used(new) == size + 16384)
        let above = try used(Self.firstAbove)
        let snapshot = try fs.snapshot("/new", at: "/snapshot").rawValue
        try expectExact()
        #expect(try used(snapshot) == 16384)
        #expect(try used(Self.firstAbove) == above + 16384)
        // The snapshot goes on using what the subvolume allocated, and the subvolume's group what it pays for.
        try fs.deleteSubvolume("/new")
        try expectExact()
        #expect(try used(new) == size)
        try fs.deleteSubvolume("/snapshot")
        try expectExact()
        #expect(try used(new) == 0)
        #expect(try fs.quotaGroups() == ["0/5", "0/\(new)", "1/1"])
    }
}
