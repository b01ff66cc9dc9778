import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// What new files get from their directory, and that Linux gives the same.
@Suite struct InheritanceTests {
    static let skipReason = KernelOracle.skipReason(.hostKernel, .btrfsCheck)
    private static let accessList = "system.posix_acl_access"
    private static let defaultList = "system.posix_acl_default"

    /// Entries of tag, permissions and number.
    private func list(_ entries: [(tag: UInt8, permissions: UInt8, id: UInt8?)]) -> [UInt8] {
        var bytes: [UInt8] = [2, 0, 0, 0]
        for entry in entries {
            bytes += [entry.tag, 0, entry.permissions, 0]
            bytes += entry.id.map { [$0, 0, 0, 0] } ?? [255, 255, 255, 255]
        }
        return bytes
    }

    /// Directories with what their files inherit.
    private func makeDirectories(_ fs: FileSystem) throws -> [String] {
        let lists = [
            "users": list([(1, 7, nil), (2, 6, 9), (4, 5, nil), (16, 7, nil), (32, 4, nil)]),
            "narrow": list([(1, 5, nil), (4, 7, nil), (8, 7, 5), (16, 3, nil), (32, 0, nil)]),
            "modes": list([(1, 6, nil), (4, 4, nil), (32, 1, nil)]),
        ]
        for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
            try fs.makeDirectory(name)
            try fs.setXattr(name, Self.defaultList, list)
        }
        for method in ["zstd", "lzo", "none"] {
            try fs.makeDirectory(method)
            try fs.setXattr(method, "btrfs.compression", Array(method.utf8))
        }
        try fs.makeDirectory("nocow")
        try fs.setFlags("nocow", [.noDataCopyOnWrite])
        try fs.makeDirectory("group", mode: 0o2775)
        try fs.changeOwner("group", gid: 77)
        return lists.keys.sorted() + ["zstd", "lzo", "none", "nocow", "group"]
    }

    @Test func filesInherit() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        let directories = try makeDirectories(fs)
        for directory in directories {
            try fs.create("\(directory)/f", mode: 0o666)
            try fs.makeSymlink("\(directory)/s", to: "f")
        }
        #expect(try fs.stat("users/f").item.mode & 0o777 == 0o664)
        let expected = list([(1, 6, nil), (2, 6, 9), (4, 5, nil), (16, 6, nil), (32, 4, nil)])
        #expect(try fs.getXattr("users/f", Self.accessList) == expected)
        #expect(try fs.listXattrs("users/f").count == 1)
        #expect(try fs.listXattrs("users/s", followsLink: false).isEmpty)
        // A list that says no more than the mode is the mode.
        #expect(try fs.stat("modes/f").item.mode & 0o777 == 0o640)
        #expect(try fs.listXattrs("modes/f").isEmpty)
        #expect(try fs.stat("zstd/f").item.flags.contains(.compress))
        #expect(try fs.stat("group/f").item.gid == 77)
        try volume.expect(.invalid) { try $0.setXattr("zstd", "btrfs.compression", [1]) }
        try volume.expect(.invalid) { try $0.setXattr("zstd", "btrfs.other", [1]) }
        try volume.expect(.notPermitted) { try $0.setXattr("nocow", "btrfs.compression", Array("lzo".utf8)) }
        try fs.removeXattr("zstd/f", "btrfs.compression")
        #expect(try !fs.stat("zstd/f").item.flags.contains(.compress))
        try fs.setXattr("group", Self.defaultList, [2, 0, 0, 0, 1])
        try volume.expect(.invalid) { try $0.create("group/bad") }
        try volume.expectClean()
    }

    @Test(.enabled(if: skipReason == nil, Comment(rawValue: skipReason ?? ""))) func linuxGivesTheSame() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        let directories = try makeDirectories(fs)
        for directory in directories {
            try fs.create("\(directory)/f", mode: 0o666)
            try fs.makeDirectory("\(directory)/d", mode: 0o777)
            try fs.makeNode("\(directory)/p", mode: 0o010666)
            let file = try fs.createUnnamed(in: directory, mode: 0o666)
            try fs.linkUnnamed(file, to: "\(directory)/t")
            try fs.close(file)
        }
        try fs.unmount()
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try volume.devices[0].writeImage(to: path)
        try HostKernel.mount(images: [path]) { root in
            let script = "umask 0; for d in \(directories.joined(separator: " ")); do "
                + "echo > $d/f.linux; truncate -s 0 $d/f.linux; mkdir $d/d.linux; mkfifo $d/p.linux; done"
            #expect(try Shell.run(script, in: root) == 0)
            try HostKernel.sync(root)
        }
        let after = try FileSystem(mounting: [FileDevice(path: path, access: .readWrite)])
        for directory in directories {
            for (name, own) in [("f", "f"), ("d", "d"), ("p", "p"), ("f", "t")] {
                let (own, linux) = ("\(directory)/\(own)", "\(directory)/\(name).linux")
                let (ownStat, linuxStat) = (try after.stat(own).item, try after.stat(linux).item)
                #expect(ownStat.mode == linuxStat.mode, "\(own)")
                #expect(ownStat.gid == linuxStat.gid, "\(own)")
                #expect(ownStat.flags == linuxStat.flags, "\(own)")
                #expect(try after.listXattrs(own) == after.listXattrs(linux), "\(own)")
            }
        }
    }
}
