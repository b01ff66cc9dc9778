internal import BtrfsFormat
internal import BtrfsVolume

/// Reads one log into a summary.
struct SummaryReader {
    private(set) var summary: SubvolumeSummary
    private let log: LogTree
    private let committed: Namespace?
    private var current: InodeSummary?
    private var ranges: [(directory: ObjectID, start: UInt64, last: UInt64)] = []
    /// For paths: a name of each inode by the log.
    private var loggedNames: [ObjectID: (directory: ObjectID, name: [UInt8])] = [:]
    private var paths: [ObjectID: [UInt8]] = [:]
    /// Shared by all names of a directory; nil where there is none.
    private var directoryPaths: [ObjectID: [UInt8]?] = [:]

    init(_ subvolume: ObjectID, _ log: LogTree, committed: Namespace?) {
        self.log = log
        self.committed = committed
        summary = SubvolumeSummary(subvolume: subvolume, exists: committed != nil, level: log.level)
    }

    mutating func read() throws {
        let cursor = log.tree.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            let key = cursor.key
            summary.itemCounts[key.type, default: 0] += 1
            if key.objectID.isFile { try read(key, cursor.data) }
            if try !cursor.next() { break }
        }
        finishInode()
        try findDeletions()
        for slot in summary.inodes.indices {
            let inode = summary.inodes[slot].inode
            summary.inodes[slot].path = path(of: inode)
            for name in summary.inodes[slot].names.indices {
                let logged = summary.inodes[slot].names[name]
                summary.inodes[slot].names[name].directoryPath = directoryPath(logged.directory)
            }
        }
    }

    private mutating func finishInode() {
        guard let current else { return }
        if let name = current.names.first { loggedNames[current.inode] = (name.directory, name.name) }
        summary.inodes.append(current)
        self.current = nil
    }

    private mutating func read(_ key: Key, _ data: RawSpan) throws {
        if current?.inode != key.objectID {
            finishInode()
            current = InodeSummary(inode: key.objectID)
        }
        switch key.type {
        case .inodeItem: try readInode(data)
        case .inodeRef:
            var entries = InodeRefs(data)
            while let entry = try entries.next() {
                addName(ObjectID(key.offset), entry.index, entry.name.copied)
            }
        case .inodeExtref:
            var entries = InodeExtrefs(data)
            while let entry = try entries.next() { addName(entry.parent, entry.index, entry.name.copied) }
        case .xattrItem: current?.xattrCount += 1
        case .dirIndex: current?.entryCount += 1
        case .dirLogIndex: ranges.append((key.objectID, key.offset, try data.u64(at: 0)))
        case .extentData: try readExtent(data)
        default: break
        }
    }

    private mutating func readInode(_ data: RawSpan) throws {
        let item = try InodeItem(data)
        guard var inode = current else { return }
        let before = try committed?.inode(inode.inode)
        inode.mode = item.mode
        inode.size = item.size
        inode.committedSize = before?.size
        if item.nlink == 0 {
            inode.change = .deleted
        } else if before == nil {
            inode.change = .new
        } else {
            inode.change = item.generation == 0 ? .exists : .changed
        }
        current = inode
    }

    private mutating func addName(_ directory: ObjectID, _ index: UInt64, _ name: [UInt8]) {
        guard let inode = current?.inode else { return }
        current?.names.append(LoggedName(directory: directory, index: index, name: name, inode: inode))
    }

    private mutating func readExtent(_ data: RawSpan) throws {
        let extent = try FileExtent(data)
        current?.extentCount += 1
        if extent.isHole { return }
        current?.byteCount &+= extent.fileByteCount
    }

    // MARK: Names that are gone

    /// The names of the subvolume in the ranges that the log covers, less those that it has.
    private mutating func findDeletions() throws {
        guard let committed else { return }
        let cursor = committed.tree.makeCursor()
        let logCursor = log.tree.makeCursor()
        var position = Key.minimum
        for range in ranges {
            // Ranges of a directory ascend; what one has covered is not looked at again.
            let start = max(Key(range.directory, .dirIndex, range.start), position)
            let last = Key(range.directory, .dirIndex, range.last)
            guard start <= last else { continue }
            try cursor.seek(start)
            while cursor.isValid, cursor.key <= last {
                let key = cursor.key
                var entries = DirEntries(cursor.data)
                if let entry = try entries.next(), try !logHas(entry.name, at: key, logCursor) {
                    let name = entry.name.copied
                    summary.deletedNames.append(
                        LoggedName(
                            directory: key.objectID, index: key.offset, name: name,
                            inode: entry.location.objectID, directoryPath: directoryPath(key.objectID)))
                }
                if try !cursor.next() { break }
            }
            position = last.successor ?? .maximum
        }
    }

    private func logHas(_ name: RawSpan, at key: Key, _ cursor: TreeCursor) throws -> Bool {
        guard try cursor.seek(key) else { return false }
        var entries = DirEntries(cursor.data)
        while let entry = try entries.next() {
            if entry.name.hasSameBytes(as: name) { return true }
        }
        return false
    }

    // MARK: Paths

    private mutating func directoryPath(_ directory: ObjectID) -> [UInt8]? {
        if let known = directoryPaths[directory] { return known }
        let found = path(of: directory)
        directoryPaths[directory] = .some(found)
        return found
    }

    /// Goes up from inode to directory, by the names of the log first and then by those of the subvolume.
    private mutating func path(of inode: ObjectID) -> [UInt8]? {
        var way: [(inode: ObjectID, name: [UInt8])] = []
        var current = inode
        var path: [UInt8] = []
        // A circle of damaged references ends at the limit.
        var byteCount = 0
        while current != .firstFree {
            if let known = paths[current] {
                path = known
                break
            }
            guard let above = parent(of: current) else { return nil }
            byteCount += above.name.count + 1
            guard byteCount <= Namespace.maximumPathByteCount else { return nil }
            way.append((current, above.name))
            current = above.directory
        }
        guard path.count + byteCount <= Namespace.maximumPathByteCount else { return nil }
        for step in way.reversed() {
            if !path.isEmpty { path.append(UInt8(ascii: "/")) }
            path += step.name
            // Only directories are asked for again.
            if step.inode != inode { paths[step.inode] = path }
        }
        return path
    }

    private func parent(of inode: ObjectID) -> (directory: ObjectID, name: [UInt8])? {
        if let logged = loggedNames[inode] { return logged }
        guard let name = try? committed?.names(of: inode).first else { return nil }
        return (name.directory, name.name)
    }
}
