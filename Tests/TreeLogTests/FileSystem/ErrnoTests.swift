import BtrfsFormat
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Which error an operation ends with where several things are wrong: the one that Linux tells.
@Suite struct ErrnoTests {
    @Test(arguments: cases) func tellsWhatLinuxTellsFirst(_ operation: FileOperation, _ code: Errno) throws {
        let volume = try Self.makeVolume()
        for operation in Self.scene("/c0") { _ = try operation.perform(on: volume.fileSystem) }
        try volume.expect(code) { _ = try operation.perform(on: $0) }
    }

    static let cases: [(FileOperation, Errno)] = [
        (.rename("/c0/d", to: "/c0/d/sub/x"), .invalid), (.rename("/c0/d/sub", to: "/c0/d"), .notEmpty),
        (.rename("/c0/d/sub", to: "/c0/d", exchange: true), .invalid),
        (.rename("/c0/f", to: "/c0/none", exchange: true), .noEntry),
        (.rename("/c0/e", to: "/c0/f/", exchange: true), .notDirectory),
        (.rename("/c0/none/.", to: "/c0/f"), .noEntry), (.rename("/c0/d/.", to: "/none/x"), .noEntry),
        (.rename("/c0/d/.", to: "/c0/x"), .busy), (.rename("/ro", to: "/c0/ro"), .readOnly),
        (.rename("/c0/f", to: "/ro/f"), .readOnly), (.rename("/c0/f", to: "/s/f/x"), .notDirectory),
        (.link("/c0/d", to: "/s/x"), .notPermitted), (.link("/c0/f", to: "/s/x"), .crossDevice),
        (.removeDirectory("/c0/d/."), .invalid), (.removeDirectory("/c0/d/.."), .notEmpty),
        (.removeDirectory("/none/."), .noEntry), (.removeDirectory("/ro/f"), .readOnly),
        (.unlink("/c0/none/"), .noEntry), (.unlink("/ro/d"), .readOnly), (.link("/c0/d", to: "/ro/x"), .readOnly),
        (.setXattr("/c0/f", name: "system.x", [1]), .notSupported), (.setXattr("/c0/f", name: "foo.bar", [1]), .notSupported),
        (.setXattr("/ro/f", name: "foo.bar", [1]), .readOnly), (.setXattr("/ro/f", name: "system.x", [1]), .notSupported),
        (.setXattr("/fifo", name: "user.", [1]), .notPermitted), (.setXattr("/c0/f", name: "user.", [1]), .invalid),
        (.removeXattr("/c0/f", name: "btrfs.none"), .invalid),
        (.clone("/c0/d", range: 0..<4096, to: "/ro/f", at: 0), .readOnly),
        (.clone("/c0/d", range: 0..<4096, to: "/c0/f", at: 0), .isDirectory),
        (.punchHole("/fifo", at: 0, count: 4096), .illegalSeek), (.punchHole("/fifo", at: 0, count: 0), .invalid),
    ]

    /// What has no content takes the property for compression, and does not have it then.
    @Test func compressionOfWhatHasNoContent() throws {
        let volume = try Self.makeVolume()
        let fs = volume.fileSystem
        for operation in Self.scene("/c0") { _ = try operation.perform(on: fs) }
        try fs.setXattr("/fifo", "btrfs.compression", Array("lzo".utf8))
        #expect(try fs.listXattrs("/fifo") == [])
        try fs.removeXattr("/fifo", "btrfs.compression")
    }

    /// Every operation on every path and pair of paths, here and on the same volume that Linux has mounted.
    @Test(.enabled(if: skipReason == nil, Comment(rawValue: skipReason ?? ""))) func allOfThem() throws {
        let volume = try Self.makeVolume()
        let fs = volume.fileSystem
        try fs.unmount()
        let folder = try TemporaryFolder()
        try volume.devices[0].writeImage(to: folder.file("image"))
        let mounted = try MountedVolume(mounting: volume.devices)
        try HostKernel.mount(images: [folder.file("image")], options: ["noatime"]) { mountPoint in
            let linux = MountedWork(mountPoint: mountPoint)
            func errors(_ operation: FileOperation) -> (here: String?, linux: String?) {
                var failure: String?
                do throws(FileSystemError) { _ = try operation.perform(on: mounted.fileSystem) } catch {
                    failure = error.code.rawValue
                }
                return (failure, linux.perform(operation))
            }
            var sceneCount = 0
            var isSceneNeeded = true
            for makeOperation in Self.operations {
                if isSceneNeeded {
                    sceneCount += 1
                    for operation in Self.scene("/c\(sceneCount)") { #expect(errors(operation) == (nil, nil)) }
                }
                let operation = makeOperation("/c\(sceneCount)")
                let found = errors(operation)
                #expect(found.here == found.linux, "\(operation)")
                isSceneNeeded = found.here == nil
            }
        }
    }

    /// What is wrong in all cases: a subvolume, a read-only snapshot and a fifo, which no operation removes.
    private static func makeVolume() throws -> MountedVolume {
        let volume = try MountedVolume("chmod_fsync")
        let fs = volume.fileSystem
        _ = try fs.createSubvolume("/s")
        try fs.makeDirectory("/s/d")
        try fs.create("/s/f")
        try fs.write("/s/f", at: 0, [UInt8](repeating: 2, count: 9000))
        try fs.snapshot("/s", at: "/ro", isReadOnly: true)
        try fs.makeNode("/fifo", mode: 0o010644)
        return volume
    }

    /// What the operations work with, until one succeeds: then another one is made.
    private static func scene(_ path: String) -> [FileOperation] {
        [
            .makeDirectory(path), .create("\(path)/f"), .write("\(path)/f", at: 0, [UInt8](repeating: 1, count: 10000)),
            .makeDirectory("\(path)/d"), .create("\(path)/d/f"), .makeDirectory("\(path)/d/sub"),
            .makeDirectory("\(path)/e"), .makeSymlink("\(path)/l", to: "f"), .makeSymlink("\(path)/dl", to: "d"),
            .makeSymlink("\(path)/loop", to: "loop"), .setXattr("\(path)/f", name: "user.a", [1]),
        ]
    }

    /// In a scene where they begin with a dot.
    private static let paths = [
        "./f", "./d", "./l", "./dl", "./e", "./none", "./d/f", "./d/sub", "./d/sub/x", "./none/x", "./f/x", "./loop/x",
        "./f/", "./d/", "./dl/", "./none/", "./d/.", "./d/..", "./none/.", "./f/.", "/.", "/ro/f", "/ro/d", "/ro/x",
        "/s/f", "/s/d", "./d/" + String(repeating: "n", count: 256),
    ]

    private static let ranges: [(offset: UInt64, count: UInt64)] = [
        (0, 0), (0, 4096), (4096, 100), (0, 1 << 63 - 1), (1 << 63 - 1, 1),
    ]

    private static let operations = paths.flatMap(operations) + specialOperations

    private static func operations(on path: String) -> [@Sendable (String) -> FileOperation] {
        let names = [
            "user.a", "user.b", "user.", "user", "trusted.t", "trusted.", "security.s", "system.x", "foo.bar", "btrfs.none",
            "user." + String(repeating: "k", count: 250), "user." + String(repeating: "k", count: 251),
        ]
        var operations: [@Sendable (String) -> FileOperation] = [
            { .makeDirectory(at($0, path)) }, { .unlink(at($0, path)) }, { .removeDirectory(at($0, path)) },
            { .changeMode(at($0, path), 0o700) }, { .truncate(at($0, path), to: 5000) },
            { .makeSymlink(at($0, path), to: "t") }, { .write(at($0, path), at: 0, [1]) },
        ]
        if path.last != "/" { operations.append { .create(at($0, path)) } }
        for name in names {
            operations.append { .setXattr(at($0, path), name: name, [1]) }
            operations.append { .removeXattr(at($0, path), name: name) }
        }
        for (offset, count) in ranges {
            operations.append { .punchHole(at($0, path), at: offset, count: count) }
            operations.append { .zeroRange(at($0, path), at: offset, count: count) }
            operations.append { .allocate(at($0, path), at: offset, count: count, keepSize: false) }
        }
        for other in paths {
            operations.append { .rename(at($0, path), to: at($0, other)) }
            operations.append { .rename(at($0, path), to: at($0, other), exchange: true) }
            operations.append { .link(at($0, path), to: at($0, other)) }
            operations.append { .clone(at($0, path), range: 0..<4096, to: at($0, other), at: 4096) }
        }
        return operations
    }

    private static func at(_ scene: String, _ path: String) -> String {
        path.first == "." ? scene + path.dropFirst() : path
    }

    private static let specialOperations: [@Sendable (String) -> FileOperation] = [
        { _ in .setXattr("/fifo", name: "user.a", [1]) }, { _ in .setXattr("/fifo", name: "user.", [1]) },
        { _ in .setXattr("/fifo", name: "btrfs.compression", [1]) }, { _ in .truncate("/fifo", to: 0) },
        { _ in .setXattr("/fifo", name: "btrfs.compression", Array("lzo".utf8)) }, { _ in .removeDirectory("/fifo") },
        { _ in .removeXattr("/fifo", name: "btrfs.compression") }, { _ in .punchHole("/fifo", at: 0, count: 0) },
        { _ in .punchHole("/fifo", at: 0, count: 4096) }, { _ in .rename("/fifo", to: "/ro/f") },
        { .rename("/ro", to: at($0, "./ro")) }, { .rename(at($0, "./f"), to: "/ro") }, { .link("/ro", to: at($0, "./ro")) },
    ]

    static let skipReason = KernelOracle.skipReason(.hostKernel)
}
