import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Renames, attributes, ranges, clones, subvolumes and items, each with what is left after a commit.
@Suite struct OperationTests {
    private static let images = ["chmod_fsync", "mix_a.holes"]

    @Test func renames() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.makeDirectory("/one")
        try fs.makeDirectory("/one/sub")
        try fs.makeDirectory("/two")
        try fs.create("/one/a")
        try fs.write("/one/a", at: 0, [1])
        try fs.create("/two/b")
        try fs.rename("/one/a", to: "/two/a")
        #expect(try !fs.exists("/one/a"))
        try fs.rename("/two/a", to: "/two/b")
        #expect(try fs.read("/two/b") == [1])
        try fs.create("/one/c")
        try fs.rename("/one/c", to: "/two/b", .exchange)
        #expect(try fs.read("/one/c") == [1])
        #expect(try fs.read("/two/b").isEmpty)
        try volume.expect(.exists) { try $0.rename("/one/c", to: "/two/b", .noReplace) }
        try volume.expect(.invalid) { try $0.rename("/one", to: "/one/sub/x") }
        try volume.expect(.noEntry) { try $0.rename("/one/none", to: "/one/x") }
        try volume.expect(.isDirectory) { try $0.rename("/one/c", to: "/two") }
        try volume.expect(.notDirectory) { try $0.rename("/one/sub", to: "/one/c") }
        try volume.expect(.notEmpty) { try $0.rename("/one/sub", to: "/two") }
        try volume.expect(.noEntry) { try $0.rename("/one/c", to: "/none", .exchange) }
        try fs.rename("/one/sub", to: "/two", .exchange)
        #expect(try fs.readDirectory("/one").map { String(decoding: $0.name, as: UTF8.self) } == ["c", "sub"])
        try fs.unlink("/one/sub/b")
        try fs.rename("/two", to: "/one/sub")
        try volume.expectClean()
    }

    @Test func attributes() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.create("/file", mode: 0o6755)
        try fs.changeOwner("/file", uid: 7, gid: 8)
        #expect(try fs.stat("/file").item.mode == 0o100755)
        try fs.changeMode("/file", to: 0o4711)
        try fs.setTimes("/file", modification: Timestamp(seconds: 5, nanoseconds: 6))
        let item = try fs.stat("/file").item
        #expect(item.mode == 0o104711 && item.uid == 7 && item.gid == 8 && item.mtime.seconds == 5)
        try fs.setXattr("/file", "user.a", [1, 2, 3])
        try fs.setXattr("/file", "user.b", [])
        try fs.setXattr("/file", "user.a", [4], .replace)
        try fs.setXattr("/file", "security.capability", [1])
        #expect(try fs.getXattr("/file", "user.a") == [4])
        #expect(try fs.listXattrs("/file").count == 3)
        try volume.expect(.exists) { try $0.setXattr("/file", "user.a", [], .create) }
        try volume.expect(.noData) { try $0.setXattr("/file", "user.c", [], .replace) }
        try volume.expect(.noData) { try $0.removeXattr("/file", "user.c") }
        try volume.expect(.notSupported) { try $0.setXattr("/file", "other.c", []) }
        try volume.expect(.noSpace) { try $0.setXattr("/file", "user.c", [UInt8](repeating: 1, count: 20_000)) }
        try fs.removeXattr("/file", "user.b")
        try fs.write("/file", at: 0, [1])
        #expect(try fs.listXattrs("/file").map(\.value) == [[4]])
        try fs.makeDirectory("/group", mode: 0o2775)
        try fs.changeOwner("/group", gid: 9)
        try fs.makeDirectory("/group/below")
        #expect(try fs.stat("/group/below").item.gid == 9)
        #expect(try fs.stat("/group/below").item.mode == 0o042755)
        try volume.expectClean()
    }

    /// Many names of one file overflow into extended references.
    @Test func manyLinks() throws {
        let volume = try MountedVolume("mix_a.n4096")
        let fs = volume.fileSystem
        try fs.create("/file")
        for number in 0..<100 { try fs.link("/file", to: "/" + String(repeating: "l", count: 100) + "\(number)") }
        #expect(try fs.stat("/file").item.nlink == 101)
        try volume.expectClean()
        for number in 0..<100 { try fs.unlink("/" + String(repeating: "l", count: 100) + "\(number)") }
        #expect(try fs.stat("/file").item.nlink == 1)
        try volume.expectClean()
    }

    @Test(arguments: images) func ranges(image: String) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        var generator = SeededGenerator(seed: 7)
        var expected = generator.bytes(40_000)
        try fs.create("/file")
        try fs.write("/file", at: 0, expected)
        try fs.punchHole("/file", at: 5_000, count: 10_000)
        for index in 5_000..<15_000 { expected[index] = 0 }
        #expect(try fs.read("/file") == expected)
        try volume.expectClean()
        try fs.zeroRange("/file", at: 20_001, count: 30_000)
        expected.replaceSubrange(20_001..., with: [UInt8](repeating: 0, count: 30_000))
        #expect(try fs.read("/file") == expected)
        try volume.expectClean()
        try fs.allocate("/file", at: 100_000, count: 1 << 20, keepSize: true)
        #expect(try fs.stat("/file").item.size == 50_001)
        try fs.allocate("/file", at: 60_000, count: 1_000)
        expected += [UInt8](repeating: 0, count: 61_000 - expected.count)
        #expect(try fs.read("/file") == expected)
        try volume.expectClean()
        let more = generator.bytes(9_000)
        try fs.write("/file", at: 110_000, more)
        try fs.write("/file", at: 119_000, more)
        expected += [UInt8](repeating: 0, count: 110_000 - expected.count) + more + more
        #expect(try fs.read("/file") == expected)
        try volume.expectClean()
        try fs.truncate("/file", to: 3)
        #expect(try fs.read("/file") == Array(expected.prefix(3)))
        try volume.expectClean()
    }

    /// The last sector of a file is written where space is allocated behind its end, and only there, as by Linux.
    @Test func theEndOfAFileWhereSpaceIsAllocated() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        func bytes(_ allocate: () throws -> Void) throws -> UInt64 {
            try fs.create("/file")
            try fs.truncate("/file", to: 27_000)
            try allocate()
            let count = try fs.stat("/file").item.nbytes
            try volume.expectClean()
            try fs.unlink("/file")
            return count
        }
        #expect(try bytes { try fs.allocate("/file", at: 3_000, count: 4_443) } == 8192)
        #expect(try bytes { try fs.allocate("/file", at: 25_000, count: 100, keepSize: true) } == 4096)
        #expect(try bytes { try fs.allocate("/file", at: 40_000, count: 4_443, keepSize: true) } == 12288)
        let segments = try bytes {
            try fs.zeroRange("/file", at: 27_500, count: 10_000)
            let state = try volume.state()
            #expect(state.contains("\"size\":37500") && state.contains("\"data\":[[24576,28672]]"))
        }
        #expect(segments == 16384)
    }

    @Test(arguments: images) func clones(image: String) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        var generator = SeededGenerator(seed: 8)
        let content = generator.bytes(50_000)
        try fs.create("/from")
        try fs.create("/to")
        try fs.write("/from", at: 0, content)
        try fs.clone(from: "/from", to: "/to", at: 8192)
        #expect(try fs.read("/to", at: 8192) == content)
        try fs.clone(from: "/from", range: 4096..<12_288, to: "/from", at: 20_480)
        var changed = content
        changed.replaceSubrange(20_480..<28_672, with: content[4096..<12_288])
        #expect(try fs.read("/from") == changed)
        try volume.expect(.invalid) { try $0.clone(from: "/from", range: 1..<4097, to: "/to") }
        try volume.expect(.invalid) { try $0.clone(from: "/from", range: 0..<8192, to: "/from", at: 4096) }
        try volume.expectClean()
        try fs.write("/to", at: 10_000, [1, 2, 3])
        #expect(try fs.read("/from") == changed)
        try fs.unlink("/from")
        try volume.expectClean()
        try fs.create("/small")
        try fs.write("/small", at: 0, [1, 2])
        try fs.create("/copy")
        try fs.clone(from: "/small", to: "/copy")
        #expect(try fs.read("/copy") == [1, 2])
        try volume.expectClean()
    }

    @Test func overwritingInPlace() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.create("/file")
        try fs.setFlags("/file", .noDataCopyOnWrite)
        try fs.write("/file", at: 0, [UInt8](repeating: 1, count: 20_000))
        try fs.sync()
        let before = try volume.state()
        try fs.write("/file", at: 5_000, [UInt8](repeating: 2, count: 5_000))
        #expect(try fs.read("/file", at: 4_999, count: 3) == [1, 2, 2])
        func extents(_ state: String) -> [Substring] { state.split(separator: "\"extents\"").dropFirst().map { $0.prefix(40) } }
        #expect(try extents(before) == extents(volume.state()))
        try fs.create("/other")
        try fs.setFlags("/other", .noDataCopyOnWrite)
        try fs.clone(from: "/file", to: "/other")
        try fs.write("/file", at: 0, [9])
        #expect(try fs.read("/other", at: 0, count: 1) == [1])
        try volume.expectClean()
    }

    @Test func unnamedFiles() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        let file = try fs.createUnnamed(in: "/")
        try fs.write(file.location, at: 0, [5])
        try fs.sync()
        try fs.linkUnnamed(file, to: "/named")
        try fs.close(file)
        #expect(try fs.read("/named") == [5])
        let open = try fs.open("/named")
        try fs.unlink("/named")
        #expect(try fs.read(open.location) == [5])
        try volume.expectClean()
        try fs.close(open)
        try volume.expect(.noEntry) { _ = try $0.read("/named") }
        try volume.expectClean()
    }

    @Test func subvolumes() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.createSubvolume("/sub")
        try fs.create("/sub/file")
        try fs.write("/sub/file", at: 0, [UInt8](repeating: 3, count: 10_000))
        for number in 0..<300 { try fs.create("/sub/f\(number)") }
        try volume.expectClean()
        try fs.snapshot("/sub", at: "/snap")
        try fs.snapshot("/sub", at: "/frozen", isReadOnly: true)
        try volume.expectClean()
        try volume.expect(.readOnly) { try $0.create("/frozen/x") }
        try volume.expect(.readOnly) { try $0.unlink("/frozen/file") }
        try volume.expect(.crossDevice) { try $0.rename("/sub/file", to: "/file") }
        try volume.expect(.crossDevice) { try $0.link("/sub/file", to: "/file") }
        try fs.write("/sub/file", at: 0, [4])
        #expect(try fs.read("/snap/file", at: 0, count: 1) == [3])
        for number in 0..<200 { try fs.unlink("/snap/f\(number)") }
        for number in 100..<250 { try fs.changeMode("/sub/f\(number)", to: 0o600) }
        try volume.expectClean()
        try fs.rename("/snap", to: "/renamed")
        try fs.deleteSubvolume("/sub")
        try volume.expectClean()
        #expect(try fs.read("/renamed/file", at: 0, count: 1) == [3])
        try fs.createSubvolume("/renamed/inner")
        try volume.expect(.notEmpty) { try $0.deleteSubvolume("/renamed") }
        try fs.deleteSubvolume("/renamed/inner")
        try fs.deleteSubvolume("/renamed")
        try fs.deleteSubvolume("/frozen")
        try volume.expectClean()
    }

    /// A snapshot of the top level inside the top level, which then changes.
    @Test func snapshotsOfTheTopLevel() throws {
        let volume = try MountedVolume("snapshot_shared_tree_blocks")
        let fs = volume.fileSystem
        for round in 0..<4 {
            try fs.snapshot("/", at: "/top\(round)")
            for entry in try fs.readDirectory("/").prefix(150) where entry.target.type == .regularFile {
                try fs.changeMode([UInt8(ascii: "/")] + entry.name, to: UInt32(round))
            }
            try fs.create("/new\(round)")
            try volume.expectClean()
        }
        for round in [2, 0, 3, 1] {
            try fs.deleteSubvolume("/top\(round)")
            try volume.expectClean()
        }
    }

    @Test func customItems() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        let type = KeyType(100)
        try fs.create("/file")
        for offset in 0..<50 as Range<UInt64> { try fs.putItem("/file", type, at: offset, [UInt8(offset)]) }
        try fs.putItem("/file", type, at: 7, [1, 2, 3])
        try fs.deleteItem("/file", type, at: 8)
        #expect(try fs.getItem("/file", type, at: 7) == [1, 2, 3])
        #expect(try fs.items("/file", of: type, in: 5...10).map(\.key.offset) == [5, 6, 7, 9, 10])
        try volume.expect(.noData) { _ = try $0.getItem("/file", type, at: 8) }
        try volume.expect(.invalid) { try $0.putItem("/file", .inodeItem, at: 0, []) }
        try fs.sync()
        #expect(try fs.items("/file", of: type).count == 49)
    }

    /// Linux keeps what is committed of them, and passes over what is in a log.
    @Test(.judged(by: .btrfsCheck, .userModeLinux, .hostKernel)) func linuxCarriesCustomItemsAlong() throws {
        let type = KeyType(100)
        var options = MountOptions()
        try options.registry.itemTypes.register(.custom(name: "NUMBER", keyType: type, summary: "A number."))
        let volume = try MountedVolume("chmod_fsync", options)
        let fs = volume.fileSystem
        try fs.create("/file")
        for offset in 0..<5 as Range<UInt64> { try fs.putItem("/file", type, at: offset, [UInt8(offset)]) }
        try fs.sync()
        try fs.putItem("/file", type, at: 5, [5])
        guard case .logged = try fs.fsync("/file") else { return #expect(Bool(false), "a commit") }
        try volume.afterLinux("mv file moved && echo content > moved", log: .replayedByKernel) { device in
            let after = try FileSystem(mounting: [device], options)
            #expect(try after.items("/moved", of: type).map(\.data) == [[0], [1], [2], [3], [4]])
        }
    }

    /// Where a subvolume was when the snapshot was made the snapshot has an empty directory.
    @Test func placesOfSubvolumesInSnapshots() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.createSubvolume("/outer")
        try fs.createSubvolume("/outer/inner")
        try fs.create("/outer/inner/file")
        try fs.snapshot("/outer", at: "/snapshot")
        let place = try fs.stat("/snapshot/inner")
        #expect(place.location.inode == .emptySubvolume && place.item.isDirectory && place.item.size == 0)
        #expect(try fs.readDirectory("/snapshot/inner").isEmpty)
        #expect(try fs.listXattrs("/snapshot/inner").isEmpty)
        try volume.expect(.noEntry) { _ = try $0.stat("/snapshot/inner/file") }
        try volume.expect(.accessDenied) { try $0.create("/snapshot/inner/new") }
        try volume.expect(.accessDenied) { try $0.changeMode("/snapshot/inner", to: 0o700) }
        try volume.expect(.isDirectory) { try $0.unlink("/snapshot/inner") }
        try volume.expect(.exists) { try $0.create("/snapshot/inner") }
        try volume.expect(.invalid) { try $0.deleteSubvolume("/snapshot/inner") }
        try volume.expect(.notEmpty) { try $0.rename("/snapshot/inner", to: "/snapshot/other") }
        try fs.close(fs.open("/snapshot/inner"))
        try fs.removeDirectory("/snapshot/inner")
        #expect(try fs.readDirectory("/snapshot").isEmpty)
        #expect(try fs.exists("/outer/inner/file"))
        try volume.expectClean()
    }

    @Test func anErrorTellsWhichFileWithoutAPath() throws {
        let fs = try MountedVolume().fileSystem
        let file = try fs.createUnnamed(in: "/")
        try fs.close(file)
        do {
            _ = try fs.fsync(file)
            Issue.record("a closed file was synced")
        } catch {
            #expect(error.description == "fsync inode \(file.location.inode) of subvolume 5: EBADF")
        }
    }
}
