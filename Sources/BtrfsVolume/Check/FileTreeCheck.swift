internal import BtrfsFormat

/// What names of one subvolume say, so that those that belong together can be compared.
struct NameFact: LedgerFact {
    /// Which items are compared.
    enum Comparison: UInt64 {
        /// DIR_INDEX of a directory with INODE_REF or INODE_EXTREF of the inode.
        case indexWithReference
        /// DIR_ITEM with DIR_INDEX of the same directory.
        case itemWithIndex
    }

    var comparison: Comparison
    var directory: ObjectID
    /// 0 where a DIR_ITEM is compared, which has no index.
    var index: UInt64
    var nameDigest: UInt64
    var target: ObjectID
    /// The type of the inode, as an entry tells it.
    var type: DirEntryType

    var digest: UInt64 {
        var digest = Digest()
        digest.add(comparison.rawValue << 8 | UInt64(type.rawValue))
        digest.add(directory.rawValue)
        digest.add(index)
        digest.add(nameDigest)
        digest.add(target.rawValue)
        return digest.value
    }
}

/// Goes through the items of a subvolume in their order and checks each inode when its items are over.
struct FileTreeCheck {
    let run: CheckRun
    let tree: ObjectID
    /// Whether the check only finds names that do not agree, in a second reading.
    var isRepeated = false
    var names = FactLedger<NameFact>()
    private var inode: InodeCheck?
    /// Inodes without a name, until their orphan item comes, which stands behind all inodes.
    private var nameless: [ObjectID: CheckPlace] = [:]
    /// Inodes with items of fs-verity that are not protected, until their orphan item comes.
    private var unprotected: [ObjectID: CheckPlace] = [:]

    init(_ run: CheckRun, tree: ObjectID) {
        self.run = run
        self.tree = tree
    }

    /// Reads the next leaf.
    mutating func read(_ leaf: CheckedBlock) {
        for slot in 0..<leaf.count {
            let key = leaf.block.key(at: slot)
            guard key.objectID.isFile else {
                finishInode()
                if key.type == .orphanItem {
                    nameless[ObjectID(key.offset)] = nil
                    unprotected[ObjectID(key.offset)] = nil
                }
                continue
            }
            if inode?.number != key.objectID {
                finishInode()
                inode = InodeCheck(number: key.objectID, place: leaf.place(slot, tree))
            }
            if leaf.isDamaged(slot) {
                inode?.isIncomplete = true
                continue
            }
            do throws(FormatError) {
                try read(key, leaf.block.data(at: slot), leaf, slot)
            } catch { run.sink.error(.item, leaf.place(slot, tree), "\(FormatError(error.reason))") }
        }
    }

    /// The end of the subvolume.
    mutating func finish() {
        finishInode()
        if run.incomplete.contains(tree) || isRepeated { return }
        for (number, place) in nameless.sorted(by: { $0.key < $1.key }) {
            run.sink.error(.orphan, place, "inode \(number) has no link, and no orphan item either")
        }
        for (number, place) in unprotected.sorted(by: { $0.key < $1.key }) {
            run.sink.note(.verity, place, "inode \(number) has items of fs-verity, and is not protected by it")
        }
    }

    private mutating func finishInode() {
        guard let inode else { return }
        self.inode = nil
        if isRepeated { return }
        run.report.inodeCount += 1
        if let item = inode.item, item.nlink == 0 { nameless[inode.number] = inode.place }
        if inode.isUnprotected { unprotected[inode.number] = inode.place }
        // What could not be read may be what seems to be missing.
        if !inode.isIncomplete, !run.incomplete.contains(tree) { inode.check(run) }
    }

    private mutating func read(
        _ key: Key, _ data: RawSpan, _ leaf: CheckedBlock, _ slot: Int
    ) throws(FormatError) {
        switch key.type {
        case .inodeItem:
            inode?.item = try InodeItem(data)
            inode?.place = leaf.place(slot, tree)
        case .inodeRef:
            var entries = InodeRefs(data)
            while let entry = try entries.next() {
                readReference(ObjectID(key.offset), entry.index, entry.name, leaf, slot)
            }
        case .inodeExtref:
            var entries = InodeExtrefs(data)
            while let entry = try entries.next() {
                let hash = NameHash.extref(parent: entry.parent, entry.name)
                if hash != key.offset {
                    run.sink.error(.name, leaf.place(slot, tree), "the hash of the name is \(hash)")
                }
                readReference(entry.parent, entry.index, entry.name, leaf, slot)
            }
        case .dirItem, .dirIndex: try readEntries(key, data, leaf, slot)
        case .extentData:
            if !isRepeated { try inode?.readExtent(key, data, leaf.place(slot, tree), run, tree) }
        case .verityDescriptor, .verityMerkle: try inode?.readVerity(key, data)
        default: break
        }
    }

    private mutating func readReference(
        _ directory: ObjectID, _ index: UInt64, _ name: RawSpan, _ leaf: CheckedBlock, _ slot: Int
    ) {
        guard let number = inode?.number else { return }
        // The root directory is its own parent, under a name that no directory has.
        if number == directory, number == .firstFree {
            inode?.isRootDirectory = true
            return
        }
        inode?.linkCount += 1
        let fact = NameFact(
            comparison: .indexWithReference, directory: directory, index: index, nameDigest: Digest.of(name),
            target: number, type: inode?.item?.fileType ?? .unknown)
        let tree = tree
        names.count(fact, -1, at: leaf.place(slot, tree), name: name.copied)
    }

    private mutating func readEntries(
        _ key: Key, _ data: RawSpan, _ leaf: CheckedBlock, _ slot: Int
    ) throws(FormatError) {
        var entries = DirEntries(data)
        let isIndex = key.type == .dirIndex
        let tree = tree
        while let entry = try entries.next() {
            inode?.entryNameBytes &+= UInt64(entry.name.byteCount)
            inode?.hasEntries = true
            var fact = NameFact(
                comparison: .itemWithIndex, directory: key.objectID, index: 0, nameDigest: Digest.of(entry.name),
                target: entry.location.objectID, type: entry.type.plain)
            names.count(fact, isIndex ? -1 : 1, at: leaf.place(slot, tree), name: entry.name.copied)
            if isIndex, entry.location.type == .inodeItem {
                fact.comparison = .indexWithReference
                fact.index = key.offset
                names.count(fact, 1, at: leaf.place(slot, tree), name: entry.name.copied)
            } else if isIndex, !isRepeated {
                run.noteSubvolumeEntry(
                    of: entry.location.objectID, in: tree, directory: key.objectID, index: key.offset,
                    name: entry.name, at: leaf.place(slot, tree))
            }
        }
    }
}

/// What the items of one inode say.
private struct InodeCheck {
    let number: ObjectID
    /// Where the inode item is, or the first item without one.
    var place: CheckPlace
    var item: InodeItem?
    var isIncomplete = false
    var isRootDirectory = false
    var linkCount: UInt64 = 0
    /// Names are counted in each DIR_ITEM and DIR_INDEX.
    var entryNameBytes: UInt64 = 0
    var hasEntries = false

    private var dataBytes: UInt64 = 0
    private var hasExtents = false
    /// Where the last extent ends, and the first place in the file that no extent tells of.
    private var extentEnd: UInt64 = 0
    private var gap: UInt64?

    private var hasVerityItems = false
    private var verityDescriptor: VerityDescriptor?
    private var hashTreeEnd: UInt64 = 0

    init(number: ObjectID, place: CheckPlace) {
        self.number = number
        self.place = place
    }

    // MARK: Extents

    mutating func readExtent(
        _ key: Key, _ data: RawSpan, _ place: CheckPlace, _ run: CheckRun, _ tree: ObjectID
    ) throws(FormatError) {
        let extent = try FileExtent(data)
        let sector = UInt64(run.volume.sectorSize)
        var length = extent.byteCount
        if extent.isInline {
            let (rounded, overflow) = extent.ramBytes.addingReportingOverflow(sector &- 1)
            length = overflow ? extent.ramBytes : rounded & ~(sector &- 1)
            if extent.ramBytes == 0 { run.sink.error(.fileExtent, place, "an inline extent without data") }
            dataBytes &+= extent.ramBytes
        } else {
            if !extent.isHole { dataBytes &+= length }
            checkRegular(extent, place, run)
        }
        if hasExtents || key.offset > 0, key.offset < extentEnd {
            run.sink.error(.fileExtent, place, "the extent before it reaches to \(extentEnd)")
        } else if key.offset > extentEnd, gap == nil {
            gap = extentEnd
        }
        hasExtents = true
        extentEnd = max(extentEnd, key.offset &+ length)
        if tree != .dataRelocationTree { checkChecksums(of: extent, place, run) }
    }

    private func checkRegular(_ extent: FileExtent, _ place: CheckPlace, _ run: CheckRun) {
        let (end, overflow) = extent.offset.addingReportingOverflow(extent.byteCount)
        if !extent.isHole, overflow || end > extent.ramBytes {
            run.sink.error(
                .fileExtent, place,
                "the piece reaches to \(extent.offset &+ extent.byteCount) of an extent of \(extent.ramBytes) bytes")
        }
        if extent.kind == .preallocated, extent.compression != .none {
            run.sink.error(.fileExtent, place, "a preallocated extent that is compressed")
        }
    }

    private func checkChecksums(of extent: FileExtent, _ place: CheckPlace, _ run: CheckRun) {
        guard extent.kind == .regular, !extent.isHole, let item, item.isRegularFile || item.isSymlink,
            !run.incomplete.contains(.checksumTree)
        else { return }
        guard let range = extent.checksummedRange else { return }
        let isUnchecked = item.flags.contains(.noDataChecksum)
        if isUnchecked, run.checksums.firstOverlap(range) != nil {
            run.sink.error(.checksum, place, "data of a file without checksums has checksums at \(range.lowerBound)")
        } else if !isUnchecked, !run.checksums.contains(range) {
            let (start, end) = (range.lowerBound, range.upperBound)
            run.sink.error(.checksum, place, "data at \(start) to \(end) has not all of its checksums")
        }
    }

    // MARK: fs-verity

    mutating func readVerity(_ key: Key, _ data: RawSpan) throws(FormatError) {
        hasVerityItems = true
        if key.type == .verityMerkle {
            // What does not follow what is before it is not read as a part of the tree.
            if key.offset == hashTreeEnd { hashTreeEnd &+= UInt64(data.byteCount) }
        } else if key.offset == 1 {
            verityDescriptor = try VerityDescriptor(data)
        }
    }

    /// Whether there is a hash tree, or a part of one, for which there has to be an orphan item.
    var isUnprotected: Bool { hasVerityItems && !(item?.flags.contains(.verity) ?? true) }

    private func checkVerity(_ item: InodeItem, _ run: CheckRun) {
        guard let verityDescriptor else {
            return run.sink.error(.verity, place, "the file is protected by fs-verity, and has no descriptor")
        }
        if verityDescriptor.dataSize != item.size {
            run.sink.error(
                .verity, place, "size is \(item.size), fs-verity protects \(verityDescriptor.dataSize) bytes")
        }
        if let byteCount = verityDescriptor.treeByteCount, byteCount != hashTreeEnd {
            run.sink.error(.verity, place, "the hash tree has \(hashTreeEnd) bytes instead of \(byteCount)")
        }
    }

    // MARK: The inode as a whole

    func check(_ run: CheckRun) {
        guard let item else {
            return run.sink.error(.inode, place, "there are items of inode \(number), but no inode item")
        }
        checkLinks(item, run)
        if item.isDirectory {
            if item.size != entryNameBytes {
                run.sink.error(
                    .directorySize, place, "size is \(item.size), the names in it make \(entryNameBytes)")
            }
            if hasExtents { run.sink.error(.inode, place, "a directory with file extents") }
            return
        }
        if hasEntries { run.sink.error(.inode, place, "directory entries in what is no directory") }
        guard item.isRegularFile || item.isSymlink else { return }
        if item.flags.contains(.verity) { checkVerity(item, run) }
        if item.nbytes != dataBytes {
            run.sink.error(.fileBytes, place, "nbytes is \(item.nbytes), the extents have \(dataBytes)")
        }
        checkGaps(item, run)
    }

    private func checkLinks(_ item: InodeItem, _ run: CheckRun) {
        if isRootDirectory {
            if item.nlink != 1 { run.sink.error(.linkCount, place, "nlink of a root directory is \(item.nlink)") }
            if linkCount > 0 { run.sink.error(.name, place, "the root directory has a name") }
            return
        }
        if UInt64(item.nlink) != linkCount {
            run.sink.error(.linkCount, place, "nlink is \(item.nlink), there are \(linkCount) names")
        }
    }

    /// Without the feature NO_HOLES every byte of a file belongs to an extent item.
    private func checkGaps(_ item: InodeItem, _ run: CheckRun) {
        guard item.nlink > 0, item.size > 0, !run.volume.superblock.incompat.contains(.noHoles) else { return }
        let covered = min(gap ?? extentEnd, extentEnd)
        if covered < item.size {
            run.sink.error(.fileExtent, place, "no extent item for the bytes from \(covered) on, of \(item.size)")
        }
    }
}

extension CheckRun {
    /// Checks a subvolume: references, and the files in it.
    func checkFiles(of tree: CheckedTree) {
        var files = FileTreeCheck(self, tree: tree.id)
        // What is being deleted is nobody's.
        let isDying = rootsByID[tree.id]?.item.refs == 0
        walk(tree) { block in
            let isFirst = note(block, of: tree)
            if !isFirst, block.address == tree.root.address {
                let place = CheckPlace(tree: tree.id, block: block.address)
                sink.error(.root, place, "the root block belongs to another tree too")
                return false
            }
            if isDying { return isFirst }
            if block.level == 0 { files.read(block) }
            return true
        }
        if isDying { return }
        report.subvolumeCount += tree.id.isSubvolume ? 1 : 0
        files.finish()
        if files.names.isBalanced || incomplete.contains(tree.id) { return }
        let wasMuted = sink.isMuted
        sink.isMuted = true
        files.isRepeated = true
        files.names.collectDisagreements()
        walk(tree) { block in
            if block.level == 0 { files.read(block) }
            return true
        }
        files.finish()
        sink.isMuted = wasMuted
        for one in files.names.disagreements { tell(one) }
    }

    private func tell(_ one: FactLedger<NameFact>.Disagreement) {
        let fact = one.fact
        let name = EscapedBytes.text(one.name)
        let entry = "'\(name)' in directory \(fact.directory)"
        let text =
            switch (fact.comparison, one.surplus > 0) {
            case (.indexWithReference, true):
                "\(entry), index \(fact.index), is to be inode \(fact.target) of type \(fact.type), which has no such "
                    + "reference"
            case (.indexWithReference, false):
                "inode \(fact.target) of type \(fact.type) is to be \(entry), which has no such DIR_INDEX "
                    + "\(fact.index)"
            case (.itemWithIndex, true): "\(entry), inode \(fact.target), has a DIR_ITEM without a DIR_INDEX"
            case (.itemWithIndex, false): "\(entry), inode \(fact.target), has a DIR_INDEX without a DIR_ITEM"
            }
        sink.error(.name, one.place, text)
    }
}
