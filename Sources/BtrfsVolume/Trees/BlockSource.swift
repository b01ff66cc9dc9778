internal import BtrfsFormat

/// Where a tree that changes has its new blocks from, and who hears of those that it gives up.
///
/// A `Transaction` is one: it counts references and writes the blocks at its commit. `LogBlocks` is the other: nothing
/// is counted, and blocks are written with each write of the log.
protocol BlockSource: AnyObject {
    /// The generation of new blocks.
    var generation: Generation { get }
    /// An empty block for `tree`.
    func newBlock(of tree: Tree, level: Int) throws(VolumeError) -> TreeBlock
    /// A copy of a block at a new place, where it may be changed.
    func copyOnWrite(_ block: TreeBlock, of tree: Tree, mayBeShared: Bool) throws(VolumeError) -> TreeBlock
    /// Takes back a block that `tree` no longer uses.
    func free(_ block: TreeBlock, of tree: Tree)
}
