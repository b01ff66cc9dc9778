public import BtrfsFormat
internal import BtrfsVolume

/// One block of a log, as a walk hands it to its process function.
///
/// A leaf may not have been read yet: what needs its content calls `read`, what only needs its address does not,
/// so that even an unreadable leaf can be pinned.
public final class LogBlock {
    /// The log of which the block is a part.
    public let log: LogTree
    /// Where the block is.
    public let address: LogicalAddress
    /// 0 for a leaf.
    public let level: Int
    /// The generation that the pointer to the block, or the root item, tells.
    public let generation: Generation
    /// The first key of the block by the node above it; nil for a root.
    public let firstKey: Key?
    /// The key of the block after it; nil where there is none.
    public let limit: Key?
    private let parent: TreeBlock?
    private let parentSlot: Int
    private var content: TreeBlock?

    /// The root block of a log.
    init(rootOf log: LogTree) {
        self.log = log
        content = log.tree.root
        address = log.address
        level = log.level
        generation = log.generation
        firstKey = nil
        limit = nil
        parent = nil
        parentSlot = 0
    }

    /// The block below `parent` at `slot`.
    init(below parent: TreeBlock, at slot: Int, of log: LogTree, limit: Key?) {
        self.log = log
        self.parent = parent
        parentSlot = slot
        address = parent.childAddress(at: slot)
        level = parent.level - 1
        generation = parent.childGeneration(at: slot)
        firstKey = parent.key(at: slot)
        self.limit = slot + 1 < parent.count ? parent.key(at: slot + 1) : limit
    }

    /// The block, for messages.
    public var place: LogPlace { LogPlace(subvolume: log.subvolume, block: address) }

    /// The bytes of the block, read and verified on first use.
    ///
    /// - Throws: `LogError` with the block's place when no copy of it is as it should be.
    @_lifetime(borrow self)
    public func read() throws(LogError) -> RawSpan {
        let block = try load()
        return held(block.bytes, by: self)
    }

    /// Makes a block that was read some time ago fast to read. Errors come from `read`.
    func bringIntoCache() { content?.buffer.bringIntoCache() }

    /// The items of a leaf that break a rule, by ascending slot. There are none where the log was not opened so as to
    /// keep them: such a leaf cannot be read then.
    ///
    /// - Throws: like `read`.
    public var damagedItems: [DamagedItem] {
        get throws(LogError) { try load().damagedItems }
    }

    func load() throws(LogError) -> TreeBlock {
        if let content { return content }
        guard let parent else { throw LogError(.damaged("the block has no parent"), at: place) }
        do {
            let block = try log.tree.child(at: parentSlot, of: parent)
            content = block
            return block
        } catch {
            throw LogError(.volume(error), at: place)
        }
    }

    /// Has another thread read what is below a node of level 1, for a walk that is going to need all of it.
    func readAhead() {
        if level == 1, let content { log.tree.readLeavesAhead(below: content) }
    }

    /// Lets go of the content of a leaf: its memory serves for new blocks. Whoever needs it again reads it again.
    func release() {
        guard level == 0, let parent, content != nil else { return }
        content = nil
        log.tree.release(at: parentSlot, of: parent)
    }

    /// The inodes of which the block may hold items, by the keys in the node above it.
    public var inodeRange: ClosedRange<UInt64> {
        let first = max(firstKey?.objectID.rawValue ?? 0, ObjectID.firstFree.rawValue)
        var last = limit?.objectID.rawValue ?? .max
        if let limit, limit.type <= .inodeItem, last > 0 { last -= 1 }
        return first...max(first, min(last, ObjectID.lastFree.rawValue))
    }
}
