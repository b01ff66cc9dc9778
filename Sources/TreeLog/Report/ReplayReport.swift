public import BtrfsFormat
internal import BtrfsVolume

/// What a replay did, or in a dry run would do.
public struct ReplayReport: Sendable {
    /// The generation of the superblock before the replay.
    public var committedGeneration: Generation
    /// The generation that the commit of the replay gives the volume.
    public var generation: Generation
    /// The name of the policy.
    public var policy: String
    /// Which handler replays which type of item, and when.
    public var handlers: [HandlerReport] = []
    /// By descending number, in the order of the replay.
    public var subvolumes: [SubvolumeReport] = []
    /// How many log blocks there are, all of them kept from being allocated.
    public var logBlockCount = 0
    /// How often the replay started again because something had to be left out.
    public var restartCount = 0
    /// The plugins in force, with what they reported.
    public var extensions: [ExtensionReport] = []

    /// A report in which nothing has been done.
    public init(committedGeneration: Generation, generation: Generation, policy: String) {
        self.committedGeneration = committedGeneration
        self.generation = generation
        self.policy = policy
    }

    /// Everything that was left out.
    public var skipped: [SkippedThing] { subvolumes.flatMap(\.skipped) }

    /// Whether a policy left out something that Linux would have replayed or failed at.
    public var isPartial: Bool { subvolumes.contains { !$0.leftOut.isEmpty } }
}

/// A handler in force.
public struct HandlerReport: Equatable, Sendable {
    /// The name of the item type.
    public var itemType: String
    /// Its key type.
    public var keyType: KeyType
    /// The name of the handler.
    public var handler: String
    /// When it is called.
    public var stage: ReplayStage
}

/// What was done in one subvolume.
public struct SubvolumeReport: Sendable {
    /// The number of the subvolume.
    public var subvolume: ObjectID
    /// False when the log was skipped: the subvolume does not exist, or a policy left the log out.
    public var isReplayed: Bool
    /// Items of the log that were looked at in the stage `everything`.
    public var itemCount = 0
    /// Inodes whose items were passed over since they had no name any more when they were logged.
    public var ignoredInodeCount = 0
    /// Names taken from another inode.
    public var takenNameCount = 0
    /// Items of types that replay does not know, by key type.
    public var ignoredItems: [KeyType: Int] = [:]
    /// How often something odd was let pass.
    public var tolerated: [Tolerance: Int] = [:]
    /// Conflicts that the policy decided; those that the built-in rules settle are not listed.
    public var conflicts: [ConflictReport] = []
    /// Single names and items that were passed over, as Linux does as well.
    public var passedOver: [SkippedThing] = []
    /// What the policy left out of the log.
    public var leftOut: [SkippedThing] = []
    /// What happened to each inode, in the order in which it was first touched.
    public private(set) var inodes: [InodeReport] = []
    private var slots = AscendingMap()
    /// The inode looked at last, and the one before it: for a name that is often a file and its directory.
    private var lastSlot = -1
    private var slotBefore = -1
    /// Names given to committed files by the answer `keepBoth`.
    public private(set) var renames: [RenameReport] = []

    init(subvolume: ObjectID, isReplayed: Bool = true, leftOut: [SkippedThing] = []) {
        self.subvolume = subvolume
        self.isReplayed = isReplayed
        self.leftOut = leftOut
    }

    /// All that was not replayed, by the policy or as Linux does.
    public var skipped: [SkippedThing] { leftOut + passedOver }

    /// Changes what the report says of an inode.
    @inline(__always)
    public mutating func update(_ inode: ObjectID, _ change: (inout InodeReport) -> Void) {
        if lastSlot < 0 || inodes[lastSlot].inode != inode { select(inode) }
        change(&inodes[lastSlot])
    }

    private mutating func select(_ inode: ObjectID) {
        let (last, before) = (lastSlot, slotBefore)
        slotBefore = last
        lastSlot =
            // Items come by ascending inode, so the next one is mostly the neighbour.
            if isSlot(before, of: inode) {
                before
            } else if isSlot(last + 1, of: inode) {
                last + 1
            } else if isSlot(before + 1, of: inode) {
                before + 1
            } else if let slot = slots[inode.rawValue] {
                Int(slot)
            } else { inodes.count }
        guard lastSlot == inodes.count else { return }
        slots.put(inode.rawValue, UInt64(lastSlot))
        inodes.appendToLongList(InodeReport(inode: inode))
    }

    private func isSlot(_ slot: Int, of inode: ObjectID) -> Bool {
        slot >= 0 && slot < inodes.count && inodes[slot].inode == inode
    }

    mutating func noteInode(_ inode: ObjectID, mode: UInt32, isNew: Bool) {
        update(inode) {
            $0.isLogged = true
            $0.isNew = isNew
            $0.mode = mode
        }
    }

    func isLogged(_ inode: ObjectID) -> Bool { report(of: inode)?.isLogged ?? false }

    /// Whether the replay made the inode.
    func isNew(_ inode: ObjectID) -> Bool { report(of: inode)?.isNew ?? false }

    private func report(of inode: ObjectID) -> InodeReport? {
        if lastSlot >= 0, inodes[lastSlot].inode == inode { return inodes[lastSlot] }
        return slots[inode.rawValue].map { inodes[Int($0)] }
    }

    mutating func note(_ conflict: Conflict, _ resolution: Resolution) {
        conflicts.append(
            ConflictReport(
                kind: conflict.kind, place: conflict.place, inode: conflict.inode, name: conflict.name,
                directory: conflict.directory, detail: conflict.detail, resolution: resolution))
    }

    /// Notes something that was passed over.
    public mutating func skip(_ what: SkippedThing.What, _ reason: String, at place: LogPlace) {
        passedOver.append(SkippedThing(what, of: subvolume, reason: reason, at: place))
    }

    mutating func noteRename(_ inode: ObjectID, to name: [UInt8]) {
        renames.append(RenameReport(inode: inode, name: name))
    }
}

/// A committed file that got another name because a logged one took its own.
public struct RenameReport: Equatable, Sendable {
    /// The inode.
    public var inode: ObjectID
    /// The name it has now.
    public var name: [UInt8]
}

/// A conflict and how the policy decided it.
public struct ConflictReport: Sendable {
    /// What log and subvolume disagreed about.
    public var kind: ConflictKind
    /// The item of the log.
    public var place: LogPlace
    /// The inode of the conflict.
    public var inode: ObjectID
    /// For names: the name.
    public var name: [UInt8]?
    /// For names: the directory.
    public var directory: ObjectID?
    /// What was wrong, in a sentence.
    public var detail: String
    /// What was done.
    public var resolution: Resolution
}

/// What happened to one inode.
public struct InodeReport: Equatable, Sendable {
    /// The number of the inode.
    public var inode: ObjectID
    /// File type and permissions by the log; 0 for an inode of which only names changed.
    public var mode: UInt32 = 0
    /// Whether the log has an inode item.
    public var isLogged = false
    /// Whether the inode did not exist before.
    public var isNew = false
    /// Whether the inode ended without a name and was deleted.
    public var isOrphan = false
    /// How many names it got.
    public var addedNameCount: UInt32 = 0
    /// How many names it lost.
    public var removedNameCount: UInt32 = 0
    /// How many extended attributes were set.
    public var setXattrCount: UInt32 = 0
    /// How many extended attributes were removed.
    public var removedXattrCount: UInt32 = 0
    /// How many items of plugins were copied.
    public var customItemCount: UInt32 = 0
    /// How many extents came from the log, holes too.
    public var extentCount: UInt32 = 0
    /// Bytes of the file's content that came from the log, without holes.
    public var byteCount: UInt64 = 0
    /// Bytes of extents for which the log lacks checksums though the file has them.
    public var missingChecksumByteCount: UInt64 = 0

    init(inode: ObjectID) { self.inode = inode }
}
