internal import BtrfsFormat

/// Checks that a volume agrees with itself, as of its last commit.
///
/// Looked at are the superblocks, chunks and devices; every tree block in all copies; the extent tree against all
/// references that there are; used bytes, free space and checksums; in each subvolume names, links, sizes and
/// extents; roots, quotas, and whether a log lies on space that is in use. Nothing is written.
///
/// The time is proportional to the metadata, that of a snapshot counted for itself; the memory to the number of tree
/// blocks and of runs of used space, with full quotas of data extents. Whatever the bytes of the volume are, the check
/// ends and has a report.
public final class VolumeChecker {
    private let volume: Volume
    private let options: CheckOptions

    /// A check of the committed trees of `volume`.
    public init(_ volume: Volume, options: CheckOptions = CheckOptions()) {
        self.volume = volume
        self.options = options
    }

    /// Checks all.
    public func run() -> CheckReport {
        let run = CheckRun(volume, options)
        run.checkAll()
        return run.makeReport()
    }
}

/// What is known in the middle of a check.
final class CheckRun {
    let volume: Volume
    let options: CheckOptions
    var sink: FindingSink
    /// For copies that are only compared.
    let spare: BlockBuffer

    // MARK: Reading
    var phase = CheckProgress.Phase.chunks
    var blocksRead: UInt64 = 0
    /// Blocks of which something was told.
    var damagedBlocks: Set<UInt64> = []
    /// Trees of which something could not be read: what they lack may just not have been seen.
    var incomplete: Set<ObjectID> = []

    // MARK: Space
    var blocks = BlockTable()
    var used = RangeSet()
    var dataExtents = RangeSet()
    var groupUsed: [UInt64]
    var groups: [UInt64: FoundGroup] = [:]
    var references = FactLedger<ReferenceFact>()
    var checksums = RangeSet()
    /// Where blocks of the log are.
    var logSpace = RangeSet()

    // MARK: Trees
    var roots: [FoundRoot] = []
    /// Of several root items, as chunks being moved have them, the last.
    var rootsByID: [ObjectID: FoundRoot] = [:]
    var links: [RootLink: FoundLink] = [:]
    var orphanRoots: Set<ObjectID> = []
    var uuids: [SubvolumeUUID: CheckPlace] = [:]
    var quotas = QuotaCheck()
    var report = CheckReport()

    init(_ volume: Volume, _ options: CheckOptions) {
        self.volume = volume
        self.options = options
        sink = FindingSink(limit: options.findingLimit)
        spare = BlockBuffer(from: volume.pool)
        groupUsed = [UInt64](repeating: 0, count: volume.chunks.chunks.count)
    }

    func makeReport() -> CheckReport {
        report.findings = sink.findings
        report.errorCounts = sink.errorCounts
        report.usedByteCount = used.count
        return report
    }

    func tellProgress() {
        guard let tell = options.progress else { return }
        tell(CheckProgress(phase: phase, done: blocksRead, total: UInt64(blocks.count)))
    }

    func checkAll() {
        checkSuperblocks()
        quotas.begin(volume)
        phase = .extents
        let early = readRootTree() + readExtentTree()
        phase = .checksums
        readChecksumTree()
        phase = .trees
        let chunks = ChunkCheck()
        for block in early { note(block) }
        for tree in treesToWalk() { check(tree, chunks) }
        report.blockCount = Int(blocksRead)
        phase = .references
        checkReferences()
        phase = .space
        checkSpace()
        checkChunks(chunks)
        checkRoots()
        checkQuotas()
        checkLog()
        if options.verifiesData {
            phase = .data
            verifyData()
        }
    }

    /// All trees but those that were read at first.
    func treesToWalk() -> [CheckedTree] {
        var trees = [chunkTree]
        for root in roots where root.id != .extentTree && root.id != .checksumTree {
            trees.append(CheckedTree(root.id, root.item))
        }
        return trees
    }

    var chunkTree: CheckedTree {
        let superblock = volume.superblock
        return CheckedTree(
            .chunkTree,
            root: BlockExpectation(
                address: superblock.chunkRoot, level: Int(superblock.chunkRootLevel),
                generation: superblock.chunkRootGeneration, firstKey: nil, owners: .tree(.chunkTree),
                tree: .chunkTree))
    }

    var rootTree: CheckedTree {
        let superblock = volume.superblock
        return CheckedTree(
            .rootTree,
            root: BlockExpectation(
                address: superblock.root, level: Int(superblock.rootLevel), generation: superblock.generation,
                firstKey: nil, owners: .tree(.rootTree), tree: .rootTree))
    }

    /// Walks one tree, and does what there is to do for its kind.
    private func check(_ tree: CheckedTree, _ chunks: ChunkCheck) {
        noteRoot(of: tree)
        if tree.id.hasFiles { return checkFiles(of: tree) }
        var freeSpace = tree.id == .freeSpaceTree ? FreeSpaceCheck() : nil
        walk(tree) { block in
            guard note(block, of: tree) else { return false }
            guard block.level == 0 else { return true }
            switch tree.id {
            case .chunkTree: chunks.readChunks(block, self)
            case .deviceTree: chunks.readDeviceExtents(block, self)
            case .blockGroupTree: readBlockGroups(block)
            case .freeSpaceTree: freeSpace?.read(block, self)
            case .uuidTree: readUUIDs(block)
            case .quotaTree: quotas.read(block, self)
            default: break
            }
            return true
        }
        freeSpace?.compare(self)
    }
}
