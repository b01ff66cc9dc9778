import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Small volumes that are filled until nothing fits any more, and emptied again: everything is as a simple model says,
/// each failure is ENOSPC and changes nothing, and there is always a way out.
@Suite struct FullVolumeTests {
    struct Variant: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var byteCount: UInt64 = 34 << 20
        var change: @Sendable (inout VolumeOptions) -> Void = { _ in }
    }

    static let variants = [
        Variant(testDescription: "DUP"),
        Variant(testDescription: "single") { $0.metadataProfile = .single },
        Variant(testDescription: "small nodes") { $0.nodeSize = 4096 },
        Variant(testDescription: "mixed groups") {
            $0.hasMixedGroups = true
            $0.nodeSize = 4096
        },
        Variant(testDescription: "no free space tree, hole items") {
            $0.hasFreeSpaceTree = false
            $0.hasNoHoles = false
        },
    ]

    /// A volume and what should be on it.
    private final class Model {
        let device: MemoryDevice
        let fs: FileSystem
        var files: [String: [UInt8]] = [:]
        var random: SeededGenerator
        private var count = 0

        init(_ variant: Variant, seed: UInt64) throws {
            device = MemoryDevice(byteCount: variant.byteCount)
            random = SeededGenerator(seed: seed)
            var options = VolumeOptions()
            options.seed = seed
            variant.change(&options)
            try Volume.create(on: device, options)
            fs = try FileSystem(mounting: [device])
        }

        /// Whether `body` finds room; where it does not, that is said.
        func fits(_ body: () throws(FileSystemError) -> Void) throws -> Bool {
            do throws(FileSystemError) { try body() } catch {
                try #require(error.code == .noSpace, "\(error)")
                return false
            }
            return true
        }

        /// Adds files of about `size` bytes until not even an empty one finds room, or the content of none.
        func fill(size: Int) throws {
            var misses = 0
            while misses < 3 {
                let path = "f\(count)"
                count += 1
                guard try fits({ () throws(FileSystemError) in try fs.create(path) }) else { return }
                files[path] = []
                let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: count), count: Int.random(
                    in: size / 2...size, using: &random))
                if try fits({ () throws(FileSystemError) in try fs.write(path, at: 0, bytes) }) {
                    files[path] = bytes
                } else {
                    misses += 1
                }
                if Int.random(in: 0..<20, using: &random) == 0 { _ = try fs.fsync(path) }
            }
        }

        /// Deletes or shortens files at random, all of them if `fraction` is 1; there has to be room for that.
        func empty(fraction: Double) throws {
            for path in files.keys.sorted() where Double.random(in: 0..<1, using: &random) < fraction {
                let size = files[path]?.count ?? 0
                if fraction < 1, size > 5000, Bool.random(using: &random) {
                    try fs.truncate(path, to: UInt64(size / 2))
                    files[path]?.removeLast(size - size / 2)
                } else {
                    try fs.unlink(path)
                    files[path] = nil
                }
            }
        }

        func expectSame(_ comment: String) throws {
            try fs.sync()
            let report = VolumeChecker(try Volume(opening: [device]), options: CheckOptions(verifiesData: true)).run()
            #expect(report.findings.isEmpty, "\(comment): \(report.findings)")
            var options = MountOptions()
            options.isReadOnly = true
            let again = try FileSystem(mounting: [device], options)
            #expect(Set(try again.readDirectory("/").map { String(decoding: $0.name, as: UTF8.self) }) == Set(files.keys))
            for (path, bytes) in files { #expect(try again.read(path) == bytes, "\(comment): \(path)") }
        }

        func expectCleanForJudge(_ comment: String) throws {
            guard BtrfsCheck.isAvailable else { return }
            let folder = try TemporaryFolder()
            try device.writeImage(to: folder.file("image"))
            let verdict = try BtrfsCheck.run(images: [folder.file("image")])
            #expect(verdict.isClean, "\(comment): \(verdict)")
        }
    }

    @Test(arguments: variants) func canBeEmptiedAgain(_ variant: Variant) throws {
        let model = try Model(variant, seed: 1)
        // First the data is full, then the trees are.
        try model.fill(size: 2 << 20)
        try model.fill(size: 100_000)
        try model.fill(size: 1800)
        try model.expectSame("full")
        try model.expectCleanForJudge("full")
        try model.empty(fraction: 0.3)
        try model.expectSame("partly emptied")
        try model.fill(size: 300_000)
        try model.expectSame("full again")
        try model.empty(fraction: 1)
        try model.expectSame("empty")
        try model.expectCleanForJudge("empty")
        #expect(model.files.isEmpty)
    }

    /// What gives up more extents at once than there is room for is done in steps; each leaves a file that is sound.
    @Test func filesInManyPiecesCanGo() throws {
        let model = try Model(Self.variants[2], seed: 3)
        let fs = model.fs
        let sector = [UInt8](repeating: 9, count: 4096)
        for name in ["a", "b", "c"] {
            try fs.create(name)
            for piece in 0..<700 as Range<UInt64> { try fs.write(name, at: piece * 8192, sector) }
        }
        try fs.sync()
        let size = 699 * 8192 + 4096
        var bytes = [UInt8](repeating: 0, count: size)
        for piece in 0..<700 { bytes.replaceSubrange(piece * 8192..<piece * 8192 + 4096, with: sector) }
        for name in ["a", "b", "c"] { model.files[name] = bytes }
        try model.fill(size: 1 << 20)
        try model.fill(size: 1800)
        try model.expectSame("full")
        try fs.truncate("a", to: 5000)
        model.files["a"] = Array(bytes.prefix(5000))
        try model.expectSame("cut")
        let open = try fs.open("b")
        try fs.unlink("b")
        model.files["b"] = nil
        try fs.close(open)
        try fs.rename("a", to: "c")
        model.files["c"] = model.files.removeValue(forKey: "a")
        try model.expectSame("deleted")
        try model.empty(fraction: 1)
        try model.expectSame("empty")
        try model.expectCleanForJudge("empty")
    }

    /// The same of a file with more attributes than there is room to change at once.
    @Test func filesWithManyAttributesCanGo() throws {
        let model = try Model(Self.variants[0], seed: 6)
        let fs = model.fs
        try fs.create("many")
        let value = [UInt8](repeating: 9, count: 9000)
        var count = 0
        while try model.fits({ () throws(FileSystemError) in try fs.setXattr("many", "user.\(count)", value) }) {
            count += 1
        }
        #expect(count > 200)
        try fs.sync()
        for number in 0..<20 { try fs.removeXattr("many", "user.\(number)") }
        try fs.unlink("many")
        try model.expectSame("deleted")
        try model.expectCleanForJudge("deleted")
    }

    /// What was open without a name at a crash goes at the next mount, also in many pieces.
    @Test func orphansInManyPiecesGoAtTheMount() throws {
        let model = try Model(Self.variants[2], seed: 5)
        let fs = model.fs
        try fs.create("open")
        try fs.create("kept")
        for piece in 0..<200 as Range<UInt64> { try fs.write("open", at: piece * 8192, [UInt8](repeating: 1, count: 4096)) }
        let location = try fs.location("open")
        _ = try fs.open("open")
        try fs.unlink("open")
        try fs.sync()
        let device = model.device.copy()
        #expect(VolumeChecker(try Volume(opening: [device])).run().isClean)
        let mounted = try FileSystem(mounting: [device])
        #expect(try mounted.readDirectory("/").count == 1)
        try mounted.sync()
        let volume = try Volume(opening: [device])
        #expect(VolumeChecker(volume).run().findings.isEmpty)
        let tree = try #require(try volume.tree(.fileTree))
        for key in [Key(.orphan, .orphanItem, location.inode.rawValue), Key(location.inode, .inodeItem, 0)] {
            let isGone = try tree.find(key) == nil
            #expect(isGone, "\(key)")
        }
    }

    /// Where there is no room for a log an fsync is a commit, for which there is room.
    @Test(arguments: variants) func anFsyncWithoutRoomIsACommit(_ variant: Variant) throws {
        let model = try Model(variant, seed: 4)
        try model.fill(size: 1 << 20)
        try model.fill(size: 1800)
        // What takes less room than a new file.
        let value = [UInt8](repeating: 1, count: 1500)
        do throws(FileSystemError) {
            for number in 0..<100 {
                for path in model.files.keys.sorted() { try model.fs.setXattr(path, "user.\(number)", value) }
            }
            Issue.record("the volume did not get full")
        } catch { #expect(error.code == .noSpace) }
        try model.fs.sync()
        let (path, bytes) = try #require(model.files.max { $0.value.count < $1.value.count })
        try model.fs.truncate(path, to: 5000)
        model.files[path] = Array(bytes.prefix(5000))
        let outcome = try model.fs.fsync(path)
        guard case .fullCommit(.noSpace) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        try model.expectSame("after the fsync")
    }
}
