public import BtrfsFormat
public import BtrfsVolume

/// The log of one subvolume: a search tree of its own with copies of the subvolume's items.
public final class LogTree {
    /// The subvolume; nil for the tree of log trees itself.
    public let subvolume: ObjectID?
    /// The root block.
    public let address: LogicalAddress
    /// The level of its root; 0 for a log that is a single leaf.
    public let level: Int
    /// The generation of its root.
    public let generation: Generation
    /// The log as a tree, for looking things up.
    public let tree: Tree

    init(subvolume: ObjectID?, tree: Tree, generation: Generation) {
        self.subvolume = subvolume
        self.tree = tree
        self.generation = generation
        address = tree.rootAddress
        level = tree.level
    }
}

/// The logs of a volume: the tree of log trees and what it names.
///
/// The superblock's `log_root` leads to the tree of log trees, whose items `(TREE_LOG ROOT_ITEM subvolume)` lead
/// to one log tree for each subvolume that had an fsync since the last commit.
public struct LogForest {
    /// What is known of one log before it is opened.
    public struct Entry {
        /// The subvolume that the log belongs to.
        public var subvolume: ObjectID
        /// The root of the log.
        public var rootItem: RootItem
        /// Where in the tree of log trees the item is.
        public var place: LogPlace
    }

    /// The volume that has the logs.
    public let volume: Volume
    /// The tree of log trees.
    public let roots: LogTree
    /// The logs in the order in which they are replayed: by descending number of the subvolume.
    public let entries: [Entry]

    /// Reads the tree of log trees; nil when the volume has no log.
    ///
    /// - Throws: `LogError` when it cannot be read, or holds anything but root items of subvolumes.
    public init?(of volume: Volume) throws(LogError) {
        self.volume = volume
        var place = LogPlace(block: volume.superblock.logRoot)
        var entries: [Entry] = []
        do {
            guard let tree = try volume.logRootTree() else { return nil }
            roots = LogTree(subvolume: nil, tree: tree, generation: volume.superblock.generation + 1)
            let cursor = tree.makeCursor()
            _ = try cursor.seek(.minimum)
            while cursor.isValid {
                place = LogPlace(block: cursor.block, slot: cursor.slot, key: cursor.key)
                entries.append(try Self.entry(cursor.key, cursor.data, at: place))
                guard try cursor.next() else { break }
            }
        } catch { throw LogError(from: error, at: place) }
        self.entries = entries.reversed()
    }

    private static func entry(_ key: Key, _ data: RawSpan, at place: LogPlace) throws(LogError) -> Entry {
        guard key.objectID == .treeLog, key.type == .rootItem else {
            throw LogError(.damaged("only root items of logs belong in the tree of logs"), at: place)
        }
        let subvolume = ObjectID(key.offset)
        guard subvolume.isSubvolume else {
            // Linux would replay such a log into that tree and only fail when it writes it.
            throw LogError(.refused("a log for tree \(subvolume), which is no subvolume"), at: place)
        }
        do {
            return Entry(subvolume: subvolume, rootItem: try RootItem(data), place: place)
        } catch {
            throw LogError(.format(error), at: place)
        }
    }

    /// Opens the log of a subvolume.
    ///
    /// - Parameter keepsDamagedItems: whether leaves can be read that are right but for some items of files;
    ///   `LogBlock.damagedItems` tells which.
    public func open(_ entry: Entry, keepsDamagedItems: Bool = false) throws(LogError) -> LogTree {
        do {
            let tree = try volume.logTree(
                entry.rootItem, for: entry.subvolume, keepsDamagedItems: keepsDamagedItems)
            return LogTree(subvolume: entry.subvolume, tree: tree, generation: entry.rootItem.generation)
        } catch {
            throw LogError(.volume(error), at: LogPlace(subvolume: entry.subvolume, block: entry.rootItem.address))
        }
    }

    /// Whether the subvolume of a log exists: its root item is there and has references. Linux skips the log of a
    /// subvolume that was deleted.
    public func hasSubvolume(_ entry: Entry) throws(LogError) -> Bool {
        do {
            guard let root = try volume.rootItem(of: entry.subvolume) else { return false }
            return root.item.refs > 0
        } catch {
            throw LogError(.volume(error), at: entry.place)
        }
    }
}
