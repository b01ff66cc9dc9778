internal import BtrfsFormat
internal import BtrfsVolume

/// Walks over log trees: down to the leaves, and up again over the nodes.
///
/// One walk may go over several logs; a block that turns up twice ends it, so no log can lead it in circles.
/// The corresponding kernel functions are `walk_log_tree`, `walk_down_log_tree` and `walk_up_log_tree`.
public final class LogWalk {
    private var seen: Set<LogicalAddress> = []
    /// How many blocks were handed out.
    public private(set) var blockCount = 0
    /// The nodes from the root to the present one, each with the slot that comes next.
    private var path: [(node: TreeBlock, block: LogBlock, slot: Int)] = []

    /// A walk that has seen no block.
    public init() {}

    /// Hands every block of `log` to the control's process function.
    ///
    /// - Throws: what the process function throws; `LogError` for a node that cannot be read, unless the control
    ///   has a damage handler that lets it pass, and for a block that was seen before.
    /// - Complexity: each node is read once; leaves are read by those who need them.
    public func run(over log: LogTree, _ control: borrowing WalkControl) throws(LogError) {
        path.removeAll(keepingCapacity: true)
        let root = LogBlock(rootOf: log)
        try note(root)
        guard root.level > 0 else { return try hand(root, control) }
        path.append((node: try root.load(), block: root, slot: 0))
        if control.readsAhead { root.readAhead() }
        while let top = path.last {
            if top.slot < top.node.count {
                path[path.count - 1].slot += 1
                try walkDown(from: top.node, top.slot, limit: top.block.limit, log, control)
            } else {
                path.removeLast()
                try hand(top.block, control)
            }
        }
    }

    private func walkDown(
        from node: TreeBlock, _ slot: Int, limit: Key?, _ log: LogTree, _ control: borrowing WalkControl
    ) throws(LogError) {
        let block = LogBlock(below: node, at: slot, of: log, limit: limit)
        try note(block)
        guard block.level > 0 else { return try hand(block, control) }
        do throws(LogError) {
            path.append((node: try block.load(), block: block, slot: 0))
            if control.readsAhead { block.readAhead() }
        } catch {
            guard let handler = control.damageHandler else { throw error }
            try hand(block, control)
            try handler.handleDamage(of: block, error)
        }
    }

    private func note(_ block: LogBlock) throws(LogError) {
        guard seen.insert(block.address).inserted else {
            throw LogError(.damaged("the block is part of a log twice"), at: block.place)
        }
    }

    private func hand(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        try control.process.process(block, control)
        if control.free { try control.target?.free(block) }
        blockCount += 1
        if let progress = control.progress {
            progress(
                Progress(
                    stage: control.stage, subvolume: block.log.subvolume ?? .treeLog, doneBlockCount: blockCount,
                    blockCount: control.blockCount))
        }
    }
}
