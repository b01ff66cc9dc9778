package import BtrfsFormat
package import BtrfsVolume

/// The logs of the running transaction: a tree of logs, and one log for each subvolume that had an fsync.
///
/// All of it is in memory until it is taken to be written; what was written stays as it is on the devices until logs
/// without it are durable.
package final class LogTrees {
    private let blocks: LogBlocks
    /// Items `(TREE_LOG ROOT_ITEM subvolume)`.
    private let roots: Tree
    private var logs: [ObjectID: Tree] = [:]
    /// Where the root of each log was when it was put into the tree of logs.
    private var known: [ObjectID: LogicalAddress] = [:]

    package init(of transaction: Transaction) throws(VolumeError) {
        blocks = LogBlocks(of: transaction)
        roots = try blocks.makeTree()
    }

    /// The log of a subvolume, made where there is none.
    ///
    /// The corresponding kernel function is `btrfs_add_log_tree`.
    package func makeLog(of subvolume: ObjectID) throws(VolumeError) -> Tree {
        if let log = logs[subvolume] { return log }
        let log = try blocks.makeTree()
        logs[subvolume] = log
        return log
    }

    /// What has to be written for the logs as they are now.
    ///
    /// The corresponding kernel function is `update_log_root`.
    ///
    /// - Parameter number: of the state that the logs have now.
    package func makePublication(_ number: UInt64, on volume: Volume) throws(VolumeError) -> LogPublication {
        for (subvolume, log) in logs.sorted(by: { $0.key < $1.key }) where known[subvolume] != log.rootAddress {
            let item = rootItem(of: log)
            try roots.put(Key(.treeLog, .rootItem, subvolume.rawValue), item.encoded.rawSpan)
            known[subvolume] = log.rootAddress
        }
        let unwritten = blocks.takeUnwritten()
        return try LogPublication(
            of: unwritten, root: roots.rootAddress, level: roots.level, number: number, on: volume)
    }

    /// As Linux writes it: no references, and the inode of an empty directory.
    private func rootItem(of log: Tree) -> RootItem {
        var item = RootItem(address: log.rootAddress, level: UInt8(log.level), generation: blocks.generation)
        item.refs = 0
        item.inode = RootItem.inode(nodeSize: log.nodeSize)
        return item
    }
}
