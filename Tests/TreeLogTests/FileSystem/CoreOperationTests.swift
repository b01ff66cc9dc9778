import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// Names and content: each operation, its errors, and what is left after a commit.
@Suite struct CoreOperationTests {
    @Test(arguments: ["chmod_fsync", "mix_a.holes", "mix_a.n4096", "mix_a.mixed", "mix_a.no-skinny", "mix_a.raid1"])
    func namesAndContentSurviveCommits(image: String) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        try fs.makeDirectory("/dir")
        try fs.create("/dir/a")
        try fs.write("/dir/a", at: 0, Array("hello".utf8))
        try volume.expectClean()
        try fs.write("/dir/a", at: 3, Array("p!!".utf8))
        #expect(try fs.read("/dir/a") == Array("help!!".utf8))
        try fs.link("/dir/a", to: "/dir/b")
        try fs.unlink("/dir/a")
        #expect(try fs.stat("/dir/b").item.nlink == 1)
        var generator = SeededGenerator(seed: 1)
        let large = generator.bytes(100_000)
        try fs.write("/dir/b", at: 10_000, large)
        #expect(try fs.read("/dir/b", at: 10_000) == large)
        #expect(try fs.read("/dir/b", at: 0, count: 6) == Array("help!!".utf8))
        #expect(try fs.read("/dir/b", at: 6, count: 9_994) == [UInt8](repeating: 0, count: 9_994))
        try fs.makeSymlink("/link", to: "dir/b")
        #expect(try fs.read("/link", at: 10_000, count: 10) == Array(large.prefix(10)))
        try fs.makeNode("/node", mode: 0o020600, device: DeviceNumber(major: 1, minor: 3))
        try volume.expectClean()
        try fs.truncate("/dir/b", to: 50_001)
        try fs.truncate("/dir/b", to: 70_000)
        #expect(try fs.read("/dir/b", at: 50_001) == [UInt8](repeating: 0, count: 19_999))
        try volume.expectClean()
        try fs.unlink("/dir/b")
        try fs.removeDirectory("/dir")
        try fs.unlink("/link")
        try volume.expectClean()
        try fs.unmount()
    }

    @Test func errorsChangeNothing() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.makeDirectory("/new")
        try fs.create("/file")
        try volume.expect(.exists) { _ = try $0.create("/file") }
        try volume.expect(.exists) { _ = try $0.makeDirectory("/") }
        try volume.expect(.noEntry) { _ = try $0.create("/x/y") }
        try volume.expect(.notDirectory) { _ = try $0.create("/file/y") }
        try volume.expect(.nameTooLong) { _ = try $0.create("/" + String(repeating: "n", count: 256)) }
        try volume.expect(.notPermitted) { try $0.link("/new", to: "/e") }
        try volume.expect(.isDirectory) { try $0.unlink("/new") }
        try volume.expect(.notDirectory) { try $0.removeDirectory("/file") }
        try volume.expect(.isDirectory) { try $0.write("/new", at: 0, [1]) }
        try volume.expect(.fileTooLarge) { try $0.write("/file", at: .max, [1]) }
        try volume.expect(.fileTooLarge) { try $0.truncate("/file", to: 1 << 63) }
        try fs.create("/new/g")
        try volume.expect(.notEmpty) { try $0.removeDirectory("/new") }
        try fs.makeSymlink("/loop", to: "loop")
        try volume.expect(.loop) { _ = try $0.read("/loop") }
        try volume.expectClean()
    }
}
