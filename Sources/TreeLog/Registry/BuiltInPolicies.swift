extension Policy {
    /// What Linux 6.18 does, bit for bit where it can be seen; and what Linux takes blindly although it harms the
    /// volume is refused.
    public static let mainlineName = "mainline"
    /// What Linux 6.18 does; the base of all other policies.
    public static var mainline: Policy {
        Policy(name: mainlineName, summary: "What Linux 6.18 does.", base: nil)
    }

    /// Fails on what Linux tolerates but should not, before anything is written:
    ///
    /// - extents of files with checksums for which the log has none;
    /// - names of inodes that do not exist, and references to directories that do not exist;
    /// - logs of subvolumes that do not exist;
    /// - DIR_ITEM and DIR_LOG_ITEM entries of kernels before 5.17, and items of types replay does not know.
    public static var strict: Policy {
        Policy(
            name: "strict", summary: "Fails on anything that Linux tolerates but should not.", base: mainlineName,
            tolerances: [.removedXattrs, .lostInodes])
    }

    /// Replays all that can be replayed: an inode comes over whole or not at all.
    ///
    /// An inode with an item that is damaged, refused or without its inode is left out: all its logged items are
    /// passed over, it keeps its committed state and its committed names, and no other inode may take those. Log
    /// blocks that cannot be read take with them every inode of which they hold or may hold an item. The report
    /// lists each with the reason. Each time something has to be left out the replay starts again from the
    /// committed state, so it never builds on half an inode; that happens at most once for each inode of the log.
    public static var salvage: Policy {
        Policy(
            name: "salvage", summary: "Replays every inode that can be replayed whole, and lists the others.",
            base: mainlineName,
            resolvers: [
                .damagedItem: FixedResolver(.skipInode), .missingInode: SalvageResolver(),
                .missingParent: SalvageResolver(), .customItem: SalvageResolver(),
                .index: FixedResolver(.keepCommitted), .name: SalvageResolver(),
                .deletedName: SalvageResolver(),
            ])
    }
}

/// Leaves out whole inodes wherever the kernel would fail, and does what the kernel does elsewhere.
struct SalvageResolver: ConflictResolver {
    func resolve(_ conflict: Conflict) throws(LogError) -> Resolution {
        if case .abort = conflict.mainline { return .skipInode }
        guard conflict.committed?.isLeftOut == true else { return conflict.mainline }
        // The other inode keeps its name since it is not replayed.
        return conflict.kind == .deletedName ? .keepCommitted : .skipInode
    }
}
