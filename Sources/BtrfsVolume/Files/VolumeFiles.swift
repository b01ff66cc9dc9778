public import BtrfsFormat

/// The place of a file: a subvolume and an inode there.
public struct FileLocation: Hashable, Sendable {
    /// The number of the subvolume.
    public var subvolume: ObjectID
    /// The number of the inode in it.
    public var inode: ObjectID

    /// A file of a volume.
    public init(subvolume: ObjectID, inode: ObjectID) {
        self.subvolume = subvolume
        self.inode = inode
    }

    /// The root directory of a subvolume.
    public static func root(of subvolume: ObjectID) -> FileLocation {
        FileLocation(subvolume: subvolume, inode: .firstFree)
    }
}

/// What becomes of symbolic links on the way along a path.
public enum SymlinkPolicy: Sendable {
    /// A link is itself the file; a path that goes on behind one leads nowhere.
    case stop
    /// The way goes on at the target.
    case follow
}

/// All files of a volume, across subvolumes: as of the last commit, or of any other set of trees, such as
/// those of a transaction in which a log was replayed.
public final class VolumeFiles {
    /// Gives the tree with a number, or nil where there is none.
    public typealias TreeProvider = (ObjectID) throws(VolumeError) -> Tree?

    /// The volume that is read.
    public let volume: Volume
    private let trees: TreeProvider
    private var namespaces: [ObjectID: Namespace] = [:]
    private var sharings: [ObjectID: ExtentSharing] = [:]
    private var reader: FileReader?
    /// The files as of the last commit.
    public convenience init(_ volume: Volume) {
        self.init(volume) { (id: ObjectID) throws(VolumeError) in try volume.tree(id) }
    }

    /// The files that the trees of `trees` hold; the content of files is read from `volume`.
    public init(_ volume: Volume, trees: @escaping TreeProvider) {
        self.volume = volume
        self.trees = trees
    }

    /// The files of a subvolume; nil when there is no such subvolume.
    public func namespace(of subvolume: ObjectID) throws(VolumeError) -> Namespace? {
        if let namespace = namespaces[subvolume] { return namespace }
        guard subvolume.isSubvolume, let tree = try trees(subvolume) else { return nil }
        let namespace = Namespace(tree)
        namespaces[subvolume] = namespace
        return namespace
    }

    /// Forgets what was kept of a subvolume, to keep memory small.
    func forget(_ subvolume: ObjectID) {
        namespaces[subvolume] = nil
        sharings[subvolume] = nil
    }

    /// A reader for the content of files.
    public func fileReader() throws(VolumeError) -> FileReader {
        if let reader { return reader }
        let reader = FileReader(volume, checksumTree: try trees(.checksumTree))
        self.reader = reader
        return reader
    }

    /// The extents of a file as FIEMAP reports them.
    public func map(of inode: ObjectID, in namespace: Namespace) throws(VolumeError) -> FileMap {
        FileMap(namespace, of: inode, sharing: try sharing(in: namespace))
    }

    private func sharing(in namespace: Namespace) throws(VolumeError) -> ExtentSharing? {
        if let sharing = sharings[namespace.tree.id] { return sharing }
        guard let extentTree = try trees(.extentTree) else { return nil }
        let sharing = ExtentSharing(of: namespace.tree, extentTree: extentTree)
        sharings[namespace.tree.id] = sharing
        return sharing
    }

    /// The target of a symbolic link.
    ///
    /// - Throws: `VolumeError.refused` for one that is longer than a block of the tree.
    public func symlinkTarget(of inode: ObjectID, in namespace: Namespace) throws(VolumeError) -> [UInt8] {
        var collector = ByteCollector(limit: volume.nodeSize)
        try fileReader().read(inode, of: namespace, into: &collector)
        return collector.bytes
    }

    // MARK: Subvolumes

    /// The root item of a subvolume; nil when there is none.
    public func rootItem(of subvolume: ObjectID) throws(VolumeError) -> RootItem? {
        guard let rootTree = try trees(.rootTree) else { return nil }
        return try Volume.rootItem(of: subvolume, in: rootTree)?.item
    }

    /// Whether the name `name` in `directory` of `parent` enters the subvolume `child`. Snapshots keep such
    /// names of their source, but these lead to empty directories.
    ///
    /// The corresponding kernel function is `fixup_tree_root_location`.
    public func enters(
        _ child: ObjectID, name: [UInt8], in directory: ObjectID, of parent: ObjectID
    ) throws(VolumeError) -> Bool {
        guard let rootTree = try trees(.rootTree) else { return false }
        let key = Key(parent, .rootRef, child.rawValue)
        guard let item = try rootTree.find(key) else { return false }
        let reference = try parsing(key) { () throws(FormatError) in try RootRef(item) }
        guard reference.directoryID == directory, reference.name == name else { return false }
        return try namespace(of: child) != nil
    }

    /// The way to a subvolume from the top level: names joined by `/`, empty for the top level itself; nil
    /// where it has no name, or the names form a loop.
    public func path(of subvolume: ObjectID) throws(VolumeError) -> [UInt8]? {
        guard let rootTree = try trees(.rootTree) else { return nil }
        var names: [[UInt8]] = []
        var visited: Set<ObjectID> = []
        var current = subvolume
        while current != .fileTree {
            guard visited.insert(current).inserted else { return nil }
            let cursor = rootTree.makeCursor()
            try cursor.seek(Key(current, .rootBackref, 0))
            guard cursor.isValid, cursor.key.objectID == current, cursor.key.type == .rootBackref else {
                return nil
            }
            let key = cursor.key
            let item = cursor.data
            let reference = try parsing(key) { () throws(FormatError) in try RootRef(item) }
            names.append(reference.name)
            let parent = ObjectID(key.offset)
            guard let above = try namespace(of: parent)?.path(of: reference.directoryID) else { return nil }
            if !above.isEmpty { names.append(above) }
            current = parent
        }
        return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    /// The way to a file from the top level; nil where it has no name.
    public func path(of location: FileLocation) throws(VolumeError) -> [UInt8]? {
        guard let above = try path(of: location.subvolume),
            let path = try namespace(of: location.subvolume)?.path(of: location.inode)
        else { return nil }
        if above.isEmpty || path.isEmpty { return above + path }
        return above + [UInt8(ascii: "/")] + path
    }

    // MARK: Paths

    /// The file at `path`, from the root of the subvolume `start` on; subvolumes on the way are entered. `/`
    /// in front, several in a row and `.` mean nothing; `..` leads up, at the root to the root.
    ///
    /// - Returns: nil where the path leads nowhere.
    public func resolve(
        _ path: [UInt8], from start: ObjectID = .fileTree, symlinks: SymlinkPolicy = .stop
    ) throws(VolumeError) -> FileLocation? {
        var walk = PathWalk(path, from: start)
        while let name = walk.nextName() {
            if walk.isDots(name) { continue }
            guard let next = try step(from: walk.here, to: name) else { return nil }
            guard symlinks == .follow, let target = try linkTarget(at: next) else {
                walk.enter(next)
                continue
            }
            guard walk.follow(target) else { return nil }
        }
        return walk.here
    }

    private func step(from here: FileLocation, to name: [UInt8]) throws(VolumeError) -> FileLocation? {
        guard let namespace = try namespace(of: here.subvolume),
            let target = try namespace.entry(named: name.rawSpan, in: here.inode)
        else { return nil }
        let id = target.location.objectID
        guard target.isSubvolume else { return FileLocation(subvolume: here.subvolume, inode: id) }
        guard try enters(id, name: name, in: here.inode, of: here.subvolume) else { return nil }
        return .root(of: id)
    }

    private func linkTarget(at location: FileLocation) throws(VolumeError) -> [UInt8]? {
        guard let namespace = try namespace(of: location.subvolume),
            let item = try namespace.inode(location.inode), item.isSymlink
        else { return nil }
        return try symlinkTarget(of: location.inode, in: namespace)
    }
}
