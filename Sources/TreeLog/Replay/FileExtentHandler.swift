internal import BtrfsFormat
internal import BtrfsVolume

/// EXTENT_DATA: a piece of a file's content.
///
/// What the file has in the range is dropped, the item put, the extent made part of the extent tree, and the
/// checksums that the log has for it copied. The corresponding kernel function is `replay_one_extent`.
public struct FileExtentHandler: ReplayHandler {
    public var name: String { "FileExtentHandler" }
    public var stage: ReplayStage { .everything }

    /// The handler; it has no state.
    public init() {}

    public func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
        try context.selectFile(item.key.objectID)
        try replay(item.key, item.data, in: &context)
    }

    private func replay(_ key: Key, _ data: RawSpan, in context: inout ReplayContext) throws(LogError) {
        let extent: FileExtent
        do { extent = try FileExtent(data) } catch { throw context.failure(from: error) }
        let end = try check(extent, at: key.offset, context)
        if key.offset < context.file.end {
            if try isSame(key, data, extent, context) { return }
            if context.handles(.extent) {
                return try settle(key, data, extent, end: end, in: &context)
            }
        }
        try replay(extent, key, data, end: end, in: &context)
    }

    /// Puts the extent in place of what there is between its start and `end`.
    private func replay(
        _ extent: FileExtent, _ key: Key, _ data: RawSpan, end: UInt64, in context: inout ReplayContext
    ) throws(LogError) {
        let hasSpace = !extent.isInline && !extent.isHole
        // A reference more comes before what may be the last one goes.
        if hasSpace { try refer(to: extent, key, in: &context) }
        if key.offset < context.file.end {
            do {
                let dropped = try context.names.dropExtents(of: key.objectID, from: key.offset, to: end)
                context.file.byteCountDelta &-= Int64(truncatingIfNeeded: dropped)
            } catch { throw context.failure(from: error) }
        }
        // With NO_HOLES the gap that was made is the hole.
        if extent.isHole, !context.hasHoleItems { return }
        do { try context.names.insertExtent(data, of: key.objectID, at: key.offset) } catch {
            throw context.failure(from: error)
        }
        context.file.end = max(context.file.end, end)
        let byteCount = extent.isHole ? 0 : extent.fileByteCount
        context.file.byteCountDelta &+= Int64(truncatingIfNeeded: byteCount)
        context.report.update(key.objectID) {
            $0.extentCount += 1
            $0.byteCount &+= byteCount
        }
    }

    // MARK: Checks

    /// The end of the range that the extent takes in the file.
    private func check(
        _ extent: FileExtent, at start: UInt64, _ context: borrowing ReplayContext
    ) throws(LogError) -> UInt64 {
        guard extent.isInline || extent.kind == .regular || extent.kind == .preallocated else {
            throw context.failure(.damaged("an extent of kind \(extent.kind)"))
        }
        guard extent.generation <= context.transaction.generation else {
            // Linux does not look, and btrfs check calls the volume damaged afterwards.
            throw context.failure(.refused("an extent of generation \(extent.generation), which is yet to come"))
        }
        let count = extent.fileByteCount
        let (end, overflow) = start.addingReportingOverflow(count)
        // The last sector of the largest file ends behind it.
        guard !overflow, end <= FileSystem.contentEnd, let rounded = end.roundedUp(to: context.sectorSize) else {
            throw context.failure(.damaged("the extent ends beyond the largest file"))
        }
        if extent.isInline { return rounded }
        guard count > 0 else { throw context.failure(.damaged("the extent has no length")) }
        if extent.isHole { return end }
        let (diskEnd, diskOverflow) = extent.diskAddress.rawValue.addingReportingOverflow(extent.diskByteCount)
        let (pieceEnd, pieceOverflow) = extent.offset.addingReportingOverflow(extent.byteCount)
        guard !diskOverflow, diskEnd > extent.diskAddress.rawValue, !pieceOverflow else {
            throw context.failure(.damaged("the extent's place on disk is not valid"))
        }
        guard extent.compression != .none || pieceEnd <= extent.diskByteCount else {
            throw context.failure(.damaged("the piece reaches beyond its extent"))
        }
        return end
    }

    /// Whether the file has the very same extent already.
    private func isSame(
        _ key: Key, _ data: RawSpan, _ extent: FileExtent, _ context: borrowing ReplayContext
    ) throws(LogError) -> Bool {
        guard !extent.isInline else { return false }
        let tree = context.tree
        do {
            guard let committed = try tree.find(key) else { return false }
            return committed.hasSameBytes(as: data)
        } catch { throw context.failure(from: error) }
    }

    // MARK: Space

    private func refer(
        to extent: FileExtent, _ key: Key, in context: inout ReplayContext
    ) throws(LogError) {
        let start = extent.diskAddress
        let count = extent.diskByteCount
        let reference = DataReference(
            root: context.subvolume, inode: key.objectID, offset: key.offset &- extent.offset)
        let isNew: Bool
        do {
            switch try context.transaction.extentState(at: start, count: count) {
            case .allocated:
                try context.transaction.addReference(reference, to: start, count: count)
                isNew = false
            case .free:
                try context.transaction.exclude(start, count: count)
                try context.transaction.allocateDataExtent(at: start, count: count, reference: reference)
                isNew = true
            case .overlaps(let what):
                // Linux does not look, and the volume is damaged when it is used.
                throw context.failure(
                    .refused("the data extent \(start)+\(count) lies over used space: \(what)"))
            case .noBlockGroup:
                throw context.failure(.damaged("the data extent \(start)+\(count) lies in no data block group"))
            }
        } catch { throw context.failure(from: error) }
        // What nobody has written has no checksums, whatever the log says.
        guard extent.kind == .regular else { return }
        let missing = try context.copyChecksums(of: extent)
        if isNew, missing > 0 { try settleMissingChecksums(extent, key.objectID, missing, in: &context) }
    }

    private func settleMissingChecksums(
        _ extent: FileExtent, _ inode: ObjectID, _ missing: UInt64, in context: inout ReplayContext
    ) throws(LogError) {
        guard context.file.hasChecksums else { return }
        let detail = "the log has no checksums for \(missing) bytes of the extent at \(extent.diskAddress)"
        try context.tolerate(.missingChecksums, detail)
        context.report.update(inode) { $0.missingChecksumByteCount &+= missing }
        guard context.handles(.checksumRange) else { return }
        let conflict = Conflict(
            .checksumRange, at: context.place, inode: inode, detail: detail, mainline: .takeLogged,
            paths: context.paths)
        switch try context.resolve(conflict) {
        case .takeLogged: return
        case let answer: throw context.invalid(answer, .checksumRange)
        }
    }

    // MARK: Conflicts

    private func settle(
        _ key: Key, _ data: RawSpan, _ extent: FileExtent, end: UInt64, in context: inout ReplayContext
    ) throws(LogError) {
        let inode = key.objectID
        guard let committed = try context.firstExtent(of: inode, from: key.offset, to: end) else {
            return try replay(extent, key, data, end: end, in: &context)
        }
        let conflict = Conflict(
            .extent, at: context.place, inode: inode, logged: ConflictSide(inode: inode, bytes: data.copied),
            committed: ConflictSide(inode: inode, bytes: committed),
            detail: "the file has other extents between \(key.offset) and \(end)", mainline: .takeLogged,
            paths: context.paths)
        switch try context.resolve(conflict) {
        case .takeLogged:
            try replay(extent, key, data, end: end, in: &context)
        case .keepCommitted, .skipItem:
            return
        case .replace(let bytes):
            guard let other = try? FileExtent(bytes.rawSpan) else {
                throw context.invalid(.replace(bytes), .extent)
            }
            let otherEnd = try check(other, at: key.offset, context)
            try replay(other, key, bytes.rawSpan, end: otherEnd, in: &context)
        case let answer: throw context.invalid(answer, .extent)
        }
    }
}
