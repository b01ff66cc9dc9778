import BtrfsFormat
import BtrfsVolume
import KernelOracle
import Testing
import TreeLog

/// A volume whose items say what they must not: operations fail, and nothing ends the process.
@Suite struct DamagedVolumeTests {
    @Test(arguments: [UInt64.max, UInt64(Int64.max)]) func noIndexIsLeftForANewName(index: UInt64) throws {
        let mounted = try MountedVolume()
        let file = try mounted.fileSystem.create("/x")
        try mounted.fileSystem.unmount()
        let transaction = try Transaction(on: Volume(opening: mounted.devices))
        let namespace = Namespace(try #require(try transaction.tree(file.subvolume)), in: transaction)
        let name = Array("far".utf8)
        let result = try namespace.addLink(
            name.rawSpan, at: index, to: file.inode, type: .regularFile, in: .firstFree, backReference: .add)
        #expect(result == .added)
        try transaction.commit()

        let fileSystem = try FileSystem(mounting: mounted.devices)
        for operation in [
            { _ = try fileSystem.create("/y") }, { try fileSystem.rename("/x", to: "/y") },
            { _ = try fileSystem.snapshot("/", at: "/y") },
        ] as [() throws -> Void] {
            let error = #expect(throws: FileSystemError.self) { try operation() }
            #expect([.needsCleaning, .readOnly].contains(error?.code), "\(String(describing: error))")
        }
        #expect(try fileSystem.read("/x") == [])
    }

    @Test func sizesThatNoFileHasAreErrors() throws {
        let mounted = try MountedVolume()
        let file = try mounted.fileSystem.create("/x")
        try mounted.fileSystem.unmount()
        let transaction = try Transaction(on: Volume(opening: mounted.devices))
        let namespace = Namespace(try #require(try transaction.tree(file.subvolume)), in: transaction)
        #expect(try namespace.updateInode(file.inode) { $0.size = .max - 1 })
        try transaction.commit()

        let fileSystem = try FileSystem(mounting: mounted.devices)
        for operation in [
            { _ = try fileSystem.read("/x") }, { try fileSystem.append("/x", [1]) },
            { try fileSystem.truncate("/x", to: 0) }, { try fileSystem.link("/x", to: "/y") },
        ] as [() throws -> Void] {
            let error = #expect(throws: FileSystemError.self) { try operation() }
            #expect(error?.code == .needsCleaning, "\(String(describing: error))")
        }
        // The directory has it, but has to log only that there is one.
        try fileSystem.create("/z")
        #expect(throws: Never.self) { try fileSystem.fsync("/") }
    }

    /// The last sector of the largest file ends where no file ends.
    @Test func theLargestFileIsLogged() throws {
        let volume = try MountedVolume()
        let fileSystem = volume.fileSystem
        try fileSystem.create("/x")
        try fileSystem.sync()
        try fileSystem.truncate("/x", to: FileSystem.maximumFileByteCount)
        let error = #expect(throws: FileSystemError.self) { try fileSystem.read("/x") }
        #expect(error?.code == .fileTooLarge)
        guard case .logged = try fileSystem.fsync("/x") else { return #expect(Bool(false), "a commit") }
        #expect(try volume.differencesAfterCrash().isEmpty)
    }
}
