internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// A volume in memory for the tests of a plugin. What is committed and logged waits until the replay.
final class TestVolume {
    struct Item {
        var key: Key
        var bytes: [UInt8]
    }

    private let devices: [MemoryDevice]
    private var committed: [Item] = []
    private var logged: [Item] = []

    /// The same in each replay, so that tests give the same results.
    private static let now = Timestamp(seconds: 1_700_000_000, nanoseconds: 0)

    /// The volume has one file, `file`, whose inode is 257.
    init() throws {
        devices = [try TestImage.load()]
        try logFile(Array("file".utf8), inode: ObjectID(257))
        try write()
        let (transaction, _) = try Replayer(
            try Volume(opening: devices), options: ReplayOptions(now: Self.now)).run()
        try transaction.commit()
    }

    func commit(_ item: Item) { committed.append(item) }

    func log(_ item: Item) { logged.append(item) }

    /// Logs a new file without content in the top directory.
    func logFile(_ name: [UInt8], inode: ObjectID) throws {
        guard (1...255).contains(name.count) else { throw APIError("a name has 1 to 255 bytes") }
        let generation = try Volume(opening: devices).superblock.generation
        let item = InodeItem(generation: generation, mode: 0o100644, time: Self.now)
        log(Item(key: Key(inode, .inodeItem, 0), bytes: item.encoded))
        let reference = InodeRefs.entry(index: inode.rawValue &* 16, name: name.rawSpan)
        log(Item(key: Key(inode, .inodeRef, ObjectID.firstFree.rawValue), bytes: reference))
    }

    /// Commits and logs what waits, replays the log with `plugin` and commits the result.
    func replay(_ plugin: Plugin, policy: String) throws -> ReplayReport {
        try write()
        var registry = Registry.mainline
        try plugin.register(in: &registry)
        let replayer = try Replayer(
            try Volume(opening: devices), registry: registry, policy: policy, options: ReplayOptions(now: Self.now))
        let (transaction, report) = try replayer.run()
        try transaction.commit()
        return report
    }

    /// Runs a process function over the log, which stays.
    func walk(_ process: PluginProcess) throws -> [UInt8] {
        try write()
        var output: [UInt8] = []
        try process.run(over: try Volume(opening: devices)) { output += $0 }
        return output
    }

    // MARK: Reading

    func bytes(of key: Key) throws -> [UInt8]? {
        guard let tree = try Volume(opening: devices).tree(.fileTree) else { return nil }
        return try tree.find(key)?.copied
    }

    /// The names in a directory, by a path from the top; nil where it leads nowhere.
    func names(in path: [UInt8]) throws -> [(name: [UInt8], inode: ObjectID)]? {
        guard let tree = try Volume(opening: devices).tree(.fileTree) else { return nil }
        let namespace = Namespace(tree)
        var directory = ObjectID.firstFree
        for part in path.split(separator: UInt8(ascii: "/")) {
            let name = Array(part)
            guard let entry = try namespace.entry(named: name.rawSpan, in: directory) else { return nil }
            directory = entry.location.objectID
        }
        var names: [(name: [UInt8], inode: ObjectID)] = []
        var entries = namespace.entries(of: directory)
        while let entry = try entries.next() { names.append((entry.name, entry.target.location.objectID)) }
        return names
    }

    // MARK: Writing

    private func write() throws {
        if !committed.isEmpty {
            let transaction = try Transaction(on: try Volume(opening: devices))
            guard let tree = try transaction.tree(.fileTree) else { throw APIError("the volume has no files") }
            for item in committed { try tree.put(item.key, item.bytes.rawSpan) }
            try transaction.commit()
            committed = []
        }
        guard !logged.isEmpty else { return }
        try writeLog(logged)
        logged = []
    }

    private func writeLog(_ items: [Item]) throws {
        let volume = try Volume(opening: devices)
        let logs = try LogTrees(of: try Transaction(on: volume))
        let log = try logs.makeLog(of: .fileTree)
        for item in items { try log.insert(item.key, item.bytes.rawSpan) }
        try logs.makePublication(1, on: volume).perform()
    }
}
