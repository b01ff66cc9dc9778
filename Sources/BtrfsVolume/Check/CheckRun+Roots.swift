internal import BtrfsFormat

/// A root item of the tree of trees.
struct FoundRoot {
    var id: ObjectID
    var item: RootItem
    var place: CheckPlace
}

/// That one subvolume has the name of another one.
struct RootLink: Hashable {
    var parent: ObjectID
    var child: ObjectID
}

/// What was found of a subvolume's name: the two items of the tree of trees, and the entry.
struct FoundLink {
    var forward: RootRef?
    var backward: RootRef?
    var hasEntry = false
    var place: CheckPlace
}

struct SubvolumeUUID: Hashable {
    var uuid: UUID
    var subvolume: ObjectID
}

/// The tree of trees, and what it says of subvolumes.
extension CheckRun {
    /// Reads the tree of trees.
    ///
    /// - Returns: its blocks. What they refer to can be noted only when all extents are known.
    func readRootTree() -> [EarlyBlock] {
        let tree = rootTree
        noteRoot(of: tree)
        var early: [EarlyBlock] = []
        walk(tree) { block in
            early.append(EarlyBlock(tree: tree, block: block, keepsContent: true))
            if block.level == 0 { readRoots(block) }
            return true
        }
        return early
    }

    private func readRoots(_ leaf: CheckedBlock) {
        for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
            let key = leaf.block.key(at: slot)
            let place = leaf.place(slot, .rootTree)
            do throws(FormatError) {
                let data = leaf.block.data(at: slot)
                switch key.type {
                case .rootItem:
                    let root = FoundRoot(id: key.objectID, item: try RootItem(data), place: place)
                    checkRoot(key, root.item, place)
                    roots.append(root)
                    rootsByID[root.id] = root
                case .rootRef:
                    let link = RootLink(parent: key.objectID, child: ObjectID(key.offset))
                    links[link, default: FoundLink(place: place)].forward = try RootRef(data)
                case .rootBackref:
                    let link = RootLink(parent: ObjectID(key.offset), child: key.objectID)
                    links[link, default: FoundLink(place: place)].backward = try RootRef(data)
                case .inodeItem: try readInode(key, data, place)
                case .orphanItem: orphanRoots.insert(ObjectID(key.offset))
                default: break
                }
            } catch { sink.error(.item, place, "\(FormatError(error.reason))") }
        }
    }

    private func checkRoot(_ key: Key, _ item: RootItem, _ place: CheckPlace) {
        // Snapshots have the generation there, trees of the relocation their subvolume.
        if key.offset != 0, !key.objectID.isFile, key.objectID != .treeRelocation {
            sink.error(.root, place, "the offset in the key of tree \(key.objectID) is \(key.offset), not 0")
        }
        if key.objectID.hasFiles, item.rootDirID != .firstFree {
            sink.error(.root, place, "the root directory is \(item.rootDirID), not \(ObjectID.firstFree)")
        }
    }

    /// But for the directory with the name of the default subvolume, the files of this tree keep free space.
    private func readInode(_ key: Key, _ data: RawSpan, _ place: CheckPlace) throws(FormatError) {
        let item = try InodeItem(data)
        if key.objectID != .rootTreeDirectory, !item.isRegularFile {
            sink.error(.inode, place, "inode \(key.objectID) of the tree of trees is no regular file")
        }
    }

    /// Notes the entry of a subvolume in a directory.
    func noteSubvolumeEntry(
        of child: ObjectID, in parent: ObjectID, directory: ObjectID, index: UInt64, name: RawSpan,
        at place: CheckPlace
    ) {
        let link = RootLink(parent: parent, child: child)
        guard let found = links[link], let forward = found.forward else {
            // A snapshot has the entries of the subvolumes in its original, and they lead nowhere.
            let isSnapshot = rootsByID[parent]?.item.parentUUID.isZero == false
            if !isSnapshot {
                sink.error(.root, place, "the entry leads to subvolume \(child), which has no such name")
            }
            return
        }
        let isSame =
            forward.directoryID == directory && forward.sequence == index && forward.name.rawSpan.hasSameBytes(as: name)
        if isSame { links[link]?.hasEntry = true }
    }

    /// Checks names of subvolumes, and that none is left over.
    func checkRoots() {
        if incomplete.contains(.rootTree) { return }
        for id in [ObjectID.extentTree, .deviceTree, .fileTree, .checksumTree, .dataRelocationTree]
        where rootsByID[id] == nil {
            sink.error(.root, .volume, "there is no tree \(id)")
        }
        var named: Set<ObjectID> = []
        let ordered = links.sorted { ($0.key.parent, $0.key.child) < ($1.key.parent, $1.key.child) }
        for (link, found) in ordered {
            named.insert(link.child)
            check(link, found)
        }
        checkLoops(ordered.map(\.key))
        for root in roots where root.id.isSubvolume && root.id != .fileTree {
            if root.item.refs == 0 || !named.contains(root.id) {
                if !orphanRoots.contains(root.id) {
                    sink.error(.root, root.place, "the subvolume has no name, and no orphan item either")
                }
            } else if !root.item.uuid.isZero {
                checkUUID(of: root)
            }
        }
        for (uuid, place) in uuids.sorted(by: { $0.key.subvolume < $1.key.subvolume })
        where rootsByID[uuid.subvolume]?.item.uuid != uuid.uuid {
            sink.note(.uuid, place, "no subvolume \(uuid.subvolume) has this UUID")
        }
    }

    private func check(_ link: RootLink, _ found: FoundLink) {
        let text = "subvolume \(link.child) in subvolume \(link.parent)"
        if found.forward != found.backward {
            let what =
                found.forward == nil
                ? "a ROOT_BACKREF without a ROOT_REF"
                : found.backward == nil ? "a ROOT_REF without a ROOT_BACKREF" : "a ROOT_REF and another ROOT_BACKREF"
            sink.error(.root, found.place, "\(text) has \(what)")
        }
        if rootsByID[link.child] == nil {
            sink.error(.root, found.place, "\(text): there is no root item of it")
        }
        if found.forward != nil, !found.hasEntry, !incomplete.contains(link.parent) {
            sink.error(.root, found.place, "\(text) has no such entry in a directory")
        }
    }

    /// Tells of subvolumes that are above themselves. Each has a name, and no path leads to it.
    private func checkLoops(_ links: [RootLink]) {
        let parents = Dictionary(links.map { ($0.child, $0.parent) }) { first, _ in first }
        searchLoops(
            from: links.map(\.child), to: .fileTree, parent: { parents[$0] },
            found: { subvolume in
                let place = rootsByID[subvolume]?.place ?? .volume
                sink.error(.root, place, "no path leads to subvolume \(subvolume): it is above itself")
            })
    }

    /// The kernel makes a tree of UUIDs anew that is older than the last commit.
    private func checkUUID(of root: FoundRoot) {
        let isCurrent = volume.superblock.uuidTreeGeneration == volume.superblock.generation
        guard isCurrent, !incomplete.contains(.uuidTree), rootsByID[.uuidTree] != nil else { return }
        if uuids[SubvolumeUUID(uuid: root.item.uuid, subvolume: root.id)] == nil {
            sink.note(.uuid, root.place, "the tree of UUIDs does not know that of this subvolume")
        }
    }

    /// Reads a leaf of the tree of UUIDs.
    func readUUIDs(_ leaf: CheckedBlock) {
        for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
            let key = leaf.block.key(at: slot)
            guard key.type == .uuidSubvolume else { continue }
            let data = leaf.block.data(at: slot)
            for position in stride(from: 0, to: data.byteCount, by: 8) {
                guard let number = try? data.u64(at: position) else { break }
                let uuid = UUID(low: key.objectID.rawValue, high: key.offset)
                uuids[SubvolumeUUID(uuid: uuid, subvolume: ObjectID(number))] = leaf.place(slot, .uuidTree)
            }
        }
    }
}
