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
    /// What the root directory is called in itself.
    private static let ownName = Array("..".utf8)
    private static let dot = Array(".".utf8)

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
    /// Directories in one with a higher number: there are few, and each loop of directories has one.
    private(set) var movedDirectories: [ObjectID] = []

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
                readOther(key, leaf, slot)
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

    /// Reads an item that belongs to no file.
    private mutating func readOther(_ key: Key, _ leaf: CheckedBlock, _ slot: Int) {
        switch key.type {
        case .orphanItem where key.objectID == .orphan:
            nameless[ObjectID(key.offset)] = nil
            unprotected[ObjectID(key.offset)] = nil
        case .orphanItem, .inodeRef, .inodeExtref, .xattrItem, .dirItem, .dirIndex:
            run.sink.error(.item, leaf.place(slot, tree), "an item of type \(key.type) of what is no inode")
        default: break
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
            if index != 0 || !name.hasSameBytes(as: Self.ownName.rawSpan) {
                let text = "the root directory is to be '\(EscapedBytes.text(name.copied))' in itself, index \(index)"
                run.sink.error(.name, leaf.place(slot, tree), text)
            }
            return
        }
        inode?.linkCount += 1
        if directory > number, !isRepeated, inode?.item?.isDirectory == true { movedDirectories.append(number) }
        let fact = NameFact(
            comparison: .indexWithReference, directory: directory, index: index, nameDigest: Digest.of(name),
            target: number, type: inode?.item?.fileType ?? .unknown)
        let tree = tree
        names.count(fact, -1, at: leaf.place(slot, tree), name: name.copied)
    }

    private static func isPossible(_ name: RawSpan) throws(FormatError) -> Bool {
        if name.hasSameBytes(as: ownName.rawSpan) || name.hasSameBytes(as: dot.rawSpan) { return false }
        for index in 0..<name.byteCount {
            let byte = try name.u8(at: index)
            if byte == 0 || byte == UInt8(ascii: "/") { return false }
        }
        return true
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
            if entry.type.isEncrypted, !isRepeated {
                run.sink.error(.name, leaf.place(slot, tree), "an encrypted name, which no feature allows")
            }
            if !isRepeated, try !Self.isPossible(entry.name) {
                let text = EscapedBytes.text(entry.name.copied)
                run.sink.error(.name, leaf.place(slot, tree), "no path leads to a file called '\(text)'")
            }
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
            quotas.note(block, of: tree.id)
            if block.level == 0 { files.read(block) }
            return true
        }
        if isDying { return }
        report.subvolumeCount += tree.id.isSubvolume ? 1 : 0
        files.finish()
        checkLoops(from: files.movedDirectories, in: tree.id)
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

    /// Tells of directories that are above themselves. Each has a name in its parent, and no path leads to it.
    ///
    /// - Complexity: one search for each directory on the way up from `starts`, which are in order.
    private func checkLoops(from starts: [ObjectID], in tree: ObjectID) {
        if starts.isEmpty || incomplete.contains(tree) { return }
        do throws(VolumeError) {
            guard let files = try volume.tree(tree).map({ Namespace($0) }) else { return }
            try searchLoops(
                from: starts, to: .firstFree,
                parent: { (directory) throws(VolumeError) in try files.firstName(of: directory)?.directory },
                found: { directory in
                    let place = CheckPlace(tree: tree, key: Key(directory, .inodeItem, 0))
                    sink.error(.name, place, "no path leads to directory \(directory): it is above itself")
                })
        } catch {
            // The reading of the whole tree has told of it.
        }
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
