internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TestSupport
internal import TreeLog

/// Operations on whatever files a hostile volume shows, chosen at random.
///
/// What they do is of no interest, only that each ends, with an error that says what is wrong or without one.
struct HostileWork {
    private let fileSystem: FileSystem
    private var paths: [[UInt8]] = [Array("/new".utf8)]
    private let check: (any Error) throws -> Void

    /// - Parameter check: judges each error.
    init(_ fileSystem: FileSystem, check: @escaping (any Error) throws -> Void) {
        self.fileSystem = fileSystem
        self.check = check
    }

    /// Looks for files, does `count` operations, and commits.
    mutating func run(_ count: Int, _ generator: inout SeededRandom) throws {
        try findFiles()
        for _ in 0..<count { try attempt { try step(&generator) } }
        try attempt { try fileSystem.unmount() }
    }

    private func attempt(_ body: () throws -> Void) throws {
        do { try body() } catch { try check(error) }
    }

    /// Some of the files, from the root down.
    private mutating func findFiles() throws {
        var folders: [[UInt8]] = [Array("/".utf8)]
        while let folder = folders.popLast(), paths.count < 40 {
            var entries: [DirectoryEntry] = []
            try attempt { entries = try fileSystem.readDirectory(folder) }
            for entry in entries.prefix(12) {
                let path = folder + (folder.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]) + entry.name
                paths.append(path)
                // A circle of directories has no last one.
                let isFolder = entry.target.type == .directory && path.count < 1000
                if isFolder, folders.count < 8 { folders.append(path) }
            }
        }
    }

    private mutating func step(_ generator: inout SeededRandom) throws {
        let path = paths.randomElement(using: &generator) ?? []
        let other = Bool.random(using: &generator) ? paths.randomElement(using: &generator) ?? [] : path + [0x78]
        let offset = UInt64.random(in: 0..<40000, using: &generator)
        let bytes = [UInt8](repeating: 7, count: Int.random(in: 1..<9000, using: &generator))
        let fs = fileSystem
        switch Int.random(in: 0..<24, using: &generator) {
        case 0: try fs.create(other)
        case 1: try fs.makeDirectory(other)
        case 2, 3, 4: try fs.write(path, at: offset, bytes)
        case 5: try fs.append(path, bytes)
        case 6: try fs.truncate(path, to: offset)
        case 7: try fs.link(path, to: other)
        case 8: try fs.unlink(path)
        case 9: try fs.removeDirectory(path)
        case 10: try fs.rename(path, to: other)
        case 11: try fs.rename(path, to: other, .exchange)
        case 12: try fs.setXattr(path, "user.x", Array(bytes.prefix(30)))
        case 13: _ = try fs.listXattrs(path)
        case 14: try fs.punchHole(path, at: offset, count: UInt64(bytes.count))
        case 15: try fs.zeroRange(path, at: offset, count: UInt64(bytes.count))
        case 16: try fs.allocate(path, at: offset, count: UInt64(bytes.count))
        case 17: try fs.clone(from: path, range: 0..<8192, to: other, at: 4096)
        case 18: _ = try fs.snapshot("/", at: other)
        case 19: try fs.deleteSubvolume(path)
        case 20: _ = try fs.read(path, at: offset, count: 1 << 20)
        case 21: try fs.sync()
        default: _ = try fs.fsync(path)
        }
    }
}
