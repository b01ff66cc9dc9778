/// Why an `fsync` was a commit of everything instead of a write of the log.
///
/// A commit is always right: so whatever cannot be told by a log, and every failure while one is made, ends in one.
public enum FullCommitReason: String, Error, Sendable, CaseIterable, CustomStringConvertible {
    /// The volume was mounted without the log.
    case logNotUsed = "log_not_used"
    /// A chunk was allocated in this transaction: a replay does not know block groups that are not committed.
    case newChunk = "new_chunk"
    /// A subvolume or snapshot came into being in this transaction.
    case newSubvolume = "new_subvolume"
    /// A subvolume was renamed.
    case changedSubvolume = "changed_subvolume"
    /// A file was moved out of a directory or a subvolume was deleted from it, or a directory was moved itself, and has
    /// to be logged with all its names.
    case movedFile = "moved_file"
    /// A directory that held a logged file is gone.
    case deletedParent = "deleted_parent"
    /// A name of a logged file was that of a subvolume.
    case conflictWithSubvolume = "conflict_with_subvolume"
    /// A name of a logged file was that of a directory that was moved.
    case conflictWithMovedDirectory = "conflict_with_moved_directory"
    /// Names of the logged files were those of too many others.
    case tooManyConflicts = "too_many_conflicts"
    /// A file with new names has so many that some are in extended references.
    case extendedReferences = "extended_references"
    /// An item grew so that Linux could not bring it into the subvolume.
    case itemTooLarge = "item_too_large"
    /// A committed item of a plugin was deleted, which no log can tell.
    case deletedItem = "deleted_item"
    /// An item was put whose type nobody registered, so that its rule for the log is not known.
    case unknownItemType = "unknown_item_type"
    /// A logged file came under the protection of fs-verity, whose items no replay of Linux brings into the subvolume.
    case enabledVerity = "enabled_verity"
    /// Too many pieces of the file have changed.
    case tooManyExtents = "too_many_extents"
    /// No room for the log.
    case noSpace = "no_space"
    /// Somebody else asked for a commit at the same time.
    case requested
    /// A device or the volume failed while the log was made or written.
    case failure

    /// In words, without an article: `new subvolume`.
    public var description: String { rawValue.split(separator: "_").joined(separator: " ") }
}
