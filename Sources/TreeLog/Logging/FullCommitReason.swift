/// Why an `fsync` was a commit of everything instead of a write of the log.
///
/// A commit is always right: so whatever cannot be told by a log, and every failure while one is made, ends in one.
public enum FullCommitReason: String, Error, Sendable, CaseIterable {
    /// The volume was mounted without the log.
    case logNotUsed
    /// A chunk was allocated in this transaction: a replay does not know block groups that are not committed.
    case newChunk
    /// A subvolume or snapshot came into being in this transaction.
    case newSubvolume
    /// A subvolume was renamed.
    case changedSubvolume
    /// A file was moved out of a directory or a subvolume was deleted from it, or a directory was moved itself, and has
    /// to be logged with all its names.
    case movedFile
    /// A directory that held a logged file is gone.
    case deletedParent
    /// A name of a logged file was that of a subvolume.
    case conflictWithSubvolume
    /// A name of a logged file was that of a directory that was moved.
    case conflictWithMovedDirectory
    /// Names of the logged files were those of too many others.
    case tooManyConflicts
    /// A file with new names has so many that some are in extended references.
    case extendedReferences
    /// An item grew so that Linux could not bring it into the subvolume.
    case itemTooLarge
    /// A committed item of a plugin was deleted, which no log can tell.
    case deletedItem
    /// An item was put whose type nobody registered, so that its rule for the log is not known.
    case unknownItemType
    /// A logged file came under the protection of fs-verity, whose items no replay of Linux brings into the subvolume.
    case enabledVerity
    /// Too many pieces of the file have changed.
    case tooManyExtents
    /// The log had grown so that going on with it would have written more than a commit; see
    /// `MountOptions.commitsLongLogs`.
    case longLog
    /// No room for the log.
    case noSpace
    /// Somebody else asked for a commit at the same time.
    case requested
    /// A device or the volume failed while the log was made or written.
    case failure
}
