internal import BtrfsFormat

/// The state of a session, and what it does with it.
///
/// A value apart from the session, so that one access to it serves a whole leaf.
struct SessionState: ~Copyable {
    var context: ReplayContext
    let dispatch: DispatchTable
    private let filter: (any ItemFilter & AnyObject)?
    /// In a run that only finds out what to leave out, what was found.
    private(set) var found: [SkippedThing]?
    /// While set, items are passed over: they belong to an inode that had no name when it was logged.
    private var isIgnoring = false
    // What the pass `inodes`, which is the first, has seen: later ones need not look for what is not there.
    private var hasIgnoredInodes = false
    private var hasDirectoryIndex = false

    init(
        context: consuming ReplayContext, dispatch: DispatchTable, found: [SkippedThing]?
    ) {
        filter = context.policy.filter
        self.context = context
        self.dispatch = dispatch
        self.found = found
    }

    mutating func begin(_ stage: ReplayStage) {
        isIgnoring = false
        context.place = LogPlace(subvolume: context.subvolume, stage: stage)
    }

    mutating func replay(_ block: LogBlock, in stage: ReplayStage) throws(LogError) {
        if stage == .directoryIndex, !hasDirectoryIndex { return }
        let bytes: RawSpan
        do throws(LogError) { bytes = try block.read() } catch {
            return try handleDamage(of: block, error)
        }
        // All of the leaf is used now, and it was read before the last leaf of the stage `inodes`.
        if stage == .everything { block.bringIntoCache() }
        context.place.block = block.address
        let leaf = LeafView(bytes)
        let count: Int
        do { count = try leaf.count } catch { throw context.failure(from: error) }
        if stage == .everything { context.report.itemCount += count }
        let damagedItems = try block.damagedItems
        let filter = filter
        for slot in 0..<count {
            if !damagedItems.isEmpty, let damage = damagedItems.first(where: { $0.slot == slot }) {
                try passOver(damage, in: stage)
                continue
            }
            let item: LoggedItem
            let isOfStage: Bool
            do {
                let key = try leaf.key(at: slot)
                let itemStage = dispatch.stage(of: key.type)
                isOfStage = itemStage == stage
                if itemStage == .directoryIndex { hasDirectoryIndex = true }
                let saysWhatToIgnore = key.type == .inodeItem && (stage == .inodes || hasIgnoredInodes)
                guard isOfStage || saysWhatToIgnore else { continue }
                item = LoggedItem(key: key, data: try leaf.data(at: slot), block: block.address, slot: slot)
                if saysWhatToIgnore { try noteInode(item, stage) }
            } catch { throw context.failure(from: error) }
            guard isOfStage, !isIgnoring, context.leftOut.isEmpty || !isLeftOut(item) else { continue }
            let entry = dispatch[item.key.type]
            context.place.slot = slot
            context.place.key = item.key
            do throws(LogError) {
                if let filter, filter.sees(item.key.type) {
                    try replay(item, entry, through: filter)
                } else {
                    try replay(item, entry)
                }
            } catch { try settle(error, item) }
        }
    }

    /// Lets the policy decide about a damaged item, before anything of its inode is replayed.
    private mutating func passOver(_ damage: DamagedItem, in stage: ReplayStage) throws(LogError) {
        if damage.key.type == .inodeItem { isIgnoring = false }
        context.place.slot = damage.slot
        context.place.key = damage.key
        guard stage == .inodes, let block = context.place.block, !context.leftOut.contains(damage.key.objectID),
            !context.leftOut.contains(block, damage.slot)
        else { return }
        try settle(context.failure(from: damage.error), inode: damage.key.objectID)
    }

    /// An inode without a name was logged as it was being deleted: nothing of it is replayed.
    private mutating func noteInode(_ item: borrowing LoggedItem, _ stage: ReplayStage) throws(FormatError) {
        isIgnoring = try InodeItem.nlink(in: item.data) == 0
        guard isIgnoring, stage == .inodes else { return }
        context.report.ignoredInodeCount += 1
        hasIgnoredInodes = true
    }

    private func isLeftOut(_ item: borrowing LoggedItem) -> Bool {
        context.leftOut.contains(item.key.objectID) || context.leftOut.contains(item.block, item.slot)
    }

    @inline(__always)
    private mutating func replay(_ item: borrowing LoggedItem, _ entry: DispatchTable.Entry) throws(LogError) {
        switch entry.action {
        case .replay:
            guard item.key.objectID.isFile || ItemType.isCustom(item.key.type) else {
                // Linux takes inodes under such numbers, and btrfs check calls the volume damaged afterwards.
                throw context.failure(.refused("an item under \(item.key.objectID), a number that no file has"))
            }
            if entry.hasValidator, let validator = entry.validator { try validate(item, validator) }
            try entry.handler.replay(item, in: &context)
        case .passOver(let tolerance):
            context.report.ignoredItems[item.key.type, default: 0] += 1
            let key = item.key
            try context.tolerate(tolerance, "an item \(key), which replay does not know")
        case .refuse:
            throw context.failure(.unregisteredType(item.key.type))
        case .nothing:
            break
        }
    }

    private mutating func replay(
        _ item: borrowing LoggedItem, _ entry: DispatchTable.Entry, through filter: any ItemFilter & AnyObject
    ) throws(LogError) {
        switch try filter.judge(item, in: &context) {
        case .replay: try replay(item, entry)
        case .ignoreItem(let reason):
            context.report.leftOut.append(
                SkippedThing(.item(context.place), of: context.subvolume, reason: reason, at: context.place))
        case .ignoreInode(let reason):
            let thing = SkippedThing(
                .inode(item.key.objectID), of: context.subvolume, reason: reason, at: context.place)
            throw context.failure(.leaveOut(thing))
        case .replace(let bytes):
            let other = LoggedItem(key: item.key, data: bytes.rawSpan, block: item.block, slot: item.slot)
            try replay(other, entry)
        case .stop(let reason):
            throw context.failure(.plugin("policy '\(context.policy.name)' stopped at this item: \(reason)"))
        }
    }

    private func validate(
        _ item: borrowing LoggedItem, _ validator: any ItemValidator
    ) throws(LogError) {
        do { try validator.validate(key: item.key, data: item.data) } catch {
            throw context.failure(from: error)
        }
    }

    /// Counts the links of all inodes that need it, after the last leaf of the stage `everything`.
    mutating func settleLinkCounts() throws(LogError) {
        do throws(LogError) { try LinkCounts.settle(&context) } catch { try settle(error, inode: error.inode) }
    }

    // MARK: Decisions

    /// Lets the policy decide about an item that could not be replayed.
    private mutating func settle(_ error: LogError, _ item: borrowing LoggedItem) throws(LogError) {
        try settle(error, inode: item.key.objectID, bytes: item.data.copied)
    }

    @inline(never)
    private mutating func settle(
        _ error: LogError, inode: ObjectID?, bytes: [UInt8]? = nil
    ) throws(LogError) {
        if case .leaveOut(let thing) = error.cause { return try leaveOut(thing, error) }
        guard let kind = error.conflictKind, context.handles(kind), let inode else { throw error }
        let conflict = Conflict(
            kind, at: error.place, inode: inode, logged: bytes.map { ConflictSide(inode: inode, bytes: $0) },
            detail: error.causeText, mainline: .abort(reason: error.causeText), paths: context.paths)
        do throws(LogError) {
            switch try context.resolve(conflict) {
            case .skipItem, .keepCommitted:
                try leaveOut(
                    SkippedThing(.item(error.place), of: context.subvolume, reason: error.causeText, at: error.place),
                    error)
            case let answer: throw context.invalid(answer, kind)
            }
        } catch {
            guard case .leaveOut(var thing) = error.cause else { throw error }
            if !inode.isFile { thing.what = .item(error.place) }
            try leaveOut(thing, error)
        }
    }

    /// Ends this run so that the next one leaves `thing` out; a run that only collects goes on.
    private mutating func leaveOut(_ thing: SkippedThing, _ error: LogError) throws(LogError) {
        guard found != nil else { throw LogError(.leaveOut(thing), at: error.place) }
        // From here on the run leaves it out, so that it finds what depends on that as well.
        guard context.leftOut.insert(thing) else { return }
        found?.append(thing)
    }

    /// Lets the policy decide about a block that cannot be read: every inode of which it may hold an item.
    mutating func handleDamage(of block: LogBlock, _ error: LogError) throws(LogError) {
        guard context.handles(.damagedItem) else { throw error }
        let range = block.inodeRange
        if context.leftOut.contains(range) { return }
        let conflict = Conflict(
            .damagedItem, at: error.place, inode: ObjectID(range.lowerBound), detail: error.causeText,
            mainline: .abort(reason: error.causeText), paths: context.paths)
        let thing = SkippedThing(
            .inodes(range), of: context.subvolume, reason: error.causeText, at: error.place)
        do throws(LogError) {
            switch try context.resolve(conflict) {
            case .skipItem, .keepCommitted: break
            case let answer: throw context.invalid(answer, .damagedItem)
            }
        } catch {
            guard case .leaveOut = error.cause else { throw error }
        }
        try leaveOut(thing, error)
    }
}
