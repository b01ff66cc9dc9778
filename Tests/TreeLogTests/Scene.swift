import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// A volume with known content and a log made by hand.
///
/// The committed state: directory `d` (257) with the files `f00` to `f19` (258 to 277) at the indexes 2 to 21, each
/// with ten bytes inline.
struct Scene {
    static let directory = ObjectID(257)
    let devices: [MemoryDevice]
    var log: LogBuilder
    var generation: Generation { log.generation }

    init(image: String = "dir_fsync_deletes", startingWith start: LogBuilder.Start = .nothing) throws {
        devices = try Corpus.image(named: image).load()
        log = try LogBuilder(devices, startingWith: start)
    }

    // MARK: Items

    func item(
        mode: UInt32 = 0o100644, size: UInt64 = 0, nlink: UInt32 = 1, generation: Generation? = nil
    ) -> InodeItem {
        var item = InodeItem(
            generation: generation ?? self.generation, mode: mode, nlink: nlink,
            time: Timestamp(seconds: 1_600_000_000, nanoseconds: 1))
        item.transid = self.generation
        item.size = size
        return item
    }

    mutating func inode(_ inode: UInt64, _ item: InodeItem) {
        log.add(Key(ObjectID(inode), .inodeItem, 0), item.encoded)
    }

    mutating func reference(_ inode: UInt64, in parent: UInt64 = 257, _ names: [(UInt64, String)]) {
        let data = names.flatMap { InodeRefs.entry(index: $0.0, name: Array($0.1.utf8).rawSpan) }
        log.add(Key(ObjectID(inode), .inodeRef, parent), data)
    }

    mutating func index(
        _ index: UInt64, _ name: String, _ inode: UInt64, in parent: UInt64 = 257,
        type: DirEntryType = .regularFile, location: KeyType = .inodeItem
    ) {
        let entry = DirEntries.entry(
            location: Key(ObjectID(inode), location, location == .rootItem ? .max : 0), transid: generation,
            type: type, name: Array(name.utf8).rawSpan)
        log.add(Key(ObjectID(parent), .dirIndex, index), entry)
    }

    mutating func range(_ first: UInt64, _ last: UInt64, of directory: UInt64 = 257) {
        log.add(
            Key(ObjectID(directory), .dirLogIndex, first),
            [UInt8](byteCount: 8) { (span: inout MutableRawSpan) in span.store(last, at: 0) })
    }

    mutating func xattr(_ inode: UInt64, _ name: String, _ value: String) {
        let name = Array(name.utf8)
        let value = Array(value.utf8)
        log.add(
            Key(ObjectID(inode), .xattrItem, UInt64(NameHash.name(name.rawSpan))),
            DirEntries.entry(
                location: Key(ObjectID(0), KeyType(0), 0), transid: generation, type: .xattr,
                name: name.rawSpan, data: value.rawSpan))
    }

    mutating func inlineExtent(_ inode: UInt64, _ text: String) {
        let data = Array(text.utf8)
        let extent = FileExtent.inline(
            generation: generation, ramBytes: UInt64(data.count), inlineByteCount: data.count)
        log.add(Key(ObjectID(inode), .extentData, 0), extent.encoded(inlineData: data.rawSpan))
    }

    mutating func extent(
        _ inode: UInt64, at offset: UInt64, _ address: UInt64, count: UInt64,
        kind: FileExtent.Kind = .regular, generation: Generation? = nil
    ) {
        let extent = FileExtent(
            generation: generation ?? self.generation, kind: kind, ramBytes: count, diskAddress: LogicalAddress(address),
            diskByteCount: count, offset: 0, byteCount: count)
        log.add(Key(ObjectID(inode), .extentData, offset), extent.encoded)
    }

    /// Data on disk, with its checksums in the log.
    mutating func data(_ byte: UInt8, at address: UInt64, count: Int) throws {
        let data = [UInt8](repeating: byte, count: count)
        try log.writeData(data, at: LogicalAddress(address))
        log.add(Key(.extentChecksum, .extentChecksum, address), log.checksums(of: data))
    }

    /// A new file with one name.
    mutating func file(_ inode: UInt64, _ name: String, at index: UInt64) {
        self.inode(inode, item())
        reference(inode, [(index, name)])
    }

    // MARK: Running

    /// Writes the log and replays it without a commit.
    mutating func replay(
        registry: Registry = .mainline, policy: String = "mainline"
    ) throws -> Outcome {
        try log.write()
        let volume = try Volume(opening: devices)
        let options = ReplayOptions(now: Replays.now)
        let replayer = try Replayer(volume, registry: registry, policy: policy, options: options)
        let (transaction, report) = try replayer.run()
        let tree = try #require(try transaction.tree(.fileTree))
        return Outcome(transaction: transaction, report: report, names: Namespace(tree))
    }

    /// Writes the log and replays it, expecting that it fails.
    mutating func failure(
        registry: Registry = .mainline, policy: String = "mainline"
    ) throws -> LogError {
        do {
            _ = try replay(registry: registry, policy: policy)
        } catch let error as LogError {
            return error
        }
        Issue.record("the log was replayed")
        return LogError(.damaged("none"))
    }

    /// Commits and lets btrfs check judge.
    func expectWhole(_ outcome: Outcome) throws {
        try outcome.transaction.commit()
        if BtrfsCheck.isAvailable { try Replays.expectNoErrors(devices) }
    }
}

/// What a replay made of a scene.
struct Outcome {
    let transaction: Transaction
    let report: ReplayReport
    let names: Namespace

    var subvolume: SubvolumeReport { report.subvolumes[0] }

    func inode(_ inode: UInt64) throws -> InodeItem? { try names.inode(ObjectID(inode)) }

    /// The inode that a name in a directory stands for.
    func target(_ name: String, in directory: UInt64 = 257) throws -> UInt64? {
        try names.entry(named: Array(name.utf8).rawSpan, in: ObjectID(directory))?.location.objectID.rawValue
    }

    func isDeleted(_ inode: UInt64) throws -> Bool {
        try names.inode(ObjectID(inode)) == nil && !names.tree.contains(Key(.orphan, .orphanItem, inode))
    }

    func namesOf(_ inode: UInt64) throws -> [String] {
        try names.names(of: ObjectID(inode)).map { String(decoding: $0.name, as: UTF8.self) }
    }
}
