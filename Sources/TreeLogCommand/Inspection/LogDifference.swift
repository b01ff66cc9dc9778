internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// Compares a volume without its log with the same volume after the replay.
///
/// Only the inodes that the replay touched are looked at, so the cost is that of the log, not of the volume.
struct LogDifference {
    private let before: VolumeFiles
    private let after: VolumeFiles

    init(before: VolumeFiles, after: VolumeFiles) {
        self.before = before
        self.after = after
    }

    /// The changes that the replay with this report made, by subvolume.
    func changes(in report: ReplayReport) throws -> [SubvolumeChanges] {
        try report.subvolumes.reversed().map { subvolume in
            var result = SubvolumeChanges(subvolume: subvolume.subvolume)
            if !subvolume.isReplayed { result.reasonNotReplayed = subvolume.skipped.first?.reason ?? "left out" }
            guard let old = try before.namespace(of: subvolume.subvolume),
                let new = try after.namespace(of: subvolume.subvolume)
            else { return result }
            result.path = try after.path(of: subvolume.subvolume)
            let pair = NamespacePair(old, new)
            for inode in subvolume.inodes {
                if let change = try pair.change(of: inode.inode) { result.changes.append(change) }
            }
            result.changes.sort { ($0.path ?? []).lexicographicallyPrecedes($1.path ?? []) }
            return result
        }
    }
}

/// A subvolume before and after.
private final class NamespacePair {
    private let old: Namespace
    private let new: Namespace
    private let oldPaths: DirectoryPaths
    private let newPaths: DirectoryPaths

    init(_ old: Namespace, _ new: Namespace) {
        self.old = old
        self.new = new
        oldPaths = DirectoryPaths(old)
        newPaths = DirectoryPaths(new)
    }

    /// What changed of an inode; nil when nothing did.
    func change(of inode: ObjectID) throws -> InodeChange? {
        let (oldItem, newItem) = (try old.inode(inode), try new.inode(inode))
        let (oldNames, newNames) = (try names(of: inode, in: old), try names(of: inode, in: new))
        guard let item = newItem ?? oldItem else { return nil }
        var change = InodeChange(inode: inode, type: item.fileType)
        change.sizeBefore = oldItem?.size
        change.sizeAfter = newItem?.size
        let added = newNames.filter { name in !oldNames.contains { Self.areSame($0, name) } }
        let removed = oldNames.filter { name in !newNames.contains { Self.areSame($0, name) } }
        change.addedNames = try added.map { try newPaths.path(of: $0) }
        change.removedNames = try removed.map { try oldPaths.path(of: $0) }
        if inode == .firstFree {
            change.path = []
        } else if let name = newNames.first {
            change.path = try newPaths.path(of: name)
        } else if let name = oldNames.first {
            change.path = try oldPaths.path(of: name)
        }
        addNameKinds(
            to: &change, isNew: oldItem == nil, isGone: oldItem != nil && newNames.isEmpty && !oldNames.isEmpty)
        if !change.kinds.contains(.deleted) { try addContentKinds(to: &change, oldItem, newItem) }
        return change.kinds.isEmpty ? nil : change
    }

    /// The names that count: the root of a subvolume has one that leads to itself.
    private func names(of inode: ObjectID, in namespace: Namespace) throws -> [InodeName] {
        inode == .firstFree ? [] : try namespace.names(of: inode)
    }

    private static func areSame(_ a: InodeName, _ b: InodeName) -> Bool {
        a.directory == b.directory && a.name == b.name
    }

    private func addNameKinds(to change: inout InodeChange, isNew: Bool, isGone: Bool) {
        if isNew {
            change.kinds.append(.created)
        } else if isGone {
            change.kinds.append(.deleted)
        } else if !change.addedNames.isEmpty, !change.removedNames.isEmpty {
            change.kinds.append(.renamed)
        } else if !change.addedNames.isEmpty {
            change.kinds.append(.linked)
        } else if !change.removedNames.isEmpty {
            change.kinds.append(.unlinked)
        }
    }

    private func addContentKinds(
        to change: inout InodeChange, _ oldItem: InodeItem?, _ newItem: InodeItem?
    ) throws {
        guard let newItem else { return }
        let inode = change.inode
        if let oldItem, newItem.size != oldItem.size, !newItem.isDirectory { change.kinds.append(.size) }
        if !newItem.isDirectory {
            let pieces = try FilePieces(old.extents(of: inode), in: old)
            change.dataByteCount = try pieces.newByteCount(new.extents(of: inode), in: new, size: newItem.size)
            if change.dataByteCount > 0 { change.kinds.append(.data) }
        }
        try addXattrs(to: &change)
        guard let oldItem, !change.kinds.contains(.created) else { return }
        if newItem.mode != oldItem.mode || newItem.uid != oldItem.uid || newItem.gid != oldItem.gid
            || newItem.flags != oldItem.flags || newItem.rdev != oldItem.rdev
        {
            change.kinds.append(.attributes)
        }
        if change.kinds.isEmpty, Self.haveOtherTimes(oldItem, newItem) || newItem.size != oldItem.size {
            change.kinds.append(.times)
        }
    }

    private func addXattrs(to change: inout InodeChange) throws {
        let (oldXattrs, newXattrs) = (try old.xattrs(of: change.inode), try new.xattrs(of: change.inode))
        change.setXattrs = newXattrs.filter { !oldXattrs.contains($0) }.map(\.name)
        change.removedXattrs = oldXattrs.map(\.name).filter { name in !newXattrs.contains { $0.name == name } }
        if !change.setXattrs.isEmpty || !change.removedXattrs.isEmpty { change.kinds.append(.xattrs) }
    }

    private static func haveOtherTimes(_ a: InodeItem, _ b: InodeItem) -> Bool {
        a.mtime != b.mtime || a.ctime != b.ctime || a.atime != b.atime || a.otime != b.otime || a.nlink != b.nlink
    }
}

/// The paths of directories, each looked up once.
final class DirectoryPaths {
    private let namespace: Namespace
    private var known: [ObjectID: [UInt8]?] = [:]

    init(_ namespace: Namespace) { self.namespace = namespace }

    /// The path of a name within the subvolume; where its directory has none, the name behind `?/`.
    func path(of name: InodeName) throws -> [UInt8] {
        let directory: [UInt8]?
        if let path = known[name.directory] {
            directory = path
        } else {
            directory = try namespace.path(of: name.directory)
            known[name.directory] = .some(directory)
        }
        let above = directory ?? [UInt8(ascii: "?")]
        return above.isEmpty ? name.name : above + [UInt8(ascii: "/")] + name.name
    }
}
