import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// What a log cannot tell is a commit, which says why.
@Suite struct FallbackTests {
    private func expect(
        _ reason: FullCommitReason, at path: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ options: MountOptions = MountOptions(), before: (FileSystem) throws -> Void = { _ in },
        after: (FileSystem) throws -> Void
    ) throws {
        let volume = try MountedVolume("chmod_fsync", options)
        let fs = volume.fileSystem
        try fs.makeDirectory("/top")
        try before(fs)
        try fs.sync()
        try after(fs)
        #expect(try fs.fsync(path) == .fullCommit(reason), sourceLocation: sourceLocation)
        let differences = try volume.differencesAfterCrash()
        #expect(differences.isEmpty, "\(differences)", sourceLocation: sourceLocation)
    }

    @Test func withoutTheLog() throws {
        var options = MountOptions()
        options.usesTreeLog = false
        try expect(.logNotUsed, at: "/top/f", options) { try $0.create("/top/f") }
    }

    @Test func aFileThatMoved() throws {
        try expect(.movedFile, at: "/top/f", before: { try $0.create("/f0") }) { try $0.rename("/f0", to: "/top/f") }
        try expect(.movedFile, at: "/", before: { try $0.create("/f0") }) { try $0.rename("/f0", to: "/top/f") }
        // A new name and then the loss of the old one is a move too.
        try expect(.movedFile, at: "/", before: { try $0.create("/f0") }) {
            try $0.link("/f0", to: "/top/f")
            try $0.unlink("/f0")
        }
    }

    @Test func aDirectoryThatIsGone() throws {
        try expect(
            .deletedParent, at: "/top/f",
            before: {
                try $0.makeDirectory("/gone")
                try $0.create("/gone/f")
                try $0.link("/gone/f", to: "/top/f")
            },
            after: {
                try $0.unlink("/gone/f")
                try $0.removeDirectory("/gone")
            })
    }

    @Test func tooManyConflicts() throws {
        try expect(
            .tooManyConflicts, at: "/top/0",
            before: { fs in for number in 0..<15 { try fs.create("/top/\(number)") } },
            after: { fs in
                try fs.rename("/top/0", to: "/top/free")
                for number in 1..<15 { try fs.rename("/top/\(number)", to: "/top/\(number - 1)") }
                try fs.rename("/top/free", to: "/top/14")
            })
    }

    @Test func subvolumes() throws {
        try expect(.newSubvolume, at: "/top/f") {
            _ = try $0.createSubvolume("/sub")
            try $0.create("/top/f")
        }
        try expect(.newSubvolume, at: "/sub") { _ = try $0.createSubvolume("/sub") }
        try expect(.movedFile, at: "/", before: { _ = try $0.createSubvolume("/sub") }) {
            try $0.deleteSubvolume("/sub")
        }
    }

    /// The deletion of the directory would be that of the name as well, which no replay can do.
    @Test func aDeletedDirectoryThatHeldASubvolume() throws {
        let before: (FileSystem) throws -> Void = {
            try $0.makeDirectory("/top/d")
            try $0.makeDirectory("/top/d/e")
            _ = try $0.createSubvolume("/top/d/e/sub")
        }
        for path in ["/top", "/top/d"] {
            try expect(.movedFile, at: path, before: before) {
                try $0.deleteSubvolume("/top/d/e/sub")
                try $0.removeDirectory("/top/d/e")
                try $0.removeDirectory("/top/d")
                try $0.makeDirectory("/top/d")
            }
        }
    }

    /// Of several reasons the first one is told.
    @Test func aFileThatMovedAfterASnapshot() throws {
        try expect(.newSubvolume, at: "/top/f", before: { try $0.create("/f0") }) {
            _ = try $0.createSubvolume("/sub")
            try $0.rename("/f0", to: "/top/f")
        }
    }

    @Test func aSubvolumeThatMoved() throws {
        try expect(.changedSubvolume, at: "/top/f", before: { _ = try $0.createSubvolume("/sub") }) {
            try $0.rename("/sub", to: "/top/sub")
            try $0.create("/top/f")
        }
    }

    @Test func aNameThatASubvolumeHad() throws {
        try expect(.conflictWithSubvolume, at: "/top/sub", before: { _ = try $0.createSubvolume("/top/sub") }) {
            try $0.deleteSubvolume("/top/sub")
            try $0.create("/top/sub")
        }
    }

    @Test func aNameThatADirectoryHadWhichMoved() throws {
        try expect(.conflictWithMovedDirectory, at: "/top/d", before: { try $0.makeDirectory("/top/d") }) {
            try $0.rename("/top/d", to: "/moved")
            try $0.create("/top/d")
        }
    }

    @Test func aFileOfTooManyPieces() throws {
        let device = MemoryDevice(byteCount: 1 << 30)
        try Volume.create(on: device, VolumeOptions())
        let fs = try MountedVolume(mounting: [device]).fileSystem
        // Without block groups that have the room, the new chunks would be the reason.
        try fs.create("/room")
        try fs.allocate("/room", at: 0, count: 300 << 20)
        try fs.sync()
        try fs.unlink("/room")
        let pieces = UInt64(32_769)
        try fs.create("/f")
        try fs.truncate("/f", to: pieces * 8192)
        try fs.sync()
        for piece in 0..<pieces { try fs.allocate("/f", at: piece * 8192, count: 4096) }
        #expect(try fs.fsync("/f") == .fullCommit(.tooManyExtents))
    }

    @Test func aNewNameInExtendedReferences() throws {
        let name = { (number: Int) in "/top/" + String(repeating: "l", count: 250) + "\(number)" }
        try expect(
            .extendedReferences, at: "/top/f",
            before: { fs in
                try fs.create("/top/f")
                for number in 0..<100 { try fs.link("/top/f", to: name(number)) }
            },
            after: { try $0.link("/top/f", to: name(100)) })
    }

    @Test func anItemThatGrowsTooMuchForLinux() throws {
        func set(_ count: Int) -> (FileSystem) throws -> Void {
            { try $0.setXattr("/top/f", "user.x", [UInt8](repeating: 1, count: count)) }
        }
        try expect(.itemTooLarge, at: "/top/f", before: { try $0.create("/top/f"); try set(9_000)($0) }, after: set(12_000))
    }

    @Test func anItemOfATypeThatNobodyRegistered() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.create("/f")
        try fs.sync()
        try fs.putItem("/f", KeyType(100), at: 1, [7])
        #expect(try fs.fsync("/f") == .fullCommit(.unknownItemType))
        #expect(try FileSystem(mounting: volume.crash()).getItem("/f", KeyType(100), at: 1) == [7])
    }

    @Test func itemsOfPlugins() throws {
        var options = MountOptions()
        let type = KeyType(100)
        try options.registry.itemTypes.register(ItemType.custom(name: "NOTE", keyType: type))
        let volume = try MountedVolume("chmod_fsync", options)
        let fs = volume.fileSystem
        try fs.create("/notes")
        for number in UInt64(0)..<50 { try fs.putItem("/notes", type, at: number, [1, 2, 3]) }
        try fs.sync()
        try fs.putItem("/notes", type, at: 7, [4])
        try fs.putItem("/notes", type, at: 99, [5])
        guard case .logged = try fs.fsync("/notes") else {
            Issue.record("not logged")
            return
        }
        let again = try FileSystem(mounting: volume.crash(), options)
        #expect(try again.getItem("/notes", type, at: 7) == [4])
        #expect(try again.getItem("/notes", type, at: 99) == [5])
        #expect(try again.getItem("/notes", type, at: 8) == [1, 2, 3])
        try fs.deleteItem("/notes", type, at: 99)
        guard case .logged = try fs.fsync("/notes") else {
            Issue.record("not logged")
            return
        }
        try fs.deleteItem("/notes", type, at: 8)
        #expect(try fs.fsync("/notes") == .fullCommit(.deletedItem))
    }
}
