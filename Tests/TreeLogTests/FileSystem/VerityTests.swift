import BlockDevices
import BtrfsFormat
import BtrfsVolume
import HostileImages
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Files that fs-verity protects.
@Suite struct VerityTests {
    private static let content = [UInt8](repeating: 5, count: 600_000)
    /// What `fsverity digest` of fsverity-utils says of it.
    private static let digest = "4d17a603e475f29f07f637fb615467b07f1c021ac8c770374af9ca52b57de0ed"

    private func volume(_ image: String = "chmod_fsync") throws -> MountedVolume {
        let volume = try MountedVolume(image)
        try volume.fileSystem.create("/file")
        try volume.fileSystem.write("/file", at: 0, Self.content)
        return volume
    }

    /// How many items of fs-verity and whether an orphan item a file has.
    private func items(of path: String, _ volume: MountedVolume) throws -> (verity: Int, isOrphan: Bool) {
        let location = try volume.fileSystem.location(path)
        let tree = try #require(try volume.fileSystem.transaction.tree(location.subvolume))
        let isOrphan = try tree.contains(Key(.orphan, .orphanItem, location.inode.rawValue))
        return (try verityItems(of: path, volume).count, isOrphan)
    }

    /// The type, offset and bytes of each item of fs-verity that a file has.
    private func verityItems(of path: String, _ volume: MountedVolume) throws -> [String] {
        let location = try volume.fileSystem.location(path)
        let cursor = try #require(try volume.fileSystem.transaction.tree(location.subvolume)).makeCursor()
        try cursor.seek(Key(location.inode, .verityDescriptor, 0))
        var items: [String] = []
        while cursor.isValid, cursor.key.objectID == location.inode, cursor.key.type <= .verityMerkle {
            let (key, data) = (cursor.key, cursor.data)
            items.append("\(key.type) \(key.offset) \(EscapedBytes.hexadecimal(data.copied))")
            if try !cursor.next() { break }
        }
        return items
    }

    /// What the check says of fs-verity on a volume, in which no other error is.
    private func findings(_ devices: [any BlockDevice]) throws -> [String] {
        let report = VolumeChecker(try Volume(opening: devices), options: CheckOptions(verifiesData: true)).run()
        #expect(report.errors.allSatisfy { $0.kind == .verity }, "\(report.errors)")
        return report.findings.filter { $0.kind == .verity }.map(\.text)
    }

    @Test(arguments: ["chmod_fsync", "mix_a.n4096", "mix_a.holes"]) func contentStaysAsItIs(image: String) throws {
        let volume = try volume(image)
        let fs = volume.fileSystem
        try volume.expect(.noData) { _ = try $0.verityDigest("/file") }
        try fs.enableVerity("/file")
        #expect(EscapedBytes.hexadecimal(try fs.verityDigest("/file")) == Self.digest)
        // Two items of the descriptor, three blocks of the tree in two items each.
        #expect(try items(of: "/file", volume) == (8, false))
        try volume.expect(.exists) { try $0.enableVerity("/file") }
        try volume.expect(.notPermitted) { try $0.write("/file", at: 0, [1]) }
        try volume.expect(.notPermitted) { try $0.truncate("/file", to: 1) }
        try volume.expect(.notPermitted) { try $0.allocate("/file", at: 0, count: 4096) }
        try volume.expect(.notPermitted) { try $0.punchHole("/file", at: 0, count: 4096) }
        try fs.create("/other")
        try fs.write("/other", at: 0, [1, 2])
        try volume.expect(.notPermitted) { try $0.clone(from: "/other", to: "/file") }
        try fs.changeMode("/file", to: 0o400)
        try fs.link("/file", to: "/link")
        try fs.clone(from: "/file", to: "/other")
        try volume.expectClean()
        #expect(try Volume(opening: volume.devices).superblock.compatRO.contains(.verity))
        #expect(try findings(volume.devices).isEmpty)
        let again = try MountedVolume(mounting: volume.devices)
        #expect(EscapedBytes.hexadecimal(try again.fileSystem.verityDigest("/link")) == Self.digest)
        try again.fileSystem.unlink("/file")
        try again.fileSystem.unlink("/link")
        try again.expectClean()
    }

    /// A volume on which Linux with fs-verity has protected the same content, and an empty file, one with SHA-512 and
    /// salt, and one by the last thing before an fsync and the loss of power.
    @Test func linuxWritesTheSame() throws {
        let devices = [try Fixtures.device(of: Fixtures.folder + "/check/verity.img.zst")]
        #expect(try findings(devices).isEmpty)
        try Replays.replay(devices)
        #expect(try findings(devices) == ["the file is protected by fs-verity, and has no descriptor"])
        let volume = try MountedVolume(mounting: devices)
        let fs = volume.fileSystem
        for path in ["/empty here", "/file here"] { try fs.create(path) }
        try fs.clone(from: "/file", to: "/file here")
        for path in ["/file", "/empty"] {
            try fs.enableVerity(path + " here")
            #expect(try verityItems(of: path + " here", volume) == verityItems(of: path, volume))
            #expect(try fs.verityDigest(path + " here") == fs.verityDigest(path))
        }
        #expect(EscapedBytes.hexadecimal(try fs.verityDigest("/file")) == Self.digest)
        try volume.expect(.notSupported) { _ = try $0.verityDigest("/two") }
        #expect(try fs.read("/two") == Self.content)
        // Linux cannot open this one; it can be read here, and be deleted.
        #expect(try fs.read("/late").count == 5000)
        try volume.expect(.needsCleaning) { _ = try $0.verityDigest("/late") }
        try fs.unlink("/late")
        try volume.expectClean()
    }

    @Test func whatCannotBeProtected() throws {
        let volume = try volume()
        let fs = volume.fileSystem
        try fs.makeDirectory("/directory")
        try fs.makeNode("/fifo", mode: 0o010644)
        try fs.create("/append")
        try fs.setFlags("/append", .appendOnly)
        try fs.create("/huge")
        try fs.truncate("/huge", to: FileSystem.maximumVerityByteCount + 1)
        try volume.expect(.isDirectory) { try $0.enableVerity("/directory") }
        try volume.expect(.invalid) { try $0.enableVerity("/fifo") }
        try volume.expect(.notPermitted) { try $0.enableVerity("/append") }
        try volume.expect(.fileTooLarge) { try $0.enableVerity("/huge") }
        try fs.snapshot("/", at: "/snapshot", isReadOnly: true)
        try volume.expect(.readOnly) { try $0.enableVerity("/snapshot/file") }
    }

    /// The log cannot tell it: Linux would replay that the file is protected, and no descriptor.
    @Test func anFsyncOfANewOneIsACommit() throws {
        for path in ["/file", "/"] {
            let volume = try volume()
            let fs = volume.fileSystem
            try fs.enableVerity("/file")
            #expect(try fs.fsync(path) == .fullCommit(.enabledVerity))
            #expect(try volume.differencesAfterCrash().isEmpty)
            // Once it is committed, the log tells the rest.
            try fs.setXattr("/file", Array("user.a".utf8), [1])
            guard case .logged = try fs.fsync("/file") else { return #expect(Bool(false), "a commit") }
            #expect(try volume.differencesAfterCrash().isEmpty)
        }
    }

    /// A hash tree as a crash leaves it that comes before it is whole.
    private func unfinished() throws -> [MemoryDevice] {
        let volume = try volume()
        let location = try volume.fileSystem.location("/file")
        try volume.fileSystem.unmount()
        let transaction = try Transaction(on: Volume(opening: volume.devices))
        let namespace = Namespace(try #require(try transaction.tree(location.subvolume)), in: transaction)
        try namespace.addOrphan(location.inode)
        for block in 0..<40 {
            let bytes = [UInt8](repeating: 1, count: 4096)
            try namespace.putHashTree(bytes, at: UInt64(block * 4096), of: location.inode)
        }
        try transaction.commit()
        return volume.devices
    }

    @Test func theMountRemovesAnUnfinishedTree() throws {
        let devices = try unfinished()
        #expect(try findings(devices).isEmpty)
        let volume = try MountedVolume(mounting: devices)
        #expect(try items(of: "/file", volume) == (0, false))
        #expect(try volume.fileSystem.read("/file") == Self.content)
        try volume.expectClean()
        try volume.fileSystem.enableVerity("/file")
        try volume.expectClean()
    }

    /// So does a replay, as Linux does it after one.
    @Test func theReplayRemovesAnUnfinishedTree() throws {
        let devices = try unfinished()
        let writer = try MountedVolume(mounting: devices)
        try writer.fileSystem.create("/new")
        guard case .logged = try writer.fileSystem.fsync("/new") else { return #expect(Bool(false), "a commit") }
        try Replays.replay(devices)
        #expect(try findings(devices).isEmpty)
        var options = MountOptions()
        options.isReadOnly = true
        let volume = try MountedVolume(mounting: devices, options)
        #expect(try items(of: "/file", volume) == (0, false))
        #expect(try volume.fileSystem.exists("/new"))
    }

    @Test func theCheckFindsWhatIsWrong() throws {
        let volume = try volume()
        try volume.fileSystem.enableVerity("/file")
        try volume.fileSystem.unmount()
        let image = try HostileImage(name: "protected", devices: volume.devices)
        let shorter = try image.removingFirst(in: .fileTree) { $0.key.type == .verityMerkle && $0.key.offset == 4096 }
        #expect(try findings(shorter) == ["the hash tree has 4096 bytes instead of 12288"])
        let other = try image.editingFirst(in: .fileTree, .verityDescriptor, where: { key, _ in key.offset == 1 }) {
            (descriptor: inout VerityDescriptor) in descriptor.dataSize -= 1
        }
        #expect(try findings(other) == ["size is 600000, fs-verity protects 599999 bytes"])
    }

    @Test func aTreeWithoutAnOwnerIsNoted() throws {
        let devices = try unfinished()
        let image = try HostileImage(name: "unfinished", devices: devices)
        let without = try image.removingFirst(in: .fileTree) { $0.key.type == .orphanItem }
        #expect(try findings(without).map { $0.contains("is not protected") } == [true])
    }

    /// Linux without fs-verity opens no protected file; it mounts the volume, and moves and deletes such files.
    @Test(.judged(by: .btrfsCheck, .userModeLinux, .hostKernel)) func linuxMountsTheVolume() throws {
        let volume = try volume()
        let fs = volume.fileSystem
        try fs.create("/gone")
        try fs.write("/gone", at: 0, Self.content)
        try fs.enableVerity("/file")
        try fs.enableVerity("/gone")
        try fs.unmount()
        try volume.afterLinux("rm gone && mv file moved && echo > new") { device in
            #expect(try findings([device]).isEmpty)
            let after = try FileSystem(mounting: [device])
            #expect(try !after.exists("/gone"))
            #expect(EscapedBytes.hexadecimal(try after.verityDigest("/moved")) == Self.digest)
        }
    }

    @Test func withoutRoomAllStaysAsItIs() throws {
        let device = MemoryDevice(byteCount: 34 << 20)
        try Volume.create(on: device, VolumeOptions())
        let volume = try MountedVolume(mounting: [device])
        let fs = volume.fileSystem
        try fs.create("/file")
        // Without extents, so that the tree, of half a mebibyte, is all that takes room.
        try fs.truncate("/file", to: 64 << 20)
        try fs.create("/full")
        #expect(throws: FileSystemError.self) {
            for number in 0..<100_000 {
                try fs.setXattr("/full", Array("user.\(number)".utf8), [UInt8](repeating: 7, count: 3000))
            }
        }
        try volume.expect(.noSpace) { try $0.enableVerity("/file") }
        #expect(try items(of: "/file", volume) == (0, false))
        try volume.expectClean()
    }
}
