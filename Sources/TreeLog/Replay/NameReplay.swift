internal import BtrfsFormat
internal import BtrfsVolume

/// The replay of the names of one INODE_REF or INODE_EXTREF item.
///
/// The corresponding kernel functions are `__add_inode_ref` and `unlink_old_inode_refs`.
struct NameReplay: ~Copyable {
    let inode: ObjectID
    let key: Key
    /// The item as it will be, where it is not the logged one: a policy left out a name or gave it another index.
    private var rebuilt: [UInt8]?
    /// How many names of the item the subvolume has.
    private var nameCount = 0
    /// The directory whose committed names in this inode's INODE_REF were compared with the log's.
    private var prunedParent: ObjectID?

    enum Step {
        /// The subvolume has the name, at this index.
        case done(index: UInt64)
        /// The name is left out.
        case dropped
        /// The rest of the item is to be passed over.
        case stop
    }

    init(inode: ObjectID, key: Key) {
        self.inode = inode
        self.key = key
    }

    // MARK: One name

    /// Makes the subvolume have one name of the item.
    mutating func replay(
        _ name: RawSpan, index: UInt64, in parent: ObjectID, _ context: inout ReplayContext
    ) throws -> Step {
        guard let state = try context.directory(parent) else {
            throw context.failure(.missingDirectory(parent))
        }
        // The usual case, a new name: nothing has its index, so it cannot be there as it should be, and inserting
        // it finds out whether another inode has it.
        if index > state.highestIndex, inode != parent {
            if try link(name, index, parent, &context) == .added {
                try prune(parent, name, &context)
                return .done(index: index)
            }
        }
        let location = Key(inode, .inodeItem, 0)
        let byIndex = try context.names.entry(at: index, named: name, in: parent)
        let byName = try context.names.entry(named: name, in: parent)
        if byIndex?.location == location, byName?.location == location { return .done(index: index) }
        if inode == parent, try context.tree.contains(Key(inode, .inodeRef, parent.rawValue)) { return .stop }
        try prune(parent, name, &context)
        guard try takeName(name, index: index, in: parent, &context) else { return .dropped }
        return try add(name, index: index, in: parent, &context)
    }

    private func link(
        _ name: RawSpan, _ index: UInt64, _ parent: ObjectID, _ context: inout ReplayContext
    ) throws -> LinkResult {
        let type = try context.traits(of: inode).type
        return try context.addLink(
            name, at: index, to: inode, type: type, in: parent, backReference: .leave)
    }

    /// Removes the name from whoever has it, by its index and by its hash.
    private func takeName(
        _ name: RawSpan, index: UInt64, in parent: ObjectID, _ context: inout ReplayContext
    ) throws -> Bool {
        if let found = try context.names.entry(at: index, named: name, in: parent) {
            guard try context.takeName(name, in: parent, index: index, from: found, for: inode) else {
                return false
            }
        }
        if let found = try context.names.entry(named: name, in: parent) {
            return try context.takeName(name, in: parent, index: index, from: found, for: inode)
        }
        return true
    }

    private func add(
        _ name: RawSpan, index: UInt64, in parent: ObjectID, _ context: inout ReplayContext
    ) throws -> Step {
        var index = index
        while true {
            switch try link(name, index, parent, &context) {
            case .added:
                return .done(index: index)
            case .indexTaken:
                guard let next = try context.settleIndex(index, name, in: parent, of: inode) else {
                    return .dropped
                }
                index = next
            case .nameExists, .referenceExists, .collisionsFull, .referencesFull:
                throw context.failure(.damaged("the name cannot be added to directory \(parent)"))
            }
        }
    }

    // MARK: Names that the log lacks

    /// Before a name is added: removes the names that the inode has in the same directory and the log has not, from
    /// the INODE_REF item and from the INODE_EXTREF item with the hash of the name.
    private mutating func prune(
        _ parent: ObjectID, _ name: RawSpan, _ context: inout ReplayContext
    ) throws {
        // Such an inode has the names of the log and no others.
        if context.report.isNew(inode) { return }
        // Those of the item that is replayed itself are compared when it is finished.
        if key.type != .inodeRef, prunedParent != parent {
            prunedParent = parent
            let other = Key(inode, .inodeRef, parent.rawValue)
            try removeNames(of: other, onlyIn: nil, &context)
        }
        guard try context.hasExtrefs(inode) else { return }
        let hashed = Key(inode, .inodeExtref, NameHash.extref(parent: parent, name))
        if hashed != key { try removeNames(of: hashed, onlyIn: parent, &context) }
    }

    /// Removes the names of the subvolume's item under `key` that the log's item under that key lacks.
    private func removeNames(
        of key: Key, onlyIn parent: ObjectID?, _ context: inout ReplayContext
    ) throws {
        let tree = context.tree
        let logged = context.logged
        guard let committed = try tree.find(key) else { return }
        let names = try ReferenceComparison.names(of: committed, missingIn: try logged.find(key), key, parent)
        for name in names { try context.unlink(name.name.rawSpan, of: inode, in: name.directory) }
    }

    // MARK: The item

    mutating func keep(_ item: RawSpan, _ range: Range<Int>, index: UInt64, changed: Bool) {
        nameCount += 1
        if rebuilt == nil {
            guard changed else { return }
            rebuilt = item.extracting(0..<range.lowerBound).copied
        }
        var entry = item.extracting(range).copied
        if changed {
            let at = key.type == .inodeRef ? 0 : 8
            var span = entry.mutableSpan
            var raw = MutableRawSpan(_elements: &span)
            raw.store(index, at: at)
        }
        rebuilt?.append(contentsOf: entry)
    }

    mutating func drop(_ item: RawSpan, _ range: Range<Int>) {
        if rebuilt == nil { rebuilt = item.extracting(0..<range.lowerBound).copied }
    }

    /// Removes the subvolume's names that the log's item lacks, and puts the item.
    mutating func finish(_ item: borrowing LoggedItem, _ context: inout ReplayContext) throws {
        if rebuilt == nil {
            do throws(VolumeError) {
                try context.tree.insert(key, item.data)
                return context.fixUps.noteReferences(nameCount, of: inode)
            } catch {
                guard case .keyExists = error else { throw error }
            }
        }
        let final = rebuilt ?? []
        let isRebuilt = rebuilt != nil
        let tree = context.tree
        if let committed = try tree.find(key) {
            if !isRebuilt, committed.hasSameBytes(as: item.data) { return }
            let wanted = isRebuilt ? final.rawSpan : item.data
            let gone = try ReferenceComparison.names(of: committed, missingIn: wanted, key, nil)
            if !gone.isEmpty {
                if context.handles(.backReference) {
                    return try settle(gone, wanted, item, &context)
                }
                for name in gone { try context.unlink(name.name.rawSpan, of: inode, in: name.directory) }
            }
        }
        context.fixUp(inode)
        if isRebuilt, final.isEmpty {
            try tree.remove(key)
        } else {
            try tree.put(key, isRebuilt ? final.rawSpan : item.data)
        }
    }

    private func settle(
        _ gone: [InodeName], _ wanted: RawSpan, _ item: borrowing LoggedItem, _ context: inout ReplayContext
    ) throws {
        let committed = try context.tree.find(key)?.copied ?? []
        let conflict = Conflict(
            .backReference, at: context.place, inode: inode,
            logged: ConflictSide(inode: inode, bytes: wanted.copied),
            committed: ConflictSide(inode: inode, bytes: committed), name: gone[0].name,
            directory: gone[0].directory, index: gone[0].index,
            detail: "the log lacks \(gone.count) names that the inode has", mainline: .takeLogged,
            paths: context.paths)
        var final = wanted.copied
        switch try context.resolve(conflict) {
        case .takeLogged:
            for name in gone { try context.unlink(name.name.rawSpan, of: inode, in: name.directory) }
        case .keepCommitted, .skipItem:
            // The names stay: they are part of the item as well.
            for name in gone { final += name.entry(for: key.type) }
        case let answer: throw context.invalid(answer, .backReference)
        }
        context.fixUp(inode)
        try context.tree.put(key, final.rawSpan)
    }
}

/// Comparing the names of two INODE_REF or INODE_EXTREF items under the same key.
enum ReferenceComparison {
    /// The names of `item` that `other` lacks; nil stands for an item that does not exist.
    ///
    /// Both items mostly have their names in the same order: each search goes on where the last one ended.
    static func names(
        of item: RawSpan, missingIn other: RawSpan?, _ key: Key, _ parent: ObjectID?
    ) throws(FormatError) -> [InodeName] {
        var missing: [InodeName] = []
        var start = 0
        if key.type == .inodeRef {
            var entries = InodeRefs(item)
            while let entry = try entries.next() {
                if let other, try has(entry.name, nil, in: other, from: &start) { continue }
                missing.append(
                    InodeName(directory: ObjectID(key.offset), index: entry.index, name: entry.name.copied))
            }
            return missing
        }
        var entries = InodeExtrefs(item)
        while let entry = try entries.next() {
            if let parent, entry.parent != parent { continue }
            if let other, try has(entry.name, entry.parent, in: other, from: &start) { continue }
            missing.append(
                InodeName(directory: entry.parent, index: entry.index, name: entry.name.copied))
        }
        return missing
    }

    /// Whether `item` has the name, looked for from byte `start` on and then from the front. `start` becomes the end
    /// of the entry.
    private static func has(
        _ name: RawSpan, _ parent: ObjectID?, in item: RawSpan, from start: inout Int
    ) throws(FormatError) -> Bool {
        let from = start
        var end = try find(name, parent, in: item, from..<item.byteCount)
        if end == nil { end = try find(name, parent, in: item, 0..<from) }
        guard let end else { return false }
        start = end
        return true
    }

    private static func find(
        _ name: RawSpan, _ parent: ObjectID?, in item: RawSpan, _ range: Range<Int>
    ) throws(FormatError) -> Int? {
        let part = try item.slice(at: range.lowerBound, count: range.count)
        if let parent {
            var entries = InodeExtrefs(part)
            while let entry = try entries.next() {
                if entry.parent == parent, entry.name.hasSameBytes(as: name) {
                    return range.lowerBound + entry.byteRange.upperBound
                }
            }
            return nil
        }
        var entries = InodeRefs(part)
        while let entry = try entries.next() {
            if entry.name.hasSameBytes(as: name) { return range.lowerBound + entry.byteRange.upperBound }
        }
        return nil
    }
}

extension InodeName {
    /// The entry of an item of the given type.
    func entry(for type: KeyType) -> [UInt8] {
        type == .inodeRef
            ? InodeRefs.entry(index: index, name: name.rawSpan)
            : InodeExtrefs.entry(parent: directory, index: index, name: name.rawSpan)
    }
}
