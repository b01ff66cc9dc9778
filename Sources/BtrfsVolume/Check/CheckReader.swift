internal import BtrfsFormat

/// A tree block as a check uses it: its structure is sound, but single items need not be.
struct CheckedBlock {
    let block: TreeBlock
    let owner: ObjectID
    var address: LogicalAddress { block.address }
    /// The items that break a rule; nothing is to be made of them.
    var damaged: [DamagedItem] { block.damagedItems }
    var level: Int { block.level }
    var count: Int { block.count }

    func isDamaged(_ slot: Int) -> Bool { !damaged.isEmpty && damaged.contains { $0.slot == slot } }

    func place(_ slot: Int, _ tree: ObjectID) -> CheckPlace {
        CheckPlace(tree: tree, block: block.address, slot: slot, key: block.key(at: slot))
    }
}

/// A tree that is to be walked.
struct CheckedTree {
    var id: ObjectID
    var root: BlockExpectation
    /// Of a subvolume that is being deleted: up to where that has come, and at which level.
    var dropped: (key: Key, level: Int)?

    init(_ id: ObjectID, root: BlockExpectation) {
        self.id = id
        self.root = root
    }

    init(_ id: ObjectID, _ item: RootItem) {
        self.init(
            id,
            root: BlockExpectation(
                address: item.address, level: Int(item.level), generation: item.generation, firstKey: nil,
                owners: BlockOwners(tree: id), tree: id))
        if item.refs == 0, item.dropProgress.objectID.rawValue != 0 {
            dropped = (item.dropProgress, Int(item.dropLevel))
        }
    }

    /// Whether the deletion of the tree has passed this child.
    func isDropped(_ slot: Int, of node: TreeBlock) -> Bool {
        guard let dropped, node.level >= dropped.level else { return false }
        if node.level == dropped.level { return node.key(at: slot) < dropped.key }
        return slot + 1 < node.count && node.key(at: slot + 1) <= dropped.key
    }
}

/// Reading for a check: all copies are looked at, and a block with damaged items is still of use.
extension CheckRun {
    /// Visits the blocks of a tree from its root on, in the order of their keys.
    ///
    /// What cannot be read becomes a finding, and the walk goes on beside it. Each child must lie within the keys that
    /// its parent has for it, so that no block comes twice in one tree and the walk ends.
    ///
    /// - Parameter visit: whether to go on below the block.
    func walk(_ tree: CheckedTree, _ visit: (CheckedBlock) -> Bool) {
        guard let root = read(tree.root), visit(root) else { return }
        var path: [(node: TreeBlock, slot: Int)] = root.level > 0 ? [(root.block, 0)] : []
        while let (node, slot) = path.last {
            if slot == node.count {
                path.removeLast()
                continue
            }
            path[path.count - 1].slot += 1
            if tree.isDropped(slot, of: node) { continue }
            let expected = BlockExpectation(
                address: node.childAddress(at: slot), level: node.level - 1,
                generation: node.childGeneration(at: slot), firstKey: node.key(at: slot),
                limit: node.limit(ofChild: slot), owners: tree.root.owners, tree: tree.id)
            guard let child = read(expected) else { continue }
            if visit(child), child.level > 0 { path.append((child.block, 0)) }
        }
    }

    /// Reads a block and tells what is wrong with it and with each of its copies.
    ///
    /// - Returns: nil when it is of no use; the tree then counts as incomplete.
    func read(_ expected: BlockExpectation) -> CheckedBlock? {
        blocksRead += 1
        if blocksRead & 255 == 0 { tellProgress() }
        let isKnown = damagedBlocks.contains(expected.address.rawValue)
        let wasMuted = sink.isMuted
        if isKnown { sink.isMuted = true }
        defer { sink.isMuted = wasMuted }
        let place = CheckPlace(tree: expected.tree, block: expected.address)
        do throws(VolumeError) {
            let (buffer, header) = try readCopies(expected)
            let damaged = try judge(buffer, header, expected)
            if !damaged.isEmpty { incomplete.insert(expected.tree) }
            return CheckedBlock(
                block: TreeBlock(read: buffer, header: header, limit: expected.limit, damagedItems: damaged),
                owner: header.owner)
        } catch {
            complain(error, .block, place)
            damagedBlocks.insert(expected.address.rawValue)
            incomplete.insert(expected.tree)
            return nil
        }
    }

    /// The first good copy of a block; bad ones are told.
    private func readCopies(_ expected: BlockExpectation) throws(VolumeError) -> (BlockBuffer, BlockHeader) {
        let address = expected.address
        guard address.rawValue % UInt64(volume.sectorSize) == 0, (0..<8).contains(expected.level) else {
            throw .damaged("the pointer to this block is impossible: level \(expected.level)", block: address)
        }
        let mirrors = volume.mirrorCount(at: address)
        guard mirrors > 0 else { throw .damaged("no chunk holds this block", block: address) }
        var good: BlockBuffer?
        var problems: [(mirror: Int, error: VolumeError)] = []
        for mirror in 0..<mirrors {
            let buffer = good == nil ? BlockBuffer(from: volume.pool) : spare
            do throws(VolumeError) {
                try readCopy(mirror, address, into: buffer)
                if let good, !hasSameChecksum(good, buffer) {
                    throw .damaged("the copies of this block differ", block: address)
                }
                if good == nil { good = buffer }
            } catch { problems.append((mirror, error)) }
        }
        guard let good else { throw problems.first?.error ?? .damaged("unreadable", block: address) }
        for (mirror, error) in problems {
            let place = CheckPlace(tree: expected.tree, block: address)
            sink.error(.block, place, "copy \(mirror + 1) of \(mirrors) is damaged: \(CheckRun.text(of: error))")
            damagedBlocks.insert(address.rawValue)
        }
        do { return (good, try BlockHeader(good.bytes)) } catch { throw .format(error) }
    }

    private func readCopy(_ mirror: Int, _ address: LogicalAddress, into buffer: BlockBuffer) throws(VolumeError) {
        try buffer.change { (span: inout MutableRawSpan) throws(VolumeError) in
            try volume.readData(into: &span, at: address, mirror: mirror)
        }
        let bytes = buffer.bytes
        let body: RawSpan
        do {
            body = try bytes.slice(
                at: BlockHeader.checksumByteCount, count: volume.nodeSize - BlockHeader.checksumByteCount)
        } catch { throw .format(error) }
        guard volume.checksumType.matches(body, stored: bytes) else {
            throw .damaged("its checksum is wrong", block: address)
        }
    }

    private func hasSameChecksum(_ a: BlockBuffer, _ b: BlockBuffer) -> Bool {
        let size = volume.checksumType.size
        return a.bytes.extracting(0..<size).hasSameBytes(as: b.bytes.extracting(0..<size))
    }

    /// Tells what is wrong with a block that was read.
    ///
    /// - Returns: the damaged items.
    /// - Throws: what makes the block useless.
    private func judge(
        _ buffer: BlockBuffer, _ header: BlockHeader, _ expected: BlockExpectation
    ) throws(VolumeError) -> [DamagedItem] {
        let block = expected.address
        let place = CheckPlace(tree: expected.tree, block: block)
        guard header.address == block else { throw .damaged("its header says address \(header.address)", block: block) }
        guard volume.isOwn(header.fsid) else {
            throw .damaged("it belongs to file system \(header.fsid)", block: block)
        }
        guard Int(header.level) == expected.level else {
            throw .damaged("it has level \(header.level) where level \(expected.level) belongs", block: block)
        }
        var isOdd = false
        if header.generation != expected.generation {
            isOdd = true
            sink.error(.block, place, "generation \(header.generation) where \(expected.generation) belongs")
        }
        if header.flags & BlockHeader.writtenFlag == 0 {
            isOdd = true
            sink.error(.block, place, "the block has no WRITTEN flag")
        }
        if header.flags >> 56 != BlockHeader.standardFlags >> 56 {
            isOdd = true
            sink.error(.block, place, "the block has back references of revision \(header.flags >> 56)")
        }
        if !expected.owners.allow(header.owner) {
            isOdd = true
            sink.error(.block, place, "the block is one of tree \(header.owner)")
        }
        let context = CheckContext(
            sectorSize: volume.sectorSize, nodeSize: volume.nodeSize, generation: volume.superblock.generation,
            checksumSize: volume.checksumType.size, isLog: expected.tree == .treeLog, owner: header.owner)
        var damaged: [DamagedItem] = []
        do throws(FormatError) {
            if header.level > 0 {
                try NodeChecker.check(buffer.bytes, context)
            } else {
                damaged = try LeafChecker.damagedItems(in: buffer.bytes, context)
                for item in damaged {
                    isOdd = true
                    let place = CheckPlace(tree: expected.tree, block: block, slot: item.slot, key: item.key)
                    sink.error(.item, place, "\(FormatError(item.error.reason))")
                }
            }
        } catch { throw .format(error.at(block: block)) }
        try volume.checkKeys(of: buffer, header, expected)
        if isOdd { damagedBlocks.insert(block.rawValue) }
        return damaged
    }

    /// Makes a finding of an error, with the place that the error knows.
    func complain(_ error: VolumeError, _ kind: CheckFinding.Kind, _ place: CheckPlace) {
        var place = place
        switch error {
        case .damaged(_, let block, let slot, let key):
            place.block = place.block ?? block
            place.slot = place.slot ?? slot
            place.key = place.key ?? key
        case .format(let cause):
            place.block = place.block ?? cause.block
            place.slot = place.slot ?? cause.slot
            place.key = place.key ?? cause.key
        default: break
        }
        sink.error(kind, place, CheckRun.text(of: error))
    }

    /// The error without its place.
    static func text(of error: VolumeError) -> String {
        switch error {
        case .damaged(let text, _, _, _): text
        case .format(let cause): "\(FormatError(cause.reason))"
        default: "\(error)"
        }
    }
}
