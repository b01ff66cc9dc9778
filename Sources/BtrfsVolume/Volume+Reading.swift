internal import BlockDevices
public import BtrfsFormat

extension Volume {
    /// How many copies there are of what is at `address`; 0 where nothing is mapped.
    public func mirrorCount(at address: LogicalAddress) -> Int { chunks.copyCount(at: address) }

    /// Fills `target` with what is at `address`, from the first copy that can be read.
    ///
    /// Bytes are not verified: that is for whoever knows their checksum.
    public func readData(into target: inout MutableRawSpan, at address: LogicalAddress) throws(VolumeError) {
        var failure = VolumeError.damaged("no chunk holds address \(address)")
        for mirror in 0..<mirrorCount(at: address) {
            do { return try readData(into: &target, at: address, mirror: mirror) } catch { failure = error }
        }
        throw failure
    }

    /// Fills `target` with what copy number `mirror` of `address` holds.
    public func readData(
        into target: inout MutableRawSpan, at address: LogicalAddress, mirror: Int
    ) throws(VolumeError) {
        var done = 0
        for range in try chunks.physicalRanges(of: address, count: target.byteCount, copy: mirror) {
            let device = try devices.device(range.deviceID)
            var piece = target._mutatingExtracting(done..<done + range.count)
            do { try device.read(into: &piece, at: range.offset) } catch { throw .device(error) }
            done += range.count
        }
    }

    /// Reads and verifies a tree block, trying every copy.
    ///
    /// - Throws: the error of the last copy when none is as expected.
    func readBlock(_ expected: BlockExpectation) throws(VolumeError) -> TreeBlock {
        try readBlock(expected, into: BlockBuffer(from: pool))
    }

    /// Whether several threads may read and write blocks.
    var servesManyThreads: Bool { devices.sorted.allSatisfy { $0.member.device.servesManyThreads } }

    /// Reads and verifies a tree block into `buffer`. Other threads may do so at the same time.
    func readBlock(_ expected: BlockExpectation, into buffer: BlockBuffer) throws(VolumeError) -> TreeBlock {
        guard expected.address.rawValue % UInt64(sectorSize) == 0 else {
            throw .damaged("a block address that is no multiple of \(sectorSize)", block: expected.address)
        }
        guard (0..<BlockHeader.maximumLevels).contains(expected.level) else {
            throw .damaged("a block of level \(expected.level)", block: expected.address)
        }
        let mirrors = mirrorCount(at: expected.address)
        guard mirrors > 0 else {
            throw .damaged("no chunk holds this block of tree \(expected.tree)", block: expected.address)
        }
        var failure: VolumeError?
        for mirror in 0..<mirrors {
            do {
                try buffer.change { (span: inout MutableRawSpan) throws(VolumeError) in
                    try readData(into: &span, at: expected.address, mirror: mirror)
                }
                let (header, damagedItems) = try verify(buffer, expected)
                return TreeBlock(read: buffer, header: header, limit: expected.limit, damagedItems: damagedItems)
            } catch { failure = failure ?? error }
        }
        throw failure ?? .damaged("unreadable", block: expected.address)
    }

    /// Every check that a block must pass before it is used.
    ///
    /// The corresponding kernel function is `btrfs_validate_extent_buffer`.
    private func verify(
        _ buffer: BlockBuffer, _ expected: BlockExpectation
    ) throws(VolumeError) -> (header: BlockHeader, damagedItems: [DamagedItem]) {
        let block = expected.address
        let bytes = buffer.bytes
        do {
            let body = try bytes.slice(
                at: BlockHeader.checksumByteCount, count: nodeSize - BlockHeader.checksumByteCount)
            guard checksumType.matches(body, stored: bytes) else {
                throw VolumeError.damaged("the checksum of this block of tree \(expected.tree) is wrong", block: block)
            }
            let header = try BlockHeader(bytes)
            try check(header, expected)
            let context = CheckContext(
                sectorSize: sectorSize, nodeSize: nodeSize, generation: superblock.generation,
                checksumSize: checksumType.size, isLog: header.owner == .treeLog || expected.tree == .treeLog,
                owner: header.owner)
            var damagedItems: [DamagedItem] = []
            if header.level == 0, expected.keepsDamagedItems {
                damagedItems = try LeafChecker.damagedItems(in: bytes, context)
                // Of an item that belongs to no file nobody can say whom its damage concerns.
                let other = damagedItems.first { !$0.key.objectID.isFile || $0.key.type == .extentChecksum }
                if let other { throw other.error }
            } else if header.level == 0 {
                try LeafChecker.check(bytes, context)
            } else {
                try NodeChecker.check(bytes, context)
            }
            try checkKeys(of: buffer, header, expected)
            return (header, damagedItems)
        } catch let error as VolumeError {
            throw error
        } catch let error as FormatError {
            throw .format(error.at(block: block))
        } catch {
            throw .damaged("\(error)", block: block)
        }
    }

    /// Checks that the block has its place between its neighbours.
    func checkKeys(
        of buffer: BlockBuffer, _ header: BlockHeader, _ expected: BlockExpectation
    ) throws(VolumeError) {
        let count = header.itemCount
        if let firstKey = expected.firstKey {
            let found = count > 0 ? buffer.key(at: BlockHeader.byteCount) : nil
            guard found == firstKey else {
                throw .damaged(
                    "the first key is \(found.map { "\($0)" } ?? "missing"), the block above says \(firstKey)",
                    block: expected.address)
            }
        }
        if let limit = expected.limit, count > 0 {
            let slot = count - 1
            let last = buffer.key(
                at: header.level == 0 ? LeafView.headerOffset(slot) : NodeView.pointerOffset(slot))
            guard last < limit else {
                throw .damaged(
                    "the key does not lie before \(limit), with which the next block starts",
                    block: expected.address, slot: slot, key: last)
            }
        }
    }

    private func check(_ header: BlockHeader, _ expected: BlockExpectation) throws(VolumeError) {
        func refuse(_ text: String) -> VolumeError { .damaged(text, block: expected.address) }
        guard header.address == expected.address else {
            throw refuse("the header says address \(header.address)")
        }
        guard isOwn(header.fsid) else { throw refuse("the block belongs to file system \(header.fsid)") }
        guard Int(header.level) == expected.level else {
            throw refuse("level \(header.level) where level \(expected.level) belongs")
        }
        guard header.generation == expected.generation else {
            throw refuse("generation \(header.generation) where generation \(expected.generation) belongs")
        }
        guard header.flags & BlockHeader.writtenFlag != 0 else { throw refuse("the block has no WRITTEN flag") }
        guard expected.owners.allow(header.owner) else {
            throw refuse("the block is of tree \(header.owner), not of tree \(expected.tree)")
        }
    }
}
