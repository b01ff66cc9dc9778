public import BtrfsFormat

/// A disagreement between a log and its subvolume, as a resolver sees it.
///
/// It is built only when there is one and the policy has a resolver for its kind, so a policy without resolvers
/// costs nothing.
public struct Conflict {
    /// What log and subvolume disagree about.
    public let kind: ConflictKind
    /// The item of the log that is being replayed.
    public let place: LogPlace
    /// The subvolume of the log.
    public let subvolume: ObjectID
    /// The inode whose logged item is replayed; for a name the inode that the log gives the name.
    public let inode: ObjectID
    /// What the log has; nil where it has nothing.
    public let logged: ConflictSide?
    /// What the subvolume has, with all that was replayed so far; nil where it has nothing.
    public let committed: ConflictSide?
    /// For names: the name, its directory and index.
    public let name: [UInt8]?
    /// For names: the directory.
    public let directory: ObjectID?
    /// For names: the index in the directory, where one is known.
    public let index: UInt64?
    /// What is wrong, in a sentence.
    public let detail: String
    /// What the built-in rules do, which is what Linux does.
    public let mainline: Resolution
    let paths: (any PathFinder)?

    /// A conflict; handlers build it and give it to `ReplayContext.resolve`.
    public init(
        _ kind: ConflictKind, at place: LogPlace, inode: ObjectID, logged: ConflictSide? = nil,
        committed: ConflictSide? = nil, name: [UInt8]? = nil, directory: ObjectID? = nil,
        index: UInt64? = nil, detail: String, mainline: Resolution, paths: (any PathFinder)? = nil
    ) {
        self.kind = kind
        self.place = place
        subvolume = place.subvolume ?? ObjectID(0)
        self.inode = inode
        self.logged = logged
        self.committed = committed
        self.name = name
        self.directory = directory
        self.index = index
        self.detail = detail
        self.mainline = mainline
        self.paths = paths
    }

    /// The stage of the replay.
    public var stage: ReplayStage { place.stage ?? .pin }
    /// The key of the item that is being replayed.
    public var key: Key { place.key ?? .minimum }

    /// The path of an inode within its subvolume as it is at this moment of the replay, without a slash in
    /// front; nil where it has none. Looked up when it is asked for.
    public func path(of inode: ObjectID) -> [UInt8]? { paths?.path(of: inode) }

    /// The path of the name in conflict, or of the inode where there is no name.
    public var path: [UInt8]? {
        guard let name, let directory else { return path(of: inode) }
        guard var path = path(of: directory) else { return nil }
        if !path.isEmpty { path.append(UInt8(ascii: "/")) }
        return path + name
    }
}

/// One side of a conflict.
public struct ConflictSide: Equatable, Sendable {
    /// The inode this side is about.
    public var inode: ObjectID
    /// The item, or for a name the directory entry.
    public var bytes: [UInt8]
    /// Whether the inode is one that this replay leaves out.
    public var isLeftOut: Bool

    /// One side of a conflict.
    public init(inode: ObjectID, bytes: [UInt8] = [], isLeftOut: Bool = false) {
        self.inode = inode
        self.bytes = bytes
        self.isLeftOut = isLeftOut
    }
}

/// What can tell the paths of inodes.
public protocol PathFinder: AnyObject {
    /// The names from the root of the subvolume on, joined by `/`; nil where there is no way.
    func path(of inode: ObjectID) -> [UInt8]?
}
