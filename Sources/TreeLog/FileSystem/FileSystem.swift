public import BlockDevices
internal import BtrfsFormat
public import BtrfsVolume

/// A mounted volume: its files can be read and changed.
///
/// Changes are made at once in the trees of the running transaction, in memory; file data is written to its new place
/// at once, without a flush. `sync` commits the transaction and begins the next, `fsync` makes one file durable. A
/// crash takes the volume back to the last commit, with what was logged since.
///
/// Every operation exists by path, those on content also by the place of the file. Paths are bytes, with names joined
/// by `/`, from the root of the top-level subvolume on. Nobody's permissions are checked: whoever has the volume in
/// hand is root. Whatever an operation would break is found out before it changes anything.
///
/// Any operation on a path may fail with ENOENT, ENOTDIR, ELOOP and ENAMETOOLONG, any that changes something with
/// EROFS and ENOSPC, and each with EIO for a device and EUCLEAN for a volume that is damaged; an operation names all
/// others, and those that have another meaning there.
///
/// A file system is used by one thread at a time.
public final class FileSystem {
    /// The volume.
    public let volume: Volume
    /// How it was mounted.
    public let options: MountOptions
    /// What was replayed at the mount; nil where there was no log.
    public private(set) var replayReport: ReplayReport?
    /// The running transaction.
    public internal(set) var transaction: Transaction
    /// Whether the running transaction has changes.
    var isChanged = false
    /// Whether the operation that runs changes something.
    private(set) var isChanging = false
    /// Why nothing can be changed any more: a change failed in the middle.
    var abortReason: (any Error)?
    var isAborted: Bool { abortReason != nil }
    var isUnmounted = false

    var namespaces: [ObjectID: Namespace] = [:]
    private var currentFiles: VolumeFiles?
    /// The inodes that were changed or opened since the last commit, or are open.
    var inodes: [FileLocation: InodeState] = [:]
    /// The subvolumes with inodes that were changed in the running transaction.
    var changedSubvolumes: Set<ObjectID> = []
    /// The numbers for the next inodes, by subvolume; those of deleted inodes are not used again.
    var nextInodeNumbers: [ObjectID: ObjectID] = [:]
    /// The logs of the running transaction.
    private(set) lazy var log = LogState(self)
    /// The files without names whose deletion is still to be done.
    var deletions: [FileLocation] = []
    /// When the last operation was.
    private(set) var lastTime = Timestamp.zero
    /// The extents that got more users in the running transaction: the extent tree does not know yet.
    var newlyShared: Set<LogicalAddress> = []

    /// Mounts the volume on `devices`: replays its log, if it has one, and deletes files without names.
    ///
    /// - Throws: `FileSystemError` when the volume cannot be opened or changed, or its log cannot be replayed.
    public init(mounting devices: [any BlockDevice], _ options: MountOptions = MountOptions()) throws(FileSystemError) {
        self.options = options
        do {
            let volume = try Volume(opening: devices)
            self.volume = volume
            if volume.superblock.logRoot.rawValue != 0 {
                let replayOptions = ReplayOptions(now: options.clock())
                let replayer = try Replayer(
                    volume, registry: options.registry, policy: options.policy, options: replayOptions)
                let (replayed, report) = try replayer.run()
                replayReport = report
                if options.isReadOnly {
                    transaction = replayed
                } else {
                    try replayed.commit()
                    transaction = try Transaction(on: volume)
                }
            } else {
                transaction = try Transaction(on: volume)
            }
        } catch { throw FileSystem.failure(error, "mount", []) }
        if !options.isReadOnly { try deleteOrphans() }
    }

    // MARK: Operations

    /// Runs an operation that only reads.
    func reading<Result>(
        _ operation: String, _ path: some FilePath, _ body: ([UInt8]) throws -> Result
    ) throws(FileSystemError) -> Result {
        let path = path.pathBytes
        do {
            guard !isUnmounted else { throw Errno.badFile }
            return try body(path)
        } catch { throw Self.failure(error, operation, path) }
    }

    /// Runs an operation that changes something. Up to `change` it may fail at will; what fails in there leaves the
    /// transaction in pieces, and ends all changes. Where space is short it is tried again after a commit.
    func changing<Result>(
        _ operation: String, _ path: some FilePath, _ body: ([UInt8]) throws -> Result
    ) throws(FileSystemError) -> Result {
        let path = path.pathBytes
        do {
            guard !isUnmounted else { throw Errno.badFile }
            guard !options.isReadOnly else { throw Errno.readOnly }
            if let abortReason { throw FileSystemError(.readOnly, operation, path: path, cause: abortReason) }
            isChanging = true
            defer { isChanging = false }
            let result = try withRoom { try body(path) }
            try finishDeletions()
            return result
        } catch { throw Self.failure(error, operation, path) }
    }

    /// Runs an operation that only reads, on a file that is not given by a path.
    func reading<Result>(
        _ operation: String, _ file: FileLocation, _ body: () throws -> Result
    ) throws(FileSystemError) -> Result {
        do { return try reading(operation, "") { _ in try body() } } catch { throw error.of(file) }
    }

    /// Runs an operation that changes something, on a file that is not given by a path.
    func changing<Result>(
        _ operation: String, _ file: FileLocation, _ body: () throws -> Result
    ) throws(FileSystemError) -> Result {
        do { return try changing(operation, "") { _ in try body() } } catch { throw error.of(file) }
    }

    /// Does something that may find no room; then once more after a commit, when what was freed can be used.
    func withRoom<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch {
            guard isChanged, !isAborted, case .noSpace? = error as? VolumeError else { throw error }
            try commit()
            return try body()
        }
    }

    /// Makes the changes of an operation, after all was checked.
    ///
    /// - Parameters:
    ///   - blocks: how many tree blocks they may copy or add at most.
    ///   - references: how many references of extents they change besides.
    ///   - makesRoom: whether they free more than they take, and may use what others have to leave.
    func change<Result>(
        blocks: Int, references: Int = 0, makesRoom: Bool = false, _ body: () throws -> Result
    ) throws -> Result {
        try transaction.reserveMetadata(blocks: blocks, references: references, usesReserve: makesRoom)
        isChanged = true
        do { return try body() } catch {
            abortReason = error
            throw error
        }
    }

    static func failure(_ error: any Error, _ operation: String, _ path: [UInt8]) -> FileSystemError {
        switch error {
        case let error as FileSystemError: error
        case let error as Errno: FileSystemError(error, operation, path: path)
        case let error as VolumeError: FileSystemError(Errno(error), operation, path: path, cause: error)
        default: FileSystemError(.needsCleaning, operation, path: path, cause: error)
        }
    }

    // MARK: Trees

    /// The files of a subvolume, to read and change.
    func namespace(of subvolume: ObjectID) throws -> Namespace {
        if let namespace = namespaces[subvolume] { return namespace }
        guard subvolume.isSubvolume, let tree = try transaction.tree(subvolume) else { throw Errno.noEntry }
        let namespace = Namespace(tree, in: transaction)
        namespaces[subvolume] = namespace
        return namespace
    }

    /// All files as they are now, with what is not committed.
    var files: VolumeFiles {
        if let currentFiles { return currentFiles }
        let transaction = self.transaction
        let files = VolumeFiles(volume) { (id: ObjectID) throws(VolumeError) in try transaction.tree(id) }
        currentFiles = files
        return files
    }

    /// Forgets what was made for reading of subvolumes; needed when one comes or goes, and after a commit.
    func forgetReaders() { currentFiles = nil }

    /// The time of the operation that runs.
    func now() -> Timestamp {
        let time = options.clock()
        lastTime = time
        return time
    }

    /// The inode item of a file.
    func item(_ location: FileLocation) throws -> InodeItem {
        if location.inode == .emptySubvolume {
            return InodeItem(generation: 0, mode: 0o040755, nlink: 1, time: lastTime)
        }
        guard let item = try namespace(of: location.subvolume).inode(location.inode) else { throw Errno.noEntry }
        try Self.check(item, of: location.inode)
        return item
    }

    /// - Throws: `VolumeError.damaged` for a size that no file can have, and with which nobody can reckon.
    static func check(_ item: InodeItem, of inode: ObjectID) throws(VolumeError) {
        guard item.size <= maximumFileByteCount else {
            throw .damaged("inode \(inode) has a size of \(item.size) bytes, which no file has")
        }
    }

    /// - Throws: EROFS when the subvolume is read-only.
    func checkWritable(_ subvolume: ObjectID) throws {
        if try transaction.rootItem(of: subvolume)?.flags.contains(.readOnly) == true { throw Errno.readOnly }
    }

    // MARK: Ending

    /// Makes all changes durable, and ends the use of this file system. Files that are open without a name are deleted.
    public func unmount() throws(FileSystemError) {
        guard !isUnmounted else { return }
        if !options.isReadOnly, abortReason == nil {
            try sync()
            for state in inodes.values { state.openCount = 0 }
            try deleteOrphans()
            try sync()
        }
        isUnmounted = true
    }

    /// The whole visible state with what is not committed, as one JSON document; see `VolumeState`.
    public func state() throws(FileSystemError) -> [UInt8] {
        try reading("state", "") { _ in
            var collector = ByteCollector(limit: 1 << 30)
            // The extent tree learns of references only at the commit: which extents are shared is told as of the last.
            let transaction = self.transaction
            let files = VolumeFiles(volume) { (id: ObjectID) throws(VolumeError) in try transaction.tree(id) }
            try VolumeState(files).write(to: &collector)
            return collector.bytes
        }
    }
}
