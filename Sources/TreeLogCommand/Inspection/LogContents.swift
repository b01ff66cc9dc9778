internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// What the items of the logs say by themselves, for a log that cannot be replayed.
final class LogContents {
    /// What a log has of one inode.
    struct LoggedInode {
        var inode: ObjectID
        /// The logged inode item; nil where only other items are there.
        var item: InodeItem?
        /// Names by back references or directory entries in the log.
        var names: [InodeName] = []
        /// Bytes of data that the logged extents hold, without holes.
        var dataByteCount: UInt64 = 0
        var xattrCount = 0
        /// Names that the log gives to the directory.
        var entryCount = 0
        var path: [UInt8]?
        /// Whether the committed subvolume has the inode.
        var isCommitted = false
    }

    /// The log of one subvolume.
    struct Log {
        var subvolume: ObjectID
        var path: [UInt8]?
        var exists: Bool
        var inodes: [LoggedInode] = []
        /// What could not be read.
        var problems: [Failure] = []
    }

    private(set) var logs: [Log] = []
    private let files: VolumeFiles

    /// Reads all logs, and passes over blocks and items that are damaged.
    ///
    /// - Throws: when the tree of log trees cannot be read.
    init(_ volume: Volume) throws {
        files = VolumeFiles(volume)
        guard let forest = try LogForest(of: volume) else { return }
        // One walk over all of them: blocks that are part of the logs more than once are read once.
        let walk = LogWalk()
        for entry in forest.entries.reversed() { logs.append(try read(entry, of: forest, walk)) }
    }

    private func read(_ entry: LogForest.Entry, of forest: LogForest, _ walk: LogWalk) throws -> Log {
        let exists = (try? forest.hasSubvolume(entry)) ?? false
        var log = Log(subvolume: entry.subvolume, path: try? files.path(of: entry.subvolume), exists: exists)
        let collector = ItemCollector()
        do throws(LogError) {
            var control = WalkControl(stage: .inodes, process: collector)
            control.damageHandler = collector
            try walk.run(over: try forest.open(entry, keepsDamagedItems: true), control)
        } catch {
            collector.problems.append(Failure(error))
        }
        log.problems = collector.problems
        let namespace = try? files.namespace(of: entry.subvolume)
        log.inodes = collector.inodes.values.sorted { $0.inode < $1.inode }.map { inode in
            var inode = inode
            inode.path = path(of: inode.inode, collector.inodes, namespace)
            inode.isCommitted = (try? namespace?.hasInode(inode.inode)) ?? false
            return inode
        }
        return log
    }

    /// The path of an inode by the names in the log, and above these by the committed ones.
    private func path(
        of inode: ObjectID, _ logged: [ObjectID: LoggedInode], _ namespace: Namespace?
    ) -> [UInt8]? {
        var names: [[UInt8]] = []
        var byteCount = 0
        var current = inode
        // The limit ends loops as well.
        while current != .firstFree, let name = logged[current]?.names.first {
            byteCount += name.name.count + 1
            guard byteCount <= Namespace.maximumPathByteCount else { return nil }
            names.append(name.name)
            current = name.directory
        }
        guard let above = current == .firstFree ? [] : try? namespace?.path(of: current) else { return nil }
        if !above.isEmpty { names.append(above) }
        return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
    }
}

/// Collects what the leaves of a log say of each inode.
private final class ItemCollector: ProcessFunction, DamageHandler {
    private(set) var inodes: [ObjectID: LogContents.LoggedInode] = [:]
    var problems: [Failure] = []

    func handleDamage(of block: LogBlock, _ error: LogError) throws(LogError) { problems.append(Failure(error)) }

    func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        guard block.level == 0 else { return }
        do {
            let leaf = LeafView(try block.read())
            let damaged = try block.damagedItems
            for slot in 0..<(try leaf.count) {
                let key = try leaf.key(at: slot)
                let data = try leaf.data(at: slot)
                do throws(FormatError) {
                    if let damage = damaged.first(where: { $0.slot == slot }) { throw damage.error }
                    try collect(key, data)
                } catch {
                    var place = block.place
                    (place.slot, place.key) = (slot, key)
                    problems.append(Failure(LogError(.format(error), at: place)))
                }
            }
        } catch {
            problems.append(Failure(error))
        }
    }

    private func collect(_ key: Key, _ data: RawSpan) throws(FormatError) {
        guard key.objectID.isFile else { return }
        let inode = key.objectID
        switch key.type {
        case .inodeItem:
            let item = try InodeItem(data)
            update(inode) { $0.item = item }
        case .inodeRef:
            var references = InodeRefs(data)
            while let reference = try references.next() {
                add(name: reference.name.copied, reference.index, in: ObjectID(key.offset), to: inode)
            }
        case .inodeExtref:
            var references = InodeExtrefs(data)
            while let reference = try references.next() {
                add(name: reference.name.copied, reference.index, in: reference.parent, to: inode)
            }
        case .dirIndex:
            var entries = DirEntries(data)
            while let entry = try entries.next() {
                update(inode) { $0.entryCount += 1 }
                guard entry.location.type == .inodeItem else { continue }
                add(name: entry.name.copied, key.offset, in: inode, to: entry.location.objectID)
            }
        case .xattrItem: update(inode) { $0.xattrCount += 1 }
        case .extentData:
            let extent = try FileExtent(data)
            guard !extent.isHole, extent.kind != .preallocated else { return }
            update(inode) { $0.dataByteCount &+= extent.fileByteCount }
        default: break
        }
    }

    private func update(_ inode: ObjectID, _ change: (inout LogContents.LoggedInode) -> Void) {
        change(&inodes[inode, default: LogContents.LoggedInode(inode: inode)])
    }

    private func add(name: [UInt8], _ index: UInt64, in directory: ObjectID, to inode: ObjectID) {
        update(inode) { logged in
            let name = InodeName(directory: directory, index: index, name: name)
            if !logged.names.contains(name) { logged.names.append(name) }
        }
    }
}
