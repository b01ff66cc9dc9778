import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// What is too long, too much or too far: an error as Linux has it, which leaves all as it was, and what is just allowed.
@Suite struct LimitTests {
    @Test(arguments: ["chmod_fsync", "mix_a.n4096"]) func namesOfOneHash(image: String) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        let names = NameHash.collisions(100, length: 200)
        #expect(Set(names.map { NameHash.name($0.rawSpan) }).count == 1)
        let paths = names.map { Array("/names/".utf8) + $0 }
        try fs.makeDirectory("/names")
        try fs.create("/other")
        let count = (fs.volume.nodeSize - 101 - 25) / 230
        for path in paths[..<count] { try fs.create(path) }
        try volume.expect(.overflow) { try $0.create(paths[count]) }
        try volume.expect(.overflow) { try $0.makeDirectory(paths[count]) }
        try volume.expect(.overflow) { try $0.makeSymlink(paths[count], to: "x") }
        try volume.expect(.overflow) { try $0.link("/other", to: paths[count]) }
        try volume.expect(.overflow) { try $0.rename("/other", to: paths[count]) }
        try volume.expect(.overflow) { try $0.createSubvolume(paths[count]) }
        try volume.expectClean()
        // A name that is there can be taken over, and any can go.
        try fs.write("/other", at: 0, [7])
        try fs.rename("/other", to: paths[3])
        #expect(try fs.read(paths[3]) == [7])
        for index in stride(from: 0, to: count, by: 2) { try fs.unlink(paths[index]) }
        #expect(try fs.readDirectory("/names").count == count / 2)
        try fs.create(paths[count])
        try volume.expectClean()
        for index in stride(from: 1, to: count, by: 2) { try fs.unlink(paths[index]) }
        try fs.unlink(paths[count])
        try fs.removeDirectory("/names")
        try volume.expectClean()
    }

    @Test func namesOfOneHashInTheLog() throws {
        let volume = try MountedVolume("mix_a.n4096")
        let fs = volume.fileSystem
        let names = NameHash.collisions(12, length: 200)
        let paths = names.map { Array("/names/".utf8) + $0 }
        try fs.makeDirectory("/names")
        for path in paths[..<6] { try fs.create(path) }
        try fs.sync()
        try fs.unlink(paths[1])
        try fs.rename(paths[2], to: paths[6])
        try fs.rename(paths[3], to: paths[4])
        for path in paths[7...] { try fs.link(paths[0], to: path) }
        guard case .logged = try fs.fsync("/names"), case .logged = try fs.fsync(paths[0]) else {
            Issue.record("not logged")
            return
        }
        #expect(try volume.differencesAfterCrash().isEmpty)
    }

    @Test func attributesOfOneHash() throws {
        let volume = try MountedVolume("mix_a.n4096")
        let fs = volume.fileSystem
        let names = NameHash.collisions(4, length: 40, prefix: "user.")
        try fs.create("/f")
        for name in names[..<3] { try fs.setXattr("/f", name, [UInt8](repeating: 1, count: 1000)) }
        try volume.expect(.noSpace) { try $0.setXattr("/f", names[3], [UInt8](repeating: 2, count: 1000)) }
        try volume.expect(.noSpace) { try $0.setXattr("/f", names[0], [UInt8](repeating: 2, count: 2000)) }
        try fs.setXattr("/f", names[3], [3])
        try fs.removeXattr("/f", names[1])
        try fs.setXattr("/f", names[0], [UInt8](repeating: 4, count: 1500))
        #expect(try fs.listXattrs("/f").map(\.value.count).sorted() == [1, 1000, 1500])
        try volume.expect(.range) { try $0.setXattr("/f", "user." + String(repeating: "n", count: 251), []) }
        try volume.expect(.range) { try $0.setXattr("/f", "", []) }
        try volume.expect(.invalid) { try $0.setXattr("/f", "user.", []) }
        try volume.expect(.tooBig) { try $0.setXattr("/f", "user.x", [UInt8](repeating: 0, count: 65537)) }
        try fs.create("/g")
        let most = 4096 - 101 - 25 - 30 - 6
        try volume.expect(.noSpace) { try $0.setXattr("/g", "user.x", [UInt8](repeating: 0, count: most + 1)) }
        try fs.setXattr("/g", "user.x", [UInt8](repeating: 0, count: most))
        try fs.setXattr("/g", "user." + String(repeating: "n", count: 250), [1])
        try volume.expectClean()
    }

    @Test func links() throws {
        let volume = try MountedVolume("mix_a.no-extref")
        let fs = volume.fileSystem
        try fs.makeDirectory("/names")
        try fs.create("/names/f")
        // Without extended references the names in one directory share an item.
        let name = String(repeating: "n", count: 240)
        var count = 0
        do throws(FileSystemError) {
            while count < 1000 {
                try fs.link("/names/f", to: "/names/\(name)\(count)")
                count += 1
            }
        } catch { #expect(error.code == .tooManyLinks) }
        let found = try fs.readDirectory("/names").count
        #expect(found == count + 1 && count < 100)
        try volume.expect(.tooManyLinks) { try $0.link("/names/f", to: "/names/\(name)x") }
        try volume.expect(.tooManyLinks) { try $0.rename("/names/f", to: "/names/\(name)x") }
        try fs.link("/names/f", to: "/g")
        try fs.unlink("/names/\(name)0")
        try fs.link("/names/f", to: "/names/\(name)x")
        try volume.expectClean()
        // As many as there can be, without making them.
        let location = try fs.location("/g")
        let tree = try #require(try fs.transaction.tree(location.subvolume))
        try Namespace(tree, in: fs.transaction).updateInode(location.inode) { $0.nlink = FileSystem.maximumLinkCount - 1 }
        try fs.link("/g", to: "/h")
        try volume.expect(.tooManyLinks) { try $0.link("/g", to: "/i") }
    }

    @Test(arguments: ["chmod_fsync", "mix_a.n4096"]) func namesAndPaths(image: String) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        let (longest, tooLong) = (String(repeating: "n", count: 255), String(repeating: "n", count: 256))
        try fs.makeDirectory("/" + longest)
        try fs.create("/\(longest)/\(longest)")
        try volume.expect(.nameTooLong) { try $0.create("/" + tooLong) }
        try volume.expect(.nameTooLong) { try $0.rename("/" + longest, to: "/" + tooLong) }
        try volume.expect(.nameTooLong) { _ = try $0.stat("/\(tooLong)/x") }
        try volume.expect(.nameTooLong) { try $0.unlink("/" + tooLong) }
        try fs.makeDirectory("/path")
        let dots = String(repeating: "./", count: 2043)
        try fs.create("/path/\(dots)f")
        try volume.expect(.nameTooLong) { _ = try $0.stat("/path/\(dots)././f") }
        let most = min(4095, fs.volume.nodeSize - 101 - 25 - 21)
        try fs.makeSymlink("/s", to: String(repeating: "t", count: most))
        try volume.expect(.nameTooLong) { try $0.makeSymlink("/t", to: String(repeating: "t", count: most + 1)) }
        try volume.expect(.noEntry) { try $0.makeSymlink("/t", to: "") }
        #expect(try fs.stat("/s", followsLink: false).item.size == UInt64(most))
        try volume.expectClean()
    }

    @Test func farOffsets() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        let end = FileSystem.maximumFileByteCount
        let last = end / 4096 * 4096
        try fs.create("/f")
        try volume.expect(.fileTooLarge) { try $0.write("/f", at: end, [1]) }
        try volume.expect(.fileTooLarge) { try $0.write("/f", at: end - 1, [1, 2]) }
        try volume.expect(.fileTooLarge) { try $0.truncate("/f", to: end + 1) }
        try volume.expect(.fileTooLarge) { try $0.allocate("/f", at: end - 10, count: 11) }
        try volume.expect(.fileTooLarge) { try $0.allocate("/f", at: .max - 10, count: 100) }
        try volume.expect(.fileTooLarge) { try $0.punchHole("/f", at: .max, count: 1) }
        try volume.expect(.fileTooLarge) { try $0.zeroRange("/f", at: end, count: 1) }
        try volume.expect(.invalid) { try $0.allocate("/f", at: 0, count: 0) }
        try fs.write("/f", at: last - 4096, [UInt8](repeating: 5, count: 4096))
        #expect(try fs.stat("/f").item.size == last)
        try volume.expect(.fileTooLarge) { try $0.clone(from: "/f", range: 0..<8192, to: "/f", at: last) }
        #expect(try fs.read("/f", at: last - 1, count: 10) == [5])
        try fs.punchHole("/f", at: last - 4096, count: 2048)
        #expect(try fs.read("/f", at: last - 2049, count: 2) == [0, 5])
        try fs.truncate("/f", to: end)
        try fs.truncate("/f", to: 10)
        try volume.expectClean()
    }

    @Test func cloneRanges() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        for name in ["/f", "/g"] {
            try fs.create(name)
            try fs.write(name, at: 0, [UInt8](repeating: 5, count: 20_000))
        }
        for (range, offset) in [
            (100..<4196, 0), (0..<4096, 100), (0..<100, 0), (0..<4097, 4096), (0..<24_576, 0), (16_384..<20_000, 0),
        ] as [(Range<UInt64>, UInt64)] {
            try volume.expect(.invalid) { try $0.clone(from: "/f", range: range, to: "/g", at: offset) }
        }
        try volume.expect(.invalid) { try $0.clone(from: "/f", range: 0..<8192, to: "/f", at: 4096) }
        try volume.expect(.isDirectory) { try $0.clone(from: "/", to: "/g") }
        try fs.clone(from: "/f", range: 16_384..<20_000, to: "/g", at: 16_384)
        try fs.clone(from: "/f", range: 8192..<8192, to: "/g", at: 0)
        try volume.expectClean()
    }

    /// More than fits one extent, in one write.
    @Test func largeWrite() throws {
        let device = MemoryDevice(byteCount: 2 << 30)
        try Volume.create(on: device, VolumeOptions())
        let fs = try FileSystem(mounting: [device])
        let bytes = [UInt8](repeating: 3, count: 130 << 20)
        try fs.create("/f")
        try fs.write("/f", at: 0, bytes)
        try fs.sync()
        let tree = try #require(try fs.volume.tree(.fileTree))
        let location = try fs.location("/f")
        let cursor = tree.makeCursor()
        try cursor.seek(Key(location.inode, .extentData, 0))
        var sizes: [UInt64] = []
        while cursor.isValid, cursor.key.type == .extentData {
            sizes.append(try FileExtent(cursor.data).diskByteCount)
            if try !cursor.next() { break }
        }
        #expect(sizes == [128 << 20, 2 << 20])
        #expect(try fs.read("/f", at: 128 << 20) == Array(bytes.suffix(2 << 20)))
        #expect(VolumeChecker(try Volume(opening: [device])).run().findings.isEmpty)
    }
}
