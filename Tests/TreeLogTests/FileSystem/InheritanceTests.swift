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
        try volume.expectClean()
    }

    /// As Linux does: what is set is the mode too, and the list only where it says more.
    @Test func aListIsAlsoTheMode() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.create("f", mode: 0o4600)
        func mode() throws -> UInt32 { try fs.stat("f").item.mode & 0o7777 }
        // The number of who is not named by number does not count.
        try fs.setXattr("f", Self.accessList, list([(1, 7, 3), (2, 6, 9), (4, 5, nil), (16, 6, nil), (32, 4, nil)]))
        #expect(try mode() == 0o4764)
        let stored = list([(1, 7, nil), (2, 6, 9), (4, 5, nil), (16, 6, nil), (32, 4, nil)])
        #expect(try fs.getXattr("f", Self.accessList) == stored)
        try fs.changeMode("f", to: 0o641)
        let changed = list([(1, 6, nil), (2, 6, 9), (4, 5, nil), (16, 4, nil), (32, 1, nil)])
        #expect(try fs.getXattr("f", Self.accessList) == changed)
        // One that went leaves the mode; one that says no more than the mode is not kept, and may be removed again.
        try fs.removeXattr("f", Self.accessList)
        #expect(try mode() == 0o641)
        try fs.setXattr("f", Self.accessList, list([(1, 7, nil), (4, 5, nil), (32, 0, nil)]))
        #expect(try mode() == 0o750)
        try fs.removeXattr("f", Self.accessList)
        #expect(try fs.listXattrs("f").isEmpty)
        try volume.expectClean()
    }

    @Test func whatIsNoListIsRefused() throws {
        let volume = try MountedVolume()
        try volume.fileSystem.create("f")
        try volume.fileSystem.makeSymlink("s", to: "f")
        let good = list([(1, 7, nil), (4, 5, nil), (32, 0, nil)])
        try volume.expect(.accessDenied) { try $0.setXattr("f", Self.defaultList, good) }
        try volume.expect(.notSupported) { try $0.setXattr("s", Self.accessList, good, followsLink: false) }
        try volume.expect(.notSupported) { try $0.setXattr("f", Self.accessList, [1] + good.dropFirst()) }
        let bad: [[UInt8]] = [
            [2, 0, 0], good + [1], list([(1, 7, nil), (4, 5, nil)]), list([(4, 5, nil), (1, 7, nil), (32, 0, nil)]),
            list([(1, 8, nil), (4, 5, nil), (32, 0, nil)]), list([(1, 7, nil), (2, 7, 9), (4, 5, nil), (32, 0, nil)]),
            list([(1, 7, nil), (2, 7, nil), (4, 5, nil), (16, 7, nil), (32, 0, nil)]), list([(3, 7, nil)]),
            good + list([(32, 0, nil)]).dropFirst(4),
        ]
        for bytes in bad { try volume.expect(.invalid) { try $0.setXattr("f", Self.accessList, bytes) } }
        #expect(try volume.fileSystem.listXattrs("f").isEmpty)
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
